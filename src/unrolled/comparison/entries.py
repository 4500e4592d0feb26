"""The entries of a comparison: classifiers with their results on the test sequences and their costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.config import SECTIONS, Recipe
from unrolled.data import Integers
from unrolled.errors import DataError, RunError, UnrolledError
from unrolled.evaluation import Outcomes, Part, held_out
from unrolled.model import Model
from unrolled.runs import RunFolder
from unrolled.statistics import Groups, Right

RESULTLESS = frozenset(
    {"threads", "device", "cuda_graphs", "log_every", "checkpoint_every_steps", "checkpoint_every_seconds"}
    | {"tensorboard", "trackers", "print_style", "watch", "headline_sequences", "report"}
)
"""Fields that do not change what is learned; runs that differ only in these count as equal."""

MAX_SETTINGS = 4
"""Most settings that an entry's name shows."""


@dataclass(frozen=True)
class Results:
    """The results of one trained classifier on the test sequences.

    Attributes:
        origin: the run's folder, or the name of a reference classifier.
        fingerprint: fingerprint of the test sequences.
        right: whether the prediction of each sequence is right, [N].
        log_loss: mean −log of the true class's probability; infinite if one of these is 0, NaN if one is NaN, None
            if the classifier gives no probabilities.
        never_predicted: classes with test sequences that were never predicted.
        parameters: number of learned parameters; None if unknown.
        training_seconds: measured during training; None if unknown.
        milliseconds: time to classify a test sequence, measured in batches.
        groups: of the test sequences; None without groups.
        note: a reservation that a reader of the figures must know, or None.
        inflation: variance of the accuracy, as a multiple of that of as many independent sequences: more than 1 in a
            cross-validation.
    """

    origin: str
    fingerprint: str
    right: npt.NDArray[np.bool_]
    log_loss: float | None
    never_predicted: tuple[str, ...]
    parameters: int | None
    training_seconds: float | None
    milliseconds: float
    groups: Groups | None = None
    note: str | None = None
    inflation: float = 1.0


@dataclass(frozen=True)
class Entry:
    """One classifier of a comparison: a run, or several that differ only in their seed.

    Attributes:
        name: the name in tables and plots.
        results: the results of each run.
    """

    name: str
    results: tuple[Results, ...]

    @property
    def groups(self) -> Groups:
        """The groups of the test sequences."""
        return fewest(results.groups or Groups(None, len(results.right)) for results in self.results)

    @property
    def right(self) -> Right:
        """Whether each run is right on each sequence, [S, N]."""
        return np.stack([results.right for results in self.results])

    @property
    def inflation(self) -> float:
        """The largest of the runs'."""
        return max(results.inflation for results in self.results)


def fewest(groups: Iterable[Groups]) -> Groups:
    """Of several groupings of the same sequences, that with the fewest effective groups."""
    return min(groups, key=lambda one: one.effective)


def judge(
    origin: str,
    fingerprint: str,
    targets: Integers,
    predictions: Integers,
    likelihoods: npt.NDArray[np.floating] | None,
    classes: Sequence[str],
    *,
    parameters: int | None,
    training_seconds: float | None,
    test_seconds: float,
    groups: Groups | None = None,
    note: str | None = None,
    inflation: float = 1.0,
) -> Results:
    """Compares predictions with the true classes.

    Args:
        targets, predictions: indices of classes, [N].
        likelihoods: probability of each sequence's true class, [N]; None if the classifier gives none.
        classes: names, [C].
        test_seconds: time for all predictions.
        origin, fingerprint, parameters, training_seconds, groups, note, inflation: see `Results`.
    """
    absent = np.setdiff1d(np.unique(targets), predictions)
    loss = None
    if likelihoods is not None:
        with np.errstate(divide="ignore"):
            loss = float(-np.log(likelihoods.astype(np.float64)).mean())
    return Results(
        origin=origin,
        fingerprint=fingerprint,
        right=predictions == targets,
        log_loss=loss,
        never_predicted=tuple(classes[index] for index in absent),
        parameters=parameters,
        training_seconds=training_seconds,
        milliseconds=1000 * test_seconds / len(targets),
        groups=groups,
        note=note,
        inflation=inflation,
    )


