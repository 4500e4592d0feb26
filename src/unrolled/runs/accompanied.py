"""A training with further workers beside the first: processes of this machine, or of several by torchrun."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import torch

from unrolled.config import Recipe
from unrolled.errors import ConfigError, option
from unrolled.jobs import companions
from unrolled.readout import Training
from unrolled.runs.preparing import Prepared
from unrolled.runtime import StopRequest, stopping_by, using_threads
from unrolled.training import SeveralWorkers, Workers

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
    facts = _facts(prepared)
    with TemporaryDirectory(prefix="unrolled-", ignore_cleanup_errors=True) as folder:
        training, meeting = Path(folder) / "training", Path(folder) / "meeting"
        joblib.dump(prepared.training, training)
        shared = {"count": workers, "facts": facts, "training": training, "meeting": meeting}
        calls = [
            {"rank": rank, "threads": threads_of_worker(prepared.threads, workers), **shared}
            for rank in range(1, workers)
        ]
        with companions(_follow, calls):
            yield SeveralWorkers(0, workers, facts, meeting)


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


def _follow(rank: int, count: int, facts: dict[str, Any], training: Path, meeting: Path, threads: int) -> None:
    """Trains as one of the further workers, without any output."""
    copy: Training = joblib.load(training, mmap_mode="c")
    workers = SeveralWorkers(rank, count, facts, meeting)
    with using_threads(threads), stopping_by(StopRequest()):
        copy.fit(workers=workers)


def _facts(prepared: Prepared) -> dict[str, Any]:
    """What has to be the same at all workers: else their weights would differ."""
    training = prepared.training
    settings = training.recipe.model_dump_json(exclude={"train": {"threads", "device", "report", "tensorboard"}})
    versions = {"unrolled": prepared.conditions()["versions"]["unrolled"], "torch": torch.__version__}
    return {
        "recipes": hashlib.sha256(settings.encode()).hexdigest(),
        "data": prepared.ready.train.fingerprint,
        "updates": training.state.step,
        "versions": versions,
        "kernels": prepared.conditions()["kernel"],
    }
