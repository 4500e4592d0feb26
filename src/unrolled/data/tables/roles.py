"""The roles that columns have, how they are told to the user, and recorded for later tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from unrolled.data.files import Request
from unrolled.data.tables.names import by_prefix, has_numbered
from unrolled.data.tables.table import Table
from unrolled.errors import ReadError, listed

TableForm = Literal["long", "wide", "text", "lists"]

_SINGLE = ("id", "time", "label", "group", "text")
"""Roles that one column has at most."""
_MOST_RECORDED = 1000
"""Names of columns of steps that are recorded, at most."""


class UndecidedError(ReadError):
    """A table whose columns do not show whether a row is a step or a sequence."""


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes:
        name: its name.
        columns: in a wide table the columns of its steps, in order; otherwise one column.
    """

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Roles:
    """The columns of a table by their roles; None for a role that no column has.

    Attributes:
        form: what a row is: a step (long); a sequence with a column for each step (wide), with columns of lists
            (lists), or with a column of text (text).
        outer: in a long table, columns within which alone the ids may be unique.
    """

    form: TableForm
    id: str | None = None
    time: str | None = None
    label: str | None = None
    group: str | None = None
    text: str | None = None
    channels: tuple[Channel, ...] = ()
    outer: tuple[str, ...] = ()


def sentence(roles: Roles, table: Table, *, labelled: bool) -> str:
    """A sentence about what was found."""
    forms = {
        "long": "a long table, a row a step",
        "wide": "a wide table, a row a sequence",
        "lists": "a sequence a row, in lists",
        "text": "a text a row",
    }
    parts = [f"{role} {name!r}" for role in _SINGLE if (name := getattr(roles, role))]
    if not roles.label and labelled:
        parts.append("no label")
    if roles.form == "wide":
        names = f" ({listed(c.name for c in roles.channels)})" if len(roles.channels) > 1 else ""
        steps = len(roles.channels[0].columns)
        parts.append(f"{steps:,} steps of {len(roles.channels)} channel{'s' * (len(roles.channels) > 1)}{names}")
    elif roles.channels:
        parts.append(f"channels {listed(channel.name for channel in roles.channels)}")
    unnamed = "" if table.named else " without a header; columns are numbered from 0"
    return f"found {forms[roles.form]}{unnamed}: {', '.join(parts)}"


def record(roles: Roles, table: Table) -> dict[str, Any]:
    """What a later table like this one must have, and how it is then read; see `Sequences.reading`."""
    found: dict[str, Any] = {"form": roles.form, "named": table.named}
    found |= {role: getattr(roles, role) for role in _SINGLE}
    columns = [name for channel in roles.channels for name in channel.columns]
    if not table.named:
        return found | {"columns": len(table.samples)}
    if roles.form != "wide":
        return found | {"channels": columns}
    if has_numbered(columns):
        return found | {"prefixes": list(by_prefix(columns))}
    return found | ({"channels": columns} if len(columns) <= _MOST_RECORDED else {})


def is_alike(table: Table, request: Request) -> bool:
    """Whether a table has the form of the earlier one, and its columns of values."""
    like, config, samples = request.like, request.config, table.samples
    form = like.get("form")
    if form is None or table.named != like["named"] or config.table not in (None, form):
        return False
    if not table.named:
        fewer = not request.labels_needed and like["label"] is not None and len(samples) == like["columns"] - 1
        return len(samples) == like["columns"] or fewer
    if form == "text":
        return config.text is not None or like["text"] in samples
    if form == "long" and config.id is None and like["id"] is not None and like["id"] not in samples:
        return False
    if config.channels is not None:
        return True
    return set(like.get("channels", ())) <= set(samples) and set(like.get("prefixes", ())) <= set(by_prefix(samples))
