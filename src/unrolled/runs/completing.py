"""The second half of a run: from a prepared training to a saved model with its figures and report."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from unrolled.baselines import fit_baselines
from unrolled.config import Recipe
from unrolled.data import Dataset, Sequences
from unrolled.drawing import draw_confusion, draw_curves, draw_prediction, to_pixels, to_png
from unrolled.errors import ConfigError, InterruptedRunError, StorageError, WorkerLostError, option
from unrolled.evaluation import Evaluation, Part, calibrate, promise
from unrolled.model import Model, choose_examples, learn_novelty, learned_facts
from unrolled.network import Network
from unrolled.preparation import Preprocessor
from unrolled.runs.accompanied import accompanied, threads_of_worker
from unrolled.runs.best_so_far import BestSoFar
from unrolled.runs.datasets import data_facts, note_on_learned
from unrolled.runs.finished import Run
from unrolled.runs.folder import RunFolder
from unrolled.runs.preparing import Prepared, describe
from unrolled.runs.reporting import evaluate_run, read_history
from unrolled.runs.reporting import report as write_report
from unrolled.runs.starting import record_from
from unrolled.runtime import StopRequest, using_threads
from unrolled.storage import write_bytes
from unrolled.training import training_facts
from unrolled.training.recorders import (
    MetricsFile,
    Recorder,
    TensorBoardRecorder,
    TutorialOutput,
    add_pictures,
    add_to_table,
    make_tracker,
)

Say = Callable[[str], None]
"""Takes a line for the user."""


CrossValidate = Callable[[RunFolder, Recipe, Sequences], Evaluation]
"""Trains the folds of all sequences of a run, and gives the figures of those that were held out."""


def silent(line: str) -> None:
    """A `Say` that drops the line."""
    del line


@dataclass(frozen=True)
class Surroundings:
    """Who follows a training.

    Attributes:
        recorders: further recorders of the training.
        say: takes each line for the user.
        cross_validate: trains the folds, for runs that have some; see `cross_validation`.
        workers: processes that share each batch.
    """

    recorders: Sequence[Recorder] = ()
    say: Say = silent
    cross_validate: CrossValidate | None = None
    workers: int = 1


def complete(prepared: Prepared, around: Surroundings, enough: StopRequest) -> Run:
    """Trains to the end, evaluates the model, and writes the model folder.

    Args:
        prepared: the run, at its first update or at its last checkpoint.
        around: who follows it.
        enough: the request to end the training early.
    """
    folder, training, test = prepared.folder, prepared.training, prepared.dataset.test
    recipe, state = training.recipe, training.state
    observers = _observers(prepared, around)
    with _saying_how_to_go_on(folder):
        for line in [*note_on_learned(prepared.dataset), *describe(prepared), f"run folder: {folder.path}"]:
            around.say(line)
        evaluation = _cross_validated(prepared, around)
        threads = threads_of_worker(prepared.threads, around.workers)
        with using_threads(threads), accompanied(prepared, around.workers) as workers:
            training.fit(observers, folder.checkpoints, enough, workers)
        model = _measured(prepared, _model_of(prepared, state.shipped, training_facts(state, recipe)))
        if test is not None:
            evaluation = evaluate_run(folder, recipe, model, test)
        if evaluation is not None:
            model = replace(model, facts=model.facts.model_copy(update={"figures": evaluation.summary()}))
        model.save(folder.model)
        folder.finish_request.unlink(missing_ok=True)
        _write_pages(prepared, model, evaluation)
        if evaluation is not None:  # last, so that the model is saved even if a tracker fails
            for recorder in observers:
                recorder.figures(evaluation.figures())
    return Run(folder, recipe, model, evaluation, state.history, training.seconds + state.seconds)


def _model_of(prepared: Prepared, network: Network, training: Mapping[str, Any]) -> Model:
    """A model of a network of the run and of the facts of its training."""
    dataset, start = prepared.dataset, prepared.start
    origin = {} if start is None else {"start": start.facts()}
    facts = learned_facts(
        dataset.train,
        prepared.preprocessor,
        network.config,
        data={**data_facts(dataset), "options": prepared.training.recipe.data.model_dump(mode="json")},
        training={**training, **origin},
    )
    return Model(network, facts, record=dataset.record if start is None else record_from(dataset, start.model))


def _measured(prepared: Prepared, model: Model) -> Model:
    """The model with its baselines, its examples, and what is measured on validation sequences."""
    dataset, recipe = prepared.dataset, prepared.training.recipe
    part, sequences = _for_examples(dataset)
    examples = choose_examples(sequences, recipe.data.examples, str(part))
    model = replace(model, baselines=fit_baselines(prepared.ready.train, dataset.train), examples=examples)
    if dataset.validation is None:
        return model
    model = learn_novelty(model, dataset.train, dataset.validation)
    if recipe.train.calibrate:
        model = calibrate(model, dataset.validation)
    return promise(model, dataset.validation)


def _cross_validated(prepared: Prepared, around: Surroundings) -> Evaluation | None:
    """The figures of the folds; None for a run without folds."""
    if prepared.whole is None or around.cross_validate is None:
        return None
    evaluation = around.cross_validate(prepared.folder, prepared.training.recipe, prepared.whole)
    around.say(f"{evaluation.cross_validation}: {evaluation.accuracy}; now the model itself, on all sequences")
    return evaluation


def _write_pages(prepared: Prepared, model: Model, evaluation: Evaluation | None) -> None:
    """Writes the curves, the report, and what TensorBoard shows of a finished run."""
    folder, state, recipe = prepared.folder, prepared.training.state, prepared.training.recipe
    test = prepared.dataset.test
    if state.history:
        write_bytes(folder.curves, to_png(draw_curves(state.history, recipe.name, read_history(folder.metrics)[1])))
    if recipe.train.report:
        write_report(folder.path, test=test)
    if recipe.train.tensorboard and evaluation is not None and test is not None:
        _show_in_tensorboard(prepared, model, test, evaluation)


@contextmanager
def _saying_how_to_go_on(folder: RunFolder) -> Iterator[None]:
    """Adds the command that resumes the run to the error that stopped it."""
    run = shlex.quote(str(folder.path))
    command = f"unrolled train --resume {run}"
    try:
        yield
    except InterruptedRunError as stop:
        finished = f"\nor make a model of the best weights so far with: unrolled finish {run}"
        if folder.checkpoints.newest() is None:  # before the first, and in the folds of a cross-validation
            finished = ""
        raise InterruptedRunError(f"{stop} Go on with: {command}{finished}") from None
    except KeyboardInterrupt as stop:
        stop.add_note(f"Go on with: {command}")
        raise
    except (StorageError, WorkerLostError) as error:
        raise type(error)(f"{error} Then go on with: {command}") from error


def _show_in_tensorboard(prepared: Prepared, model: Model, test: Sequences, evaluation: Evaluation) -> None:
    """Adds the confusion matrix, running probabilities of some sequences, and the run's row in the table of runs."""
    folder, recipe = prepared.folder, prepared.training.recipe
    figure = draw_confusion(np.array(evaluation.confusion), [row.name for row in evaluation.classes])
    pictures = {"confusion": to_pixels(figure)}
    for case in range(min(len(test), _MOST_DRAWN)):
        pictures[f"belief/case {case}"] = to_pixels(draw_prediction(model, test.take(slice(case, case + 1))))
    add_pictures(folder.tensorboard, pictures, prepared.training.state.step)
    settings = recipe.model.model_dump() | recipe.train.model_dump() | recipe.augment.model_dump()
    add_to_table(folder.tensorboard, settings, evaluation.figures())


