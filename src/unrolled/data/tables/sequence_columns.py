"""Columns that hold one value a sequence, in tables with a row a sequence: id, label, group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unrolled.data.files import Request
from unrolled.data.sequences import Integers, Sequences, as_names
from unrolled.data.tables.columns import Roles
from unrolled.data.tables.labels import with_labels
from unrolled.data.tables.table import Block, Kind, Names


class SequenceColumns:
    """Collects these columns, a block at a time."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._columns = [name for name in (roles.id, roles.label, roles.group) if name]
        self._names = {name: Names() for name in self._columns}
        self._numbers: dict[str, list[Integers]] = {name: [] for name in self._columns}

    def kinds(self) -> dict[str, Kind]:
        """How the columns are read."""
        return dict.fromkeys(self._columns, "name")

    def add(self, block: Block) -> None:
        """Takes in a block's rows.

        Raises:
            ReadError: for an id that stands twice.
        """
        for name in self._columns:
            before = len(self._names[name])
            numbers = block.numbers_of(name, self._names[name])
            if name == self._roles.id and (len(np.unique(numbers)) < len(numbers) or (numbers < before).any()):
                self._refuse_twice(block, numbers, before)
            self._numbers[name].append(numbers)

    def describe(self, sequences: Sequences, request: Request) -> Sequences:
        """The sequences with their names, groups and labels."""
        if self._roles.id:
            sequences = replace(sequences, ids=as_names(self._texts(self._roles.id)))
        if self._roles.group:
            sequences = replace(sequences, groups=as_names(self._texts(self._roles.group)))
        if self._roles.label:
            name = self._roles.label
            numbers = np.concatenate(self._numbers[name])
            sequences = with_labels(sequences, numbers, self._names[name].texts(), request, name)
        return sequences

    def _texts(self, name: str) -> list[str]:
        texts = [*self._names[name].texts(), ""]
        return [texts[number] for number in np.concatenate(self._numbers[name])]

    def _refuse_twice(self, block: Block, numbers: Integers, before: int) -> None:
        seen: set[int] = set()
        for row, number in enumerate(numbers.tolist()):
            if number < before or number in seen:
                text = "is empty" if number < 0 else f"holds {self._names[str(self._roles.id)].texts()[number]!r} again"
                raise block.error(
                    row,
                    f"the id column {self._roles.id!r} {text}; in a table with a row a sequence every id is "
                    "another. If a row is a step, say --table long.",
                )
            seen.add(number)
