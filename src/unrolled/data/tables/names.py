"""Names of columns: those that are well known, and those that end with the number of a step."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from unrolled.data.numbers import parse_number

ID_NAMES = (
    *("id", "case", "case_id", "caseid", "sequence_id", "seq_id", "series", "series_id", "sample_id", "recording"),
    *("recording_id", "trial", "trial_id", "episode", "episode_id", "block", "segment_id", "window_id"),
    *("sequenz", "sequenz_id", "kennung", "messung", "messung_id", "aufnahme", "aufnahme_id", "versuch", "fall_id"),
)
COUNTED_NAMES = (
    *("sample_no", "sample_nr", "sample_number", "sample", "recording_no", "recording_number", "sequence_no"),
    *("sequence_number", "trial_no", "trial_number", "case_no", "case_number", "run_no", "messung_nr", "aufnahme_nr"),
    *("versuch_nr", "fall_nr", "probe_nr", "sequenz_nr"),
)
"""Names of ids, or of numbers of rows: an id if equal ones stand together."""
TIME_NAMES = (
    *("time", "timestamp", "time_stamp", "t", "step", "date", "datetime", "ts", "frame", "seconds", "ms", "elapsed"),
    *("elapsed_time", "time_s", "time_ms", "temps", "zeit", "uhrzeit", "tiempo", "tempo", "datum"),
    *("zeitpunkt", "zeitstempel", "sekunden", "time_point", "seconds_elapsed", "date_time", "datum_uhrzeit"),
)
LABEL_NAMES = (
    *("label", "class", "target", "category", "class_label", "classlabel", "activity", "gesture", "sentiment"),
    *("kategorie", "aktivität", "labels", "klasse", "classe", "clase", "etiquette", "étiquette"),
)
STEP_LABEL_NAMES = ("activity_id", "activityid", "state", "zustand", "behaviour", "behavior", "phase", "event")
"""Names of a column whose value changes within a recording."""
GROUP_NAMES = (
    *("group", "subject", "subject_id", "person", "person_id", "participant", "participant_id", "user_id"),
    *("gruppe", "proband", "probanden_id", "teilnehmer"),
)
TEXT_NAMES = (
    *("text", "string", "sentence", "document", "characters", "words", "tokens", "bits", "sequence"),
    *("review", "tweet"),
)
OUTER_NAMES = (
    *(*GROUP_NAMES, *ID_NAMES, "session", "session_id", "run", "file", "filename", "user", "patient", "day", "set"),
)
"""Columns within which alone the ids of sequences may be unique."""
_WELL_KNOWN = (*ID_NAMES, *COUNTED_NAMES, *TIME_NAMES, *LABEL_NAMES, *GROUP_NAMES, *TEXT_NAMES)
NUMBERED = re.compile(r"(.*?)[_\-. ]?(\d{1,9})")
"""A name that ends with the number of a step, and its two parts."""
_WITH_UNIT = re.compile(r"(?<=\w)\s*[\[(][^\[\]()]*[\])]$")


def is_well_known(name: str) -> bool:
    """Whether columns of ids, times, labels, groups or texts often have this name."""
    return is_among(name, _WELL_KNOWN)


def is_among(name: str, known: tuple[str, ...]) -> bool:
    """Whether a name is one of some well-known ones, however it is spelled."""
    return _spelled_alike(name) in _all_spelled_alike(known)


def first_among(names: Iterable[str], known: tuple[str, ...]) -> str | None:
    """The name that comes first in a list of well-known ones, however it is spelled."""
    spelled = {_spelled_alike(name): name for name in reversed(list(names))}
    return next((spelled[key] for key in _all_spelled_alike(known) if key in spelled), None)


@cache
def _all_spelled_alike(known: tuple[str, ...]) -> dict[str, None]:
    """Names in their order, each as `_spelled_alike`."""
    return dict.fromkeys(map(_spelled_alike, known))


def _spelled_alike(name: str) -> str:
    """A name without a unit, in lower case, and without spaces, points, hyphens and underscores."""
    return re.sub(r"[\s._\-]+", "", _WITH_UNIT.sub("", name.strip().lower()))


def by_prefix(names: Iterable[str]) -> dict[str, list[str]]:
    """Columns whose names end with a number, by the part of the name before it."""
    names = list(names)
    positions = [name for name in names if parse_number(name) is not None]
    if not any("." in name for name in positions):  # as in 400.5, 401.0, …
        positions = []
    found, taken = {"": positions} if positions else {}, set(positions)
    for name in names:
        if name not in taken and (match := NUMBERED.fullmatch(name)):
            found.setdefault(match.group(1), []).append(name)
    return found


def has_numbered(names: Iterable[str]) -> bool:
    """Whether two columns or more have the same name before a number."""
    return any(len(columns) > 1 for columns in by_prefix(names).values())
