"""`Program`: a program in C in the making, a graph whose nodes are arrays.

A node gives a C expression for each of its elements, from the expressions of its inputs. So most nodes need no memory:
they are computed where they are read. A node is stored in an array of its own where a function needs all elements of it
(a sum, a product with weights), or where computing it again would be dear.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.export.values import Recording, Value, Writer

Size = int | str
"""The number of elements along an axis; an expression where it depends on the number of steps."""

Index = tuple[str, ...]
"""The place of an element, an expression for each axis."""

WRITERS: dict[str, Writer] = {}
"""Writers of PyTorch's functions, by name."""

OVERRIDES: dict[Any, Writer] = {}
"""Writers of functions of this package."""

DEAR, DEAR_STEPS = 4, 12
"""Operations from which on a value that is read more than once is stored; a value of every step needs more memory."""


@dataclass(eq=False)
class Node:
    """An array.

    Attributes:
        shape: its sizes.
        most: its largest sizes.
        type: of its elements, in C.
        inputs: the nodes that it is computed from.
        at: the expression of an element.
        fill: for a node that needs all its elements at once, the statements that write them into an array of this name.
        cost: operations of an element.
        buffer: the name of its array, once it has one.
        stored: whether it needs one.
        whole: whether its inputs must be arrays.
        same: whether its elements are those of its only input, in their order.
        product: of a product with weights, the names of the tables of these and of what is added.
        onto: the product that this one is added to.
        bits, bound, shifted: of fixed numbers, see `FixedProgram`: fraction bits, the largest value, and for a value
            less a constant these two.
    """

    shape: tuple[Size, ...]
    most: tuple[int, ...]
    type: str
    inputs: tuple[Node, ...] = ()
    at: Callable[[Index], str] | None = None
    fill: Callable[[str], list[str]] | None = None
    cost: int = 0
    buffer: str = ""
    stored: bool = False
    whole: bool = False
    same: bool = False
    product: tuple[str, str] | None = None
    onto: Node | None = None
    bits: int = 0
    bound: float = math.inf
    shifted: tuple[Node, Tensor] | None = None

    def __getitem__(self, index: Index) -> str:
        """The expression of an element; the index is broadcast."""
        places = tuple(
            "0" if size == 1 else place
            for size, place in zip(self.shape, index[len(index) - len(self.shape) :], strict=True)
        )
        if self.buffer:
            return f"{self.buffer}[{flat(self.shape, places)}]"
        assert self.at is not None  # noqa: S101  # else it has a buffer by now
        return self.at(places)

    @property
    def elements(self) -> int:
        """Their largest number."""
        return int(np.prod(self.most, dtype=np.int64))

    @property
    def count(self) -> str:
        """Their number, as an expression."""
        return times(self.shape)

    def base(self) -> Node:
        """The node whose elements these are."""
        return self.inputs[0].base() if self.same else self


def times(sizes: Iterable[Size]) -> str:
    """The product of sizes, as an expression."""
    number, names = 1, []
    for size in sizes:
        if isinstance(size, int):
            number *= size
        else:
            names.append(inner(size))
    return " * ".join([*names, *([str(number)] if number != 1 or not names else [])])


def flat(shape: Sequence[Size], index: Index) -> str:
    """The place of an element among all of them in their order."""
    found = ""
    for size, place in zip(shape, index, strict=True):
        if size == 1:
            continue
        scaled = "" if found in ("", "0") else f"{inner(found)} * {inner(str(size))}"
        found = place if not scaled else scaled if place == "0" else f"{scaled} + {inner(place)}"
    return found or "0"


def inner(expression: str) -> str:
    """An expression as an operand."""
    return expression if expression.replace("_", "a").isalnum() else f"({expression})"


def literal(value: Any, type_: str) -> str:
    """A number in C."""
    if type_.startswith("int"):
        return str(int(value))
    number = float(value)
    if np.isinf(number):
        return ("-" if number < 0 else "") + ("FLT_MAX" if type_ == "float" else "DBL_MAX")
    text = (
        np.format_float_scientific(np.float32(number), unique=True, trim="0", exp_digits=1)
        if type_ == "float"
        else repr(number)
    )
    if type_ == "float" and abs(np.float32(number)) and 1e-3 <= abs(number) < 1e6:
        text = np.format_float_positional(np.float32(number), unique=True, trim="0")
    text = text if any(mark in text for mark in ".e") else text + ".0"
    return f"{text}f" if type_ == "float" else text


