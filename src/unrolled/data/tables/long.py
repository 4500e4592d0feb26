"""Long tables: a row a step.

The id column names the sequence of a row. The time column must rise within a sequence. The label and the group column
must be constant within a sequence, except that the label may change within a recording that is cut into windows. The
rows of a sequence need not be adjacent. The sequences are in the order in which their ids first occur.

Memory holds the values once, and twice for a moment if the rows of different sequences are mixed; of the other columns
it holds one value a sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from unrolled.data.arrays import Integers
from unrolled.data.files import Request
from unrolled.data.sequences import Sequences
from unrolled.data.tables.growing_array import Growing, by_column, fill, offsets_of
from unrolled.data.tables.labels import with_step_labels
from unrolled.data.tables.roles import Roles
from unrolled.data.tables.row_order import Order, extended, run_starts
from unrolled.data.tables.sequence_columns import described
from unrolled.data.tables.table import Block, ColumnKind, Numbering, Table
from unrolled.errors import ReadError

_UNSEEN = -2


class ChangingLabelError(ReadError):
    """A label column that changes within a sequence."""

    def __init__(self, error: ReadError) -> None:
        Exception.__init__(self, str(error))
        self.path, self.line, self.column = error.path, error.line, error.column


_DAY, _NEARLY_A_DAY = 86_400.0, 82_800.0
"""Seconds of a day, and those by which a clock falls at least that passes midnight."""


def read_long(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences of a long table.

    Raises:
        ReadError: for a missing id, times that do not rise, a label or group that changes within an id.
    """
    columns = tuple(channel.columns[0] for channel in roles.channels)
    rows = _Rows(roles, request)
    values, offsets = Growing(len(columns)), offsets_of(table, roles.channels)
    of_column = by_column(roles.channels, offsets)
    for block in table.blocks(_kinds(roles, columns)):
        rows.add(block)
        fill(values.more(block.rows), block, columns, of_column)
    lengths = rows.order.lengths
    steps = rows.order.gather(values.whole())
    sequences = Sequences.from_steps(
        steps,
        lengths,
        channels=[channel.name for channel in roles.channels],
        times=rows.time.first if rows.time else None,
    )
    sequences = replace(sequences, offsets=offsets)
    if request.in_windows:
        sequences = rows.with_steps(sequences)
    of_sequence = {constant.column: (constant.of_sequence, constant.texts) for constant in rows.constants}
    if roles.id and not rows.parted:
        of_sequence[roles.id] = (np.arange(len(lengths)), rows.ids)
    constant = replace(roles, id=None if rows.parted else roles.id, label=None if rows.labels else roles.label)
    return described(sequences, constant, request, of_sequence)


def _kinds(roles: Roles, columns: tuple[str, ...]) -> dict[str, ColumnKind]:
    kinds: dict[str, ColumnKind] = dict.fromkeys(columns, "number")
    kinds |= {name: "name" for name in (roles.id, roles.label, roles.group, *roles.outer) if name}
    if roles.time:
        kinds[roles.time] = "moment"
    return kinds


class _Rows:
    """The sequence of each row, and what each sequence has besides its steps."""

    def __init__(self, roles: Roles, request: Request) -> None:
        by = request.config.sequences_by
        self.ids = Numbering()
        self.order = Order()
        self.time = _Rising(roles.time, kept=request.in_windows, note=request.note) if roles.time else None
        self.labels = _StepLabels(roles.label) if request.in_windows and roles.label else None
        label = None if self.labels else roles.label
        columns = (*(("", name) for name in roles.outer), ("group", roles.group), ("label", label))
        advice = " If a smaller time begins a new sequence, say --sequences-by time." if roles.time else ""
        self.constants = [_Constant(column, role, roles.id, advice) for role, column in columns if column]
        self._id = roles.id
        self._parts = None if by in (None, "blank-lines", "marks") else _Parts(by, roles.time)

    @property
    def parted(self) -> bool:
        """Whether the ids alone do not say which sequence a row belongs to."""
        return self._parts is not None

    def add(self, block: Block) -> None:
        """Adds the rows of a block."""
        numbers = self._sequence_numbers(block)
        if self._parts is not None:
            numbers = self._parts.numbers(block, numbers)
            found = _RowNumbers(block, numbers, self._parts.count, None)
        else:
            found = _RowNumbers(block, numbers, len(self.ids) if self._id else 1, self.ids if self._id else None)
        self.order.add(numbers, found.count)
        columns: tuple[_Constant | _Rising | _StepLabels | None, ...] = (*self.constants, self.time, self.labels)
        for column in columns:
            if column:
                column.add(found)

    def with_steps(self, recordings: Sequences) -> Sequences:
        """The recordings with the time and the label of each step."""
        if self.time is not None:
            recordings = replace(recordings, step_times=self.order.gather(np.concatenate(self.time.kept)))
        if self.labels is None:
            return recordings
        return with_step_labels(recordings, self.order.gather(self.labels.numbers()), self.labels.texts.texts())

    def _sequence_numbers(self, block: Block) -> Integers:
        if self._id is None:
            return np.zeros(block.rows, np.int64)
        numbers = block.numbers_of(self._id, self.ids)
        empty = numbers < 0
        if empty.any():
            raise block.error(
                int(np.argmax(empty)), f"column {self._id!r} is empty; every step needs the id of its sequence."
            )
        return numbers


