"""Columns with one value for each sequence: id, label, group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from unrolled.data.arrays import Integers, Names, as_names
from unrolled.data.files import Request
from unrolled.data.sequences import Sequences
from unrolled.data.tables.labels import with_labels
from unrolled.data.tables.roles import Roles
from unrolled.data.tables.table import Block, ColumnKind, Numbering


class SequenceColumns:
    """Collects these columns of a table with a row a sequence, block by block."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._texts = {name: Numbering() for name in (roles.id, roles.label, roles.group) if name}
        self._numbers: dict[str, list[Integers]] = {name: [] for name in self._texts}

    def kinds(self) -> dict[str, ColumnKind]:
        """How the columns are read."""
        return dict.fromkeys(self._texts, "name")

    def add(self, block: Block) -> None:
        """Adds the rows of a block.

        Raises:
            ReadError: for an id that is empty or occurs twice.
        """
        for name, texts in self._texts.items():
            before = len(texts)
            numbers = block.numbers_of(name, texts)
            if name == self._roles.id and (len(np.unique(numbers)) < len(numbers) or (numbers < before).any()):
                self._refuse_repeated_id(block, name, numbers, before)
            self._numbers[name].append(numbers)

    def describe(self, sequences: Sequences, request: Request) -> Sequences:
        """The sequences with their ids, groups and labels."""
        columns = {name: (np.concatenate(self._numbers[name]), texts) for name, texts in self._texts.items()}
        return described(sequences, self._roles, request, columns)

    def _refuse_repeated_id(self, block: Block, name: str, numbers: Integers, before: int) -> None:
        seen: set[int] = set()
        for row, number in enumerate(numbers.tolist()):
            if number < before or number in seen:
                text = "is empty" if number < 0 else f"holds {self._texts[name].texts()[number]!r} again"
                raise block.error(
                    row,
                    f"the id column {name!r} {text}; in a table with a row a sequence every sequence needs its own id. "
                    "If a row is a step, say --table long.",
                )
            seen.add(number)


def described(
    sequences: Sequences, roles: Roles, request: Request, columns: Mapping[str, tuple[Integers, Numbering]]
) -> Sequences:
    """The sequences with their ids, groups and labels.

    Args:
        sequences: without these.
        roles: names the columns.
        request: whether labels are needed.
        columns: for each column the number of each sequence's text, [N], -1 if there is none, and the texts.
    Raises:
        ReadError: as `with_labels`.
    """

    def names(column: str | None) -> Names | None:
        if column is None:
            return None
        numbers, numbering = columns[column]
        texts = [*numbering.texts(), ""]
        return as_names(texts[number] for number in numbers.tolist())

    sequences = replace(sequences, ids=names(roles.id), groups=names(roles.group))
    if roles.label is None:
        return sequences
    numbers, numbering = columns[roles.label]
    return with_labels(sequences, numbers, numbering.texts(), request, roles.label)
