"""The workers of a training: processes that share the shards of each batch and keep the same weights.

The first worker alone writes checkpoints and figures, and heeds requests to stop. What it decides goes with the
gradients to the others, so that all end at the same update.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from unrolled.errors import WorkerLostError
from unrolled.runtime import StopRequest
from unrolled.runtime.pytorch import Meeting
from unrolled.training.shards import spans_of_workers, sum_of_spans

Wish = Literal["stop", "request", "time"]
"""What ends a training before its length: a stop that a resume goes on from, a request to finish, or the clock."""

_WISHES: tuple[Wish | None, ...] = (None, "stop", "request", "time")

ARRIVAL_SECONDS = 120.0
"""How long the first worker waits for the last of them to arrive."""

EXCHANGE_SECONDS = 1800.0
"""How long a worker waits for the others at an update; the first may write a checkpoint or a report meanwhile."""


@dataclass(frozen=True)
class Requests:
    """What may end a training before its length.

    Attributes:
        stop: a stop that a resume goes on from.
        enough: an end as if the training were complete.
        limit: seconds of training; None for no limit.
        started: when the training would have begun, had it never been stopped, by `time.perf_counter`.
    """

    stop: StopRequest
    enough: StopRequest
    limit: float | None
    started: float

    @property
    def seconds(self) -> float:
        """Seconds of training so far, over all its resumptions."""
        return time.perf_counter() - self.started

    def wish(self) -> Wish | None:
        """What was asked for by now."""
        if self.stop.requested:
            return "stop"
        if self.enough.requested:
            return "request"
        return "time" if self.limit is not None and self.seconds >= self.limit else None


class Workers:
    """A single worker, which computes all shards itself.

    Attributes:
        rank: the number of this worker, from 0.
        count: the number of workers.
    """

    rank, count = 0, 1

    def total(self, own: Tensor, shards: int, wish: Wish | None) -> tuple[Tensor, Wish | None]:
        """The sum over the shards of all workers, and the wish of the first.

        Args:
            own: the sum over the shards that are this worker's (see `spans_of_workers`), a vector.
            shards: of a batch.
            wish: of this worker.
        """
        del shards
        return own, wish


class SeveralWorkers(Workers):
    """A worker among several.

    Args:
        rank: the number of this worker, from 0.
        count: the number of workers.
        facts: what has to be the same at all of them.
        meeting: a file that all workers of one machine can write; None for torchrun's address.
    Raises:
        WorkerLostError: if one of them does not arrive, or has other facts.
    """

    def __init__(self, rank: int, count: int, facts: Mapping[str, Any], meeting: Path | None = None) -> None:
        self.rank, self.count = rank, count
        patience = EXCHANGE_SECONDS if rank else ARRIVAL_SECONDS  # the first may read data and fit until it arrives
        self.place = Meeting(rank, count, meeting, patience)
        found = self.place.told(json.dumps(facts, sort_keys=True))
        missing = sorted(set(range(count)) - set(found))
        if missing:
            raise WorkerLostError(
                f"worker {_numbers(missing)} of {count} did not arrive within {patience:.0f} s; look at its "
                "own output for the reason."
            )
        _check_alike({rank: json.loads(message) for rank, message in found.items()})
        try:
            self._gather = self.place.gather(EXCHANGE_SECONDS)
        except RuntimeError:
            raise self._lost() from None

    def total(self, own: Tensor, shards: int, wish: Wish | None) -> tuple[Tensor, Wish | None]:
        """See `Workers.total`.

        Raises:
            WorkerLostError: if another worker has ended.
        """
        mine = torch.cat([own.cpu(), torch.tensor([float(_WISHES.index(wish))], dtype=own.dtype, device="cpu")])
        try:
            sums = self._gather(mine)
        except RuntimeError:
            raise self._lost() from None
        found = sum_of_spans(dict(zip(spans_of_workers(shards, self.count), sums, strict=True)), (0, shards))
        return found[:-1].to(own.device), _WISHES[int(sums[0][-1])]

    def _lost(self) -> WorkerLostError:
        return WorkerLostError(f"another of the {self.count} workers of this training has ended.")


def _check_alike(facts: Mapping[int, Mapping[str, Any]]) -> None:
    """Refuses workers that would compute different weights."""
    first = facts[0]
    for rank, other in facts.items():
        for name in first.keys() | other.keys():
            if first.get(name) != other.get(name):
                raise WorkerLostError(
                    f"the workers of this training differ in their {name}: worker 0 has {first.get(name)}, worker "
                    f"{rank} has {other.get(name)}; give all of them the same."
                )


def _numbers(ranks: list[int]) -> str:
    return ", ".join(map(str, ranks))