_MOST_DRAWN = 3
"""Test sequences whose running probabilities TensorBoard shows."""


def _for_examples(dataset: Dataset) -> tuple[Part, Sequences]:
    """Held-out sequences, or training sequences if none are held out."""
    parts = {Part.TEST: dataset.test, Part.VALIDATION: dataset.validation, Part.TRAINED_ON: dataset.train}
    return next((part, sequences) for part, sequences in parts.items() if sequences is not None)


def _observers(prepared: Prepared, around: Surroundings) -> list[Recorder]:
    """All recorders: the run's own files first, then those of the recipe and of the caller."""
    folder, recipe = prepared.folder, prepared.training.recipe
    best = BestSoFar(folder.best, recipe, partial(_model_of, prepared))
    return [MetricsFile(folder.metrics), best, *_own_recorders(prepared, around.say), *around.recorders]


def _own_recorders(prepared: Prepared, say: Say) -> list[Recorder]:
    """The recorders that the recipe itself asks for."""
    folder, recipe = prepared.folder, prepared.training.recipe
    config = recipe.train
    found = [make_tracker(name, folder.path, recipe) for name in config.trackers]
    watched = None
    if config.watch is not None:
        watched = _watched(config.watch, prepared.ready.train, prepared.preprocessor)
    if config.print_style != "progress":
        found.append(TutorialOutput(config, say, watched))
    if config.tensorboard:
        found.append(TensorBoardRecorder(folder.tensorboard))
    return found


def _watched(text: str, train: Sequences, preprocessor: Preprocessor) -> torch.Tensor:
    """The sequence whose probabilities are printed during the training, [1, T, F]."""
    channels = len(train.channels)
    sequence = preprocessor.parse(text, channels)
    if len(sequence.channels) != channels:
        found = len(sequence.channels)
        raise ConfigError(f"{option('watch', text)} has {found} channels; expected {channels}, as the data have.")
    return torch.from_numpy(preprocessor(sequence)[0][None])
