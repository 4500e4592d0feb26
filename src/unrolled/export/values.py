"""`Value`: a symbolic tensor, with which a part's own methods write its ONNX graph.

PyTorch hands every function that is called with a `Value` to `Value.__torch_function__`, which adds the ONNX operator
to the graph and returns the next `Value`. Type and fixed sizes come from PyTorch, which computes the same function on
an empty tensor (on the device ``meta``). The sizes of the batch and of time are symbolic too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from unrolled.errors import UnsupportedError
from unrolled.export.graph import TYPES, Graph

BATCH, STEPS = 3, 7
"""Sizes of the empty tensors, which stand for any batch and any length."""

Writer = Callable[..., Any]
WRITERS: dict[str, Writer] = {}
"""Writers of PyTorch's functions, by name; each takes a graph, an empty tensor like the result, and the arguments."""

OVERRIDES: dict[Any, Writer] = {}
"""Writers of functions of this package (`unrolled.nn.overriding`); each takes the arguments and returns the result."""


class Value(Tensor):
    """The output of a node of a graph.

    Attributes:
        graph: the graph of the node.
        node: its name in the graph.
        like: an empty tensor of its type and fixed sizes.
    """

    graph: Graph
    node: str
    like: Tensor

    @classmethod
    def of(cls, graph: Graph, node: str, like: Tensor) -> Any:
        """The value of this name in a graph; a `Size` for a scalar integer."""
        if like.dim() == 0 and like.dtype == torch.int64:
            return Size(graph, node, like)
        value = like.as_subclass(cls)
        value.graph, value.node, value.like = graph, node, like
        return value

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Adds the function to the graph."""
        kwargs = kwargs or {}
        if func in OVERRIDES:
            return OVERRIDES[func](*args, **kwargs)
        if func.__name__ == "__get__":  # an attribute: its type, its device
            return func(_stand_in(args[0]))
        graph = next(value.graph for value in _flat(args) if isinstance(value, Value | Size))
        writer = WRITERS.get(func.__name__.strip("_"))
        if writer is None:
            raise UnsupportedError(
                f"an export cannot write PyTorch's {func.__name__!r} as an ONNX operator. Use another function, or add "
                "a writer for it in unrolled.export.operators."
            )
        like = func(*map(_stand_in, args), **{name: _stand_in(value) for name, value in kwargs.items()})
        found = writer(graph, like, *args, **kwargs)
        if isinstance(found, str):
            return cls.of(graph, found, like if like.dim() == 0 else like.to("meta"))
        if not isinstance(found, list):
            return found
        return [cls.of(graph, name, part) for name, part in zip(found, like, strict=True)]

    @property
    def shape(self) -> Sizes:  # type: ignore[override]
        """The sizes; those of the batch and of time are symbolic."""
        return Sizes(self)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """The CPU: constants that are made for it hold numbers."""
        return torch.device("cpu")

    def __len__(self) -> int:
        raise TypeError("the batch of an exported network has any size: use shape[0]")


class Sizes:
    """The sizes of a value: symbolic for the batch and the steps, fixed for the other axes."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __getitem__(self, axis: int) -> Any:
        fixed = self.value.like.shape
        if axis % len(fixed) > 1:
            return fixed[axis]
        graph = self.value.graph
        size = graph.add("Gather", graph.add("Shape", self.value.node), graph.constant(np.int64(axis)))
        return Size(graph, size, torch.tensor(fixed[axis], device="cpu"))


class Size:
    """The size of a batch or the number of its steps, or a number computed from these.

    It is not a tensor, because PyTorch reads the number of a tensor wherever it expects a size.

    Attributes:
        graph, node: see `Value`.
        like: an example of it.
    """

    __torch_function__ = Value.__torch_function__

    def __init__(self, graph: Graph, node: str, like: Tensor) -> None:
        self.graph, self.node, self.like = graph, node, like

    def __add__(self, other: Any) -> Any:
        return torch.add(cast("Tensor", self), other)

    def __sub__(self, other: Any) -> Any:
        return torch.sub(cast("Tensor", self), other)

    def __mul__(self, other: Any) -> Any:
        return torch.mul(cast("Tensor", self), other)

    def __floordiv__(self, other: Any) -> Any:
        return torch.floor_divide(cast("Tensor", self), other)


def named(graph: Graph, value: Any, dtype: torch.dtype) -> str:
    """The name of a value, tensor or number as a node's input of this type."""
    if isinstance(value, Value | Size):
        found = value.node
        return found if value.like.dtype == dtype else graph.add("Cast", found, to=TYPES[dtype])
    if isinstance(value, Tensor):
        return graph.constant(value if value.dtype == dtype else value.to(dtype))
    return graph.constant(
        torch.tensor(value, dtype=dtype, device="cpu"), f"{str(dtype).removeprefix('torch.')}({value:g})"
    )


def _stand_in(value: Any) -> Any:
    if isinstance(value, Value | Size):
        return value.like
    if isinstance(value, Tensor):
        return value.detach().to("meta")
    if isinstance(value, list | tuple):
        return type(value)(map(_stand_in, value))
    return value


def _flat(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value