@dataclass(frozen=True)
class _RowNumbers:
    """A block with the sequence of each row.

    Attributes:
        block: the rows.
        numbers: the number of each row's sequence, [n].
        count: number of sequences so far.
        ids: the ids of the sequences; None in a table of one sequence.
    """

    block: Block
    numbers: Integers
    count: int
    ids: Numbering | None

    def id_of(self, row: int) -> str | None:
        """The id of a row's sequence, in quotation marks."""
        return None if self.ids is None else repr(self.ids.texts()[self.numbers[row]])


class _Parts:
    """The sequences of rows that follow each other: a number of rows each, or up to a time that is smaller.

    Args:
        by: the number of rows, or ``"time"``.
        time: the column of the times.
    """

    def __init__(self, by: str | int, time: str | None) -> None:
        self._by, self._time = by, time
        self._rows = self.count = 0
        self._last = (-1, np.inf)

    def numbers(self, block: Block, ids: Integers) -> Integers:
        """The number of each row's sequence, [n].

        Args:
            block: the rows.
            ids: the number of each row's id, [n]; another one begins a sequence too.
        """
        if isinstance(self._by, int):
            found: Integers = (self._rows + np.arange(block.rows)) // self._by
            self._rows += block.rows
        else:
            times = block.moments(str(self._time))
            before = np.concatenate([[self._last[1]], times[:-1]])
            other = np.concatenate([[self._last[0]], ids[:-1]]) != ids
            found = self.count - 1 + np.cumsum((times < before) | other)
            self._last = (int(ids[-1]), float(times[-1]))
        self.count = int(found[-1]) + 1
        return found


class _Constant:
    """A column that is constant within a sequence.

    Args:
        column: its name.
        role: label or group; empty for a column within which alone the ids may be unique.
        id: the column of the ids.
        advice: a sentence for a value that changes.
    """

    def __init__(self, column: str, role: str, id: str | None, advice: str) -> None:  # noqa: A002
        self.column, self._role, self._id, self._advice = column, role, id, advice
        self.texts = Numbering()
        self.of_sequence: Integers = np.empty(0, np.int64)

    def add(self, rows: _RowNumbers) -> None:
        self.of_sequence = extended(self.of_sequence, rows.count, _UNSEEN)
        found = rows.block.numbers_of(self.column, self.texts)
        new = np.flatnonzero(self.of_sequence[rows.numbers] == _UNSEEN)[::-1]  # the first row wins: it is written last
        self.of_sequence[rows.numbers[new]] = found[new]
        expected = self.of_sequence[rows.numbers]
        other = expected != found
        if other.any():
            row = int(np.argmax(other))
            texts = [*self.texts.texts(), ""]
            name = f" of id {rows.id_of(row)}" if rows.ids else ""
            if self._role != "label" and rows.ids:
                raise rows.block.error(
                    row,
                    f"id {rows.id_of(row)} stands beside {texts[expected[row]]!r} and beside {texts[found[row]]!r} in "
                    f"column {self.column!r}; expected ids that are unique. If they are so only within "
                    f"{self.column!r}, say --id {self.column},{self._id}; if not, --id {self._id}.",
                )
            long = (
                " If these are long recordings whose label changes, cut them into windows: --window 256, or "
                "--window 5s."
            )
            text = (
                f"the {self._role} in column {self.column!r}{name} changes from {texts[expected[row]]!r} to "
                f"{texts[found[row]]!r}; expected one {self._role} for a whole sequence."
                f"{long if self._role == 'label' else ''}{self._advice}"
            )
            error = rows.block.error(row, text)
            raise ChangingLabelError(error) if self._role == "label" else error


