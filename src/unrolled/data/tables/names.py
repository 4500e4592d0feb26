"""Names of columns: those that are well known, and those that end with the number of a step."""

from __future__ import annotations

import re
from collections.abc import Iterable

from unrolled.data.numbers import parse_number

ID_NAMES = (
    *("id", "case", "case_id", "caseid", "sequence_id", "seq_id", "series", "series_id", "sample_id", "recording"),
    *("recording_id", "trial", "trial_id", "episode", "episode_id", "block", "segment_id", "window_id"),
)
TIME_NAMES = (
    *("time", "timestamp", "time_stamp", "t", "step", "date", "datetime", "ts", "frame", "seconds", "ms", "elapsed"),
    *("elapsed_time", "time_s", "time_ms", "temps", "zeit", "uhrzeit", "tiempo", "tempo", "datum"),
)
LABEL_NAMES = (
    *("label", "class", "target", "category", "class_label", "classlabel", "activity", "gesture", "sentiment"),
    *("labels", "klasse", "classe", "clase", "etiquette", "étiquette"),
)
STEP_LABEL_NAMES = ("activity_id", "activityid", "state", "behaviour", "behavior", "phase", "event")
"""Names of a column whose value changes within a recording."""
GROUP_NAMES = ("group", "subject", "subject_id", "person", "person_id", "participant", "participant_id", "user_id")
TEXT_NAMES = (
    *("text", "string", "sentence", "document", "characters", "words", "tokens", "bits", "sequence"),
    *("review", "tweet"),
)
OUTER_NAMES = (
    *(*GROUP_NAMES, *ID_NAMES, "session", "session_id", "run", "file", "filename", "user", "patient", "day", "set"),
)
"""Columns within which alone the ids of sequences may be unique."""
NUMBERED = re.compile(r"(.*?)[_\-. ]?(\d{1,9})")
"""A name that ends with the number of a step, and its two parts."""
_WITH_UNIT = re.compile(r"(?<=\w)\s*[\[(][^\[\]()]*[\])]$")


def is_well_known(name: str) -> bool:
    """Whether columns of ids, times, labels, groups or texts often have this name."""
    return normalised(name) in {*ID_NAMES, *TIME_NAMES, *LABEL_NAMES, *GROUP_NAMES, *TEXT_NAMES}


def normalised(name: str) -> str:
    """A name as the well-known ones are written: in lower case, with underscores, and without a unit."""
    return re.sub(r"[\s.\-]+", "_", _WITH_UNIT.sub("", name.strip().lower()))


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
