"""What a user calls: `train`, `resume` and `finish`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unrolled.config import Recipe, default_recipe
from unrolled.data import Dataset, Frame, Sequences
from unrolled.data.files import SILENT, Notes, Observer
from unrolled.errors import ConfigError, RunError, RunLockedError
from unrolled.jobs import Watcher
from unrolled.model import Model
from unrolled.runs.accompanied import shared_among
from unrolled.runs.beginning import begin
from unrolled.runs.completing import CrossValidate, Say, Surroundings, silent
from unrolled.runs.cross_validation import cross_validate
from unrolled.runs.datasets import in_memory, read
from unrolled.runs.finished import Run
from unrolled.runs.folder import RunFolder
from unrolled.runs.folds import suggestion
from unrolled.runs.going_on import go_on
from unrolled.runs.naming import recipe_for
from unrolled.runs.starting import Start, recipe_from
from unrolled.runtime import StopRequest
from unrolled.storage import write_text
from unrolled.training import refuse_idle
from unrolled.training.recorders import Recorder


def train(
    recipe: str | Path | Recipe | None = None,
    *,
    data: Sequences | Dataset | Frame | None = None,
    start: str | Path | Model | None = None,
    runs: str | Path = "runs",
    name: str | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say | None = None,
    reading: Observer = SILENT,
    jobs: int | None = None,
    watcher: Watcher | None = None,
    workers: int = 1,
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
            says, and so are those of a data frame, which is read as a table in a file by the same options (``id``,
            ``label``, …). They are not stored, so `resume` needs them again; the run records no source.
        start: a model, or its folder or run, whose weights the training starts from (fine-tuning), with its network and
            its preparation; for other classes, its readout is fitted anew.
        runs: the folder for run folders.
        name: the run's name; by default the next number.
        recorders: further recorders of the training.
        say: called with each line for the user; by default there is no output.
        reading: observes the reading of files.
        jobs: folds that are trained at a time; by default one.
        watcher: listens to the progress of the folds.
        workers: processes of this machine that share each batch, at most as many as it has ``shards`` (8 by default
            then). The weights are the same bits for every number of workers.
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
    chosen = shared_among(workers, chosen)
    before = start if start is None or isinstance(start, Model) else Model.load(start)
    if before is not None:
        chosen = recipe_from(chosen, before, options)
    dataset, whole = read(chosen, data, Notes(say, reading), before)
    refuse_idle([chosen], options, text=dataset.train.symbols is not None)
    origin = None if before is None else Start(before, "memory" if isinstance(start, Model) else str(start))
    advice = None if isinstance(data, Dataset) else suggestion(dataset, chosen.data)
    if advice is not None:
        say(f"note: {advice}")
    around = Surroundings(recorders, say, _folds_by(jobs, watcher), workers)
    return begin(chosen, dataset, start=origin, whole=whole, runs=runs, name=name, around=around)


def resume(
    path: str | Path,
    *,
    data: Sequences | Dataset | Frame | None = None,
    recorders: Sequence[Recorder] = (),
    say: Say | None = None,
    reading: Observer = SILENT,
    jobs: int | None = None,
    watcher: Watcher | None = None,
    workers: int = 1,
    **options: Any,
) -> Run:
    """Goes on with a run exactly where its last checkpoint was taken, perhaps for longer than it was meant to.

    Of a cross-validation, finished folds are not trained again, unless the run is made longer: then each of them is.

    Args:
        path: the run's folder.
        data: the sequences that `train` got, if it got any.
        recorders, say, reading, jobs, watcher, workers: as for `train`.
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
        around = Surroundings(recorders, say or silent, _folds_by(jobs, watcher), workers)
        return go_on(folder, data, around, reading=reading, options=options)


def finish(
    path: str | Path,
    *,
    data: Sequences | Dataset | Frame | None = None,
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
    around = Surroundings(recorders, say or silent, _folds_by(None, None))
    data_of = folder.read_config()[0].data
    if data_of.folds is not None and folder.finished_folds < data_of.folds * data_of.repeats:
        raise RunError(
            f"{path} is a cross-validation whose figures need all folds, and {folder.finished_folds} of "
            f"{data_of.folds * data_of.repeats} are trained; stop it by Ctrl-C, and go on with it by --resume."
        )
    try:
        with folder.locked():
            if folder.checkpoints.newest() is None:
                raise RunError(f"{path} has no checkpoint yet, so nothing was learned; go on with it by --resume.")
            return go_on(folder, data, around, reading=reading, enough=enough)
    except RunLockedError:
        write_text(folder.finish_request, "")
        return None


def _folds_by(jobs: int | None, watcher: Watcher | None) -> CrossValidate:
    return partial(cross_validate, jobs=jobs, watcher=watcher or Watcher())
