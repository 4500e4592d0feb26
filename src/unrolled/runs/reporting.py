"""The figures and the report of a run, from its folder."""

from __future__ import annotations

import json
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

from unrolled.config import Recipe
from unrolled.data import Sequences
from unrolled.errors import ConfigError, DataError, TrainedOnWarning, UnrolledError, option
from unrolled.evaluation import Evaluation, Outcomes, evaluate, held_out, predictions_of, save_outcomes
from unrolled.model import Model
from unrolled.reports import Material, Shown, render
from unrolled.runs.folder import RunFolder
from unrolled.storage import write_json, write_text
from unrolled.training import EpochLog, StepLog


def report(
    run: str | Path, *, test: Sequences | None = None, output: str | Path | None = None, case: int | None = None
) -> Path:
    """Writes the report of a run, from the files in its folder and its test sequences; of an unfinished one, with a
    warning, that of its best weights so far.

    Figures that are missing, or that an older version wrote, are computed and written too. If the test sequences cannot
    be read any more, or have changed, the report says so and draws no sequences.

    Args:
        run: the run's folder.
        test: the test sequences, for a run on sequences in memory.
        output: the path of the page; by default ``report.html`` in the folder.
        case: number of the test sequence for the look inside; by default a typical right prediction.
    Returns:
        The page's path.
    Raises:
        RunError: if the folder holds no run, or is damaged.
        ModelFolderError: if the run has neither a model nor a checkpoint.

    Example:
        >>> print(unrolled.report(run.folder.path, test=dataset.test, output="page.html"))
        page.html
    """
    folder = RunFolder.open(Path(run))
    model = Model.load(folder.path)
    recipe, facts = folder.read_config()
    without = ""
    if test is None:
        test, without = _test_sequences(model)
    evaluation = _stored_evaluation(folder) if folder.is_finished else None
    if test is not None and evaluation is not None and test.fingerprint != evaluation.fingerprint:
        test, without = None, "the test data have changed since the figures were measured"
    if test is not None and (evaluation is None or not evaluation.is_complete):
        evaluation = evaluate_run(folder, recipe, model, test, store=folder.is_finished)
    shown = None if test is None else _shown(folder, model, test)
    _check_case(case, shown)
    history, steps = read_history(folder.metrics)
    material = Material(
        title=title_of(folder),
        recipe=recipe,
        facts=facts,
        history=history,
        steps=steps,
        model=model,
        evaluation=evaluation,
        shown=shown,
        without=without,
        inside=case,
    )
    path = folder.report if output is None else Path(output)
    write_text(path, render(material))
    return path


def evaluate_run(folder: RunFolder, recipe: Recipe, model: Model, test: Sequences, *, store: bool = True) -> Evaluation:
    """Evaluates a run's model and writes figures and predictions into its folder, those of a finished run."""
    predictions = predictions_of(model, test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainedOnWarning)  # the training says which of its test sequences these are
        evaluation = evaluate(model, test, predictions=predictions, headline_sequences=recipe.train.headline_sequences)
    if store:
        save_outcomes(folder.predictions, predictions.targets, predictions.probabilities, test.groups)
        write_json(folder.evaluation, evaluation.to_dict())
    return evaluation


def title_of(folder: RunFolder) -> str:
    """The title of a run's page."""
    path = folder.path.resolve()
    return f"{path.parent.name}/{path.name}"


def read_history(path: Path) -> tuple[list[EpochLog], list[StepLog]]:
    """The epochs and the lines of updates that ``metrics.jsonl`` records; none if there is no such file."""
    epochs, steps = list[EpochLog](), list[StepLog]()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            content: dict[str, Any] = json.loads(line)
            if content["event"] == "epoch":
                epochs.append(EpochLog(**{field.name: content[field.name] for field in fields(EpochLog)}))
            elif content["event"] == "step":
                steps.append(StepLog(**{field.name: content[field.name] for field in fields(StepLog)}))
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path} is damaged: it holds {line[:60]!r}. Restore it, or delete it.") from None
    return epochs, steps


def _test_sequences(model: Model) -> tuple[Sequences | None, str]:
    """The run's test sequences, or the reason why there are none."""
    if model.facts.data["options"].get("folds"):
        return None, "those of a cross-validation were held out from other networks than this one"
    if not model.facts.data["options"]["source"]:
        return None, "the sequences were in memory and are not stored"
    if not model.facts.data["test"]:
        return None, "no sequences were held out for the test"
    try:
        return held_out(model).sequences, ""
    except UnrolledError as error:
        return None, f"the test data cannot be read any more: {error}"


def _stored_evaluation(folder: RunFolder) -> Evaluation | None:
    """The run's figures; None if they are missing, damaged or written by an older version."""
    try:
        return Evaluation.from_dict(json.loads(folder.evaluation.read_text(encoding="utf-8")))
    except (OSError, ValueError, DataError):
        return None


def _shown(folder: RunFolder, model: Model, test: Sequences) -> Shown:
    """The test sequences with the model's predictions, stored ones or else computed again."""
    outcomes = Outcomes.load(folder.predictions) if folder.is_finished else None
    if outcomes is None or len(outcomes) != len(test):
        outcomes = Outcomes.of(model.targets(test), model.predict_proba(test), test.groups)
    return Shown(test, outcomes)


def _check_case(case: int | None, shown: Shown | None) -> None:
    if case is None:
        return
    if shown is None:
        raise ConfigError(f"{option('number', case)}: there are no test sequences to choose from; leave it out.")
    if not 0 <= case < len(shown.sequences):
        last = len(shown.sequences) - 1
        raise ConfigError(f"{option('number', case)}: the test sequences are numbered from 0 to {last}.")
