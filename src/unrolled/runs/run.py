"""A run from a recipe to a model with its figures: `train`, and `resume` after a stop."""

from __future__ import annotations

import csv
import io
import platform
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from unrolled.baselines import fit_baselines
from unrolled.config import Recipe, default_recipe, find_recipe, named_recipes, read_recipe
from unrolled.data import (
    Dataset,
    Sequences,
    check_held_out,
    check_test,
    check_trainable,
    content_hashes,
    load_dataset,
    split_dataset,
)
from unrolled.data.files import SILENT, STANDARD_INPUT, Notes, Observer
from unrolled.data.formats import is_pattern
from unrolled.data.sources import OPTIONS_OF_NAMED_DATA, SOURCES
from unrolled.drawing import draw_confusion, draw_curves, draw_prediction, to_pixels, to_png
from unrolled.errors import (
    ConfigError,
    DataError,
    InterruptedRunError,
    RunError,
    RunLockedError,
    StorageError,
    UnknownNameError,
    listed,
)
from unrolled.evaluation import (
    Evaluation,
    Part,
    calibrate,
    changed_part,
    fingerprints,
    promise,
)
from unrolled.jobs import Progress, ProgressRecorder, Watcher
from unrolled.model import Model, choose_examples, learned_facts
from unrolled.network import Network
from unrolled.preparation import Preprocessor, learn_preprocessor
from unrolled.readout import Training, set_up
from unrolled.readout import go_on as continue_from
from unrolled.runs.best_so_far import BestSoFar
from unrolled.runs.extending import extend, extended
from unrolled.runs.folder import RunFolder
from unrolled.runs.folds import cross_validate, for_the_model, suggestion, undivided
from unrolled.runs.reporting import evaluate_run, read_history
from unrolled.runs.reporting import report as write_report
from unrolled.runs.starting import Start, dataset_from, network_from, notes_on, recipe_from, record_from
from unrolled.runtime import StopRequest, choose_device, describe_device, using_threads
from unrolled.storage import write_bytes, write_text
from unrolled.training import (
    EpochLog,
    Plan,
    check_settings,
    describe_steps,
    make_plan,
    refuse_idle,
    training_facts,
    training_threads,
)
from unrolled.training.recorders import (
    MetricsFile,
    Recorder,
    TensorBoardRecorder,
    TutorialOutput,
    add_pictures,
    add_to_table,
    make_tracker,
)
from unrolled.version import VERSION

Say = Callable[[str], None]
"""Takes a line for the user."""


