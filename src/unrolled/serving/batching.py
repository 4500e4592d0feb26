"""Requests that arrive together are computed together.

One worker thread computes; the event loop only reads, checks and answers. While the worker is busy, requests gather;
then it takes the oldest one, and others of about its length for the same model and the same work. A single request is
computed at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch

from unrolled.model import Model
from unrolled.network import STEPS_PER_BATCH
from unrolled.runtime import abandoning_when
from unrolled.serving.inputs import Steps
from unrolled.serving.metrics import Metrics
from unrolled.serving.problems import HTTPProblem, over_limit
from unrolled.serving.settings import ServerSettings

Work = Callable[[Model, list[Steps]], Sequence[Any]]
"""A computation: one result for each sequence, which depends on this sequence only."""


@dataclass(eq=False, slots=True)
class Waiting:
    """A request in the queue.

    Attributes:
        model: the model at the time of the request; a later reload does not change it.
        work: the computation.
        sequences: each [T, F], or T tokens.
        longest: steps of the longest sequence.
        arrived: time on the monotonic clock, s.
        answer: will hold the results.
    """

    model: Model
    work: Work
    sequences: list[Steps]
    longest: int
    arrived: float
    answer: asyncio.Future[Sequence[Any]]

    @property
    def key(self) -> tuple[int, Work, int]:
        """Requests with the same key may share a batch: their lengths differ by less than a factor of two."""
        return id(self.model), self.work, self.longest.bit_length()


@dataclass
class BatchQueue:
    """The queue of requests, and the thread that computes.

    Attributes:
        settings: batch size, waiting time, limits.
        metrics: counts every batch.
    """

    settings: ServerSettings
    metrics: Metrics
    _groups: dict[tuple[int, Work, int], deque[Waiting]] = field(default_factory=dict)
    _waiting: int = 0
    _last_size: int = 0
    _seconds_per_request: float = 0.001

    def __post_init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "inference", self._prepare_worker)
        self._threads_before: int | None = None
        self._arrival = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self.metrics.queue_size.set_function(lambda: self._waiting)

    def start(self) -> None:
        """Starts to compute; needs a running event loop."""
        self._loop_task = asyncio.create_task(self._serve(), name="batches")

    async def stop(self) -> None:
        """Finishes the accepted requests, then ends the worker."""
        while self._waiting:
            await asyncio.sleep(0.005)
        if self._loop_task is not None:
            self._loop_task.cancel()
        if self._threads_before is not None:
            await self.run(torch.set_num_threads, self._threads_before)
        await asyncio.get_running_loop().run_in_executor(None, self._worker.shutdown)

    def check_room(self) -> None:
        """Raises an error if the queue is full.

        Raises:
            HTTPProblem: 429, with the time after which to try again.
        """
        if self._waiting < self.settings.queue_size:
            return
        wait_s = max(1, round(self._waiting * self._seconds_per_request))
        raise over_limit(
            429,
            "busy",
            f"{self._waiting:,} requests are waiting",
            "queue_size",
            self.settings.queue_size,
            f"Try again in {wait_s} s.",
            {"retry-after": str(wait_s)},
        )

    async def submit(self, model: Model, work: Work, sequences: list[Steps]) -> Sequence[Any]:
        """The results for some sequences.

        Raises:
            HTTPProblem: 429 if the queue is full, 504 if there is no answer by the deadline.
        """
        self.check_room()
        loop = asyncio.get_running_loop()
        longest = max(len(sequence) for sequence in sequences)
        request = Waiting(model, work, sequences, longest, time.monotonic(), loop.create_future())
        self._groups.setdefault(request.key, deque()).append(request)
        self._waiting += 1
        self._arrival.set()
        deadline = loop.call_later(self.settings.deadline_ms / 1000, self._give_up, request)
        try:
            return await request.answer
        finally:
            deadline.cancel()

    def _give_up(self, request: Waiting) -> None:
        """Answers a request that is past its deadline; the worker then skips it, or ends its computation."""
        if not request.answer.done():
            request.answer.set_exception(self._too_late())

    def _too_late(self) -> HTTPProblem:
        advice = "Try again later, or with fewer and shorter sequences."
        allowed = self.settings.deadline_ms
        return over_limit(504, "deadline", "there was no answer in time, in ms", "deadline_ms", allowed, advice)

    async def run_in_time(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """As `run`, unless the function has not ended by the deadline.

        Raises:
            HTTPProblem: 504 after the deadline.
        """
        try:
            async with asyncio.timeout(self.settings.deadline_ms / 1000):
                return await self.run(function, *arguments)
        except TimeoutError:
            raise self._too_late() from None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function in the worker thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    async def _serve(self) -> None:
        while True:
            await self._arrival.wait()
            if self.settings.max_batch > 1 and self._last_size > 1 and self._waiting < self._last_size:
                await asyncio.sleep(self.settings.batch_wait_ms / 1000)
            batch = self._take()
            if not self._groups:
                self._arrival.clear()
            if batch:
                await self._compute(batch)

    def _take(self) -> list[Waiting]:
        """The oldest request, and those that may share its batch."""
        key = min(self._groups, key=lambda key: self._groups[key][0].arrived)
        group, sequences = self._groups[key], 0
        batch: list[Waiting] = []
        room = max(1, min(self.settings.max_batch, STEPS_PER_BATCH >> key[2]))  # key[2]: bits of the number of steps
        while group and (not batch or sequences + len(group[0].sequences) <= room):
            request = group.popleft()
            self._waiting -= 1
            if not request.answer.done():  # otherwise it is past its deadline, or its client has gone
                batch.append(request)
                sequences += len(request.sequences)
        if not group:
            del self._groups[key]
        return batch

    async def _compute(self, batch: list[Waiting]) -> None:
        """Computes a batch; if that fails, each request alone, so that a wrong one does not spoil the others."""
        started = time.perf_counter()
        try:
            results = await self.run(_results, batch)
        except Exception as error:
            waiting = [request for request in batch if not request.answer.done()]
            if len(batch) > 1:
                for request in waiting:
                    await self._compute([request])
            elif waiting:
                waiting[0].answer.set_exception(error)
            return
        seconds = time.perf_counter() - started
        self._last_size = len(batch)
        self._seconds_per_request = seconds / len(batch)
        self.metrics.saw_batch(len(results), seconds)
        first = 0
        for request in batch:
            last = first + len(request.sequences)
            if not request.answer.done():
                request.answer.set_result(results[first:last])
            first = last

    def _prepare_worker(self) -> None:
        self._threads_before = torch.get_num_threads()
        torch.set_num_threads(self.settings.threads)


def _results(batch: list[Waiting]) -> Sequence[Any]:
    first = batch[0]
    with abandoning_when(lambda: all(request.answer.done() for request in batch)):
        return first.work(first.model, [sequence for request in batch for sequence in request.sequences])