def results_of_run(path: Path) -> tuple[Results, ...]:
    """The results of a finished run on its test sequences, from its stored predictions or else computed again.

    A cross-validated run has results for every repeat, each on all sequences.

    Raises:
        RunError: if there is no such run, or it is not finished or damaged.
        DataError: if the run has no test sequences.
    """
    folder = RunFolder.open(path)
    if not folder.is_finished:
        raise RunError(f"{path} is not finished; go on with it by `unrolled train --resume {path}`, or leave it out.")
    if not folder.evaluation.is_file():
        raise DataError(f"{path} was trained without test data, so there is nothing to compare; leave it out.")
    model = Model.load(folder.model)
    try:
        figures = json.loads(folder.evaluation.read_text(encoding="utf-8"))
        outcomes, fingerprint = _stored(folder, figures) or _computed(folder, model)
        seconds = float(figures["seconds"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"the figures in {path} are damaged ({error}); `unrolled train --resume {path}` restores them."
        ) from None
    crossed = figures.get("cross_validation") or {}
    groups = Groups(None, len(outcomes)) if crossed else _groups(outcomes, figures, model, fingerprint)
    if np.isnan(outcomes.confidences).any():
        raise RunError(f"{path} gives probabilities that are NaN; such a model cannot be compared. Train it anew.")
    repeats = crossed.get("repeats", 1)
    parts = [np.array_split(getattr(outcomes, name), repeats) for name in ("targets", "predictions", "likelihoods")]
    return tuple(
        judge(
            str(path) if repeats == 1 else f"{path}, repeat {repeat}",
            fingerprint,
            targets,
            predictions,
            likelihoods,
            model.classes,
            parameters=sum(parameter.numel() for parameter in model.network.parameters()),
            training_seconds=folder.training_seconds(),
            test_seconds=seconds / repeats,
            groups=None if crossed else groups,  # a cross-validation's inflation counts them
            note=_reservation(figures, groups),
            inflation=crossed.get("inflation", 1.0),
        )
        for repeat, (targets, predictions, likelihoods) in enumerate(zip(*parts, strict=True), 1)
    )


def _reservation(figures: Mapping[str, Any], groups: Groups | None) -> str | None:
    """What a reader of a run's figures must know."""
    parts = figures.get("parts") or {}
    learned = sum(parts.get(name, 0) for name in (str(Part.TRAINED_ON), str(Part.VALIDATION)))
    if groups is None:
        return "the groups of its test sequences are not recorded; train it anew"
    return f"{learned:,} of its test sequences also stand in its training or validation data" if learned else None


def _stored(folder: RunFolder, figures: Mapping[str, Any]) -> tuple[Outcomes, str] | None:
    """The stored predictions and the fingerprint of the test sequences; None if an earlier version wrote the run."""
    outcomes = Outcomes.load(folder.predictions)
    return None if outcomes is None or "fingerprint" not in figures else (outcomes, str(figures["fingerprint"]))


def _groups(outcomes: Outcomes, figures: Mapping[str, Any], model: Model, fingerprint: str) -> Groups | None:
    """The groups of a run's test sequences; None if it does not record them, and its data cannot be read again."""
    if outcomes.groups is not None or "groups" in figures or not model.facts.data["options"].get("group"):
        return Groups(outcomes.groups, len(outcomes))
    try:
        test = held_out(model).sequences
    except UnrolledError:
        return None
    return Groups.of(test.groups, len(test)) if test.fingerprint == fingerprint else None


def _computed(folder: RunFolder, model: Model) -> tuple[Outcomes, str]:
    """The same, computed from the model and the data that the recipe names."""
    if not model.facts.data["options"]["source"]:
        raise RunError(f"{folder.path} keeps no predictions and its data were in memory; train it anew.")
    test = held_out(model).sequences
    return Outcomes.of(model.targets(test), model.predict_proba(test), test.groups), test.fingerprint


def entries_of_runs(paths: Sequence[str | Path], *, pool_seeds: bool = False) -> list[Entry]:
    """Makes entries from runs, named by their folders and by the settings in which they differ.

    Args:
        paths: run folders.
        pool_seeds: whether runs that differ only in their seed become one entry.
    Raises:
        RunError: for a run that is named twice, not finished or damaged.
    """
    folders = [RunFolder.open(Path(path)) for path in paths]
    places = [folder.path.resolve() for folder in folders]
    for index, folder in enumerate(folders):
        if places[index] in places[:index]:
            raise RunError(f"{folder.path} is named twice; a run is not compared with itself.")
    configs = [folder.read_config() for folder in folders]
    recipes = [recipe for recipe, _ in configs]
    groups: dict[Any, list[int]] = {}
    for index, (recipe, facts) in enumerate(configs):
        content = sorted((k, repr(v)) for k, v in learned_from(recipe).items() if k != "seed")
        key = (*content, facts["data"]["fingerprint"], facts["data"].get("validation_fingerprint"))
        groups.setdefault(key if pool_seeds else index, []).append(index)
    chosen = [learned_from(recipes[indices[0]]) for indices in groups.values()]
    if pool_seeds:
        for settings in chosen:
            settings.pop("seed")
    names = _names([folders[indices[0]].path for indices in groups.values()], differing(chosen), pool_seeds)
    return [
        Entry(name, tuple(one for index in indices for one in results_of_run(folders[index].path)))
        for name, indices in zip(names, groups.values(), strict=True)
    ]


def learned_from(recipe: Recipe) -> dict[str, Any]:
    """All fields of a recipe that change what is learned, by name."""
    content = {name: value for section in SECTIONS for name, value in getattr(recipe, section)}
    return {name: value for name, value in content.items() if name not in RESULTLESS}


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings in which runs differ, as a text for each run, such as ``gru num_layers=2``."""
    names = [name for name in settings[0] if len({repr(one.get(name)) for one in settings}) > 1]
    texts = [[setting_text(name, one.get(name)) for name in names] for one in settings]
    return [" ".join([*parts[:MAX_SETTINGS], *(["…"] if len(parts) > MAX_SETTINGS else [])]) for parts in texts]


def setting_text(name: str, value: object) -> str:
    """A setting as part of a name: a word alone, a number with its field."""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return value if isinstance(value, str) else f"{name}={value}"


def _names(paths: Sequence[Path], settings: Sequence[str], pool_seeds: bool) -> list[str]:
    """Names that differ: the settings alone if they tell pooled runs apart, else folder and settings."""
    if pool_seeds and len(set(settings)) == len(settings) and all(settings):
        return list(settings)
    tails = ["/".join(path.parts[-2:]) for path in paths]
    if len(set(tails)) < len(tails):
        tails = [str(path) for path in paths]
    return [f"{tail} ({text})" if text else tail for tail, text in zip(tails, settings, strict=True)]