class _StepLabels:
    """The label column of recordings, which may change from step to step."""

    def __init__(self, column: str) -> None:
        self.texts = Numbering()
        self._column, self._found = column, list[Integers]()

    def add(self, rows: _RowNumbers) -> None:
        self._found.append(rows.block.numbers_of(self._column, self.texts))

    def numbers(self) -> Integers:
        """The number of each row's text, [S]; −1 for an empty one."""
        return np.concatenate(self._found)


class _Rising:
    """The time column, which must rise within a sequence; ``kept`` holds all times, if they are asked for."""

    def __init__(self, column: str, *, kept: bool, note: Callable[[str], None]) -> None:
        self._note, self._told = note, False
        self.kept = list[npt.NDArray[np.float64]]()
        self._keeps = kept
        self.first: npt.NDArray[np.float64] = np.empty(0)
        self._last: npt.NDArray[np.float64] = np.empty(0)
        self._midnights: Integers = np.empty(0, np.int64)
        self._column = column

    def add(self, rows: _RowNumbers) -> None:
        self.first, self._last = extended(self.first, rows.count, np.nan), extended(self._last, rows.count, -np.inf)
        times, numbers = rows.block.moments(self._column), rows.numbers
        order = slice(None) if bool((numbers[1:] >= numbers[:-1]).all()) else np.argsort(numbers, kind="stable")
        sorted_numbers, sorted_times = numbers[order], times[order]
        starts = run_starts(sorted_numbers)
        before = np.empty_like(sorted_times)
        before[1:] = sorted_times[:-1]
        before[starts] = self._last[sorted_numbers[starts]]
        ends = np.concatenate([starts[1:], [True]])
        passed = self._midnights_between(rows.block, before, sorted_times)
        if self._keeps:
            days = self._days(rows.count, sorted_numbers, passed, starts, ends)
            kept = np.empty_like(times)
            kept[order] = sorted_times + days * _DAY
            self.kept.append(kept)
        wrong = ~(sorted_times + passed * _DAY > before)
        if wrong.any():
            positions = np.arange(rows.block.rows)[order][wrong]
            at = int(np.argmin(positions))
            row = int(positions[at])
            raise self._error(rows, row, float(before[wrong][at]), float(times[row]))
        began = np.isnan(self.first[sorted_numbers[starts]])
        self.first[sorted_numbers[starts][began]] = sorted_times[starts][began]
        self._last[sorted_numbers[ends]] = sorted_times[ends]

    def _midnights_between(
        self, block: Block, before: npt.NDArray[np.float64], times: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        """Whether a midnight is between the step before and each step, [n]: a time of day falls by almost a day."""
        form = block.forms.get(self._column)
        passed = (before - times > _NEARLY_A_DAY) & (form is not None and form.of_day)
        if passed.any() and not self._told:
            self._told = True
            self._note(f"the times of day in column {self._column!r} go on past midnight")
        return passed

    def _days(
        self,
        count: int,
        numbers: Integers,
        passed: npt.NDArray[np.bool_],
        starts: npt.NDArray[np.bool_],
        ends: npt.NDArray[np.bool_],
    ) -> Integers:
        """The midnights between a sequence's first step and each step, [n].

        Args:
            count: number of sequences so far.
            numbers: the sequence of each step, sorted, [n].
            passed: whether a midnight is in front of a step, [n].
            starts, ends: whether a step is the first or last of its sequence here, [n].
        """
        self._midnights = extended(self._midnights, count, 0)
        total = np.cumsum(passed)
        days: Integers = total + (self._midnights[numbers[starts]] - (total - passed)[starts])[np.cumsum(starts) - 1]
        self._midnights[numbers[ends]] = days[ends]
        return days

    def _error(self, rows: _RowNumbers, row: int, before: float, time: float) -> Exception:
        name = f"id {rows.id_of(row)}: " if rows.ids else ""
        column = f"in column {self._column!r}"
        if np.isnan(time):
            return rows.block.error(row, f"{name}the time {column} is missing; every step needs one.")
        problem = "occurs twice; remove one of the steps."
        if time != before:
            rising = "expected times that rise within a sequence. " + (
                "Sort the rows by id and time."
                if rows.ids
                else "Sort the rows by time; or, if a smaller time begins a new sequence, say --sequences-by time."
            )
            problem = f"comes after {_moment(before)}; {rising}"
        return rows.block.error(row, f"{name}the time {_moment(time)} {column} {problem}")


def _moment(time: float) -> str:
    return f"{time:.9g}" if abs(time) < 1e9 else f"{time:.6f}".rstrip("0").rstrip(".")
