"""Long tables: a row a step.

An id column says which sequence a row belongs to, a time column that must rise within each sequence in which
order its steps stand, and a label and a group column hold the same for all steps of a sequence. Rows of a
sequence need not stand together. The sequences come in the order in which their ids first occur.

What is held is the values, once while they are read, and a second time for a moment where the rows of the
sequences are mixed; of the other columns only what one sequence needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.numbers import Floats
from unrolled.data.sequences import Integers, Sequences, as_names
from unrolled.data.tables.columns import Roles
from unrolled.data.tables.growing_array import Growing, fill
from unrolled.data.tables.labels import with_labels
from unrolled.data.tables.table import Block, Kind, Names, Table

_UNSEEN = -2
_PIECE_STEPS = 1 << 20


def read_long(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences of a long table.

    Raises:
        ReadError: for a missing id, times that do not rise, a label or group that changes within an id.
    """
    columns = tuple(channel.columns[0] for channel in roles.channels)
    cases = _Cases(roles)
    values = Growing(len(columns))
    for block in table.blocks(_kinds(roles, columns)):
        cases.add(block)
        fill(values.more(block.rows), block, columns)
    steps, lengths = cases.order.gather(values)
    sequences = Sequences.from_steps(
        steps,
        lengths,
        channels=[channel.name for channel in roles.channels],
        ids=cases.ids.texts() if roles.id else None,
        times=cases.time.first if cases.time else None,
    )
    if cases.label and roles.label:
        numbers = cases.label.of_case
        sequences = with_labels(sequences, numbers, cases.label.names.texts(), request, roles.label)
    if cases.group:
        groups = ["", *cases.group.names.texts()]
        sequences = replace(sequences, groups=as_names(groups[number + 1] for number in cases.group.of_case))
    return sequences


