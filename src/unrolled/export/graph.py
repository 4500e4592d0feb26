"""Writing an ONNX graph down: nodes in the order in which they compute, constants by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from torch import Tensor

OPSETS = {"": 17, "ai.onnx.ml": 3}
"""17 is the first with LayerNormalization; runtimes of 2022 and later have both."""

IR_VERSION = 8
"""The file format that came with it."""


class Graph:
    """A graph in the making. A value is the name of what a node gives, or of a constant.

    Args:
        scope: what the names begin with, such as ``"layers.0"``.
    """

    def __init__(self, scope: str = "") -> None:
        self.scope = scope
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def part(self, name: str) -> Graph:
        """The same graph, with names that begin with one word more."""
        part = Graph(self._named(name))
        part.nodes, part.constants = self.nodes, self.constants
        return part

    def inner(self, name: str) -> Graph:
        """A graph within this one, as the body of a Scan is; its constants stand in this one."""
        inner = Graph(self._named(name))
        inner.constants = self.constants
        return inner

    @property
    def domains(self) -> set[str]:
        """Of the operators that are used; ONNX's own is the empty one."""
        return {"", *(node.domain for node in self.nodes)}

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """A node with one output, whose name is returned; ``""`` stands for an input that is left out."""
        return self.add_many(kind, inputs, [name or self._fresh(kind)], **attributes)[0]

    def add_many(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Sequence[str]:
        """A node with the outputs of these names."""
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), outputs[0], **attributes))
        return outputs

    def constant(self, name: str, value: Tensor | npt.ArrayLike) -> str:
        """A constant array of this name, within the scope."""
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        full = self._named(name)
        self.constants[full] = numpy_helper.from_array(np.ascontiguousarray(array), full)
        return full

    def integers(self, *values: int) -> str:
        """A constant list of int64, shared by all who want the same."""
        return self._shared(f"ints{list(values)}", np.array(values, np.int64))

    def scalar(self, value: float, dtype: type[np.generic] = np.float32) -> str:
        """A constant number, shared by all who want the same."""
        return self._shared(f"{dtype.__name__}({value:g})", np.array(value, dtype))

    def body(self, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> GraphProto:
        """The finished graph of `inner`."""
        return helper.make_graph(self.nodes, self.scope, inputs, outputs)

    def whole(self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> GraphProto:
        """The finished graph, with all constants."""
        return helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values()))

    def _shared(self, name: str, array: npt.NDArray[np.generic]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def _named(self, name: str) -> str:
        return f"{self.scope}.{name}" if self.scope else name

    def _fresh(self, kind: str) -> str:
        return self._named(f"{kind}.{len(self.nodes)}")
