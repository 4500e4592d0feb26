"""The roles of a table's columns (id, time, label, group, text, channel), and whether a row is a step or a sequence.

Options name columns; the others are found by well-known names and by their first rows. If that leaves a doubt, the
table is refused, and the error names the option that settles it. The user is told what was found. What was found is
recorded, and later tables that have the same columns are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Literal

from unrolled.data.files import Request
from unrolled.data.numbers import parse_number
from unrolled.data.tables.joined import Joined
from unrolled.data.tables.table import ColumnSample, Table
from unrolled.errors import ConfigError, ReadError, listed, nearest, quoted

TableForm = Literal["long", "wide", "text", "lists"]

ID_NAMES = (
    *("id", "case", "case_id", "caseid", "sequence_id", "seq_id", "series", "series_id", "sample_id", "recording"),
    *("recording_id", "trial", "trial_id", "episode", "episode_id", "block", "segment_id", "window_id"),
)
TIME_NAMES = (
    *("time", "timestamp", "time_stamp", "t", "step", "date", "datetime", "ts", "frame", "seconds", "ms", "elapsed"),
    *("elapsed_time", "time_s", "time_ms", "temps", "zeit", "uhrzeit", "tiempo", "tempo", "datum"),
)
_LABEL_NAMES = (
    *("label", "class", "target", "category", "class_label", "classlabel", "activity", "gesture", "sentiment"),
    *("labels", "klasse", "classe", "clase", "etiquette", "étiquette"),
)
_STEP_LABEL_NAMES = ("activity_id", "activityid", "state", "behaviour", "behavior", "phase", "event")
"""Names of a column whose value changes within a recording."""
_GROUP_NAMES = ("group", "subject", "subject_id", "person", "person_id", "participant", "participant_id", "user_id")
_TEXT_NAMES = (
    *("text", "string", "sentence", "document", "characters", "words", "tokens", "bits", "sequence"),
    *("review", "tweet"),
)
_NUMBERED = re.compile(r"(.*?)[_\-. ]?(\d{1,9})")
_OUTER_NAMES = (
    *(*_GROUP_NAMES, *ID_NAMES, "session", "session_id", "run", "file", "filename", "user", "patient", "day", "set"),
)
"""Columns within which alone the ids of sequences may be unique."""
_WITH_UNIT = re.compile(r"(?<=\w)\s*[\[(][^\[\]()]*[\])]$")
_LEAST_RISING, _LEAST_COUNTED, _MOST_SIDE_BY_SIDE = 2, 4, 16
_MOST_CLASSES_SHARE = 0.5
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


def is_well_known(name: str) -> bool:
    """Whether columns of ids, times, labels, groups or texts often have this name."""
    return _normalised(name) in {*ID_NAMES, *TIME_NAMES, *_LABEL_NAMES, *_GROUP_NAMES, *_TEXT_NAMES}


def _normalised(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", _WITH_UNIT.sub("", name.strip().lower()))


def find_roles(table: Table, request: Request) -> Roles:
    """Finds the roles of a table's columns.

    Raises:
        ReadError: for a named column that does not exist, and a table that can be read in several ways.
        ConfigError: for options that contradict each other.
    """
    search = _Search(table, request)
    roles = search.roles()
    request.found.update(_record(roles, table))
    if search.found:
        request.note(_sentence(roles, table, labelled=request.config.label != "-"))
    return roles


class _Search:
    """The columns that have no role yet, and whether any role was found, not named."""

    def __init__(self, table: Table, request: Request) -> None:
        config = request.config
        self.table, self.request, self.config = table, request, config
        self.samples = dict(table.samples)
        parts = {part for each in table.parts.values() for part in each} if isinstance(table, Joined) else set()
        self.free, self.parts = [name for name in self.samples if name not in parts], parts
        self.found = False
        self.like = request.like if is_alike(table, request) else {}
        if self.like and self.like.get("columns", len(self.samples)) > len(self.samples):
            self.like = {**self.like, "label": None}  # the column of the labels is not there
        needed = request.labels_needed
        self.id = self._named(config.id, "id") or self._as_before("id")
        self.time = self._named(config.time, "time") or self._as_before("time")
        self.label = None
        if config.label != "-":
            self.label = self._named(config.label, "label", needed=needed) or self._as_before("label")
        self.group = self._named(config.group, "group", needed=needed) or self._as_before("group")
        self.text = self._named(config.text, "text") or self._as_before("text")
        self._drop_row_numbers()

    def roles(self) -> Roles:
        form = self._form()
        if self.time is not None and form != "long":
            raise ConfigError(
                f"time = {self.time!r} belongs to a long table, with a row a step; this one has a row a sequence. "
                "Leave it out, or say --table long."
            )
        self._find_group()
        self._find_label(form)
        self.channels: tuple[Channel, ...] = ()
        if form == "wide":
            self.channels = self._wide_channels()
        elif form != "text":
            self.channels = self._single_channels("list" if form == "lists" else "number")
        outer = self._outer(form)
        return Roles(form, self.id, self.time, self.label, self.group, self.text, self.channels, outer)

    def _outer(self, form: TableForm) -> tuple[str, ...]:
        """Columns that would make the ids of a long table unique, if they are not."""
        if form != "long" or self.id is None or self.config.id is not None or self.like:
            return ()
        taken = {self.id, self.time, self.label, *(column for channel in self.channels for column in channel.columns)}
        return tuple(name for name in self.samples if _normalised(name) in _OUTER_NAMES and name not in taken)

    # Names

    def _named(self, name: str | None, role: str, *, needed: bool = True) -> str | None:
        """A column that an option names."""
        if name is None:
            return None
        if name in self.free:
            self.free.remove(name)
            return name
        if name in self.parts:
            return name
        if name in self.samples:
            raise ConfigError(f"{role} = {name!r} names a column that another option names too; name another.")
        if not needed:
            return None
        raise ReadError(self.request.path, f"there is no column {name!r} (--{role}). {_known(name, self.samples)}")

    def _as_before(self, role: str) -> str | None:
        """The column that had a role in an earlier table like this one."""
        name = self.like.get(role)
        return self._take(name) if name in self.free else None

    def _well_known(self, names: tuple[str, ...]) -> str | None:
        """The free column whose name comes first in a list of well-known names."""
        normalised = {_normalised(name): name for name in reversed(self.free)}
        return next((normalised[name] for name in names if name in normalised), None)

    def _take(self, name: str | None) -> str | None:
        if name is not None:
            self.free.remove(name)
            self.found = True
        return name

    def _drop_row_numbers(self) -> None:
        """Leaves out the row numbers that pandas writes as the first column."""
        if self.free and self.table.named and re.fullmatch(r"|Unnamed: 0|__index_level_0__", self.free[0]):
            name = self.free.pop(0)
            if not self.config.channels or name not in self.config.channels:
                self.request.note(f"column {name!r}, the numbers of the rows, is left out")

    # What a row is

    def _form(self) -> TableForm:
        if self.like:
            form: TableForm = self.like["form"]
            return form if form == "long" else self._row_a_sequence(form)
        if self.config.sequences_by is not None:
            return self._long()
        if not self.table.named:
            if self._are_recordings(numbered=False):
                return self._long()
            if self.text is None and (self.time is not None or (self.id and self.samples[self.id].repeats)):
                return "long"
            if self.text is None and self.config.table in (None, "wide") and self._holds_lists():
                return "lists"
            if self.text is None and self.config.table is None:
                self._find_text_among_texts()
                self._refuse_restarting()
            return "text" if self.text else self.config.table or "wide"
        numbered = _numbered(self.free)
        if self._are_recordings(numbered):
            return self._long()
        if self.config.table is None:
            if self.text is None and self.config.channels is None and not numbered:
                known = self._well_known(_TEXT_NAMES)
                if known is not None and self.samples[known].found in ("text", "number"):
                    self.text = self._take(known)
            if self.text is None and self.config.channels is None:
                self._find_text_among_texts()
            if self.text is not None:
                return self._row_a_sequence("text")
            if self._holds_lists():
                return self._row_a_sequence("lists")
        if self.config.table == "wide" or (self.config.table is None and not self._is_long(numbered)):
            if self.config.table is None and self.config.channels is None and not numbered:
                raise UndecidedError(
                    self.request.path,
                    f"the columns {listed(self.samples)} do not show whether a row is a step or a sequence. If it "
                    f"is a step, name the column of the sequence's id: --id {self._likely_id()} (or say what begins a "
                    "new sequence, --sequences-by time, blank-lines or a number of rows; or --table long, if all rows "
                    "are one sequence; or --window 256 for windows of one long recording). If it is a whole sequence, "
                    "say --table wide.",
                )
            return self._row_a_sequence("wide")
        return self._long()

    def _refuse_restarting(self) -> None:
        """Refuses a nameless table with a column that counts up, again and again: its rows are rather steps."""
        if self.text is not None or self.config.channels is not None or len(self.free) > _MOST_SIDE_BY_SIDE:
            return
        if len(self.samples) == 1 and self.config.table is None:
            raise UndecidedError(
                self.request.path,
                "it has one column of numbers. If they are the steps of sequences, say how many each has: "
                "--sequences-by and a number of rows; if they are all one sequence, say --table long; if each is a "
                "sequence, say --table wide.",
            )
        for name in self.free:
            numbers = [parse_number(value) for value in self.samples[name].values]
            if self.samples[name].found == "number" and None not in numbers and _counts_again(numbers):  # type: ignore[arg-type]
                raise UndecidedError(
                    self.request.path,
                    f"column {name!r}, counted from 0, rises and begins again. If it is the time, and a row a step, "
                    f"say --sequences-by time --time {name} --label COLUMN; if a row is a whole sequence, say --table "
                    "wide.",
                )

    def _holds_lists(self) -> bool:
        return any(sample.found == "list" for sample in self.samples.values())

    def _in_the_middle(self, name: str) -> UndecidedError:
        """The error for a column among those of numbers that holds others, in a table without names."""
        sample = self.samples[name]
        role, label = ("time", "COLUMN") if sample.found == "moment" else ("label", name)
        return UndecidedError(
            self.request.path,
            f"column {name!r}, counted from 0, holds {quoted(sample.values[0])} among numbers. If it is the {role}, "
            f"and a row a step, say --{role} {name} and what begins a new sequence: --id COLUMN, or --sequences-by "
            "time --time COLUMN, or --sequences-by and a number of rows; if a row is a whole sequence, say --table "
            f"wide --label {label}.",
        )

    def _likely_id(self) -> str:
        """A column whose values stand in runs, each in one of them."""
        for name in self.free:
            values = self.samples[name].values
            runs = sum(before != after for before, after in pairwise(values)) + 1
            if 1 < runs == len(set(values)) <= len(values) / _LEAST_RISING:
                return f"'{name}'" if " " in name else name
        return "COLUMN"

    def _are_recordings(self, numbered: bool) -> bool:
        """Whether rows are steps because recordings are to be cut into windows."""
        return self.request.in_windows and self.config.table is None and self.text is None and not numbered

    def _long(self) -> TableForm:
        """Finds the id and the time of a table with a row a step."""
        self.id = self.id or self._take(self._well_known(ID_NAMES))
        self.time = self.time or self._take(self._known_time())
        if self.config.sequences_by == "time" and self.time is None:
            raise ConfigError("sequences_by = 'time' needs the column of the times: --time COLUMN.")
        return "long"

    def _known_time(self) -> str | None:
        """A joined column of dates and clock times, or one with a well-known name."""
        joined = [name for name in self.free if isinstance(self.table, Joined) and name in self.table.parts]
        return next(iter(joined), None) or self._well_known(TIME_NAMES)

    def _is_long(self, numbered: bool) -> bool:
        id_column = self.id or self._well_known(ID_NAMES)
        if self.time is not None or (id_column is not None and self.samples[id_column].repeats):
            return True
        if id_column is None and numbered:
            return self._rises(self._well_known(TIME_NAMES))
        if id_column is None or not numbered:
            return id_column is not None
        # ids that do not repeat in the first rows may repeat later, if the rows of many sequences are mixed
        time = self._well_known(TIME_NAMES)
        return time is not None and self.samples[time].found == "number"

    def _rises(self, name: str | None) -> bool:
        """Whether the first numbers of a column rise from row to row."""
        if name is None or self.samples[name].found != "number":
            return False
        numbers = [parse_number(value) or 0.0 for value in self.samples[name].values]
        return len(numbers) > _LEAST_RISING and all(low < high for low, high in pairwise(numbers))

    def _row_a_sequence(self, form: TableForm) -> TableForm:
        """Finds the id of a table with a row a sequence: a column with a well-known name and different values."""
        if self.id is None:
            known = self._well_known(ID_NAMES)
            if known is not None and not self.samples[known].repeats:
                self.id = self._take(known)
        return form

    def _find_text_among_texts(self) -> None:
        """Finds texts, ids and labels in a table without numbers: texts are long, labels few."""
        texts = [name for name in self.free if self.samples[name].found == "text"]
        others = any(self.samples[name].found not in ("text", "empty") for name in self.free)
        if len(texts) + bool(self.label) < 2 or others or self._well_known(TIME_NAMES) or not texts:
            return
        distinct = {name: len(set(self.samples[name].values)) for name in texts}
        various = [name for name in texts if distinct[name] > _MOST_CLASSES_SHARE * len(self.samples[name].values)]
        if not various:
            return
        self.text = self._take(max(various, key=lambda name: sum(map(len, self.samples[name].values))))
        rest = [name for name in texts if name != self.text]
        if self.label is None and self.config.label is None:
            self.label = self._take(min(rest, key=lambda name: distinct[name], default=None))
        ids = [name for name in rest if name in self.free and not self.samples[name].repeats]
        if self.id is None and len(ids) == 1:
            self.id = self._take(ids[0])

    # The label and the group

    def _find_group(self) -> None:
        """Leaves a probable group out of the channels: the person recorded is not a measurement."""
        name = self._well_known(_GROUP_NAMES)
        if self.group is None and name is not None and self.config.channels is None:
            self.free.remove(name)
            self.request.note(
                f"column {name!r} is left out of the channels; --group {name} keeps each group on one side of a split"
            )

    def _find_label(self, form: TableForm) -> None:
        if self.label is not None or self.config.label is not None:
            return
        if self.like:
            self.label = self._take(self._well_known(_LABEL_NAMES)) if self.table.named else None
            return
        if not self.table.named and form in ("wide", "lists"):
            self.label = self._take(self._label_without_names())
            return
        name = self._well_known(_LABEL_NAMES + _STEP_LABEL_NAMES * self.request.in_windows)
        if name is None and not {"x", "z"} & {column.lower() for column in self.samples}:
            name = self._well_known(("y",))  # beside x or z it is a coordinate
        if name is None:
            rest = self._beside_channels(form)
            texts = [column for column in rest if self.samples[column].found == "text"]
            if len(texts) > 1 and self.config.channels is None and form != "text":
                raise ReadError(
                    self.request.path,
                    f"the columns {listed(texts)} hold text; which of them is the label? Name it: --label COLUMN; and "
                    "name the columns of the values: --channels COLUMN,COLUMN.",
                )
            name = texts[0] if len(texts) == 1 else None
            if name is None and form in ("wide", "text") and len(rest) == 1 and _few(self.samples[rest[0]]):
                name = rest[0]
        self.label = self._take(name)

    def _beside_channels(self, form: TableForm) -> list[str]:
        """The free columns that are not channels, as far as that is known."""
        if self.config.channels is not None:
            chosen = {name for item in self.config.channels for name in self.free if fnmatchcase(name, item)}
            return [name for name in self.free if name not in chosen]
        if form == "wide" and _numbered(self.free):
            return [name for name in self.free if not _NUMBERED.fullmatch(name)]
        return list(self.free)

    def _label_without_names(self) -> str | None:
        """The first column, as in the archive's files, or else the last, if its values look like labels."""
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
        elif "channels" in self.like:
            names = list(self.like["channels"])
        else:
            self.found = True
            texts = [name for name in self.free if self.samples[name].found == "text"]
            if found == "number" and texts:
                self._numeric(texts, found)  # which refuses them
            names = [name for name in self.free if self.samples[name].found in (found, "empty")]
            other = [name for name in self.free if name not in names]
            if other:
                self.request.note(f"columns {listed(other)} are left out: they hold no {found}s")
        return tuple(Channel(name, (name,)) for name in self._numeric(names, found))

    def _wide_channels(self) -> tuple[Channel, ...]:
        """The channels, each with the columns of its steps."""
        if self.config.channels is not None:
            return self._wide_named(self.config.channels)
        self.found = True
        if "channels" in self.like:
            return self._one_channel(list(self.like["channels"]))
        if not self.table.named or not _numbered(self.free):
            return self._one_channel(self.free)
        prefixes = _by_prefix(self.free)
        if "prefixes" in self.like:
            prefixes = {prefix: prefixes[prefix] for prefix in self.like["prefixes"]}
        left = [name for name in self.free if not any(name in columns for columns in prefixes.values())]
        if left:
            self.request.note(f"columns {listed(left)} are left out: their names do not end with a step's number")
        return self._numbered_channels(
            (prefix if len(prefixes) > 1 else "0", columns) for prefix, columns in prefixes.items()
        )

    def _one_channel(self, names: list[str]) -> tuple[Channel, ...]:
        return (Channel("0", tuple(self._numeric(names, "number"))),)

    def _wide_named(self, items: tuple[str, ...]) -> tuple[Channel, ...]:
        patterns = [item for item in items if "*" in item]
        if patterns and len(patterns) < len(items):
            raise ConfigError(
                "channels names patterns and columns; expected a pattern for each channel (ax_*,ay_*), or the columns "
                "of one channel."
            )
        if not patterns:
            return self._one_channel([name for item in items for name in self._matching(item)])
        return self._numbered_channels(
            (item.replace("*", "").strip("_-. ") or str(index), self._matching(item))
            for index, item in enumerate(items)
        )

    def _in_order(self, name: str, columns: list[str]) -> list[str]:
        """A channel's columns by the number at their end."""
        if all(parse_number(column) is not None for column in columns) and "." in "".join(columns):  # wavelengths
            return self._numeric(columns, "number")
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

    def _numbered_channels(self, columns: Iterable[tuple[str, list[str]]]) -> tuple[Channel, ...]:
        """Channels from their names and the columns of their steps."""
        channels = tuple(Channel(name, tuple(self._in_order(name, each))) for name, each in columns)
        first = channels[0]
        for channel in channels[1:]:
            if len(channel.columns) != len(first.columns):
                raise ReadError(
                    self.request.path,
                    f"channel {channel.name!r} has {len(channel.columns)} columns where {first.name!r} has "
                    f"{len(first.columns)}; every channel needs as many steps as the others. Name them: --channels "
                    "'ax_*,ay_*'.",
                )
        return channels

    def _matching(self, item: str) -> list[str]:
        """The columns that a name or pattern of --channels matches."""
        names = [item] if item in self.free else [name for name in self.free if fnmatchcase(name, item)]
        if names:
            return names
        if item in self.samples:
            raise ConfigError(f"channels names {item!r}, which another option names too; leave it out.")
        raise ReadError(self.request.path, f"there is no column {item!r} (--channels). {_known(item, self.samples)}")

    def _numeric(self, names: list[str], found: Literal["number", "list"]) -> list[str]:
        """The names, after a check that these columns hold numbers, or lists.

        Raises:
            ReadError: for a column of other values, and for no columns.
            ConfigError: for a column that is named twice.
        """
        for name in names:
            sample = self.samples[name]
            if sample.found not in (found, "empty"):
                if not self.table.named and self.config.table is None and self.config.channels is None:
                    raise self._in_the_middle(name)
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


