"""The channels of a table: the columns of values that options name, or all that are left when other roles are known."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from unrolled.data.numbers import parse_number
from unrolled.data.tables.free_columns import FreeColumns
from unrolled.data.tables.names import NUMBERED, by_prefix, has_numbered
from unrolled.data.tables.roles import Channel, TableForm, UndecidedError
from unrolled.errors import ConfigError, ReadError, listed, quoted

Content = Literal["number", "list"]


def find_channels(rest: FreeColumns, form: TableForm) -> tuple[Channel, ...]:
    """The channels of a table.

    Args:
        rest: the columns that have no other role.
        form: what a row is.
    Raises:
        ReadError: for columns that do not hold values, and for channels of different numbers of steps.
        ConfigError: for options that contradict each other.
    """
    if form == "text":
        return ()
    if form == "wide":
        return _with_steps(rest)
    return tuple(Channel(name, (name,)) for name in _single(rest, "list" if form == "lists" else "number"))


def _single(rest: FreeColumns, content: Content) -> list[str]:
    """The columns, each a channel."""
    if rest.config.channels is not None:
        return _checked(rest, rest.matching(rest.config.channels), content)
    if "channels" in rest.like:
        return _checked(rest, list(rest.like["channels"]), content)
    rest.found = True
    texts = [name for name in rest.free if rest.samples[name].found == "text"]
    if content == "number" and texts:
        _checked(rest, texts, content)  # which refuses them
    names = [name for name in rest.free if rest.samples[name].found in (content, "empty")]
    other = [name for name in rest.free if name not in names]
    if other:
        rest.request.note(f"columns {listed(other)} are left out: they hold no {content}s")
    return _checked(rest, names, content)


def _with_steps(rest: FreeColumns) -> tuple[Channel, ...]:
    """The channels of a wide table, each with the columns of its steps."""
    if rest.config.channels is not None:
        return _named_with_steps(rest, rest.config.channels)
    rest.found = True
    if "channels" in rest.like:
        return _one(rest, list(rest.like["channels"]))
    if not rest.table.named or not has_numbered(rest.free):
        return _one(rest, rest.free)
    prefixes = by_prefix(rest.free)
    if "prefixes" in rest.like:
        prefixes = {prefix: prefixes[prefix] for prefix in rest.like["prefixes"]}
    left = [name for name in rest.free if not any(name in columns for columns in prefixes.values())]
    if left:
        rest.request.note(f"columns {listed(left)} are left out: their names do not end with a step's number")
    return _numbered(rest, ((prefix if len(prefixes) > 1 else "0", columns) for prefix, columns in prefixes.items()))


def _named_with_steps(rest: FreeColumns, items: tuple[str, ...]) -> tuple[Channel, ...]:
    patterns = [item for item in items if "*" in item]
    if patterns and len(patterns) < len(items):
        raise ConfigError(
            "channels names patterns and columns; expected a pattern for each channel (ax_*,ay_*), or the columns "
            "of one channel."
        )
    if not patterns:
        return _one(rest, rest.matching(items))
    return _numbered(
        rest,
        (
            (item.replace("*", "").strip("_-. ") or str(index), rest.matching([item]))
            for index, item in enumerate(items)
        ),
    )


def _one(rest: FreeColumns, names: list[str]) -> tuple[Channel, ...]:
    return (Channel("0", tuple(_checked(rest, names, "number"))),)


def _numbered(rest: FreeColumns, columns: Iterable[tuple[str, list[str]]]) -> tuple[Channel, ...]:
    """Channels from their names and the columns of their steps."""
    channels = tuple(Channel(name, tuple(_in_order(rest, name, each))) for name, each in columns)
    first = channels[0]
    for channel in channels[1:]:
        if len(channel.columns) != len(first.columns):
            raise ReadError(
                rest.request.path,
                f"channel {channel.name!r} has {len(channel.columns)} columns where {first.name!r} has "
                f"{len(first.columns)}; every channel needs as many steps as the others. Name them: --channels "
                "'ax_*,ay_*'.",
            )
    return channels


def _in_order(rest: FreeColumns, name: str, columns: list[str]) -> list[str]:
    """A channel's columns by the number at their end."""
    if all(parse_number(column) is not None for column in columns) and "." in "".join(columns):  # wavelengths
        return _checked(rest, columns, "number")
    numbers = [int(match.group(2)) if (match := NUMBERED.fullmatch(column)) else -1 for column in columns]
    if -1 in numbers:
        column = columns[numbers.index(-1)]
        raise ReadError(rest.request.path, f"column {column!r} of {name!r} does not end with the number of a step.")
    ordered = sorted(zip(numbers, columns, strict=True))
    for (low, before), (high, after) in pairwise(ordered):
        if high != low + 1:
            problem = "have the same number" if high == low else "leave out steps between them"
            raise ReadError(
                rest.request.path,
                f"the columns {before!r} and {after!r} {problem}; expected every step of a channel once, in "
                "columns such as ax_0, ax_1, ax_2. Name them: --channels 'ax_*,ay_*'.",
            )
    return _checked(rest, [column for _, column in ordered], "number")


def _checked(rest: FreeColumns, names: list[str], content: Content) -> list[str]:
    """The names, after a check that these columns hold numbers, or lists.

    Raises:
        ReadError: for a column of other values, and for no columns.
        ConfigError: for a column that is named twice.
    """
    for name in names:
        if rest.samples[name].found not in (content, "empty"):
            raise _no_channel(rest, name, content)
    if not names:
        raise ReadError(
            rest.request.path,
            f"no column is left for the values of {listed(rest.samples)}. Name them: --channels COLUMN,COLUMN.",
        )
    if len(set(names)) < len(names):
        raise ConfigError("channels names a column twice; name each once.")
    return names


def _no_channel(rest: FreeColumns, name: str, content: Content) -> ReadError:
    """The error for a column that holds other values than a channel."""
    sample, path = rest.samples[name], rest.request.path
    value = quoted(sample.values[0])
    if rest.table.named or rest.config.table is not None or rest.config.channels is not None:
        return ReadError(
            path,
            f"column {name!r} holds {value}; expected {content}s. Name the columns of the values: --channels "
            "COLUMN,COLUMN.",
        )
    role, label = ("time", "COLUMN") if sample.found == "moment" else ("label", name)
    return UndecidedError(
        path,
        f"column {name!r}, counted from 0, holds {value} among numbers. If it is the {role}, and a row a step, say "
        f"--{role} {name} and what begins a new sequence: --id COLUMN, or --sequences-by time --time COLUMN, or "
        "--sequences-by and a number of rows; if a row is a whole sequence, say --table wide --label "
        f"{label}.",
    )
