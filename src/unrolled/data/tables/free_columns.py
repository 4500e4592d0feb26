"""The columns of a table that have no role yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from unrolled.data.files import Request
from unrolled.data.tables.joined import Joined
from unrolled.data.tables.names import first_among
from unrolled.data.tables.roles import is_alike
from unrolled.data.tables.table import Table
from unrolled.errors import ConfigError, ReadError, listed, nearest


class FreeColumns:
    """The columns that have no role yet.

    Attributes:
        free: their names, in the order of the table.
        samples: the first rows of all columns.
        found: whether any role was found, and not named.
        like: how an earlier table like this one was read; empty for none.
    """

    def __init__(self, table: Table, request: Request) -> None:
        self.table, self.request, self.config = table, request, request.config
        self.samples = dict(table.samples)
        self._parts = {part for each in table.parts.values() for part in each} if isinstance(table, Joined) else set()
        self.free = [name for name in self.samples if name not in self._parts]
        self.found = False
        self.like = request.like if is_alike(table, request) else {}
        if self.like and self.like.get("columns", len(self.samples)) > len(self.samples):
            self.like = {**self.like, "label": None}  # the column of the labels is not there

    def column_of(self, role: str, *, needed: bool = True) -> str | None:
        """The column that an option gives a role, or that had it in an earlier table like this one."""
        column = self._named(getattr(self.config, role), role, needed)
        if column is not None:
            return column
        before = self.like.get(role)
        return self.take(before) if before in self.free else None

    def _named(self, name: str | None, role: str, needed: bool) -> str | None:
        if name is None:
            return None
        if name in self.free:
            self.free.remove(name)
            return name
        if name in self._parts:
            return name
        if name in self.samples:
            raise ConfigError(f"{role} = {name!r} names a column that another option names too; name another.")
        if not needed:
            return None
        raise self._unknown(name, role)

    def matching(self, items: Iterable[str]) -> list[str]:
        """The free columns that names and patterns of --channels match, those of each in the order of the table."""
        return [name for item in items for name in self._matching(item)]

    def _matching(self, item: str) -> list[str]:
        names = [item] if item in self.free else [name for name in self.free if fnmatchcase(name, item)]
        if names:
            return names
        if item in self.samples:
            raise ConfigError(f"channels names {item!r}, which another option names too; leave it out.")
        raise self._unknown(item, "channels")

    def _unknown(self, name: str, option: str) -> ReadError:
        """The error for a name that no column has."""
        near = nearest(name, list(self.samples))
        advice = f"Did you mean {near!r}?" if near else f"The columns are {listed(self.samples)}."
        return ReadError(self.request.path, f"there is no column {name!r} (--{option}). {advice}")

    def well_known(self, names: tuple[str, ...]) -> str | None:
        """The free column whose name comes first in a list of well-known names."""
        return first_among(self.free, names)

    def take(self, name: str | None) -> str | None:
        """Gives a column that was found a role."""
        if name is not None:
            self.free.remove(name)
            self.found = True
        return name

    def drop_row_numbers(self) -> None:
        """Leaves out the row numbers that pandas writes as the first column."""
        if self.free and self.table.named and re.fullmatch(r"|Unnamed: 0|__index_level_0__", self.free[0]):
            name = self.free.pop(0)
            if not self.config.channels or name not in self.config.channels:
                self.request.note(f"column {name!r}, the numbers of the rows, is left out")
