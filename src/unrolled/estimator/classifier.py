"""`SequenceClassifier`: a recurrent network wherever scikit-learn takes a classifier."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, validate_data

from unrolled.config import Recipe, TokenKind
from unrolled.data import Integers, Sequences, check_trainable, encode_labels, refuse_values, token_kind
from unrolled.errors import InterruptedRunError, MismatchError
from unrolled.estimator.inputs import (
    Weights,
    class_factors,
    distinct_cases,
    is_table,
    to_sequences,
    unwrapped,
    with_targets,
)
from unrolled.estimator.parameters import constructor, make_recipe, parameters_of
from unrolled.estimator.recording import (
    fitted_facts,
    from_arrays,
    make_facts,
    recorded_classes,
    recorded_parameters,
    to_arrays,
)
from unrolled.model import Model
from unrolled.preparation import learn_intake
from unrolled.readout import Training, go_on, set_up
from unrolled.runtime import choose_device, using_threads
from unrolled.training import TrainState, training_threads
from unrolled.training.recorders import PlainLines

Labels = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]

_ONE_PASS = {"max_epochs": 1, "schedule": "constant", "average_decay": 0.0, "patience": None, "keep": "last"}
"""What `partial_fit` changes: it cannot know how much is still to come."""


class SequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A recurrent classifier of sequences, with scikit-learn's interface.

    X may be a list of arrays [T_i, F] or [T_i], an array [N, T, F], a table [N, T] (sequences of one
    channel), a list of texts, or `Sequences`. The parameters are the fields of the configuration and mean the same;
    see ``help(SequenceClassifier.__init__)``.

    Training sees each case that differs once, weighed by how often it was given: the order of the cases
    does not matter, and a whole weight is exactly a repetition. Where the output layer is fitted in closed form, as by
    default, a quarter of the cases (at most about 1,000) is set aside to see whether training is significantly better;
    otherwise the start, fitted to all cases, is kept. With ``method="fitted"`` there is no training, with
    ``method="trained"`` nothing is held out. Where there are sequences to choose the best weights by, ``fit`` takes
    them as ``validation``.

    Attributes:
        classes_: the labels, sorted, in the dtype they were given in, [C].
        n_features_in_: channels of a step; of a table, its columns.
        history_: the figures of each pass, a list for each, such as ``history_["train_loss"]``.
        model_: the `Model`, for what scikit-learn has no word for.
    """

    classes_: Labels
    n_features_in_: int
    history_: dict[str, list[Any]]
    model_: Model
    _table: bool
    _tokens: TokenKind | None
    _memory: dict[str, npt.NDArray[Any]] | None

    __init__ = constructor()

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, validation: tuple[Any, Any] | None = None
    ) -> Self:
        """Trains a new network; with ``warm_start``, the weights of the fit before go on learning.

        Args:
            X: the sequences; see the class.
            y: their labels, [N]; may be left out where X are `Sequences` that have labels.
            sample_weight: how much each counts, [N]; a case of weight 0 is absent, classes and all.
            validation: (X, y) to choose the best weights by, and to stop early with ``patience``.
        Raises:
            ValueError: for input that scikit-learn's own classifiers refuse.
            UnrolledError: for sequences or parameters that make no sense, saying what to do.
        """
        former = self.classes_ if self.warm_start and hasattr(self, "model_") else None
        sequences, labels = self._validated(X, y)
        weights = _sample_weights(sample_weight, len(sequences))
        present = np.flatnonzero(weights)
        self.classes_ = np.unique(labels[present])
        self._check_classes(former)
        recipe = make_recipe(self.get_params(deep=False), self._seed())
        train, case_weights = self._cases(sequences.take(present), labels[present], weights[present])
        held = None if validation is None else self._held_out(*validation)
        case_weights = case_weights / case_weights.mean()
        intake = learn_intake(train, recipe.data) if former is None else self.model_.facts.intake
        train, held = intake(train), None if held is None else intake(held)
        training = self._training(recipe, train, held, case_weights, goes_on=former is not None)
        self._train(training)
        self._memory = None
        self._finish(recipe, train, training.state, _curves(training.state))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One pass over these sequences, at a constant learning rate, from where the weights are.

        The first call sets what later ones keep: the channels, their mean and deviation, the classes.

        Args:
            X: the sequences.
            y: their labels, [N].
            classes: all labels there will ever be; needed at the first call, if they are not all in y.
            sample_weight: how much each counts, [N].
        """
        first = not hasattr(self, "model_")
        sequences, labels = self._validated(X, y, reset=first)
        if self.class_weight == "balanced":
            raise ValueError("class_weight = 'balanced' needs all cases at once; give partial_fit a dict, or None.")
        if self.get_params(deep=False)["method"] == "fitted":
            raise ValueError("method = 'fitted' needs all cases at once; use fit, or method = 'trained'.")
        former = None if first else self.classes_
        if first or classes is not None:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        self._check_classes(former)
        before = {} if first else self.history_
        passes = len(before.get("epoch", []))
        seed = int(np.random.SeedSequence((self._seed(), passes)).generate_state(1)[0])  # each pass drops others
        recipe = make_recipe(self.get_params(deep=False), seed).with_options(_ONE_PASS)
        train, case_weights = self._cases(sequences, labels, _sample_weights(sample_weight, len(sequences)))
        train = (learn_intake(train, recipe.data) if first else self.model_.facts.intake)(train)
        training = self._training(recipe, train, None, case_weights, goes_on=not first)
        state = training.state
        if not first and self._memory is not None:
            state.optimizer.restore({name: torch.tensor(value) for name, value in self._memory.items()})
        self._train(training)
        self._memory = {name: value.numpy(force=True) for name, value in state.optimizer.tensors().items()}
        curves = {name: before.get(name, []) + row for name, row in _curves(state).items()}
        self._finish(recipe, train, state, curves | {"epoch": list(range(1, passes + 2))})
        return self

    def predict(self, X: Any) -> Labels:
        """The most probable label of each sequence, [N], in the labels' own dtype."""
        logits = self._logits(X)
        chosen: Labels = self.classes_[logits.argmax(1)]
        return chosen

    def predict_proba(self, X: Any) -> Doubles:
        """The probability of each class, [N, C], in the order of ``classes_``."""
        logits = self._logits(X)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        probabilities: Doubles = shares / shares.sum(1, keepdims=True)
        return probabilities

    def decision_function(self, X: Any) -> Doubles:
        """The logits, [N, C]; of two classes the second's less the first's, [N]."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def save(self, path: str | Path) -> Path:
        """Writes a model folder, which `load`, `unrolled.load` and the command line read; no pickle.

        Raises:
            StorageError: if it cannot be written.
        """
        check_is_fitted(self, "model_")
        return self.model_.save(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The classifier of a model folder, its own or one that `unrolled.train` wrote.

        Raises:
            ModelFolderError: if there is none, or it is damaged.
        """
        model = Model.load(path)
        recorded = model.facts.training.get("estimator", {})
        parameters = parameters_of(model.facts.model.model_dump(), model.facts.training)
        found: Self = cls(**{**parameters, **recorded_parameters(recorded)})
        found.classes_ = recorded_classes(model.classes, recorded)
        found.n_features_in_ = recorded.get("n_features_in", len(model.channels))
        found.history_ = recorded.get("history", {})
        found._table, found._memory = recorded.get("table", False), None
        found._tokens = None if model.facts.vocabulary is None else model.facts.tokens
        found.model_ = model
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = to_arrays(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            state = {**state, "model_": from_arrays(state["model_"])}
        super().__setstate__(state)

    def _validated(self, X: Any, y: Any, reset: bool = True) -> tuple[Sequences, Labels]:
        """Sequences and labels that belong together; remembers what X looked like, or compares with it."""
        X = unwrapped(X)
        if y is None and isinstance(X, Sequences):
            y = np.array(X.classes)[X.targets]
        if is_table(X):
            X, y = validate_data(self, X, y, dtype=np.float32, reset=reset, allow_nd=False)
            sequences = Sequences.from_array(X)
        else:
            sequences = to_sequences(X, None if reset else self._tokens)
            refuse_values(sequences, "given", self.get_params(deep=False).get("missing", "none"))
            if y is None:
                raise ValueError("SequenceClassifier requires y to be passed, but the target y is None")
            _, y = check_X_y(np.zeros((len(sequences), 1)), y, estimator=self)
            self._check_channels(sequences, reset)
        check_classification_targets(y)
        if reset:
            self._table = is_table(X)
            self._tokens = None if sequences.symbols is None else token_kind(sequences.symbols)
        return sequences, y

    def _check_channels(self, sequences: Sequences, reset: bool) -> None:
        if reset:
            self.n_features_in_ = len(sequences.channels)
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            return
        expected = 1 if self._table else self.n_features_in_
        if len(sequences.channels) != expected:
            raise MismatchError(
                f"the sequences have {len(sequences.channels)} channels; expected {expected}, as in the fit."
            )

    def _accepted(self, X: Any) -> Sequences:
        """Sequences to be told the class of."""
        check_is_fitted(self)
        X = unwrapped(X)
        if not is_table(X):
            return self.model_.accept(X if self._tokens else to_sequences(X))
        if self._table:
            X = validate_data(self, X, dtype=np.float32, reset=False)
        else:
            X = check_array(X, dtype=np.float32, estimator=self)
        return self.model_.accept(Sequences.from_array(X))

    def _logits(self, X: Any) -> Doubles:
        """[N, C], in double precision: so the last digits do not depend on what stands in the same batch."""
        sequences = self._accepted(X)
        double = replace(self.model_, network=copy.deepcopy(self.model_.network).double())
        with using_threads(
            training_threads(make_recipe(self.get_params(deep=False), 0).train, sequences, double.network)
        ):
            logits: Doubles = double.logits(sequences).numpy()
        return logits

    def _check_classes(self, former: Labels | None) -> None:
        """Refuses a single class, or others than those that the weights were learned for."""
        if former is not None and not np.array_equal(former, self.classes_):
            found, self.classes_ = self.classes_, former
            raise ValueError(
                f"the classes are {found.tolist()}; this classifier goes on with {former.tolist()}, which it was "
                "fitted on. Give the same ones, or fit a new classifier."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"every label is of the one class {self.classes_[0]!r}; a classifier needs at least two classes."
            )

    def _finish(self, recipe: Recipe, train: Sequences, state: TrainState, curves: dict[str, list[Any]]) -> None:
        """What a fitted classifier has."""
        self.history_ = curves
        self.model_ = self._model(recipe, train, state)

    def _cases(self, sequences: Sequences, labels: Labels, weights: Weights) -> tuple[Sequences, Weights]:
        """What is learned from: the cases that differ, and how much each counts, classes considered."""
        sequences = with_targets(sequences, self._targets(labels), encode_labels(self.classes_)[1])
        cases, weights = distinct_cases(sequences, weights)
        factors = class_factors(self.class_weight, self.classes_, cases.targets, weights)
        return cases, weights * factors[cases.targets]

    def _targets(self, labels: Labels) -> Integers:
        """The labels as indices of ``classes_``, [N]."""
        unknown = np.setdiff1d(labels, self.classes_)
        if unknown.size:
            raise ValueError(f"the label {unknown[0]!r} is not one of the classes {self.classes_.tolist()}.")
        targets: Integers = np.searchsorted(self.classes_, labels).astype(np.int64)
        return targets

    def _held_out(self, X: Any, y: Any) -> Sequences:
        """Validation sequences, of the same kind as the others."""
        sequences, labels = self._validated(X, y, reset=False)
        return with_targets(sequences, self._targets(labels), encode_labels(self.classes_)[1])

    def _training(
        self, recipe: Recipe, train: Sequences, held: Sequences | None, case_weights: Weights, goes_on: bool
    ) -> Training:
        """The training of a new network, or of a copy of the one there is."""
        device, weights = choose_device(recipe.train.device), None if (case_weights == 1).all() else case_weights
        if not goes_on:
            check_trainable(train, recipe.model.missing)
            return set_up(recipe, train, held, device, weights)
        former = self.model_.facts.model
        if recipe.model.model_copy(update={"frame_steps": former.frame_steps}) != former:
            raise ValueError("the network's parameters changed since the fit before; fit without warm_start.")
        if len(train.channels) != len(self.model_.channels):
            raise MismatchError(f"expected {len(self.model_.channels)} channels, found {len(train.channels)}.")
        return go_on(recipe, copy.deepcopy(self.model_.network).to(device), train, held, weights)

    def _train(self, training: Training) -> None:
        """The loop. Ctrl-C means to a program what it always means."""
        recorders = [PlainLines(Console())] if self.verbose else []
        try:
            with using_threads(training_threads(training.config, training.train, training.state.network)):
                training.fit(recorders)
        except InterruptedRunError:
            raise KeyboardInterrupt from None

    def _model(self, recipe: Recipe, train: Sequences, state: TrainState) -> Model:
        """The trained network with all that a model folder holds."""
        attributes = {"n_features_in": self.n_features_in_, "table": self._table, "history": self.history_}
        recorded = fitted_facts(self.classes_, self.get_params(deep=False), attributes)
        return Model(state.judged.eval(), make_facts(recipe, train, state, recorded))

    def _seed(self) -> int:
        """A number from ``random_state``, which may be a number, a generator or None."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def _sample_weights(given: Any, count: int) -> Weights:
    """The weight of each sequence, [N]; 1 for all where none are given."""
    if given is None:
        return np.ones(count)
    weights: Weights = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (count,):
        raise ValueError(f"sample_weight has the shape {weights.shape}; expected one weight a sequence, ({count},).")
    if (weights < 0).any():
        raise ValueError("a sample weight is below 0; expected weights of 0 or more.")
    if not weights.any():
        raise ValueError("the sample weights are all zero; at least one sequence must count.")
    return weights


def _curves(state: TrainState) -> dict[str, list[Any]]:
    """The figures of the passes, a list for each figure."""
    rows = [asdict(log) for log in state.history]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
