"""The first rows of a column, and what they look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from unrolled.data.files import Request
from unrolled.data.moments import MomentForm, find_form
from unrolled.data.numbers import parse_number
from unrolled.data.tables.cells import is_list_text
from unrolled.errors import ReadError, quoted

FoundKind = Literal["number", "moment", "text", "list", "empty"]
"""The content of a column, as its first rows show it."""

MOST_CLASSES_SHARE = 0.5
"""Different values in a column of classes, as a share of its rows, at most."""
_LEAST_RISING, _LEAST_COUNTED, _LEAST_RUN = 2, 4, 2


@dataclass(frozen=True)
class ColumnSample:
    """The first rows of a column.

    Attributes:
        found: the content of most rows.
        values: the values that are not missing, as text; numbers with a decimal point.
        form: of time stamps in text, how they are written.
    """

    found: FoundKind
    values: tuple[str, ...]
    form: MomentForm | None = None

    @property
    def repeats(self) -> bool:
        """Whether a value occurs twice."""
        return len(set(self.values)) < len(self.values)

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        whole = all(re.fullmatch(r"[+-]?\d+(\.0*)?([eE][+-]?\d+)?", value) for value in self.values)
        return whole and self.found == "number"

    @property
    def of_classes(self) -> bool:
        """Whether it holds so few different whole numbers that they are classes."""
        return self.whole and len(set(self.values)) <= max(MOST_CLASSES_SHARE * len(self.values), 1)

    @property
    def rises(self) -> bool:
        """Whether its numbers rise from row to row."""
        if self.found != "number":
            return False
        numbers = [parse_number(value) or 0.0 for value in self.values]
        return len(numbers) > _LEAST_RISING and all(low < high for low, high in pairwise(numbers))

    @property
    def counts_again(self) -> bool:
        """Whether its numbers rise evenly, and begin again at the first one, at least once."""
        numbers = [number for value in self.values if (number := parse_number(value)) is not None]
        if self.found != "number" or len(numbers) < len(self.values):
            return False
        starts = [0, *(index + 1 for index, (low, high) in enumerate(pairwise(numbers)) if high <= low)]
        runs = [numbers[start:end] for start, end in pairwise([*starts, len(numbers)])]
        if len(runs) < 2 or min(map(len, runs[:-1])) < _LEAST_COUNTED:
            return False
        step = runs[0][1] - runs[0][0]
        even = all(abs(high - low - step) < 1e-6 * abs(step) for run in runs for low, high in pairwise(run))
        return even and all(run[0] == runs[0][0] for run in runs)

    @property
    def stands_together(self) -> bool:
        """Whether it stands in runs, or has one value."""
        return self.stands_in_runs or (len(self.values) > 1 and len(set(self.values)) == 1)

    @property
    def stands_in_runs(self) -> bool:
        """Whether equal values stand together, in several runs, as the ids of steps do."""
        runs = sum(before != after for before, after in pairwise(self.values)) + 1
        return 1 < runs == len(set(self.values)) <= len(self.values) / _LEAST_RUN


def sample_of_texts(request: Request, name: str, values: list[str]) -> ColumnSample:
    """The sample of a column of text: time stamps, lists of numbers, or other texts.

    Raises:
        ReadError: for dates whose day and month cannot be told apart.
    """
    if not values:
        return ColumnSample("empty", ())
    if request.config.tokens is not None or request.config.text == name:
        return ColumnSample("text", tuple(values))
    form = find_form(values, request.config.day_first)
    if isinstance(form, str):
        raise ReadError(
            request.path,
            f"column {name!r} holds {quoted(form)}, and whether the day or the month stands first cannot be told. Say "
            "--day-first or --no-day-first, or write dates as 2026-01-31.",
        )
    if form is not None:
        return ColumnSample("moment", tuple(values), form)
    lists = sum(map(is_list_text, values))
    return ColumnSample("list" if 2 * lists > len(values) else "text", tuple(values))