def _kinds(roles: Roles, columns: tuple[str, ...]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = dict.fromkeys(columns, "number")
    kinds |= {name: "name" for name in (roles.id, roles.label, roles.group) if name}
    if roles.time:
        kinds[roles.time] = "moment"
    return kinds


class _Cases:
    """Which sequence each row belongs to, and what each sequence has besides its steps."""

    def __init__(self, roles: Roles) -> None:
        self.ids = Names()
        self.order = _Order()
        self.id = roles.id
        self.time = _Rising(roles.time, roles.id) if roles.time else None
        self.label = _Constant(roles.label, "label", roles.id) if roles.label else None
        self.group = _Constant(roles.group, "group", roles.id) if roles.group else None

    def add(self, block: Block) -> None:
        """Takes in a block's rows."""
        cases = self._cases(block)
        self.order.add(cases, self._count())
        for constant in (self.label, self.group):
            if constant:
                constant.add(cases, self._count(), block, self.ids)
        if self.time:
            self.time.add(cases, self._count(), block, self.ids)

    def _count(self) -> int:
        return len(self.ids) if self.id else 1

    def _cases(self, block: Block) -> Integers:
        if self.id is None:
            return np.zeros(block.rows, np.int64)
        cases = block.numbers_of(self.id, self.ids)
        empty = cases < 0
        if empty.any():
            raise block.error(
                int(np.argmax(empty)), f"column {self.id!r} is empty; every step needs the id of its sequence."
            )
        return cases


class _Constant:
    """A column that holds the same for all steps of a sequence."""

    def __init__(self, column: str, role: str, id_column: str | None) -> None:
        self.names = Names()
        self.of_case: Integers = np.empty(0, np.int64)
        self._column, self._role, self._id = column, role, id_column

    def add(self, cases: Integers, count: int, block: Block, ids: Names) -> None:
        self.of_case = _extended(self.of_case, count, _UNSEEN)
        found = block.numbers_of(self._column, self.names)
        new = np.flatnonzero(self.of_case[cases] == _UNSEEN)[::-1]  # the last that is written stays: the first row
        self.of_case[cases[new]] = found[new]
        other = self.of_case[cases] != found
        if other.any():
            row = int(np.argmax(other))
            texts = ["", *self.names.texts()]
            name = f" of id {ids.texts()[cases[row]]!r}" if self._id else ""
            raise block.error(
                row,
                f"the {self._role} in column {self._column!r}{name} changes from "
                f"{texts[self.of_case[cases[row]] + 1]!r} to {texts[found[row] + 1]!r}; expected one {self._role} for "
                "a whole sequence.",
            )


class _Rising:
    """The time column: it must rise from each step of a sequence to its next."""

    def __init__(self, column: str, id_column: str | None) -> None:
        self.first: npt.NDArray[np.float64] = np.empty(0)
        self._last: npt.NDArray[np.float64] = np.empty(0)
        self._column, self._id = column, id_column

    def add(self, cases: Integers, count: int, block: Block, ids: Names) -> None:
        self.first, self._last = _extended(self.first, count, np.nan), _extended(self._last, count, -np.inf)
        times = block.moments(self._column)
        order = slice(None) if bool((cases[1:] >= cases[:-1]).all()) else np.argsort(cases, kind="stable")
        sorted_cases, sorted_times = cases[order], times[order]
        starts = np.concatenate([[True], sorted_cases[1:] != sorted_cases[:-1]])
        before = np.empty_like(sorted_times)
        before[1:] = sorted_times[:-1]
        before[starts] = self._last[sorted_cases[starts]]
        wrong = ~(sorted_times > before)
        if wrong.any():
            positions = np.arange(len(cases))[order][wrong]
            at = int(np.argmin(positions))
            row = int(positions[at])
            raise self._error(block, row, float(before[wrong][at]), float(times[row]), ids.texts(), int(cases[row]))
        began = np.isnan(self.first[sorted_cases[starts]])
        self.first[sorted_cases[starts][began]] = sorted_times[starts][began]
        ends = np.concatenate([starts[1:], [True]])
        self._last[sorted_cases[ends]] = sorted_times[ends]

    def _error(self, block: Block, row: int, before: float, time: float, ids: list[str], case: int) -> Exception:
        name = f"id {ids[case]!r}: " if self._id else ""
        if np.isnan(time):
            return block.error(row, f"{name}the time in column {self._column!r} is missing; every step needs one.")
        if time == before:
            return block.error(
                row, f"{name}the time {_moment(time)} in column {self._column!r} stands twice; remove one of the steps."
            )
        return block.error(
            row,
            f"{name}the time {_moment(time)} in column {self._column!r} stands after {_moment(before)}; expected "
            "times that rise within a sequence. Sort the rows by id and time.",
        )


class _Order:
    """Where the rows of each sequence stand: runs of rows of one sequence, in the order of the file."""

    def __init__(self) -> None:
        self._runs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._lengths: Integers = np.empty(0, np.int64)
        self._scattered = False
        self._newest = -1

    def add(self, cases: Integers, count: int) -> None:
        """Takes in the cases of a block's rows; they are kept as few bytes as they need."""
        starts = np.flatnonzero(np.concatenate([[True], cases[1:] != cases[:-1]]))
        runs, sizes = cases[starts], np.diff(np.append(starts, len(cases)))
        self._lengths = _extended(self._lengths, count, 0)
        np.add.at(self._lengths, runs, sizes)
        # contiguous as long as every run goes on with the newest case or begins the next one
        steps = np.diff(np.concatenate([[self._newest], runs]))
        self._scattered |= bool((steps[0] not in (0, 1)) or (steps[1:] != 1).any())
        self._newest = max(self._newest, int(runs.max()))
        self._runs.append((_small(runs), _small(sizes)))

    def gather(self, values: Growing) -> tuple[Floats, Integers]:
        """All steps, sequence by sequence, [S, F], and the lengths of the sequences, [N]."""
        source = values.whole()
        if not self._scattered:
            return source, self._lengths
        gathered = np.empty_like(source)
        following = np.cumsum(self._lengths) - self._lengths
        first = 0
        for runs, sizes in self._runs:
            cases = np.repeat(runs, sizes)
            for low in range(0, len(cases), _PIECE_STEPS):
                piece = cases[low : low + _PIECE_STEPS]
                gathered[_places(piece, following)] = source[first : first + len(piece)]
                first += len(piece)
        return gathered, self._lengths


def _places(cases: npt.NDArray[Any], following: Integers) -> Integers:
    """Where the steps of some cases go, in order; ``following`` is the next place of each case, and moves on."""
    order = np.argsort(cases, kind="stable")
    ordered = cases[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(starts, len(ordered)))
    places: Integers = np.empty(len(cases), np.int64)
    places[order] = np.arange(len(ordered)) + np.repeat(following[ordered[starts]] - starts, sizes)
    following[ordered[starts]] += sizes
    return places


def _extended(array: npt.NDArray[Any], count: int, value: float) -> npt.NDArray[Any]:
    """The array with a value for each case that is new."""
    if count <= len(array):
        return array
    return np.concatenate([array, np.full(count - len(array), value, array.dtype)])


def _small(array: Integers) -> npt.NDArray[Any]:
    """The same whole numbers in the least bytes."""
    return array.astype(np.min_scalar_type(int(array.max())))


def _moment(time: float) -> str:
    return f"{time:.9g}" if abs(time) < 1e9 else f"{time:.6f}".rstrip("0").rstrip(".")
