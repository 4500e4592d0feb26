"""Fitting, predicting and keeping of `SequenceClassifier`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
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

from unrolled.config import MethodName, MissingName, Recipe, TokenKind
from unrolled.data import Integers, Sequences, check_trainable, encode_labels, refuse_values
from unrolled.errors import InterruptedRunError, MismatchError
from unrolled.estimator.inputs import (
    ClassWeight,
    Weights,
    class_factors,
    distinct_cases,
    is_table,
    kind_of_texts,
    squared,
    to_sequences,
    unwrapped,
    with_targets,
)
from unrolled.estimator.parameters import make_recipe, parameters_of
from unrolled.estimator.recording import (
    fitted_facts,
    from_arrays,
    recorded_classes,
    recorded_parameters,
    to_arrays,
)
from unrolled.evaluation import calibrate
from unrolled.model import Model, Probabilities, learned_facts
from unrolled.preparation import Preprocessor, learn_preprocessor
from unrolled.readout import Training, go_on, set_up
from unrolled.runtime import choose_device, using_threads
from unrolled.training import TrainState, training_facts, training_threads
from unrolled.training.recorders import PlainLines

Labels = npt.NDArray[Any]

_ONE_PASS = {"max_epochs": 1, "schedule": "constant", "average_decay": 0.0, "patience": None, "keep": "last"}
"""What `partial_fit` changes: it cannot know how much is still to come."""


class BaseSequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What `SequenceClassifier` does; its constructor says by which parameters.

    Attributes: see `SequenceClassifier`.
    """

    tokens: TokenKind | None
    method: MethodName
    missing: MissingName
    threads: int | None
    class_weight: ClassWeight
    random_state: int | np.random.RandomState | None
    warm_start: bool
    verbose: bool

    classes_: Labels
    n_features_in_: int
    history_: dict[str, list[Any]]
    model_: Model
    _table: bool
    _tokens: TokenKind | None
    _memory: dict[str, npt.NDArray[Any]] | None

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, validation: tuple[Any, Any] | None = None
    ) -> Self:
        """Trains a new network; with ``warm_start``, the weights of the fit before go on learning.

        Args:
            X: the sequences; see the class.
            y: their labels, [N]; may be left out where X are `Sequences` that have labels.
            sample_weight: how much each counts, [N]; a case of weight 0 is absent, classes and all.
            validation: (X, y) to choose the best weights by, to stop early with ``patience``, and to fit the
                probabilities to with ``calibrate``.
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
        recipe = self._recipe(self._seed())
        train, case_weights = self._cases(sequences.take(present), labels[present], weights[present])
        held = None if validation is None else self._held_out(*validation)
        case_weights = case_weights / case_weights.mean()
        goes_on = former is not None
        preprocessor = self._preprocessor(recipe, train, goes_on)
        train, held = preprocessor(train), None if held is None else preprocessor(held)
        training = self._training(recipe, train, held, case_weights, goes_on)
        self._train(training)
        self._memory = None
        self.history_ = _curves(training.state)
        model = self._model(recipe, train, preprocessor, training.state)
        self.model_ = calibrate(model, held) if recipe.train.calibrate and held is not None else model
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
        if self.method == "fitted":
            raise ValueError("method = 'fitted' needs all cases at once; use fit, or method = 'trained'.")
        former = None if first else self.classes_
        if first or classes is not None:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        self._check_classes(former)
        before = {} if first else self.history_
        passes = len(before.get("epoch", []))
        seed = int(np.random.SeedSequence((self._seed(), passes)).generate_state(1)[0])  # each pass drops others
        recipe = self._recipe(seed).with_options(_ONE_PASS)
        train, case_weights = self._cases(sequences, labels, _sample_weights(sample_weight, len(sequences)))
        preprocessor = self._preprocessor(recipe, train, goes_on=not first)
        train = preprocessor(train)
        training = self._training(recipe, train, None, case_weights, goes_on=not first)
        state = training.state
        if not first and self._memory is not None:
            state.optimizer.restore({name: torch.tensor(value) for name, value in self._memory.items()})
        self._train(training)
        self._memory = {name: value.numpy(force=True) for name, value in state.optimizer.tensors().items()}
        curves = {name: before.get(name, []) + row for name, row in _curves(state).items()}
        self.history_ = curves | {"epoch": list(range(1, passes + 2))}
        self.model_ = self._model(recipe, train, preprocessor, state)
        return self

    def predict(self, X: Any) -> Labels:
        """The most probable label of each sequence, [N], in the labels' own dtype."""
        with self._asking(X) as given:
            chosen: Labels = self.classes_[self.model_.predict_index(given)]
        return chosen

    def predict_proba(self, X: Any) -> Probabilities:
        """The probability of each class, [N, C], in the order of ``classes_``."""
        with self._asking(X) as given:
            return self.model_.predict_proba(given)

    def decision_function(self, X: Any) -> Probabilities:
        """The logits, divided by the model's temperature, [N, C]; of two classes the second's less the first's, [N]."""
        with self._asking(X) as given:
            logits: Probabilities = (self.model_.logits(given) / self.model_.facts.temperature).numpy()
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
        found: Self = cls(**{**parameters_of(model.facts), **recorded_parameters(recorded)})
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
        tags.input_tags.allow_nan = self.missing != "none"
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
        X = squared(unwrapped(X)) if reset else unwrapped(X)
        if y is None and isinstance(X, Sequences):
            y = np.array(X.classes)[X.targets]
        if is_table(X):
            self._tokens = None if reset else self._tokens
            X, y = validate_data(self, X, y, reset=reset, **self._numbers())
            sequences = Sequences.from_array(X)
        else:
            if reset:
                self._tokens = kind_of_texts(X, self.tokens)
            sequences = to_sequences(X, self._tokens)
            refuse_values(sequences, "given", self.missing)
            if y is None:
                raise ValueError("SequenceClassifier requires y to be passed, but the target y is None")
            _, y = check_X_y(np.zeros((len(sequences), 1)), y, estimator=self)
            self._check_channels(sequences, reset)
        check_classification_targets(y)
        if reset:
            self._table = is_table(X)
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

    @contextmanager
    def _asking(self, X: Any) -> Iterator[Any]:
        """X as the model takes it, and the threads to compute with."""
        check_is_fitted(self)
        X = unwrapped(X)
        if is_table(X):
            numbers = self._numbers()
            X = validate_data(self, X, reset=False, **numbers) if self._table else check_array(X, **numbers)
        elif isinstance(X, np.ndarray) and X.ndim == 1:
            X = list(X)
        with using_threads(self.threads or torch.get_num_threads()):
            yield X

    def _numbers(self) -> dict[str, Any]:
        """What scikit-learn is to make of a table."""
        finite: bool | str = True if self.missing == "none" else "allow-nan"
        return {"dtype": [np.float32, np.uint8], "ensure_all_finite": finite}

    def _recipe(self, seed: int) -> Recipe:
        return make_recipe({**self.get_params(deep=False), "tokens": self._tokens}, seed)

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

    def _preprocessor(self, recipe: Recipe, train: Sequences, goes_on: bool) -> Preprocessor:
        """Learned from these sequences, or that of the fit before."""
        if not goes_on:
            return learn_preprocessor(train, recipe.data)
        former = self.model_.preprocessor
        if (recipe.data.max_length, recipe.data.keep_steps) != (former.max_length, former.keep_steps):
            raise ValueError("max_length or keep_steps changed since the fit before; fit without warm_start.")
        return former

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

    def _model(self, recipe: Recipe, train: Sequences, preprocessor: Preprocessor, state: TrainState) -> Model:
        """The trained network with all that a model folder holds."""
        attributes = {"n_features_in": self.n_features_in_, "table": self._table, "history": self.history_}
        recorded = fitted_facts(self.classes_, self.get_params(deep=False), attributes)
        facts = learned_facts(
            train,
            preprocessor,
            state.network.config,
            data={"name": "memory", "fingerprint": train.fingerprint, "train": len(train)},
            training={**training_facts(state, recipe), "estimator": recorded},
        )
        return Model(state.shipped.eval(), facts)

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