def silent(line: str) -> None:
    """A `Say` that drops the line."""
    del line


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: its files.
        recipe: its recipe.
        model: the trained model.
        evaluation: the model's figures on the test sequences; None without test sequences.
        history: the figures of each epoch.
        seconds: time of fitting and training, summed over all resumptions.

    Example:
        >>> run.model.classes
        ('high', 'low')
        >>> print(run.evaluation.accuracy)  # with its 95 % interval: 10 test sequences say little
        100.00 % (71.52 to 100.00)
        >>> len(run.history)
        30
    """

    folder: RunFolder
    recipe: Recipe
    model: Model
    evaluation: Evaluation | None
    history: list[EpochLog]
    seconds: float

    def __repr__(self) -> str:
        """The folder, the training and the model, in a few lines."""
        return f"Run in {self.folder.path}: {self.in_words().rstrip('.')}\n  {self.model!r}"

    def in_words(self) -> str:
        """How the model was trained, in one line."""
        training = self.model.facts.training
        steps, epoch, ended = training["steps"], training["best_epoch"], training.get("ended") or {}
        if not steps:
            return f"fitted in closed form in {self.seconds:.1f} s"
        early = f"; {ended['words']}" if ended.get("reason", "length") != "length" else ""
        done = f"trained {steps:,} steps in {self.seconds:.1f} s{early}"
        if self.model.facts.method == "fitted":
            return f"{done}. Kept the closed-form start: no epoch was significantly better."
        return f"{done}. Kept the weights after epoch {epoch}." if self.recipe.train.keep == "best" and epoch else done


def recipe_for(name: str) -> Recipe:
    """Finds the recipe for the name of a recipe, a recipe file, the name of a data set, or a file of sequences.

    Args:
        name: the word; a file's name has an ending, or a folder before it.
    Raises:
        UnknownNameError: with the nearest name.

    Example:
        >>> unrolled.recipe_for("digits").data.source
        'digits'
        >>> unrolled.recipe_for("recordings/gestures.csv").name  # a file: the default recipe under the file's name
        'gestures'
    """
    path, recipe = Path(name), find_recipe(name)
    if recipe is not None and not (path.exists() and name not in (recipe.name, *recipe.aliases)):
        return recipe
    if path.suffix == ".toml":
        return read_recipe(path)
    if name in SOURCES:
        return default_recipe(name).with_options({"source": name})
    if path.exists() or len(path.parts) > 1 or path.suffix or path == STANDARD_INPUT:
        named = path.parent if is_pattern(path) else path
        return default_recipe(named.resolve().name.split(".")[0].strip("-*") or "data").with_options({"source": name})
    aliases = {alias for recipe in named_recipes().values() for alias in recipe.aliases}
    known = {*named_recipes(), *aliases, *SOURCES}
    raise UnknownNameError("recipe, data set or file", name, known, "`unrolled recipes` lists the recipes.")


def train(
    recipe: str | Path | Recipe | None = None,
    *,
    data: Sequences | Dataset | None = None,
    start: str | Path | Model | None = None,
    runs: str | Path = "runs",
    name: str | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say | None = None,
    reading: Observer = SILENT,
    jobs: int | None = None,
    watcher: Watcher | None = None,
    **options: Any,
) -> Run:
    """Trains a recipe, evaluates it and writes its run folder.

    The test sequences take no part in the training; validation sequences choose among the weights of its epochs. Which
    sequences these are, the recipe's data section says: of a file or of plain `Sequences` a fifth is held out for the
    test and 15 % of the rest for validation, stratified by class, unless it says otherwise.

    With ``folds=5`` every sequence is held out once instead, from one of five further trainings on the others, and the
    figures are those of all sequences; ``repeats=3`` does so three times. The model itself is then trained on all
    sequences, and is not tested.

    Args:
        recipe: a `Recipe`, or what `recipe_for` takes; by default, for ``data``, the recipe ``default``.
        data: sequences of your own instead of the recipe's; plain `Sequences` are split as the recipe's data section
            says. They are not stored, so `resume` needs them again; the run records no source.
        start: a model, or its folder or run, whose weights the training starts from (fine-tuning), with its network and
            its preparation; for other classes, its readout is fitted anew.
        runs: the folder for run folders.
        name: the run's name; by default the next number.
        recorders: further recorders of the training.
        say: called with each line for the user; by default there is no output.
        reading: observes the reading of files.
        jobs: folds that are trained at a time; by default one.
        watcher: listens to the progress of the folds.
        options: fields of the recipe to change, such as ``hidden_size=64``.
    Returns:
        The finished run.
    Raises:
        UnrolledError: for anything that the user can put right; the message says how.

    Example:
        >>> own = unrolled.Sequences.from_list(arrays, labels)  # arrays of any lengths, [T_i, F]
        >>> run = unrolled.train(unrolled.Recipe(name="own"), data=own, hidden_size=8, batch_size=8, report=False)
        >>> run.evaluation.cases  # a fifth of each class was held out, and takes no part in the training
        12
        >>> run.model.predict(arrays[:2])
        array(['low', 'high'], dtype='<U4')
    """
    say = say or silent
    if recipe is None:
        if data is None:
            raise ConfigError("found neither a recipe nor data; expected one of them, as in unrolled.train(data=…).")
        recipe = default_recipe("data")
    chosen = (recipe if isinstance(recipe, Recipe) else recipe_for(str(recipe))).with_options(options)
    if data is not None:
        chosen = in_memory(chosen, data)
    before = start if start is None or isinstance(start, Model) else Model.load(start)
    if before is not None:
        chosen = recipe_from(chosen, before, options)
    dataset, whole = _read(chosen, data, Notes(say, reading), before)
    refuse_idle([chosen], options, text=dataset.train.symbols is not None)
    origin = None if before is None else Start(before, "memory" if isinstance(start, Model) else str(start))
    advice = None if isinstance(data, Dataset) else suggestion(dataset, chosen.data)
    if advice is not None:
        say(f"note: {advice}")
    return train_dataset(
        chosen,
        dataset,
        start=origin,
        whole=whole,
        runs=runs,
        name=name,
        recorders=recorders,
        say=say,
        jobs=jobs,
        watcher=watcher,
    )


def train_dataset(
    chosen: Recipe,
    dataset: Dataset,
    *,
    start: Start | None = None,
    runs: str | Path,
    name: str | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say = silent,
    whole: Sequences | None = None,
    jobs: int | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """As `train`, for a recipe whose sequences are already there, as `dataset_for` returned them."""
    device = choose_device(chosen.train.device)
    check_settings(chosen.train, chosen.augment, dataset.train, dataset.validation, device)
    folder = RunFolder.create(Path(runs), chosen.name, name)
    with folder.locked(), folder.undone_by_early_errors(), using_threads(None):
        if start is not None:
            replace(start.model, examples=(), baselines=None).save(folder.start)
        prepared = _prepare(folder, chosen, dataset, whole, start)
        plan = {"plan": prepared.length(), **({} if start is None else {"start": start.facts()})}
        folder.write_config(chosen, {"data": _data_facts(dataset), **plan, **prepared.conditions()})
        _write_held_out(folder, dataset)
        return _finish(prepared, recorders, say, StopRequest(folder.finish_request.exists), jobs, watcher)


def resume(
    path: str | Path,
    *,
    data: Sequences | Dataset | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say | None = None,
    reading: Observer = SILENT,
    jobs: int | None = None,
    watcher: Watcher | None = None,
    **options: Any,
) -> Run:
    """Goes on with a run exactly where its last checkpoint was taken, perhaps for longer than it was meant to.

    Finished folds are not trained again; a run with folds cannot be made longer.

    Args:
        path: the run's folder.
        data: the sequences that `train` got, if it got any.
        recorders, say, reading, jobs, watcher: as for `train`.
        options: a new length, ``patience`` or ``time_limit``, which extend a finished or a stopped run. By the schedule
            ``constant`` the weights are those of a run of that length; by the others the learning rates depend on the
            length, so they are not.
    Raises:
        RunError: if the folder holds no run, the data have changed, or nothing is left to do by the new length.
        ConfigError: for other options.

    Example:
        >>> class PowerCut(unrolled.Recorder):
        ...     def epoch(self, log, state):
        ...         raise KeyboardInterrupt
        >>> try:
        ...     unrolled.train(run.recipe, data=dataset, name="cut", max_epochs=3, recorders=[PowerCut()])
        ... except KeyboardInterrupt:
        ...     pass
        >>> run = unrolled.resume("runs/levels/cut", data=dataset)
        >>> [log.epoch for log in run.history]
        [1, 2, 3]
        >>> len(unrolled.resume("runs/levels/cut", data=dataset, max_epochs=5).history)
        5
    """
    folder = RunFolder.open(Path(path))
    with folder.locked():
        enough = StopRequest(folder.finish_request.exists)
        return _go_on(folder, data, recorders, say or silent, reading, options, enough, jobs, watcher)


def finish(
    path: str | Path,
    *,
    data: Sequences | Dataset | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say | None = None,
    reading: Observer = SILENT,
) -> Run | None:
    """Ends a run before its length: its best weights so far become a model, with figures and report.

    `resume` still goes on with its training afterwards.

    Args:
        path: the run's folder.
        data: the sequences that `train` got, if it got any.
        recorders, say, reading: as for `train`.
    Returns:
        The run; None if another process is training in the folder, which then ends it at its next update.
    Raises:
        RunError: if the folder holds no run, the data have changed, or there is no checkpoint yet.

    Example:
        >>> class PowerCut(unrolled.Recorder):
        ...     def epoch(self, log, state):
        ...         raise KeyboardInterrupt
        >>> try:
        ...     unrolled.train(run.recipe, data=dataset, name="enough", max_epochs=30, recorders=[PowerCut()])
        ... except KeyboardInterrupt:
        ...     pass
        >>> run = unrolled.finish("runs/levels/enough", data=dataset)
        >>> len(run.history), run.model.facts.training["ended"]["reason"]
        (1, 'request')
    """
    folder, enough = RunFolder.open(Path(path)), StopRequest()
    enough.make()
    if folder.read_config()[0].data.folds is not None:
        raise RunError(
            f"{path} is a run with folds, which are compared at their full length; go on with it by --resume."
        )
    try:
        with folder.locked():
            if folder.checkpoints.newest() is None:
                raise RunError(f"{path} has no checkpoint yet, so nothing was learned; go on with it by --resume.")
            return _go_on(folder, data, recorders, say or silent, reading, {}, enough)
    except RunLockedError:
        write_text(folder.finish_request, "")
        return None


def _go_on(
    folder: RunFolder,
    data: Sequences | Dataset | None,
    recorders: Sequence[Recorder],
    say: Say,
    reading: Observer,
    options: Mapping[str, Any],
    enough: StopRequest,
    jobs: int | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """Trains from the last checkpoint on, in a locked folder, with new values for some options."""
    folder.finish_request.unlink(missing_ok=True)
    recipe, facts = folder.read_config()
    longer = extended(recipe, options)
    if options and recipe.data.folds is not None:
        raise RunError(
            "a run with folds cannot be made longer: all of them would have to be trained anew; start a new run."
        )
    with using_threads(None):
        start = None
        if folder.start.exists():
            start = Start(Model.load(folder.start), facts["start"]["path"])
        dataset, whole = _read(recipe, data, Notes(say, reading), None if start is None else start.model)
        _check_same_data(folder, dataset, facts["data"])
        prepared = _prepare(folder, longer, dataset, whole, start)
        state = prepared.training.state
        _say_what_changed(prepared.conditions(), facts, say)
        if folder.checkpoints.newest() is not None:
            checkpoint, warning = folder.checkpoints.load_last()
            if warning:
                say(f"warning: {warning}")
            state.restore(checkpoint)
            say(f"going on after step {state.step:,}")
        else:
            say("no checkpoint was taken yet; starting from the first step")
        if options:
            former = facts.get("plan") or _prepare(folder, recipe, dataset, whole, start).length()
            notes = extend(prepared.training, prepared.plan, former["steps"], options)
            for line in notes:
                say(line)
            step = {"after_step": state.step, "options": dict(options), "notes": notes}
            later = {"plan": prepared.length(), "extended": [*facts.get("extended", []), step]}
            folder.write_config(longer, {**facts, **later})
        return _finish(prepared, recorders, say, enough, jobs, watcher)


def train_one(
    recipe: Recipe, data: Dataset, runs: Path, folder: RunFolder | None, *, name: str | None = None, progress: Progress
) -> tuple[Path, str]:
    """Trains one recipe of several, or goes on with it; a job.

    Args:
        recipe: the recipe.
        data: the sequences.
        runs: the folder for run folders.
        folder: the folder of an unfinished run to go on with; None: a new run.
        name: of a new run.
        progress: called with the training's progress, 0 to 1.
    Returns:
        The run's folder, and a line for the user.
    """
    recorders = [ProgressRecorder(progress)]
    if folder is not None:
        run = resume(folder.path, data=data, recorders=recorders)
    else:
        run = train_dataset(recipe, data, runs=runs, name=name, recorders=recorders)
    accuracy = "" if run.evaluation is None else f"{100 * run.evaluation.accuracy.value:.2f} % "
    return run.folder.path, f"{accuracy}in {run.seconds:.1f} s, {run.folder.path}"


@dataclass(frozen=True)
class _Prepared:
    """A run that is ready to train.

    Attributes:
        folder: its folder.
        dataset: the sequences as they were read.
        ready: the sequences as they are batched.
        preprocessor: what makes the latter from the former.
        training: the network and its training, at the first update.
        whole: all sequences, for a cross-validation; None without one.
        start: the model that it starts from; None for new weights.
    """

    folder: RunFolder
    dataset: Dataset
    ready: Dataset
    preprocessor: Preprocessor
    training: Training
    whole: Sequences | None
    start: Start | None

    @property
    def plan(self) -> Plan:
        """The length of the training."""
        return make_plan(self.training.config, self.training.train)

    def length(self) -> dict[str, int]:
        """The same for config.json."""
        return {"epochs": self.plan.epochs, "steps": self.plan.total_steps}

    @property
    def threads(self) -> int:
        """CPU threads of the training."""
        return training_threads(self.training.recipe.train, self.ready.train, self.training.state.network)

    def conditions(self) -> dict[str, Any]:
        """Versions, device and kernel, which config.json records: the last bits of the weights depend on them."""
        network = self.training.state.network
        kernel = network.layers[0].kernel()  # type: ignore[operator]
        with using_threads(self.threads):
            device = describe_device(network.output.weight.device)
        return {
            "versions": {
                "unrolled": VERSION,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
            "device": device,
            "kernel": f"{kernel.name}: {kernel.reason}",
        }


def _prepare(
    folder: RunFolder, recipe: Recipe, dataset: Dataset, whole: Sequences | None, start: Start | None
) -> _Prepared:
    device = choose_device(recipe.train.device)
    if start is None:
        preprocessor = learn_preprocessor(dataset.train, recipe.data)
        ready = preprocessor.dataset(dataset)
        training = set_up(recipe, ready.train, ready.validation, device)
    else:
        preprocessor = start.model.preprocessor
        ready = preprocessor.dataset(dataset)
        network = network_from(start.model, ready, recipe).to(device)
        training = continue_from(recipe, network, ready.train, ready.validation)
    return _Prepared(folder, dataset, ready, preprocessor, training, whole, start)


def _read(
    recipe: Recipe, data: Sequences | Dataset | None, observer: Observer, start: Model | None
) -> tuple[Dataset, Sequences | None]:
    """What the model is trained on, and all sequences where they are divided into folds."""
    if recipe.data.folds is None:
        return dataset_for(recipe, data, observer, start), None
    if start is not None:
        raise ConfigError("--from is for one training, and --folds would begin each fold anew; leave one of them out.")
    whole = dataset_for(undivided(recipe), data, observer)
    return for_the_model(whole, recipe.data), whole.train


def in_memory(recipe: Recipe, data: Sequences | Dataset) -> Recipe:
    """The recipe for sequences in memory: the source of others would later be taken for theirs."""
    others = {"source": "", **dict.fromkeys(OPTIONS_OF_NAMED_DATA)}
    if isinstance(data, Dataset):
        others["test"] = None
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=others)})


def dataset_for(
    recipe: Recipe, data: Sequences | Dataset | None, observer: Observer = SILENT, start: Model | None = None
) -> Dataset:
    """The sequences that the caller gave, split if they need to be, or else the recipe's; read like those of a start.

    Raises:
        DataError: for sequences that cannot be trained or tested on, such as a test that was learned by heart.
    """
    dataset = _dataset_for(recipe, data, observer, None if start is None else start.facts.reading)
    if start is not None:
        dataset = dataset_from(dataset, start)
    trained_on = 0 if dataset.test is None else np.isin(dataset.record.test.hashes, dataset.record.train.hashes).sum()
    if dataset.test is not None and trained_on and len(_learned(dataset)) == len(dataset.test):
        raise DataError(
            f"all {len(dataset.test):,} test sequences also stand in the training data, so they cannot test what the "
            "model learned; name other --test data, or leave --test out to hold some sequences out."
        )
    return dataset


def _learned(dataset: Dataset) -> npt.NDArray[np.intp]:
    """The indices of the test sequences whose content is also in the training or validation data."""
    record = dataset.record
    if dataset.test is None or not np.isin(record.test.hashes, record.learned).any():
        return np.arange(0)
    return np.flatnonzero(np.isin(content_hashes(dataset.test), record.learned))


def _dataset_for(
    recipe: Recipe, data: Sequences | Dataset | None, observer: Observer, like: Mapping[str, Any] | None
) -> Dataset:
    missing = recipe.model.missing
    if isinstance(data, Dataset):
        check_trainable(data.train, missing)
        if data.validation is not None:
            check_held_out(data.validation, data.train, "validation", missing)
        if data.test is not None:
            check_test(data.test, data.train, missing)
        return data
    if isinstance(data, Sequences):
        return split_dataset(data, recipe.data, recipe.name, "memory", observer, missing=missing)
    return load_dataset(recipe.data, observer, missing=missing, like=like)


def _finish(
    prepared: _Prepared,
    recorders: Sequence[Recorder],
    say: Say,
    enough: StopRequest,
    jobs: int | None,
    watcher: Watcher | None,
) -> Run:
    """Trains to the end, evaluates the model, and writes the model folder."""
    folder, dataset, ready, training = prepared.folder, prepared.dataset, prepared.ready, prepared.training
    recipe, state = training.recipe, training.state
    shared = _learned(dataset)
    if dataset.test is not None and len(shared):
        count = f"{len(shared):,} of the {len(dataset.test):,} test sequences"
        say(f"note: {count} also stand in the training or validation data: {listed(_names(dataset.test, shared))}")
    start = prepared.start
    origin = {} if start is None else {"start": start.facts()}
    record = dataset.record if start is None else record_from(dataset, start.model)
    facts = learned_facts(
        dataset.train,
        prepared.preprocessor,
        state.network.config,
        data={**_data_facts(dataset), "options": recipe.data.model_dump(mode="json")},
        training={},
    )

    def model_of(network: Network, training: Mapping[str, Any]) -> Model:
        return Model(network, facts.model_copy(update={"training": {**training, **origin}}), record=record)

    best = BestSoFar(folder.best, recipe, model_of)
    observers = [MetricsFile(folder.metrics), best, *_own_recorders(prepared, say), *recorders]
    evaluation = None
    with _saying_how_to_go_on(folder):
        notes = [] if start is None else notes_on(dataset, start.model)
        for line in [*describe(training, ready), *notes, f"run folder: {folder.path}"]:
            say(line)
        if prepared.whole is not None:
            evaluation = cross_validate(folder, recipe, prepared.whole, train_one, jobs, watcher or Watcher())
            say(f"{evaluation.cross_validation}: {evaluation.accuracy}; now the model itself, on all sequences")
        with using_threads(prepared.threads):
            training.fit(observers, folder.checkpoints, enough)
        model = model_of(state.shipped, training_facts(state, recipe))
        part, sequences = _for_examples(dataset)
        examples = choose_examples(sequences, recipe.data.examples, str(part))
        model = replace(model, baselines=fit_baselines(ready.train, dataset.train), examples=examples)
        if recipe.train.calibrate and dataset.validation is not None:
            model = calibrate(model, dataset.validation)
        if dataset.validation is not None:
            model = promise(model, dataset.validation)
        if dataset.test is not None:
            evaluation = evaluate_run(folder, recipe, model, dataset.test)
        if evaluation is not None:
            model = replace(model, facts=model.facts.model_copy(update={"figures": evaluation.summary()}))
        model.save(folder.model)
        folder.finish_request.unlink(missing_ok=True)
        if state.history:
            write_bytes(folder.curves, to_png(draw_curves(state.history, recipe.name, read_history(folder.metrics)[1])))
        if recipe.train.report:
            write_report(folder.path, test=dataset.test)
        if recipe.train.tensorboard and evaluation is not None and dataset.test is not None:
            _show_in_tensorboard(folder, recipe, model, dataset.test, evaluation, state.step)
        if evaluation is not None:  # last, so that the model is saved even if a tracker fails
            for recorder in observers:
                recorder.figures(evaluation.figures())
    return Run(folder, recipe, model, evaluation, state.history, training.seconds + state.seconds)


@contextmanager
def _saying_how_to_go_on(folder: RunFolder) -> Iterator[None]:
    """Adds the command that resumes the run to the error that stopped it."""
    run = shlex.quote(str(folder.path))
    command = f"unrolled train --resume {run}"
    finished = f"or make a model of the best weights so far with: unrolled finish {run}"
    try:
        yield
    except InterruptedRunError as stop:
        raise InterruptedRunError(f"{stop} Go on with: {command}\n{finished}") from None
    except KeyboardInterrupt as stop:
        stop.add_note(f"Go on with: {command}")
        raise
    except StorageError as error:
        raise StorageError(f"{error} Then go on with: {command}") from error


def _show_in_tensorboard(
    folder: RunFolder, recipe: Recipe, model: Model, test: Sequences, evaluation: Evaluation, step: int
) -> None:
    """Adds the confusion matrix, running probabilities of some sequences, and the run's row in the table of runs."""
    figure = draw_confusion(np.array(evaluation.confusion), [row.name for row in evaluation.classes])
    pictures = {"confusion": to_pixels(figure)}
    for case in range(min(len(test), _MOST_DRAWN)):
        pictures[f"belief/case {case}"] = to_pixels(draw_prediction(model, test.take(slice(case, case + 1))))
    add_pictures(folder.tensorboard, pictures, step)
    settings = recipe.model.model_dump() | recipe.train.model_dump() | recipe.augment.model_dump()
    add_to_table(folder.tensorboard, settings, evaluation.figures())


