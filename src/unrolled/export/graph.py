"""`Graph`: an ONNX graph in the making, with nodes in the order of computation and constants by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from torch import Tensor

from unrolled.export.values import Recording, Writer

OPSETS = {"": 17, "ai.onnx.ml": 3}
"""17 is the first with LayerNormalization; runtimes of 2022 and later have both."""

IR_VERSION = 8
"""The file format that came with it."""

TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.float64: TensorProto.DOUBLE,
    torch.int32: TensorProto.INT32,
    torch.int64: TensorProto.INT64,
    torch.bool: TensorProto.BOOL,
}


BATCH, STEPS = 3, 7
"""Sizes of the empty tensors, which stand for any batch and any length."""

WRITERS: dict[str, Writer] = {}
"""Writers of PyTorch's functions, by name."""

OVERRIDES: dict[Any, Writer] = {}
"""Writers of functions of this package."""


class Graph(Recording):
    """A graph in the making. A value is the name of a node's output or of a constant.

    Args:
        names: of tensors that become constants, by `id`.
        scope: prefix of the names of nodes.
    """

    language = "ONNX"
    writers, overrides = WRITERS, OVERRIDES
    node_type = str

    def __init__(self, names: Mapping[int, str] | None = None, scope: str = "") -> None:
        self.names, self.scope = names or {}, scope
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self.known: dict[tuple[Any, ...], str] = {}

    def inner(self, kind: str) -> Graph:
        """A graph within this one, as the body of a Scan is; its constants stand in this one."""
        inner = Graph(self.names, self._fresh(kind))
        inner.constants, inner.known = self.constants, self.known
        return inner

    @property
    def domains(self) -> set[str]:
        """Domains of the operators; ONNX's own is the empty one."""
        return {"", *(node.domain for node in self.nodes)}

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Adds a node with one output and returns its name; ``""`` stands for an omitted input."""
        return self.add_many(kind, inputs, [name or self._fresh(kind)], **attributes)[0]

    def add_many(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] | int, **attributes: Any) -> list[str]:
        """Adds a node with outputs of these names, or with this number of outputs, and returns their names."""
        if isinstance(outputs, int):
            outputs = [f"{self._fresh(kind)}.{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), outputs[0], **attributes))
        return list(outputs)

    def size(self, node: str, axis: int) -> str:
        """The size of a value along an axis."""
        return self.add("Gather", self.add("Shape", node), self.constant(np.int64(axis)))

    def constant(self, value: Tensor | npt.ArrayLike, name: str = "") -> str:
        """A constant array; equal constants are shared."""
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        content = repr(array.tolist()) if array.dtype == object else array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self.known:
            name = self.names.get(id(value), name) or f"constant.{len(self.constants)}"
            if name in self.constants:
                name = f"{name}.{len(self.constants)}"
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
            self.known[key] = name
        return self.known[key]

    def name_of(self, tensor: Tensor, ending: str) -> str:
        """The name of a constant made of a weight; empty for another tensor."""
        return self.names[id(tensor)] + ending if id(tensor) in self.names else ""

    def integers(self, *values: int) -> str:
        """A constant list of int64."""
        return self.constant(np.array(values, np.int64), f"ints{list(values)}")

    def body(self, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> GraphProto:
        """The finished graph of `inner`."""
        return helper.make_graph(self.nodes, self.scope, inputs, outputs)

    def whole(self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> GraphProto:
        """The finished graph, with all constants."""
        return helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values()))

    def _fresh(self, kind: str) -> str:
        place = f"{kind}.{len(self.nodes)}"
        return f"{self.scope}.{place}" if self.scope else place
