"""What the columns of a table are: id, time, label, group, text, and the channels; and what a row is.

What the options name is taken; the rest is found by well-known names and by what the first rows hold. Where that
leaves a doubt, the table is refused with the option that would settle it. What was found is told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Literal

from unrolled.data.files import Request
from unrolled.data.tables.table import Sample, Table
from unrolled.errors import ConfigError, ReadError, listed, quoted

Shape = Literal["long", "wide", "text", "lists"]

_ID_NAMES = (
    *("id", "case", "case_id", "caseid", "sequence_id", "seq_id", "series", "series_id", "sample_id", "recording"),
    *("recording_id", "trial", "trial_id", "episode", "episode_id"),
)
_TIME_NAMES = ("time", "timestamp", "time_stamp", "t", "step", "date", "datetime", "ts", "frame", "seconds", "ms")
_LABEL_NAMES = ("label", "class", "target", "category", "class_label", "classlabel")
_GROUP_NAMES = ("group", "subject", "subject_id", "person", "person_id", "participant", "participant_id", "user_id")
_TEXT_NAMES = ("text", "string", "sentence", "document", "characters", "words", "tokens", "bits", "sequence")
_NUMBERED = re.compile(r"(.*?)[_\-. ]?(\d{1,9})")
_MOST_CLASSES_SHARE = 0.5


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes:
        name: what it is called.
        columns: of a wide table the columns of its steps, in order; otherwise one column.
    """

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are, by name; None for what is not there.

    Attributes:
        shape: what a row is: a step (long); a sequence of numbers, in columns of its own for each step (wide) or
            in columns of lists (lists); a sequence of text.
    """

    shape: Shape
    id: str | None = None
    time: str | None = None
    label: str | None = None
    group: str | None = None
    text: str | None = None
    channels: tuple[Channel, ...] = ()


def find_roles(table: Table, request: Request) -> Roles:
    """What the columns are.

    Raises:
        ReadError: for a column that is not there, or a table that can be read in several ways.
        ConfigError: for options that contradict each other.
    """
    search = _Search(table, request)
    roles = search.roles()
    if search.found:
        request.note(_sentence(roles, table, labelled=request.config.label != "-"))
    return roles


class _Search:
    """The columns that are still free, and whether anything had to be found out."""

    def __init__(self, table: Table, request: Request) -> None:
        config = request.config
        self.table, self.request, self.config = table, request, config
        self.samples = dict(table.samples)
        self.free = list(self.samples)
        self.found = False
        self.id = self._named(config.id, "id")
        self.time = self._named(config.time, "time")
        self.label = None if config.label == "-" else self._named(config.label, "label", needed=request.labels_needed)
        self.group = self._named(config.group, "group", needed=request.labels_needed)
        self.text = self._named(config.text, "text")
        self._drop_row_numbers()

    def roles(self) -> Roles:
        shape = self._shape()
        if self.time is not None and shape != "long":
            raise ConfigError(
                f"time = {self.time!r} is of a long table, where a row is a step; this one has a row a sequence. "
                "Leave it out, or say --table long."
            )
        self._find_group()
        self._find_label(shape)
        if shape == "text":
            channels: tuple[Channel, ...] = ()
        elif shape == "wide":
            channels = self._wide_channels()
        else:
            channels = self._single_channels("list" if shape == "lists" else "number")
        return Roles(shape, self.id, self.time, self.label, self.group, self.text, channels)

    # Names

    def _named(self, name: str | None, role: str, *, needed: bool = True) -> str | None:
        """A column that an option names."""
        if name is None:
            return None
        if name in self.free:
            self.free.remove(name)
            return name
        if name in self.samples:
            raise ConfigError(f"{role} = {name!r} names a column that another option names too; name another.")
        if not needed:
            return None
        raise ReadError(self.request.path, f"there is no column {name!r} (--{role}). {_known(name, self.samples)}")

    def _well_known(self, names: tuple[str, ...]) -> str | None:
        """The free column whose name stands first in a list of well-known ones."""
        plain = {re.sub(r"[\s.\-]+", "_", name.strip().lower()): name for name in reversed(self.free)}
        return next((plain[name] for name in names if name in plain), None)

    def _take(self, name: str | None) -> str | None:
        if name is not None:
            self.free.remove(name)
            self.found = True
        return name

    def _drop_row_numbers(self) -> None:
        """Leaves out the row numbers that pandas writes in front."""
        if self.free and self.table.named and re.fullmatch(r"|Unnamed: 0|__index_level_0__", self.free[0]):
            name = self.free.pop(0)
            if not self.config.channels or name not in self.config.channels:
                self.request.note(f"column {name!r}, the numbers of the rows, is left out")

    # What a row is

    def _shape(self) -> Shape:
        if not self.table.named:
            return "text" if self.text else self.config.table or "wide"
        numbered = _numbered(self.free)
        if self.config.table is None:
            if self.text is None and self.config.channels is None and not numbered:
                self.text = self._take(self._find_text())
            if self.text is not None:
                return self._of_cases("text")
            if any(sample.found == "list" for sample in self.samples.values()):
                return self._of_cases("lists")
        known = self.id or (self._well_known(_ID_NAMES) if self.config.table != "wide" else None)
        time = self.time or self._well_known(_TIME_NAMES)
        if self.config.table == "wide" or (self.config.table is None and not self._is_long(known, time, numbered)):
            return self._wide(numbered)
        if self.id is None:
            self.id = self._take(known)
        if self.time is None:
            self.time = self._take(self._well_known(_TIME_NAMES))
        return "long"

    def _is_long(self, known: str | None, time: str | None, numbered: bool) -> bool:
        if self.time is not None or (known is not None and self.samples[known].repeats):
            return True
        if known is None:
            return False
        if not numbered:
            return True
        # ids that do not repeat in the first rows may yet do so later, where the rows of many sequences are mixed
        return time is not None and self.samples[time].found == "number"

    def _of_cases(self, shape: Shape) -> Shape:
        """A table with a row a sequence, whose id is found by name only where it names each one."""
        if self.id is None:
            known = self._well_known(_ID_NAMES)
            if known is not None and not self.samples[known].repeats:
                self.id = self._take(known)
        return shape

    def _wide(self, numbered: bool) -> Shape:
        if self.config.table is None and self.config.channels is None and not numbered:
            raise ReadError(
                self.request.path,
                f"what a row is cannot be told from the columns {listed(self.samples)}. If it is a step, name the "
                "column of the sequence's id: --id COLUMN (or --table long, if all rows are one sequence). If it is a "
                "whole sequence, say --table wide.",
            )
        return self._of_cases("wide")

    def _find_text(self) -> str | None:
        known = self._well_known(_TEXT_NAMES)
        if known is not None and self.samples[known].found in ("text", "number"):
            return known
        return None

    # The label and the group

    def _find_group(self) -> None:
        """Leaves out what is probably a group: who was recorded is no measurement."""
        name = self._well_known(_GROUP_NAMES)
        if self.group is None and name is not None and self.config.channels is None:
            self.free.remove(name)
            self.request.note(
                f"column {name!r} is left out of the channels; --group {name} keeps those of one on one side of a split"
            )

    def _find_label(self, shape: Shape) -> None:
        if self.label is not None or self.config.label is not None:
            return
        if not self.table.named:
            self.label = self._take(self._label_without_names())
            return
        name = self._well_known(_LABEL_NAMES)
        if name is None and not {"x", "z"} & {column.lower() for column in self.samples}:
            name = self._well_known(("y",))  # but not where it stands beside x: then it is a place
        if name is None:
            rest = self._beside_channels(shape)
            texts = [column for column in rest if self.samples[column].found == "text"]
            if len(texts) > 1 and self.config.channels is None and shape != "text":
                raise ReadError(
                    self.request.path,
                    f"the columns {listed(texts)} hold text, and which of them is the label cannot be told. Name it: "
                    "--label COLUMN; and the columns of the values: --channels COLUMN,COLUMN.",
                )
            name = texts[0] if len(texts) == 1 else None
            if name is None and shape in ("wide", "text") and len(rest) == 1 and _few(self.samples[rest[0]]):
                name = rest[0]
        self.label = self._take(name)

    def _beside_channels(self, shape: Shape) -> list[str]:
        """The free columns that are surely no channel's."""
        if self.config.channels is not None:
            chosen = {name for item in self.config.channels for name in self.free if fnmatchcase(name, item)}
            return [name for name in self.free if name not in chosen]
        if shape == "wide" and _numbered(self.free):
            return [name for name in self.free if not _NUMBERED.fullmatch(name)]
        return list(self.free)

    def _label_without_names(self) -> str | None:
        """The first column, as in the archive's files, or else the last, where it looks like labels."""
        for name, other in ((self.free[0], 1), (self.free[-1], 0)) if len(self.free) > 1 else ():
            sample, value = self.samples[name], self.samples[self.free[other]]
            if sample.found == "text" or _few(sample) or (_whole(sample) and not _whole(value)):
                return name
        return None

    # The channels

    def _single_channels(self, found: Literal["number", "list"]) -> tuple[Channel, ...]:
        """A column a channel."""
        if self.config.channels is not None:
            names = [name for item in self.config.channels for name in self._matching(item)]
        else:
            self.found = True
            names = [name for name in self.free if self.samples[name].found in (found, "empty")]
            other = [name for name in self.free if name not in names]
            if found == "number" and any(self.samples[name].found == "text" for name in other):
                self._refuse_texts([name for name in other if self.samples[name].found == "text"])
            if other:
                self.request.note(f"columns {listed(other)} are left out: they hold no {found}s")
        return tuple(Channel(name, (name,)) for name in self._numeric(names, found))

    def _refuse_texts(self, names: list[str]) -> None:
        sample = self.samples[names[0]]
        raise ReadError(
            self.request.path,
            f"column {names[0]!r} holds {quoted(sample.values[0])}; expected numbers in all columns but id, time and "
            "label. Name the columns of the values: --channels COLUMN,COLUMN.",
        )

    def _wide_channels(self) -> tuple[Channel, ...]:
        """The channels, each with the columns of its steps."""
        if self.config.channels is not None:
            return self._wide_named(self.config.channels)
        self.found = True
        if not self.table.named:
            return (Channel("0", tuple(self._numeric(self.free, "number"))),)
        prefixes = _by_prefix(self.free)
        if not _numbered(self.free):
            return (Channel("0", tuple(self._numeric(self.free, "number"))),)
        left = [name for name in self.free if not any(name in columns for columns in prefixes.values())]
        if left:
            self.request.note(f"columns {listed(left)} are left out: their names do not end with a step's number")
        channels = tuple(
            Channel(prefix if len(prefixes) > 1 else "0", tuple(self._in_order(prefix, columns)))
            for prefix, columns in prefixes.items()
        )
        return self._same_steps(channels)

    def _wide_named(self, items: tuple[str, ...]) -> tuple[Channel, ...]:
        patterns = [item for item in items if "*" in item]
        if patterns and len(patterns) < len(items):
            raise ConfigError(
                "channels names patterns and columns; expected a pattern a channel (ax_*,ay_*), or the columns of one "
                "channel."
            )
        if not patterns:
            names = [name for item in items for name in self._matching(item)]
            return (Channel("0", tuple(self._numeric(names, "number"))),)
        channels = tuple(
            Channel(
                item.replace("*", "").strip("_-. ") or str(index), tuple(self._in_order(item, self._matching(item)))
            )
            for index, item in enumerate(items)
        )
        return self._same_steps(channels)

    def _in_order(self, name: str, columns: list[str]) -> list[str]:
        """A channel's columns by the number at their end."""
        numbers = [int(match.group(2)) if (match := _NUMBERED.fullmatch(column)) else -1 for column in columns]
        if -1 in numbers:
            column = columns[numbers.index(-1)]
            raise ReadError(self.request.path, f"column {column!r} of {name!r} does not end with the number of a step.")
        ordered = sorted(zip(numbers, columns, strict=True))
        for (low, before), (high, after) in pairwise(ordered):
            if high != low + 1:
                problem = "have the same number" if high == low else "leave out steps between them"
                raise ReadError(
                    self.request.path,
                    f"the columns {before!r} and {after!r} {problem}; expected every step of a channel once, in "
                    "columns such as ax_0, ax_1, ax_2. Name them: --channels 'ax_*,ay_*'.",
                )
        return self._numeric([column for _, column in ordered], "number")

    def _same_steps(self, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        first = channels[0]
        for channel in channels[1:]:
            if len(channel.columns) != len(first.columns):
                raise ReadError(
                    self.request.path,
                    f"channel {channel.name!r} has {len(channel.columns)} columns where {first.name!r} has "
                    f"{len(first.columns)}; every channel needs as many steps. Name them: --channels 'ax_*,ay_*'.",
                )
        return channels

    def _matching(self, item: str) -> list[str]:
        """The columns that a name or pattern of --channels means."""
        if item in self.free:
            return [item]
        names = [name for name in self.free if fnmatchcase(name, item)]
        if names:
            return names
        if item in self.samples:
            raise ConfigError(f"channels names {item!r}, which another option names too; leave it out.")
        raise ReadError(self.request.path, f"there is no column {item!r} (--channels). {_known(item, self.samples)}")

    def _numeric(self, names: list[str], found: Literal["number", "list"]) -> list[str]:
        """The names, if there are any and their columns hold what they should."""
        for name in names:
            sample = self.samples[name]
            if sample.found not in (found, "empty"):
                raise ReadError(
                    self.request.path,
                    f"column {name!r} holds {quoted(sample.values[0])}; expected {found}s. Name the columns of the "
                    "values: --channels COLUMN,COLUMN.",
                )
        if not names:
            raise ReadError(
                self.request.path,
                f"no column is left for the values of {listed(self.samples)}. Name them: --channels COLUMN,COLUMN.",
            )
        if len(set(names)) < len(names):
            raise ConfigError("channels names a column twice; name each once.")
        return names


def _by_prefix(names: Iterable[str]) -> dict[str, list[str]]:
    """Columns whose names end with a number, by what stands before it."""
    found: dict[str, list[str]] = {}
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(match.group(1), []).append(name)
    return found


def _numbered(names: Iterable[str]) -> bool:
    """Whether columns are numbered steps: at least two of a name, which count up."""
    return any(len(columns) > 1 for columns in _by_prefix(names).values())


def _few(sample: Sample) -> bool:
    """Whether whole numbers are so few that they are classes."""
    return _whole(sample) and len(set(sample.values)) <= max(_MOST_CLASSES_SHARE * len(sample.values), 1)


def _whole(sample: Sample) -> bool:
    """Whether a column holds whole numbers."""
    whole = all(re.fullmatch(r"[+-]?\d+(\.0*)?([eE][+-]?\d+)?", value) for value in sample.values)
    return whole and sample.found == "number"


def _sentence(roles: Roles, table: Table, *, labelled: bool) -> str:
    """What was found, in words."""
    kinds = {
        "long": "a long table, a row a step",
        "wide": "a wide table, a row a sequence",
        "lists": "a sequence a row, in lists",
        "text": "a text a row",
    }
    parts = [
        f"{name} {value!r}" for name in ("id", "time", "label", "group", "text") if (value := getattr(roles, name))
    ]
    if not roles.label and labelled:
        parts.append("no label")
    if roles.shape == "wide":
        names = f" ({listed(c.name for c in roles.channels)})" if len(roles.channels) > 1 else ""
        steps = len(roles.channels[0].columns)
        parts.append(f"{steps:,} steps of {len(roles.channels)} channel{'s' * (len(roles.channels) > 1)}{names}")
    elif roles.channels:
        parts.append(f"channels {listed(channel.name for channel in roles.channels)}")
    unnamed = "" if table.named else " without a header; columns are numbered from 0"
    return f"found {kinds[roles.shape]}{unnamed}: {', '.join(parts)}"


def _known(name: str, samples: Mapping[str, Sample]) -> str:
    near = difflib.get_close_matches(name, samples, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"The columns are {listed(samples)}."