_MOST_DRAWN = 3
"""Test sequences whose running probabilities TensorBoard shows."""


def describe(training: Training, dataset: Dataset) -> list[str]:
    """Describes a training before it starts: data, network, method, device and kernel, a line each."""
    train, network = dataset.train, training.state.network
    steps = f"{train.equal_length}" if train.equal_length else f"{train.lengths.min()} to {train.lengths.max()}"
    held = [f"{len(dataset.validation):,} for validation"] if dataset.validation else []
    held += [f"{len(dataset.test):,} for the test"] if dataset.test else []
    layer = network.layers[0]
    kernel = layer.kernel()  # type: ignore[operator]
    weights = sum(parameter.numel() for parameter in network.parameters())
    device = network.output.weight.device
    done = describe_steps(training.config, train, device)
    return [
        f"data: {dataset.note}",
        f"{', '.join([f'{len(train):,} sequences to train', *held])}; {steps} steps of {_step(train)}, "
        f"{len(train.classes)} classes",
        f"network: {network.in_words()}, {weights:,} weights",
        f"method: {training.method}",
        f"on {describe_device(device)} with the {kernel.name} kernel: {kernel.reason}{done and f'; {done}'}",
    ]


def _step(train: Sequences) -> str:
    """The content of a step, in words."""
    if train.symbols is None:
        return f"{len(train.channels)} values"
    return f"text, {len(train.symbols) - 1:,} different {train.text_kind}"