def _record(roles: Roles, table: Table) -> dict[str, Any]:
    """What a later table like this one must have, and how it is then read; see `Sequences.reading`."""
    found: dict[str, Any] = {"form": roles.form, "named": table.named}
    found |= {role: getattr(roles, role) for role in ("id", "time", "label", "group", "text")}
    columns = [name for channel in roles.channels for name in channel.columns]
    if not table.named:
        return found | {"columns": len(table.samples)}
    if roles.form != "wide":
        return found | {"channels": columns}
    if _numbered(columns):
        return found | {"prefixes": list(_by_prefix(columns))}
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
    return set(like.get("channels", ())) <= set(samples) and set(like.get("prefixes", ())) <= set(_by_prefix(samples))


def _by_prefix(names: Iterable[str]) -> dict[str, list[str]]:
    """Columns whose names end with a number, by the part of the name before it."""
    found: dict[str, list[str]] = {}
    names = list(names)
    positions = [name for name in names if parse_number(name) is not None]
    if any("." in name for name in positions):  # 400.5, 401.0, …
        found[""] = positions
    for name in names:
        if name in found.get("", ()):
            continue
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(match.group(1), []).append(name)
    return found


def _numbered(names: Iterable[str]) -> bool:
    """Whether two columns or more have the same name before a number."""
    return any(len(columns) > 1 for columns in _by_prefix(names).values())


