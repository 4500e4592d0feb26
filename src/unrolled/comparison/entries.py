"""What takes part in a comparison: classifiers, each with its answers on the test cases and what it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.config import SECTIONS, Recipe
from unrolled.data import Integers
from unrolled.errors import DataError, RunError
from unrolled.evaluation import Outcomes, held_out
from unrolled.model import Model
from unrolled.runs import RunFolder
from unrolled.statistics import Right

RESULTLESS = frozenset(
    {"threads", "device", "cuda_graphs", "log_every", "checkpoint_every_steps", "checkpoint_every_seconds"}
    | {"tensorboard", "trackers", "output", "watch", "headline_sequences", "report"}
)
"""Fields that do not change what is learned: runs that differ in these alone are the same."""

MAX_SETTINGS = 4
"""Settings that an entry's name shows."""


@dataclass(frozen=True)
class Answers:
    """One trained classifier on its test cases.

    Attributes:
        origin: the run's folder, or what else it is.
        fingerprint: of the test data.
        right: whether it was right on each case, [N].
        log_loss: mean −log of the true class's probability; infinite where one was 0, NaN where one was NaN, None
            where the classifier gives no probabilities.
        never_predicted: classes with test cases that it never named.
        parameters: numbers it learned; None where that is not known.
        training_seconds: as measured when it was trained; None where that is not known.
        milliseconds: for each test sequence, as measured when it was tested in batches.
    """

    origin: str
    fingerprint: str
    right: npt.NDArray[np.bool_]
    log_loss: float | None
    never_predicted: tuple[str, ...]
    parameters: int | None
    training_seconds: float | None
    milliseconds: float


@dataclass(frozen=True)
class Entry:
    """A way of classifying: one run, or several that differ by their seed alone.

    Attributes:
        name: as tables and plots have it.
        answers: of each run.
    """

    name: str
    answers: tuple[Answers, ...]

    @property
    def right(self) -> Right:
        """Whether each run was right on each case, [S, N]."""
        return np.stack([answers.right for answers in self.answers])


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
) -> Answers:
    """The `Answers` from what was said and what was true.

    Args:
        targets, predictions: indices of classes, [N].
        likelihoods: probability of each one's true class, [N]; None where there are none.
        classes: names, [C].
        test_seconds: that all predictions took.
        origin, fingerprint, parameters, training_seconds: see `Answers`.
    """
    absent = np.setdiff1d(np.unique(targets), predictions)
    loss = None
    if likelihoods is not None:
        with np.errstate(divide="ignore"):
            loss = float(-np.log(likelihoods.astype(np.float64)).mean())
    return Answers(
        origin=origin,
        fingerprint=fingerprint,
        right=predictions == targets,
        log_loss=loss,
        never_predicted=tuple(classes[index] for index in absent),
        parameters=parameters,
        training_seconds=training_seconds,
        milliseconds=1000 * test_seconds / len(targets),
    )


def answers_of_run(path: Path) -> Answers:
    """A finished run's answers on its own test data, as they were kept; made anew where they were not.

    Raises:
        RunError: if there is no such run, or it is not finished or damaged.
        DataError: if nothing was held out for its test.
    """
    folder = RunFolder.open(path)
    if not folder.is_finished:
        raise RunError(f"{path} is not finished; go on with it by `unrolled train --resume {path}`, or leave it out.")
    if not folder.evaluation.is_file():
        raise DataError(f"{path} was trained without test data, so there is nothing to compare; leave it out.")
    model = Model.load(folder.model)
    try:
        figures = json.loads(folder.evaluation.read_text(encoding="utf-8"))
        outcomes, fingerprint = _kept(folder, figures) or _made_anew(folder, model)
        seconds = float(figures["seconds"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"the figures in {path} are damaged ({error}); `unrolled train --resume {path}` restores them."
        ) from None
    if np.isnan(outcomes.confidences).any():
        raise RunError(f"{path} gives probabilities that are NaN; such a model cannot be compared. Train it anew.")
    return judge(
        str(path),
        fingerprint,
        outcomes.targets,
        outcomes.predictions,
        outcomes.likelihoods,
        model.classes,
        parameters=sum(parameter.numel() for parameter in model.network.parameters()),
        training_seconds=folder.training_seconds(),
        test_seconds=seconds,
    )


def _kept(folder: RunFolder, figures: Mapping[str, Any]) -> tuple[Outcomes, str] | None:
    """What the run kept beside its figures, and the test data's fingerprint; None where an earlier version did."""
    outcomes = Outcomes.load(folder.predictions)
    return None if outcomes is None or "fingerprint" not in figures else (outcomes, str(figures["fingerprint"]))


def _made_anew(folder: RunFolder, model: Model) -> tuple[Outcomes, str]:
    """The same from the model and the data that the recipe names."""
    if not model.facts.data["options"]["source"]:
        raise RunError(f"{folder.path} keeps no predictions and its data were in memory; train it anew.")
    test = held_out(model).sequences
    return Outcomes.of(model.targets(test), model.predict_proba(test)), test.fingerprint


def entries_of_runs(paths: Sequence[str | Path], *, pool_seeds: bool = False) -> list[Entry]:
    """Runs as entries, named by their folders and by the settings in which they differ.

    Args:
        paths: run folders.
        pool_seeds: whether runs that differ by their seed alone are one entry.
    Raises:
        RunError: for a run that is named twice, not finished or damaged.
    """
    folders = [RunFolder.open(Path(path)) for path in paths]
    seen: set[Path] = set()
    for folder in folders:
        if folder.path.resolve() in seen:
            raise RunError(f"{folder.path} is named twice; a run is not compared with itself.")
        seen.add(folder.path.resolve())
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
    answers = [answers_of_run(folder.path) for folder in folders]
    return [
        Entry(name, tuple(answers[index] for index in indices))
        for name, indices in zip(names, groups.values(), strict=True)
    ]


def learned_from(recipe: Recipe) -> dict[str, Any]:
    """All fields of a recipe that change what is learned, by name."""
    content = {name: value for section in SECTIONS for name, value in getattr(recipe, section)}
    return {name: value for name, value in content.items() if name not in RESULTLESS}


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each, the settings in which they differ, as ``gru num_layers=2``."""
    names = [name for name in settings[0] if len({repr(one.get(name)) for one in settings}) > 1]
    texts = [[setting_text(name, one.get(name)) for name in names] for one in settings]
    return [" ".join([*parts[:MAX_SETTINGS], *(["…"] if len(parts) > MAX_SETTINGS else [])]) for parts in texts]


def setting_text(name: str, value: object) -> str:
    """A setting in a name: a word by itself, a number with what it is."""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return value if isinstance(value, str) else f"{name}={value}"


def _names(paths: Sequence[Path], settings: Sequence[str], pool_seeds: bool) -> list[str]:
    """Unlike names: by the settings alone where these tell pooled runs apart, else by folder and settings."""
    if pool_seeds and len(set(settings)) == len(settings) and all(settings):
        return list(settings)
    tails = ["/".join(path.parts[-2:]) for path in paths]
    if len(set(tails)) < len(tails):
        tails = [str(path) for path in paths]
    return [f"{tail} ({text})" if text else tail for tail, text in zip(tails, settings, strict=True)]