def _names(sequences: Sequences, indices: npt.NDArray[np.intp]) -> list[str]:
    """The ids of some sequences, or their numbers, counted from 0."""
    return [str(index) if sequences.ids is None else sequences.ids[index] for index in indices.tolist()]


def _for_examples(dataset: Dataset) -> tuple[Part, Sequences]:
    """Held-out sequences, or training sequences if none are held out."""
    parts = {Part.TEST: dataset.test, Part.VALIDATION: dataset.validation, Part.TRAINED_ON: dataset.train}
    return next((part, sequences) for part, sequences in parts.items() if sequences is not None)


def _own_recorders(prepared: _Prepared, say: Say) -> list[Recorder]:
    """The recorders that the recipe itself asks for."""
    folder, recipe = prepared.folder, prepared.training.recipe
    config = recipe.train
    found = [make_tracker(name, folder.path, recipe) for name in config.trackers]
    watched = None
    if config.watch is not None:
        watched = _watched(config.watch, prepared.ready.train, prepared.preprocessor)
    if config.output != "progress":
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
        raise ConfigError(f"watch = {text!r} has {found} channels; expected {channels}, as the data have.")
    return torch.from_numpy(preprocessor(sequence)[0][None])


def _write_held_out(folder: RunFolder, dataset: Dataset) -> None:
    """Writes the ids of the held-out sequences, where they have some."""
    parts = {"validation": dataset.validation, "test": dataset.test}
    named = {name: part.ids for name, part in parts.items() if part is not None and part.ids is not None}
    rows = [(name, one) for name, ids in named.items() for one in ids]
    if rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("part", "id"), *rows])
        write_text(folder.held_out, text.getvalue())


def _say_what_changed(found: dict[str, Any], recorded: dict[str, Any], say: Say) -> None:
    """Warns if the conditions of a run have changed, which is no error but may change the last bits of the weights."""
    now, then = ({**part.get("versions", {}), **part} for part in (found, recorded))
    changed = [
        f"{name} {then[name]}, now {now[name]}"
        for name in (*found["versions"], "device", "kernel")
        if name in then and then[name] != now[name]
    ]
    if changed:
        say(
            f"warning: the run began with {'; '.join(changed)}. It goes on, but its weights can differ in their last "
            "bits from those of a run that was never stopped."
        )


def _check_same_data(folder: RunFolder, dataset: Dataset, recorded: dict[str, Any]) -> None:
    """Raises an error if the data have changed: the run would end with other weights."""
    changed = changed_part(dataset, recorded)
    if changed is not None:
        raise RunError(
            f"the {changed} data are not those that {folder.path} began with; restore them, or start a new run."
        )


def _data_facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "note": dataset.note,
        **fingerprints(dataset),
        "train": len(dataset.train),
        "validation": len(dataset.validation) if dataset.validation else 0,
        "test": len(dataset.test) if dataset.test else 0,
    }
