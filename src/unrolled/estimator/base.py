"""The methods of `SequenceClassifier`: fit, predict, save and load."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
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

from unrolled.config import FOUND_OUT, MethodName, MissingName, Recipe, TokenKind
from unrolled.data import (
    Sequences,
    as_learned,
    as_names,
    as_text,
    check_channels,
    check_trainable,
    encode_labels,
    in_windows,
    refuse_values,
    unframed,
)
from unrolled.errors import InterruptedRunError, MismatchError
from unrolled.estimator.inputs import (
    ClassWeight,
    Weights,
    class_factors,
    class_names,
    distinct,
    is_table,
    means_by_recording,
    squared,
    to_sequences,
)
from unrolled.estimator.parameters import make_recipe, parameters_of
from unrolled.estimator.recording import (
    fitted_facts,
    from_arrays,
    read_memory,
    recorded_classes,
    recorded_parameters,
    to_arrays,
    write_memory,
)
from unrolled.evaluation import calibrate
from unrolled.model import Model, Probabilities, learned_facts
from unrolled.preparation import Preprocessor, learn_preprocessor
from unrolled.readout import Training, go_on, set_up
from unrolled.runtime import choose_device, using_threads
from unrolled.training import TrainState, training_facts, training_threads
from unrolled.training.recorders import PlainLines

Labels = npt.NDArray[Any]

_ONE_EPOCH = {"max_epochs": 1, "schedule": "constant", "average_decay": 0.0, "patience": None, "keep": "last"}
"""Settings of `partial_fit`, which cannot know how many sequences will follow."""


class BaseSequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The methods of `SequenceClassifier`, which has the constructor and the description of all attributes."""

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
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Trains a new network; with ``warm_start``, goes on from the weights of the last fit.

        Args:
            X: the sequences; see the class.
            y: their labels, [N]; not needed if X are `Sequences` with labels.
            sample_weight: weight of each sequence, [N]; a sequence with weight 0 has no effect, not even on
                ``classes_``.
            groups: the group of each sequence, [N], such as the person recorded: whole groups are set aside from the
                training, and left out when the readout is fitted.
            validation: (X, y) to choose the best weights, for early stopping with ``patience``, and for the
                temperature with ``calibrate``.
        Raises:
            ValueError: for input that scikit-learn's own classifiers do not take.
            UnrolledError: for sequences or parameters that make no sense.
        """
        former = self.classes_ if self.warm_start and hasattr(self, "model_") else None
        sequences, labels = self._validated(X, y)
        if groups is not None:
            sequences = replace(sequences, groups=as_names(map(as_text, groups)))
        weights = _sample_weights(sample_weight, len(sequences))
        present = np.flatnonzero(weights)
        self.classes_ = np.unique(labels[present])
        self._check_classes(former)
        recipe = self._recipe(self._seed())
        train, weights = self._distinct(sequences.take(present), labels[present], weights[present])
        held = None if validation is None else self._labelled(*self._validated(*validation, reset=False))
        self._memory = None
        self._learn(recipe, train, held, weights / weights.mean(), {}, goes_on=former is not None)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Trains one epoch on these sequences, at a constant learning rate, from the present weights.

        Later calls keep the channels, their mean and standard deviation, and the classes of the first call.

        Args:
            X: the sequences.
            y: their labels, [N].
            classes: all labels of this and later calls; needed in the first call if y does not have all of them.
            sample_weight: weight of each sequence, [N].

        A first call may have sequences of a single class, if ``classes`` names them all.
        """
        first = not hasattr(self, "model_")
        sequences, labels = self._validated(X, y, reset=first)
        if self.class_weight == "balanced":
            raise ValueError("class_weight = 'balanced' needs all sequences at once; give partial_fit a dict, or None.")
        if self.method == "fitted":
            raise ValueError("method = 'fitted' needs all sequences at once; use fit, or method = 'trained'.")
        former = None if first else self.classes_
        if first or classes is not None:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        self._check_classes(former)
        before = {} if first else self.history_
        entropy = (self._seed(), len(before.get("epoch", [])))  # each epoch has its own dropout
        recipe = self._recipe(int(np.random.SeedSequence(entropy).generate_state(1)[0])).with_options(_ONE_EPOCH)
        train, weights = self._distinct(sequences, labels, _sample_weights(sample_weight, len(sequences)))
        self._memory = None if first else self._memory
        state = self._learn(recipe, train, None, weights, before, goes_on=not first)
        self._memory = {name: value.numpy(force=True) for name, value in state.optimizer.tensors().items()}
        return self

    def predict(self, X: Any) -> Labels:
        """The most probable label of each sequence, [N], in the dtype of ``classes_``."""
        most = self.predict_proba(X).argmax(1)
        chosen: Labels = self.classes_[most]
        return chosen

    def predict_proba(self, X: Any) -> Probabilities:
        """The probability of each class, [N, C], in the order of ``classes_``; with ``window``, the mean of windows."""
        with self._asking(X) as given:
            if self.model_.facts.window is None:
                return self.model_.predict_proba(given)
            windows = self.model_.windows(given)
            assert windows.cut is not None  # noqa: S101
            return means_by_recording(self.model_.predict_proba(windows), windows.cut.owners)

    def decision_function(self, X: Any) -> Probabilities:
        """The logits, divided by the temperature, [N, C]; for two classes the second minus the first, [N]."""
        logits: Probabilities
        if hasattr(self, "model_") and self.model_.facts.window is not None:
            logits = np.log(np.maximum(self.predict_proba(X), np.finfo(np.float32).tiny))
        else:
            with self._asking(X) as given:
                logits = (self.model_.logits(given) / self.model_.facts.temperature).numpy()
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def save(self, path: str | Path) -> Path:
        """Writes a model folder without pickle, for `load`, `unrolled.load` and the command line.

        Raises:
            StorageError: if it cannot be written.
        """
        check_is_fitted(self, "model_")
        folder = self.model_.save(path)
        if self._memory is not None:
            write_memory(folder, self._memory)
        return folder

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The classifier from a model folder that `save` or `unrolled.train` wrote.

        Raises:
            ModelFolderError: if the folder is missing or damaged.
        """
        model = Model.load(path)
        recorded = model.facts.training.get("estimator", {})
        found: Self = cls(**{**parameters_of(model.facts), **recorded_parameters(recorded)})
        found.classes_ = recorded_classes(model.classes, recorded)
        found.n_features_in_ = recorded.get("n_features_in", len(model.channels))
        found.history_ = recorded.get("history", {})
        found._table, found._memory = recorded.get("table", False), read_memory(Path(path), model)
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
        """Sequences and labels of the same number; with ``reset`` notes the form of X, otherwise checks it."""
        X = squared(unframed(X)) if reset else unframed(X)
        if y is None and isinstance(X, Sequences):
            y = np.array(X.classes)[X.targets]
        if is_table(X):
            numbers = self._numbers()
            named = reset or self._table
            X, y = validate_data(self, X, y, reset=reset, **numbers) if named else check_X_y(X, y, **numbers)
            sequences = to_sequences(X, self.tokens)
        else:
            sequences = to_sequences(X, self.tokens if reset else self._tokens)
            refuse_values(sequences, "given", self.missing)
            if y is None:
                raise ValueError("SequenceClassifier requires y to be passed, but the target y is None")
            _, y = check_X_y(np.zeros((len(sequences), 1)), y, estimator=self)
            self._check_channels(sequences, reset)
        check_classification_targets(y)
        if reset:
            self._table, self._tokens = is_table(X), sequences.text_kind
        return sequences, y

    def _check_channels(self, sequences: Sequences, reset: bool) -> None:
        if reset:
            self.n_features_in_ = len(sequences.channels)
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            return
        expected = 1 if self._table else self.n_features_in_
        if len(sequences.channels) < expected:
            raise MismatchError(
                f"the sequences have {len(sequences.channels)} channels; expected {expected}, as in the fit."
            )

    @contextmanager
    def _asking(self, X: Any) -> Iterator[Any]:
        """X in the form for the model, and the threads during the block."""
        check_is_fitted(self)
        X = unframed(X)
        if is_table(X):
            numbers = self._numbers()
            X = validate_data(self, X, reset=False, **numbers) if self._table else check_array(X, **numbers)
        with using_threads(self.threads):
            yield X

    def _numbers(self) -> dict[str, Any]:
        """Options of scikit-learn's checks of a table."""
        finite: bool | str = True if self.missing == "none" else "allow-nan"
        return {"dtype": [np.float64, np.float32, np.uint8], "ensure_all_finite": finite}

    def _recipe(self, seed: int) -> Recipe:
        return make_recipe({**self.get_params(deep=False), "tokens": self._tokens}, seed)

    def _check_classes(self, former: Labels | None) -> None:
        """Raises an error for a single class, or for other classes than those of the weights."""
        names = class_names(self.classes_)
        if former is not None and sorted(class_names(former)) == sorted(names):
            self.classes_ = former  # in its own order and type
        elif former is not None:
            found, self.classes_ = self.classes_, former
            raise ValueError(
                f"the classes are {found.tolist()}; expected {former.tolist()}, as in the "
                "first fit. Give the same classes, or fit a new classifier."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"every label is {self.classes_[0]!r}, one class; a classifier needs at least two classes."
            )

    def _labelled(self, sequences: Sequences, labels: Labels) -> Sequences:
        """The sequences with these labels, as indices of ``classes_``."""
        own, found = encode_labels(labels)
        names = class_names(self.classes_)
        unknown = [name for name in found if name not in names]
        if unknown:
            raise ValueError(f"the label {unknown[0]!r} is not one of the classes {self.classes_.tolist()}.")
        return replace(sequences, labels=np.array([names.index(name) for name in found])[own], classes=names)

    def _distinct(self, sequences: Sequences, labels: Labels, weights: Weights) -> tuple[Sequences, Weights]:
        """The distinct sequences for the training and their weights, with those of the classes."""
        train, weights = distinct(self._labelled(sequences, labels), weights)
        factors = class_factors(self.class_weight, self.classes_, train.targets, weights)
        return train, weights * factors[train.targets]

    def _learn(
        self,
        recipe: Recipe,
        train: Sequences,
        held: Sequences | None,
        weights: Weights,
        before: dict[str, list[Any]],
        *,
        goes_on: bool,
    ) -> TrainState:
        """Trains, and sets ``history_`` (after the epochs of ``before``) and ``model_``."""
        if goes_on:
            train = as_learned(train, self.model_.facts)
        held = None if held is None else as_learned(held, train)
        train, held = in_windows(train, recipe.data), None if held is None else in_windows(held, recipe.data)
        if train.cut is not None:
            weights = weights[train.cut.owners]
            weights = weights / weights.mean()
        preprocessor = self._preprocessor(recipe, train, goes_on)
        train, held = preprocessor(train), None if held is None else preprocessor(held)
        training = self._training(recipe, train, held, None if (weights == 1).all() else weights, goes_on)
        state = training.state
        if self._memory is not None:
            state.optimizer.restore({name: torch.tensor(value, device="cpu") for name, value in self._memory.items()})
        try:
            with using_threads(training_threads(training.config, training.train, state.network)):
                training.fit([PlainLines(Console())] if self.verbose else [])
        except InterruptedRunError:
            raise KeyboardInterrupt from None  # what Ctrl-C means to any other program
        self.history_ = _continued(before, state)
        model = self._model(recipe, train, preprocessor, state)
        self.model_ = calibrate(model, held) if recipe.train.calibrate and held is not None else model
        return state

    def _preprocessor(self, recipe: Recipe, train: Sequences, goes_on: bool) -> Preprocessor:
        """A new preprocessor, learned from these sequences, or that of the last fit."""
        if not goes_on:
            return learn_preprocessor(train, recipe.data)
        former = self.model_.preprocessor
        read = (recipe.data.max_length, recipe.data.keep_steps) if train.cut is None else (train.cut.rule.steps, "last")
        if read != (former.max_length, former.keep_steps):
            raise ValueError("window, max_length or keep_steps changed since the last fit; fit without warm_start.")
        return former

    def _training(
        self, recipe: Recipe, train: Sequences, held: Sequences | None, weights: Weights | None, goes_on: bool
    ) -> Training:
        """The training of a new network, or of a copy of the present one."""
        device = choose_device(recipe.train.device)
        if not goes_on:
            if train.class_counts().all():  # a first partial_fit may lack some
                check_trainable(train, recipe.model.missing)
            return set_up(recipe, train, held, device, weights)
        former = self.model_.facts.model
        if recipe.model.model_copy(update={name: getattr(former, name) for name in FOUND_OUT}) != former:
            raise ValueError("the network's parameters changed since the last fit; fit without warm_start.")
        check_channels(train, self.model_.channels)
        return go_on(recipe, copy.deepcopy(self.model_.network).to(device), train, held, weights)

    def _model(self, recipe: Recipe, train: Sequences, preprocessor: Preprocessor, state: TrainState) -> Model:
        """The trained network with everything for a model folder."""
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
    """The weight of each sequence, [N]; by default 1."""
    if given is None:
        return np.ones(count)
    weights: Weights = check_array(given, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (count,):
        raise ValueError(f"sample_weight has the shape {weights.shape}; expected one weight a sequence, ({count},).")
    if (weights < 0).any():
        raise ValueError("a sample weight is below 0; expected weights of 0 or more.")
    if not weights.any():
        raise ValueError("the sample weights are all zero; at least one must be positive.")
    return weights


def _continued(before: dict[str, list[Any]], state: TrainState) -> dict[str, list[Any]]:
    """The figures of all epochs, a list for each figure."""
    rows = [asdict(log) for log in state.history]
    found = {name: before.get(name, []) + [row[name] for row in rows] for name in rows[0]} if rows else before
    return found | ({"epoch": list(range(1, len(found["epoch"]) + 1))} if rows else {})
