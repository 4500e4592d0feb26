"""A training with further workers beside the first: processes of this machine, or of several by torchrun."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import torch

from unrolled.config import Recipe
from unrolled.errors import ConfigError, WorkerLostError, option
from unrolled.jobs import companions
from unrolled.nn.compiled import Library, load_library
from unrolled.readout import Training
from unrolled.runs.preparing import Prepared
from unrolled.runtime import StopRequest, stopping_by, using_threads
from unrolled.training import EXCHANGE_SECONDS, SeveralWorkers, Workers, training_threads
from unrolled.version import VERSION

DEFAULT_SHARDS = 8
"""Shards of a batch where several workers are asked for: 1, 2, 4 or 8 of them then give the same bits."""


@contextmanager
def accompanied(prepared: Prepared, workers: int) -> Iterator[Workers]:
    """The first worker of a training, with the others beside it while the block runs.

    Args:
        prepared: the training, at the update where it begins or goes on. The others get a copy of it.
        workers: the number of all.
    """
    if workers == 1:
        yield Workers()
        return
    check_workers(prepared.training.config.shards, workers)
    if launched() is not None:
        first = SeveralWorkers(0, workers, _conditions())
        first.place.hand_out(_dumped(prepared.training))
        yield first
        return
    with TemporaryDirectory(prefix="unrolled-", ignore_cleanup_errors=True) as folder:
        training, meeting = Path(folder) / "training", Path(folder) / "meeting"
        joblib.dump(prepared.training, training)
        threads = threads_of_worker(prepared.threads, workers)
        shared = {"count": workers, "training": training, "meeting": meeting, "threads": threads}
        with companions(_follow, [{"rank": rank, **shared} for rank in range(1, workers)]):
            yield SeveralWorkers(0, workers, _conditions(), meeting)


@dataclass(frozen=True)
class Launched:
    """The place of this process among those that torchrun began.

    Attributes:
        rank: its number, from 0.
        count: the number of all.
        on_this_machine: the number of those on this machine.
        restarts: how often torchrun has begun all of them anew.
    """

    rank: int
    count: int
    on_this_machine: int
    restarts: int


def launched() -> Launched | None:
    """How torchrun launched this process, by the environment; None if it did not, or launched one only."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT")
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        return None
    return Launched(*(int(os.environ.get(name, "0")) for name in names))


def follow(place: Launched) -> None:
    """Trains as one of the further workers that torchrun launched, with what the first hands out; without any output.

    Raises:
        WorkerLostError: if another worker ends, or the first does not begin.
    """
    workers = SeveralWorkers(place.rank, place.count, _conditions())
    try:
        content = workers.place.received(EXCHANGE_SECONDS)
    except RuntimeError:
        raise WorkerLostError("the first worker of this training did not begin; its own output says why.") from None
    copy: Training = joblib.load(io.BytesIO(content))
    threads = training_threads(copy.config, copy.train, copy.state.network)
    with using_threads(threads_of_worker(threads, place.on_this_machine)):
        copy.fit(workers=workers)


def shared_among(workers: int, recipe: Recipe) -> Recipe:
    """The recipe of a new run, with shards where several workers are to have some each.

    Raises:
        ConfigError: for more workers than shards.
    """
    if workers > 1 and recipe.train.shards == 1:
        recipe = recipe.with_options({"shards": DEFAULT_SHARDS})
    check_workers(recipe.train.shards, workers)
    return recipe


def check_workers(shards: int, workers: int) -> None:
    """Refuses more workers than a batch has shards.

    Raises:
        ConfigError: with the number that fits.
    """
    if workers > shards:
        raise ConfigError(
            f"{option('workers', workers)} is more than the {shards} shards of a batch; choose {shards} workers or "
            f"fewer, or begin a run with more {option('shards')}."
        )


def threads_of_worker(threads: int, workers: int) -> int:
    """CPU threads of each of the workers of this machine."""
    return threads if workers == 1 else max(1, min(threads, (os.cpu_count() or 1) // workers))


def _follow(rank: int, count: int, training: Path, meeting: Path, threads: int) -> None:
    """Trains as one of the further workers of this machine, without any output."""
    copy: Training = joblib.load(training, mmap_mode="c")
    workers = SeveralWorkers(rank, count, _conditions(), meeting)
    with using_threads(threads), stopping_by(StopRequest()):
        copy.fit(workers=workers)


def _dumped(training: Training) -> bytes:
    content = io.BytesIO()
    joblib.dump(training, content)
    return content.getvalue()


def _conditions() -> dict[str, Any]:
    """What has to be the same at all workers, who get copies of everything else: else their weights would differ."""
    library = load_library()
    compiled = library.instructions if isinstance(library, Library) else library.reason
    return {
        "versions": {"unrolled": VERSION, "torch": torch.__version__},
        "instructions": [compiled, torch.backends.cpu.get_cpu_capability()],
    }
