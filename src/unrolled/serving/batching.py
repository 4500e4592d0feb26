"""Requests that arrive together are computed together.

One worker thread computes; the event loop only reads, checks and answers. While the worker is busy requests
gather; when it is free it takes the oldest and others of about its length for the same model and the same task.
A request that comes alone is computed at once.
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
from unrolled.serving.form import Steps
from unrolled.serving.metrics import Metrics
from unrolled.serving.refusals import Refusal
from unrolled.serving.settings import ServerSettings

Task = Callable[[Model, list[Steps]], Sequence[Any]]
"""What is computed: one result for each sequence, which depends on nothing but that sequence."""


@dataclass(eq=False, slots=True)
class Job:
    """The sequences of one request, waiting.

    Attributes:
        model: that computes them; a reload while they wait does not change it.
        task: what is computed.
        sequences: each [T, F], or T tokens.
        longest: steps of the longest.
        arrived: on the monotonic clock, s.
        answer: the results, when they are there.
    """

    model: Model
    task: Task
    sequences: list[Steps]
    longest: int
    arrived: float
    answer: asyncio.Future[Sequence[Any]]

    @property
    def key(self) -> tuple[int, Task, int]:
        """Jobs with the same key may share a batch: lengths within a factor of two."""
        return id(self.model), self.task, self.longest.bit_length()


@dataclass
class BatchQueue:
    """The queue before the worker.

    Attributes:
        settings: batch size, waiting time, bounds.
        metrics: is told of every batch.
    """

    settings: ServerSettings
    metrics: Metrics
    _groups: dict[tuple[int, Task, int], deque[Job]] = field(default_factory=dict)
    _waiting: int = 0
    _last_size: int = 0
    _seconds_a_job: float = 0.001

    def __post_init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "inference", self._prepare_worker)
        self._threads_before: int | None = None
        self._arrival = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self.metrics.queue_size.set_function(lambda: self._waiting)

    def start(self) -> None:
        """Begins to serve; needs a running event loop."""
        self._loop_task = asyncio.create_task(self._serve(), name="batches")

    async def stop(self) -> None:
        """Finishes what was accepted, then ends the worker."""
        while self._waiting:
            await asyncio.sleep(0.005)
        if self._loop_task is not None:
            self._loop_task.cancel()
        if self._threads_before is not None:
            await self.run(torch.set_num_threads, self._threads_before)
        await asyncio.get_running_loop().run_in_executor(None, self._worker.shutdown)

    def check_room(self) -> None:
        """Refuses where the queue is full.

        Raises:
            Refusal: 429, with when to come again.
        """
        if self._waiting >= self.settings.queue_size:
            raise self._full()

    async def submit(self, model: Model, task: Task, sequences: list[Steps]) -> Sequence[Any]:
        """The task's results for some sequences.

        Raises:
            Refusal: 429 if the queue is full, 504 if the answer is not there by the deadline.
        """
        self.check_room()
        loop = asyncio.get_running_loop()
        longest = max(len(sequence) for sequence in sequences)
        job = Job(model, task, sequences, longest, time.monotonic(), loop.create_future())
        self._groups.setdefault(job.key, deque()).append(job)
        self._waiting += 1
        self._arrival.set()
        deadline = loop.call_later(self.settings.deadline_ms / 1000, self._give_up, job)
        try:
            return await job.answer
        finally:
            deadline.cancel()

    def _give_up(self, job: Job) -> None:
        """Answers a job that is past its deadline; the worker then passes it over."""
        if not job.answer.done():
            job.answer.set_exception(
                Refusal(
                    504,
                    "deadline",
                    f"no answer within {self.settings.deadline_ms:,} ms (limit deadline_ms). Try again later, or with "
                    "fewer and shorter sequences.",
                    limit="deadline_ms",
                    allowed=self.settings.deadline_ms,
                )
            )

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function in the worker thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    async def _serve(self) -> None:
        while True:
            await self._arrival.wait()
            if self.settings.max_batch > 1 and self._last_size > 1 and self._waiting < self._last_size:
                await asyncio.sleep(self.settings.batch_wait_ms / 1000)
            jobs = self._take()
            if not self._groups:
                self._arrival.clear()
            if jobs:
                await self._compute(jobs)

    def _take(self) -> list[Job]:
        """The oldest job, and those that may share its batch."""
        key = min(self._groups, key=lambda key: self._groups[key][0].arrived)
        group, sequences = self._groups[key], 0
        jobs: list[Job] = []
        room = max(1, min(self.settings.max_batch, STEPS_PER_BATCH >> key[2]))  # key[2]: the steps' power of two
        while group and (not jobs or sequences + len(group[0].sequences) <= room):
            job = group.popleft()
            self._waiting -= 1
            if not job.answer.done():  # past its deadline, or its client has gone
                jobs.append(job)
                sequences += len(job.sequences)
        if not group:
            del self._groups[key]
        return jobs

    async def _compute(self, jobs: list[Job]) -> None:
        """Computes a batch; if that fails, each job by itself, so that none suffers from another."""
        started = time.perf_counter()
        try:
            results = await self.run(_results, jobs)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    await self._compute([job])
            elif not jobs[0].answer.done():
                jobs[0].answer.set_exception(error)
            return
        seconds = time.perf_counter() - started
        self._last_size = len(jobs)
        self._seconds_a_job = seconds / len(jobs)
        self.metrics.saw_batch(len(results), seconds)
        first = 0
        for job in jobs:
            last = first + len(job.sequences)
            if not job.answer.done():
                job.answer.set_result(results[first:last])
            first = last

    def _full(self) -> Refusal:
        wait_s = max(1, round(self._waiting * self._seconds_a_job))
        return Refusal(
            429,
            "busy",
            f"{self._waiting:,} requests are waiting (limit queue_size). Try again in {wait_s} s.",
            {"retry-after": str(wait_s)},
            limit="queue_size",
            allowed=self.settings.queue_size,
        )

    def _prepare_worker(self) -> None:
        self._threads_before = torch.get_num_threads()
        torch.set_num_threads(self.settings.inference_threads)


def _results(jobs: list[Job]) -> Sequence[Any]:
    first = jobs[0]
    return first.task(first.model, [sequence for job in jobs for sequence in job.sequences])
