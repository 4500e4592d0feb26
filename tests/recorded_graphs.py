"""A CUDA graph for the CPU: records the operations of a piece of work, and replays them on the same tensors.

As a captured graph does, a replay calls no Python of the work again. Tensors are read and written where they lay
when it was recorded; numbers that Python handed over are frozen. So a step that took its learning rate, its
indices or its seed from Python would repeat the first one's for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Recording(TorchDispatchMode):
    """Notes every operation with its arguments and its results."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[Tensor]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, tensors(found)))
        return found


class RecordedGraphs:
    """A `GraphCapture` for the CPU.

    Attributes:
        captured: how many pieces of work were captured.
        replayed: how often one was replayed.
    """

    def __init__(self) -> None:
        self.captured = self.replayed = 0

    def __call__(self, work: Callable[[], Any]) -> Callable[[], Any]:
        recording = Recording()
        with recording:
            result = work()
        self.captured += 1
        computed = True  # recording on the CPU computes, where capturing on a GPU does not

        def replay() -> Any:
            nonlocal computed
            self.replayed += 1
            if not computed:
                repeat(recording)
            computed = False
            return result

        return replay


@torch.no_grad()
def repeat(recording: Recording) -> None:
    """The operations again, their results put where the first ones lie."""
    for func, args, kwargs, results in recording.calls:
        if func.is_view:
            continue
        for new, old in zip(tensors(func(*args, **kwargs)), results, strict=True):
            if new is not old and new.data_ptr() != old.data_ptr():
                old.copy_(new)


def tensors(values: Any) -> list[Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]
