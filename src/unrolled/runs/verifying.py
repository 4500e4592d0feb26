"""Proof by replay: a finished run is trained anew, and its weights are compared bit by bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from unrolled.config import Recipe
from unrolled.data import Dataset, Frame, Sequences
from unrolled.data.files import SILENT, Notes, Observer
from unrolled.errors import RunError
from unrolled.model import Model
from unrolled.runs.completing import Say, silent
from unrolled.runs.datasets import check_same_data, read
from unrolled.runs.folder import RunFolder
from unrolled.runs.going_on import changed_conditions
from unrolled.runs.preparing import Prepared, prepare
from unrolled.runs.reporting import read_history
from unrolled.runs.starting import start_of
from unrolled.runtime import StopRequest, using_threads
from unrolled.training import EpochLog, StepLog, TrainState, load_checkpoint
from unrolled.training.recorders import Recorder


@dataclass(frozen=True)
class Verification:
    """The outcome of a replay.

    Attributes:
        run: the run's folder.
        steps: the updates that were done again.
        sha256: of all weights of the run's model, in the order of their names.
        replayed_sha256: of those of the replay.
        differs_from: the update of the first figures that differ; None where none do.
        weights: names of the weights that differ.
        changed: versions, device, processor and kernel that differ, in words.

    Example:
        >>> found = unrolled.verify(run.folder.path, data=dataset)
        >>> found.is_same, found.steps, found.weights
        (True, 150, ())
    """

    run: str
    steps: int
    sha256: str
    replayed_sha256: str
    differs_from: int | None
    weights: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether the weights are the same bits."""
        return self.sha256 == self.replayed_sha256

    def facts(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {"same": self.is_same, **asdict(self)}

    def __str__(self) -> str:
        """One line where the bits are the same; else what differs, since when, and what may be the cause."""
        if self.is_same:
            return f"the same bits after {self.steps:,} replayed steps: SHA-256 {self.sha256}"
        since = "" if self.differs_from is None else f", since step {self.differs_from:,} or shortly before"
        causes = "; ".join(self.changed) or "no version, processor or kernel that the run recorded has changed"
        return (
            f"other bits after {self.steps:,} replayed steps{since}: {', '.join(self.weights)}\n"
            f"  the run:    SHA-256 {self.sha256}\n  the replay: SHA-256 {self.replayed_sha256}\n  {causes}"
        )


def verify(
    run: str | Path,
    *,
    last: bool = False,
    data: Sequences | Dataset | Frame | None = None,
    say: Say | None = None,
    reading: Observer = SILENT,
) -> Verification:
    """Trains a finished run anew from its recipe and data, and compares the weights bit by bit.

    Nothing in the run's folder changes. Of a cross-validation the model itself is trained again, not its folds.

    Args:
        run: the run's folder.
        last: whether the replay goes on from the checkpoint before the last, instead of from the first update.
        data: the sequences that `train` got, if it got any.
        say: called with each line for the user.
        reading: observes the reading of files.
    Raises:
        RunError: if the run is not finished, the data have changed, the run was made longer in a way that a replay
            cannot follow, or there is no checkpoint to go on from.

    Example:
        >>> print(unrolled.verify(run.folder.path, data=dataset))  # doctest: +ELLIPSIS
        the same bits after 150 replayed steps: SHA-256 ...
    """
    folder, say = RunFolder.open(Path(run)), say or silent
    if not folder.is_finished:
        raise RunError(
            f"{folder.path} is not finished, so there are no weights to compare; go on with it by "
            f"unrolled train --resume {folder.path}, or end it by unrolled finish {folder.path}."
        )
    recipe, facts = folder.read_config()
    model = Model.load(folder.model)
    _check_replayable(folder, recipe, facts, last)
    with TemporaryDirectory(prefix="unrolled-") as place, using_threads(None):
        replica = RunFolder(Path(place))
        prepared = _prepared_again(folder, replica, recipe, facts, data, Notes(say, reading))
        state = prepared.training.state
        if last:
            state.restore(load_checkpoint(folder.checkpoints.before_last))
        begun = state.step
        say(f"replaying {model.facts.training['steps'] - begun:,} steps of {folder.path}")
        replayed = _train_again(prepared, model.facts.training["steps"])
        found, expected = _weights(state.shipped.state_dict()), _weights(model.network.state_dict())
        return Verification(
            run=str(folder.path),
            steps=state.step - begun,
            sha256=_digest(expected),
            replayed_sha256=_digest(found),
            differs_from=_first_difference(chain(*read_history(folder.metrics)), replayed),
            weights=tuple(name for name in expected if found.get(name) != expected[name]),
            changed=tuple(changed_conditions(prepared.conditions(), facts)),
        )


def _check_replayable(folder: RunFolder, recipe: Recipe, facts: Mapping[str, Any], last: bool) -> None:
    """Refuses a replay that could not end where the run did."""
    if last:
        if not folder.checkpoints.before_last.exists():
            raise RunError(
                f"{folder.path} has one checkpoint only, its last; leave --last out to replay the whole training."
            )
    elif facts.get("extended") and recipe.train.schedule != "constant":
        raise RunError(
            f"{folder.path} was made longer after step {facts['extended'][-1]['after_step']:,}, and by the schedule "
            f"{recipe.train.schedule} its learning rates are not those of one training; --last replays its end."
        )


def _prepared_again(
    folder: RunFolder,
    replica: RunFolder,
    recipe: Recipe,
    facts: dict[str, Any],
    data: Sequences | Dataset | Frame | None,
    observer: Observer,
) -> Prepared:
    """The run as it was before its first update, without an end by the clock."""
    start = start_of(folder, facts)
    dataset, whole = read(recipe, data, observer, None if start is None else start.model)
    check_same_data(folder, dataset, facts["data"])
    untimed = recipe.with_options({"time_limit": None})
    return prepare(replica, untimed, dataset, whole, start)


def _train_again(prepared: Prepared, steps: int) -> list[EpochLog | StepLog]:
    """Trains up to the update at which the run ended, and returns the figures on the way."""
    enough = StopRequest()
    replay = _Replay(steps, enough)
    with using_threads(prepared.threads):
        prepared.training.fit([replay], None, enough)
    return replay.lines


class _Replay(Recorder):
    """Keeps the figures of a training, and ends it at an update."""

    def __init__(self, steps: int, enough: StopRequest) -> None:
        self.steps, self.enough = steps, enough
        self.lines: list[EpochLog | StepLog] = []

    def updated(self, state: TrainState, batch: object) -> None:
        """See `Recorder.updated`."""
        del batch
        if state.step >= self.steps:
            self.enough.make()

    def step(self, log: StepLog) -> None:
        """See `Recorder.step`."""
        self.lines.append(log)

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """See `Recorder.epoch`."""
        del state
        self.lines.append(log)


def _weights(tensors: Mapping[str, Tensor]) -> dict[str, bytes]:
    """The bytes of each weight, by name."""
    return {name: tensors[name].detach().cpu().contiguous().numpy().tobytes() for name in sorted(tensors)}


def _digest(weights: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in weights.items():
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()


def _first_difference(recorded: Iterable[EpochLog | StepLog], replayed: Iterable[EpochLog | StepLog]) -> int | None:
    """The update of the first figures of the replay that the run recorded as others."""
    then, now = _figures(recorded), _figures(replayed)
    different = (step for step, kind in sorted(now.keys() & then.keys()) if now[step, kind] != then[step, kind])
    return next(different, None)


def _figures(lines: Iterable[EpochLog | StepLog]) -> dict[tuple[int, str], EpochLog | StepLog]:
    """Figures without their times, by update and kind of line."""
    return {(line.step, type(line).__name__): replace(line, seconds=0.0) for line in lines}
