"""The search for the roles of a table's columns (id, time, label, …), and whether a row is a step or a sequence.

Options name columns; the others are found by well-known names and by their first rows. If that leaves a doubt, the
table is refused, and the error names the option that settles it. The user is told what was found. What was found is
recorded, and later tables that have the same columns are read alike.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from unrolled.data.files import Request
from unrolled.data.tables.channels import find_channels
from unrolled.data.tables.free_columns import FreeColumns
from unrolled.data.tables.joined import Joined
from unrolled.data.tables.names import (
    COUNTED_NAMES,
    GROUP_NAMES,
    ID_NAMES,
    LABEL_NAMES,
    NUMBERED,
    OUTER_NAMES,
    STEP_LABEL_NAMES,
    TEXT_NAMES,
    TIME_NAMES,
    has_numbered,
    is_among,
)
from unrolled.data.tables.roles import Roles, TableForm, UndecidedError, record, sentence
from unrolled.data.tables.samples import MOST_CLASSES_SHARE
from unrolled.data.tables.table import Table
from unrolled.errors import ConfigError, ReadError, listed

_MOST_SIDE_BY_SIDE = 16


def find_roles(table: Table, request: Request) -> Roles:
    """Finds the roles of a table's columns.

    Raises:
        ReadError: for a named column that does not exist, and a table that can be read in several ways.
        ConfigError: for options that contradict each other.
    """
    search = _Search(table, request)
    roles = search.roles()
    request.found.update(record(roles, table))
    if search.found:
        request.note(sentence(roles, table, labelled=request.config.label != "-"))
    return roles


class _Search(FreeColumns):
    """The columns that have no role yet, and those that have one."""

    def __init__(self, table: Table, request: Request) -> None:
        super().__init__(table, request)
        needed = request.labels_needed
        self.id = self.column_of("id")
        self.time = self.column_of("time")
        self.label = None if self.config.label == "-" else self.column_of("label", needed=needed)
        self.group = self.column_of("group", needed=needed)
        self.text = self.column_of("text")
        self.drop_row_numbers()

    def roles(self) -> Roles:
        """The roles of all columns."""
        form = self._form()
        if self.time is not None and form != "long":
            raise ConfigError(
                f"time = {self.time!r} belongs to a long table, with a row a step; this one has a row a sequence. "
                "Leave it out, or say --table long."
            )
        self._leave_out_group()
        self._find_label(form)
        channels = find_channels(self, form)
        outer: tuple[str, ...] = ()
        if form == "long" and self.id is not None and self.config.id is None and not self.like:
            taken = {self.id, self.time, self.label, *(channel.name for channel in channels)}
            outer = tuple(name for name in self.samples if is_among(name, OUTER_NAMES) and name not in taken)
        return Roles(form, self.id, self.time, self.label, self.group, self.text, channels, outer)

    # What a row is

    def _form(self) -> TableForm:
        if self.like:
            form: TableForm = self.like["form"]
            return form if form == "long" else self._row_a_sequence(form)
        if self.config.sequences_by is not None or self._are_recordings():
            return self._row_a_step()
        return self._form_by_names() if self.table.named else self._form_without_names()

    def _are_recordings(self) -> bool:
        """Whether rows are steps because recordings are to be cut into windows."""
        if not self.request.in_windows or self.config.table is not None or self.text is not None:
            return False
        return not (self.table.named and has_numbered(self.free))

    def _form_without_names(self) -> TableForm:
        if self.text is None:
            if self.time is not None or (self.id and self.samples[self.id].repeats):
                return "long"
            if self.config.table in (None, "wide") and self._holds_lists():
                return "lists"
            if self.config.table is None:
                self._find_text_among_texts()
                self._refuse_restarting()
        return "text" if self.text else self.config.table or "wide"

    def _form_by_names(self) -> TableForm:
        asked, numbered = self.config.table, has_numbered(self.free)
        if asked is None:
            if self.text is None and self.config.channels is None:
                self._find_text(numbered)
            if self.text is not None:
                return self._row_a_sequence("text")
            if self._holds_lists():
                return self._row_a_sequence("lists")
        if asked == "long" or (asked is None and self._is_long(numbered)):
            return self._row_a_step()
        if asked is None and self.config.channels is None and not numbered:
            self._refuse_undecided()
        return self._row_a_sequence("wide")

    def _is_long(self, numbered: bool) -> bool:
        id_column = self.id or self._known_id()
        if self.time is not None or (id_column is not None and self.samples[id_column].repeats):
            return True
        if not numbered:
            return id_column is not None
        time = self.well_known(TIME_NAMES)
        if time is None:
            return False
        # ids that do not repeat in the first rows may repeat later, if the rows of many sequences are mixed
        return self.samples[time].rises if id_column is None else self.samples[time].found == "number"

    def _holds_lists(self) -> bool:
        return any(sample.found == "list" for sample in self.samples.values())

    def _row_a_step(self) -> TableForm:
        """Finds the id and the time of a table with a row a step."""
        self.id = self.id or self.take(self._known_id())
        self.time = self.time or self.take(self._known_time())
        if self.config.sequences_by == "time" and self.time is None:
            raise ConfigError("sequences_by = 'time' needs the column of the times: --time COLUMN.")
        return "long"

    def _known_id(self) -> str | None:
        """A column with a well-known name, or with one of numbers that are not those of the rows."""
        counted = self.well_known(COUNTED_NAMES)
        together = counted is not None and self.samples[counted].stands_together
        return self.well_known(ID_NAMES) or (counted if together else None)

    def _known_time(self) -> str | None:
        """A joined column of dates and clock times, or one with a well-known name."""
        joined = [name for name in self.free if isinstance(self.table, Joined) and name in self.table.parts]
        return next(iter(joined), None) or self.well_known(TIME_NAMES)

    def _row_a_sequence(self, form: TableForm) -> TableForm:
        """Finds the id of a table with a row a sequence: a column with a well-known name and different values."""
        if self.id is None:
            known = self.well_known(ID_NAMES)
            if known is not None and not self.samples[known].repeats:
                self.id = self.take(known)
        return form

    # Doubts

    def _refuse_undecided(self) -> None:
        """Refuses a table of which neither names nor values show what a row is."""
        likely = next((name for name in self.free if self.samples[name].stands_in_runs), "COLUMN")
        likely = f"'{likely}'" if " " in likely else likely
        raise UndecidedError(
            self.request.path,
            f"the columns {listed(self.samples)} do not show whether a row is a step or a sequence. If it is a step, "
            f"name the column of the sequence's id: --id {likely} (or say what begins a new sequence, --sequences-by "
            "time, blank-lines or a number of rows; or --table long, if all rows are one sequence; or --window 256 for "
            "windows of one long recording). If it is a whole sequence, say --table wide.",
        )

    def _refuse_restarting(self) -> None:
        """Refuses a nameless table with a column that counts up, again and again: its rows are rather steps."""
        if self.text is not None or self.config.channels is not None or len(self.free) > _MOST_SIDE_BY_SIDE:
            return
        if len(self.samples) == 1:
            raise UndecidedError(
                self.request.path,
                "it has one column of numbers. If they are the steps of sequences, say how many each has: "
                "--sequences-by and a number of rows; if they are all one sequence, say --table long; if each is a "
                "sequence, say --table wide.",
            )
        for name in self.free:
            if self.samples[name].counts_again:
                raise UndecidedError(
                    self.request.path,
                    f"column {name!r}, counted from 0, rises and begins again. If it is the time, and a row a step, "
                    f"say --sequences-by time --time {name} --label COLUMN; if a row is a whole sequence, say --table "
                    "wide.",
                )

    # The text

    def _find_text(self, numbered: bool) -> None:
        known = None if numbered else self.well_known(TEXT_NAMES)
        if known is not None and self.samples[known].found in ("text", "number"):
            self.text = self.take(known)
        else:
            self._find_text_among_texts()

    def _find_text_among_texts(self) -> None:
        """Finds texts, ids and labels in a table without numbers: texts are long, labels few."""
        texts = [name for name in self.free if self.samples[name].found == "text"]
        others = any(self.samples[name].found not in ("text", "empty") for name in self.free)
        if len(texts) + bool(self.label) < 2 or others or self.well_known(TIME_NAMES) or not texts:
            return
        distinct = {name: len(set(self.samples[name].values)) for name in texts}
        various = [name for name in texts if distinct[name] > MOST_CLASSES_SHARE * len(self.samples[name].values)]
        if not various:
            return
        self.text = self.take(max(various, key=lambda name: sum(map(len, self.samples[name].values))))
        rest = [name for name in texts if name != self.text]
        if self.label is None and self.config.label is None:
            self.label = self.take(min(rest, key=lambda name: distinct[name], default=None))
        ids = [name for name in rest if name in self.free and not self.samples[name].repeats]
        if self.id is None and len(ids) == 1:
            self.id = self.take(ids[0])

    # The label and the group

    def _leave_out_group(self) -> None:
        """Leaves a probable group out of the channels: the person recorded is not a measurement."""
        name = self.well_known(GROUP_NAMES)
        if self.group is None and name is not None and self.config.channels is None:
            self.free.remove(name)
            self.request.note(
                f"column {name!r} is left out of the channels; --group {name} keeps each group on one side of a split"
            )

    def _find_label(self, form: TableForm) -> None:
        if self.label is not None or self.config.label is not None:
            return
        if self.like:
            self.label = self.take(self.well_known(LABEL_NAMES)) if self.table.named else None
        elif not self.table.named and form in ("wide", "lists"):
            self.label = self.take(self._label_without_names())
        else:
            self.label = self.take(self._known_label() or self._label_beside_channels(form))

    def _known_label(self) -> str | None:
        name = self.well_known(LABEL_NAMES + STEP_LABEL_NAMES * self.request.in_windows)
        if name is None and not {"x", "z"} & {column.lower() for column in self.samples}:
            return self.well_known(("y",))  # beside x or z it is a coordinate
        return name

    def _label_beside_channels(self, form: TableForm) -> str | None:
        """The one column of texts, or of classes, that is no channel."""
        rest = self._beside_channels(form)
        texts = [column for column in rest if self.samples[column].found == "text"]
        if len(texts) > 1 and self.config.channels is None and form != "text":
            raise ReadError(
                self.request.path,
                f"the columns {listed(texts)} hold text; which of them is the label? Name it: --label COLUMN; and "
                "name the columns of the values: --channels COLUMN,COLUMN.",
            )
        if len(texts) == 1:
            return texts[0]
        single = form in ("wide", "text") and len(rest) == 1 and self.samples[rest[0]].of_classes
        return rest[0] if single else None

    def _beside_channels(self, form: TableForm) -> list[str]:
        """The free columns that are not channels, as far as that is known."""
        if self.config.channels is not None:
            chosen = {name for item in self.config.channels for name in self.free if fnmatchcase(name, item)}
            return [name for name in self.free if name not in chosen]
        if form == "wide" and has_numbered(self.free):
            return [name for name in self.free if not NUMBERED.fullmatch(name)]
        return list(self.free)

    def _label_without_names(self) -> str | None:
        """The first column, as in the archive's files, or else the last, if its values look like labels."""
        for name, other in ((self.free[0], 1), (self.free[-1], 0)) if len(self.free) > 1 else ():
            sample, value = self.samples[name], self.samples[self.free[other]]
            if sample.found == "text" or sample.of_classes or (sample.whole and not value.whole):
                return name
        return None