def _counts_again(numbers: list[float]) -> bool:
    """Whether numbers rise evenly, and begin again at the first one, at least once."""
    starts = [0, *(index + 1 for index, (low, high) in enumerate(pairwise(numbers)) if high <= low)]
    runs = [numbers[start:end] for start, end in pairwise([*starts, len(numbers)])]
    if len(runs) < 2 or min(map(len, runs[:-1])) < _LEAST_COUNTED:
        return False
    step = runs[0][1] - runs[0][0]
    even = all(abs(high - low - step) < 1e-6 * abs(step) for run in runs for low, high in pairwise(run))
    return even and all(run[0] == runs[0][0] for run in runs)


def _few(sample: ColumnSample) -> bool:
    """Whether a column holds so few different whole numbers that they are classes."""
    return _whole(sample) and len(set(sample.values)) <= max(_MOST_CLASSES_SHARE * len(sample.values), 1)


def _whole(sample: ColumnSample) -> bool:
    """Whether a column holds whole numbers."""
    whole = all(re.fullmatch(r"[+-]?\d+(\.0*)?([eE][+-]?\d+)?", value) for value in sample.values)
    return whole and sample.found == "number"


def _sentence(roles: Roles, table: Table, *, labelled: bool) -> str:
    """A sentence about what was found."""
    forms = {
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
    if roles.form == "wide":
        names = f" ({listed(c.name for c in roles.channels)})" if len(roles.channels) > 1 else ""
        steps = len(roles.channels[0].columns)
        parts.append(f"{steps:,} steps of {len(roles.channels)} channel{'s' * (len(roles.channels) > 1)}{names}")
    elif roles.channels:
        parts.append(f"channels {listed(channel.name for channel in roles.channels)}")
    unnamed = "" if table.named else " without a header; columns are numbered from 0"
    return f"found {forms[roles.form]}{unnamed}: {', '.join(parts)}"


def _known(name: str, samples: Mapping[str, ColumnSample]) -> str:
    near = nearest(name, list(samples))
    return f"Did you mean {near!r}?" if near else f"The columns are {listed(samples)}."
