"""`Value`: a symbolic tensor, with which a part's own methods write its ONNX graph, or its C.

PyTorch hands every function that is called with a `Value` to `Value.__torch_function__`, which adds the function
to the graph and returns the next `Value`. Type and fixed sizes come from PyTorch, which computes the same function on
an empty tensor (on the device ``meta``). The sizes of the batch and of time are symbolic too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from unrolled.errors import UnsupportedError

Writer = Callable[..., Any]
"""The writer of a function: it takes a graph, an empty tensor like the result, and the function's arguments."""


class Recording(ABC):
    """A graph that `Value`s are written into.

    Attributes:
        language: its name, for messages.
        writers: of PyTorch's functions, by name.
        overrides: of functions of this package (`unrolled.nn.overriding`); each takes the arguments.
        node_type: the type of its nodes.
    """

    language: ClassVar[str]
    writers: ClassVar[Mapping[str, Writer]]
    overrides: ClassVar[Mapping[Any, Writer]]
    node_type: ClassVar[type]

    @abstractmethod
    def size(self, node: Any, axis: int) -> Any:
        """A node with the size of another one along an axis."""


class Value(Tensor):
    """The output of a node of a graph.

    Attributes:
        graph: the graph of the node.
        node: its name in the graph.
        like: an empty tensor of its type and fixed sizes.
    """

    graph: Any
    node: Any
    like: Tensor

    @classmethod
    def of(cls, graph: Recording, node: Any, like: Tensor) -> Any:
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
        if func.__name__ == "__get__":  # an attribute: its type, its device
            return func(_stand_in(args[0]))
        graph: Recording = next(value.graph for value in _flat(args) if isinstance(value, Value | Size))
        if func in graph.overrides:
            return graph.overrides[func](*args, **kwargs)
        writer = graph.writers.get(func.__name__.strip("_"))
        if writer is None:
            raise UnsupportedError(
                f"an export cannot write PyTorch's {func.__name__!r} in {graph.language}. Use another function, or add "
                "a writer for it beside the others in unrolled.export."
            )
        like = func(*map(_stand_in, args), **{name: _stand_in(value) for name, value in kwargs.items()})
        found = writer(graph, like, *args, **kwargs)
        if isinstance(found, graph.node_type):
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
        graph: Recording = self.value.graph
        return Size(graph, graph.size(self.value.node, axis), torch.tensor(fixed[axis], device="cpu"))


class Size:
    """The size of a batch or the number of its steps, or a number computed from these.

    It is not a tensor, because PyTorch reads the number of a tensor wherever it expects a size.

    Attributes:
        graph, node: see `Value`.
        like: an example of it.
    """

    __torch_function__ = Value.__torch_function__

    def __init__(self, graph: Recording, node: Any, like: Tensor) -> None:
        self.graph, self.node, self.like = graph, node, like

    def __add__(self, other: Any) -> Any:
        return torch.add(cast("Tensor", self), other)

    def __sub__(self, other: Any) -> Any:
        return torch.sub(cast("Tensor", self), other)

    def __mul__(self, other: Any) -> Any:
        return torch.mul(cast("Tensor", self), other)

    def __floordiv__(self, other: Any) -> Any:
        return torch.floor_divide(cast("Tensor", self), other)


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