@dataclass
class Table:
    """A constant array: weights in the order in which they are read."""

    name: str
    values: npt.NDArray[Any]
    type: str
    static: bool = True


class Program(Recording):
    """A program in the making; see `Recording`. Its names begin with NAME, which stands for the prefix of a model.

    Args:
        names: of tensors, by `id`.
        outer: the program that it is a part of; its tables are those of the outer one.
        depth: loops around it.
    """

    language: ClassVar[str] = "C"
    writers: ClassVar[dict[str, Writer]] = WRITERS
    overrides: ClassVar[dict[Any, Writer]] = OVERRIDES
    node_type: ClassVar[type] = Node
    types: ClassVar[dict[torch.dtype, str]] = {
        torch.float32: "float",
        torch.float64: "double",
        torch.int32: "int",
        torch.int64: "int",
        torch.bool: "int",
    }
    """Types in C."""

    def __init__(self, names: dict[int, str], outer: Program | None = None, depth: int = 0) -> None:
        self.names, self.depth = names, depth
        self.nodes: list[Node] = []
        self.tables: dict[bytes, Table] = outer.tables if outer else {}
        self.arrays: list[tuple[str, Node]] = outer.arrays if outer else []
        """Arrays whose size depends on the number of steps, which stand in the state."""
        self.counter: list[int] = outer.counter if outer else [0]
        self.letter = "ijkm"[depth]

    def fresh(self, name: str) -> str:
        """A new name."""
        self.counter[0] += 1
        return f"{name}{self.counter[0]}"

    def call(self, function: str, *arguments: str) -> str:
        """A call of a function of `unrolled.export.c.functions`."""
        return f"NAME_{function}({', '.join(arguments)})"

    def node(
        self,
        like: Tensor,
        shape: Sequence[Size],
        inputs: Sequence[Node] = (),
        at: Callable[[Index], str] | None = None,
        *,
        fill: Callable[[str], list[str]] | None = None,
        cost: int = 1,
        whole: bool = False,
        same: bool = False,
    ) -> Node:
        """Adds a node; the sizes of ``like`` are the largest."""
        sizes, kind = (tuple(shape), tuple(like.shape)), self.types[like.dtype]
        made = Node(*sizes, kind, tuple(inputs), at, fill, cost, stored=fill is not None, whole=whole, same=same)
        self.nodes.append(made)
        return made

    def of(self, value: Any, dtype: torch.dtype | None = None) -> Node:
        """The node of a value, a tensor or a number, in a type."""
        if isinstance(value, Tensor) and not isinstance(value, Value):
            return self.constant(value if dtype is None else value.to(dtype))
        if hasattr(value, "node"):
            node: Node = value.node
            wanted = self.types[dtype or value.like.dtype]
            if node.type == wanted:
                return node
            made = Node(node.shape, node.most, wanted, (node,), lambda index: f"({wanted})({node[index]})", cost=0)
            made.bits, made.bound = node.bits, node.bound
            self.nodes.append(made)
            return made
        kind = dtype or (torch.float32 if isinstance(value, float) else torch.int64)
        return Node((), (), self.types[kind], at=lambda _: literal(value, self.types[kind]))

    def constant(self, tensor: Tensor) -> Node:
        """A constant array."""
        array = tensor.detach().cpu().numpy()
        made = Node(array.shape, array.shape, self.types[tensor.dtype], at=None)
        if array.size == 1 or (array == array.flat[0]).all():
            made.at = lambda _: literal(array.flat[0], made.type)
            made.shape = made.most = (1,) * array.ndim
            return made
        made.buffer = self.table(array, self.names.get(id(tensor), ""))
        return made

    def table(self, array: npt.NDArray[Any], name: str = "", type_: str = "") -> str:
        """The name of a table of these values; equal tables are shared."""
        key = array.dtype.str.encode() + type_.encode() + array.tobytes()
        if key not in self.tables:
            plain = "".join(
                letter if letter.isalnum() else "_" for letter in name.replace("layers.", "layer").replace("cells.", "")
            )
            kinds = {"f": "double" if array.dtype.itemsize == 8 else "float"}
            taken = {table.name for table in self.tables.values()}
            wanted = f"NAME_{plain or f'constant{len(self.tables)}'}"
            if wanted in taken:
                wanted += str(len(self.tables))
            self.tables[key] = Table(wanted, array.ravel(), type_ or kinds.get(array.dtype.kind, "int"))
        return self.tables[key].name

    def size(self, node: Node, axis: int) -> Node:
        """See `Recording`."""
        size = node.shape[axis]
        return Node((), (), "int", at=lambda _: str(size))

    def inside(self) -> Program:
        """A program within a loop of this one."""
        return type(self)(self.names, self, self.depth + 1)

    def entry(self, node: Node) -> Node:
        """A node of the values that the model is given."""
        return node

    def state(self, name: str, node: Node) -> Node:
        """A node of a state before a step; its name in the network ends with this one."""
        return node

    def into(self, node: Node, former: Node) -> Node:
        """A node as it is written into the array of another one."""
        return node

    def emit(self, results: Sequence[Node]) -> list[str]:
        """The statements that compute the results, each of which is an array afterwards."""
        self._decide(results)
        needed = reached(results)
        lines: list[str] = []
        for node in self.nodes:
            if node.stored and not node.buffer and node in needed:
                lines += self.store(node)
        return lines

    def _decide(self, results: Sequence[Node]) -> None:
        """Decides which nodes are stored."""
        for node in results:
            node.base().stored = True
        needed, uses = reached(results), dict[Node, int]()
        for node in needed:
            for given in node.inputs:
                uses[given] = uses.get(given, 0) + 1
                if node.whole:
                    given.base().stored = True
                elif node.at and node.elements > given.elements and _is_dear(given):
                    given.stored = True
        for node in needed:
            if node.onto and uses[node.onto] > 1:
                node.onto = None  # its array is needed as it is
            if uses.get(node, 0) > 1 and not node.same and _is_dear(node):
                node.stored = True

    def store(self, node: Node) -> list[str]:
        """The statements that store a node."""
        name = node.onto.buffer if node.onto else self.fresh("v")
        if node.onto:
            lines = []
        elif all(isinstance(size, int) for size in node.shape):
            lines = [f"{node.type} {name}[{max(node.elements, 1)}];"]
        else:
            self.arrays.append((name, node))
            name, lines = f"state->work.{name}", []
        lines += node.fill(name) if node.fill else self.copied(name, node)
        node.buffer = name
        return lines

    def copied(self, name: str, node: Node) -> list[str]:
        """The statements that write the elements of a node into an array."""
        return self.loop(node.shape, lambda index: [f"{name}[{flat(node.shape, index)}] = {node[index]};"])

    def loop(self, shape: Sequence[Size], body: Callable[[Index], list[str]]) -> list[str]:
        """Loops over all elements of a shape."""
        places, heads = [], []
        for axis, size in enumerate(shape):
            if size == 1:
                places.append("0")
                continue
            letter = f"{self.letter}{axis}"
            heads.append(f"for (int {letter} = 0; {letter} < {size}; {letter}++)")
            places.append(letter)
        lines = body(tuple(places))
        if len(lines) > 1:
            lines = ["{", *("    " + line for line in lines), "}"]
        for head in reversed(heads):
            lines = [f"{head} {{", *lines[1:]] if lines[0] == "{" else [head, *("    " + line for line in lines)]
        return lines


def _is_dear(node: Node) -> bool:
    """Whether a node is stored rather than computed twice; a single whole number, as a length is, never."""
    if node.type == "int" and node.elements == 1:
        return False
    return _cost(node) >= (DEAR if all(isinstance(size, int) for size in node.shape) else DEAR_STEPS)


def reached(results: Sequence[Node]) -> dict[Node, None]:
    """All nodes that the results are computed from, and they."""
    found: dict[Node, None] = {}
    left = list(results)
    while left:
        node = left.pop()
        if node not in found:
            found[node] = None
            if not node.buffer:
                left += node.inputs
    return found


def _cost(node: Node) -> int:
    """Operations of an element, with those of its inputs that are not stored."""
    if node.buffer or node.stored:
        return 0
    return node.cost + sum(_cost(given) for given in node.inputs)
