"""CUDA graphs: a piece of work on the GPU is captured once and replayed as a whole without the host.

All calls of PyTorch's CUDA graphs stand here, behind the protocol `GraphCapture`, so that `CudaGraphStepper` can be
tested without a GPU. docs/speed.md says what may be captured and why a replay gives the same numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch
from torch import Generator

Result = TypeVar("Result")


class GraphCapture(Protocol):
    """Makes a piece of work replayable."""

    def __call__(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """The work as something that can be called again and again.

        Args:
            work: reads and writes tensors that stay where they are. It is called once, to be recorded; nothing is
                computed by that.
        Returns:
            A function that computes it, from what the tensors hold then, and returns what ``work`` returned: the
            same tensors each time, which hold the new values.
        Raises:
            RuntimeError: if the work cannot be captured.
        """
        ...


class CudaGraphCapture:
    """Captures on the current stream, which must not be the default one; see `on_side_stream`.

    The graphs share one pool of memory: they run one after the other, and none needs what another leaves in it.

    Args:
        generators: of random numbers that the work draws from, beside the device's own; each replay goes on from
            their state at that moment.
    """

    def __init__(self, generators: Sequence[Generator] = ()) -> None:
        self.generators = generators
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """See `GraphCapture`."""
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph, pool=self.pool, stream=torch.cuda.current_stream()):
            result = work()

        def replay() -> Result:
            graph.replay()
            return result

        return replay


@contextmanager
def on_side_stream(device: torch.device) -> Iterator[None]:
    """Computes on a stream of its own while the block runs, as capturing needs; on the CPU nothing changes.

    So the captured work and the updates before it are in one order.
    """
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream), warnings.catch_warnings():
        # updates before a capture already use the rule that can be captured; the cells' weights are separate tensors
        warnings.filterwarnings("ignore", "This instance was constructed with capturable=True", UserWarning)
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous", UserWarning)
        try:
            yield
        finally:
            torch.cuda.current_stream(device).synchronize()
