"""Time stamps in text: the forms in which they are written, and their seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONE = r"(?:\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_HALF = r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?" + _HALF
_AT = rf"(?:(?:[T_]|,?\s+){_CLOCK}{_ZONE})?"
_NAME = r"(?P<name>[A-Za-z]{3})[a-z]*\.?"
_DAY, _MONTH, _YEAR = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})", r"(?P<year>\d{4})"
_FORMS = {
    "year-month-day": rf"{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}{_AT}",
    "yearmonthdayThourminutesecond": (
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[T_ ](?P<hour>\d{2}):?(?P<minute>\d{2})"
        rf"(?::?(?P<second>\d{{2}})(?:[.,](?P<fraction>\d{{1,9}}))?)?{_ZONE}"
    ),
    "day/month/year": rf"{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}{_AT}",
    "month/day/year": rf"{_MONTH}[-/.]{_DAY}[-/.]{_YEAR}{_AT}",
    "day name-of-month year": rf"(?:[A-Za-z]{{3,9}},?\s+)?{_DAY}(?:st|nd|rd|th)?[-\s]{_NAME}[-\s,]+{_YEAR}{_AT}",
    "name-of-month day, year": rf"{_NAME}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}{_AT}",
    "weekday name-of-month day clock year": rf"[A-Za-z]{{3}}\s+{_NAME}\s+{_DAY}\s+{_CLOCK}{_ZONE}\s+{_YEAR}",
    "minute:second.fraction": r"(?P<minute>\d{1,3}):(?P<second>\d{2})[.,](?P<fraction>\d{1,9})",
    "hour:minute:second": r"(?P<hour>\d+):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    + _HALF
    + _ZONE,
}
_PATTERNS = {name: re.compile(rf"\s*(?:{pattern})\s*") for name, pattern in _FORMS.items()}
_EITHER = ("day/month/year", "month/day/year")
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MomentForm:
    """The form in which a column of time stamps is written.

    Attributes:
        name: the form in words.
        example: the first time stamp.
    """

    name: str
    example: str

    def seconds(self, texts: pa.ChunkedArray) -> tuple[Seconds, int | None, str]:
        """The seconds since 1970 of time stamps, of clock times since midnight; NaN for a missing one.

        Returns:
            The seconds, [n]; the first row that is not of this form, or None; and what is wrong with it.
        """
        strings = pc.utf8_trim_whitespace(texts.cast(pa.string()).combine_chunks())
        if isinstance(strings, pa.ChunkedArray):
            strings = pa.concat_arrays(strings.chunks) if strings.num_chunks else pa.array([], pa.string())
        given = pc.fill_null(pc.not_equal(strings, ""), False).to_numpy(zero_copy_only=False)
        found = pc.extract_regex(strings, f"^(?:{_FORMS[self.name]})$")
        fits = found.is_valid().to_numpy(zero_copy_only=False)
        parts = _Parts(found)
        total, valid = parts.seconds()
        wrong = given & ~(fits & valid)
        if wrong.any():
            return total, int(wrong.argmax()), f"expected a time as {self.words}"
        mixed = given & (parts.zoned != self.zoned)
        if mixed.any():
            has, had = ("a time zone", "none") if not self.zoned else ("no time zone", "one")
            row = int(mixed.argmax())
            return total, row, f"it has {has}, and the first one, {self.example}, has {had}; write it in all or in none"
        return np.where(given, total, np.nan), None, ""

    @property
    def words(self) -> str:
        """The form with its example."""
        return f"{self.name}, like the first one, {self.example}"

    @property
    def of_day(self) -> bool:
        """Whether the stamps are times of day, which fall at midnight."""
        return self.name == "hour:minute:second"

    @cached_property
    def zoned(self) -> bool:
        """Whether the stamps have a time zone."""
        match = _PATTERNS[self.name].fullmatch(self.example)
        return bool(match and match.groupdict().get("zone"))


def is_moment(text: str) -> bool:
    """Whether a text is a time stamp in a known form."""
    return any(pattern.fullmatch(text) for pattern in _PATTERNS.values())


def find_form(texts: Sequence[str], day_first: bool | None = None) -> MomentForm | str | None:
    """The form of time stamps.

    Args:
        texts: the first ones.
        day_first: whether the day stands before the month, where numbers do not show it.
    Returns:
        The form; a text that is the same in both forms, if the order of day and month cannot be told; None for texts
        of another kind.
    """
    counts = {name: sum(map(bool, map(pattern.fullmatch, texts))) for name, pattern in _PATTERNS.items()}
    best = max(counts, key=lambda name: counts[name])
    if 2 * counts[best] <= len(texts):
        return None
    example = next(text for text in texts if _PATTERNS[best].fullmatch(text))
    if best not in _EITHER:
        return MomentForm(best, example)
    if day_first is None:
        matches = [match for text in texts if (match := _PATTERNS[_EITHER[0]].fullmatch(text))]
        over = {name: any(int(match[name]) > 12 for match in matches) for name in ("day", "month")}
        if not any(over.values()) and "." not in example[:5]:
            return example
        day_first = not over["month"]
    return MomentForm(_EITHER[0] if day_first else _EITHER[1], example)


class _Parts:
    """The parts of time stamps, which a pattern has found."""

    def __init__(self, found: pa.StructArray) -> None:
        self._fields = {field.name: found.field(index) for index, field in enumerate(found.type)}
        self._count = len(found)
        zone = self._text("zone")
        self.zoned = pc.not_equal(zone, "").to_numpy(zero_copy_only=False)

    def seconds(self) -> tuple[Seconds, npt.NDArray[np.bool_]]:
        """The seconds, and whether each stamp is one that a clock and a calendar can show, [n]."""
        hour, minute, second = self._number("hour"), self._number("minute"), self._number("second")
        half = pc.utf8_lower(self._text("half")).to_numpy(zero_copy_only=False)
        valid = (minute < 60) & (second <= 60) if "hour" in self._fields else second < 60
        valid &= (half == "") | ((hour >= 1) & (hour <= 12))
        hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
        whole = hour * 3600 + minute * 60 + second - self._offset()
        if "year" in self._fields:
            days, real = self._days()
            whole, valid = whole + days * 86_400, valid & real & (hour < 25)
        padded = pc.utf8_rpad(self._text("fraction"), 9, "0")
        return whole + padded.cast(pa.int64()).to_numpy(zero_copy_only=False) / 1e9, valid

    def _days(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Days since 1970, and whether the calendar has the day."""
        year, day = self._number("year"), self._number("day")
        if "name" in self._fields:
            names = pa.array(_MONTHS)
            month = pc.fill_null(pc.index_in(pc.utf8_lower(self._text("name")), names), -1).to_numpy() + 1
        else:
            month = self._number("month")
        real = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
        first = (np.where(real, year, 1970) - 1970).astype("datetime64[Y]").astype("datetime64[M]")
        start = first + np.where(real, month - 1, 0).astype("timedelta64[M]")
        length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
        return start.astype("datetime64[D]").astype(np.int64) + day - 1, real & (day <= length)

    def _offset(self) -> npt.NDArray[np.int64]:
        """Seconds by which a zone's clock is ahead of UTC."""
        zone = self._text("zone")
        signed = pc.match_substring_regex(zone, "^[+-]")
        digits = pc.replace_substring(pc.utf8_slice_codeunits(zone, 1, 6), ":", "")
        padded = pc.utf8_rpad(pc.if_else(signed, digits, ""), 4, "0").cast(pa.int64()).to_numpy(zero_copy_only=False)
        ahead = padded // 100 * 3600 + padded % 100 * 60
        offset: npt.NDArray[np.int64] = np.where(
            pc.starts_with(zone, "-").to_numpy(zero_copy_only=False), -ahead, ahead
        )
        return offset

    def _text(self, name: str) -> pa.Array:
        column = self._fields.get(name)
        return pa.array([""] * self._count, pa.string()) if column is None else pc.fill_null(column, "")

    def _number(self, name: str) -> npt.NDArray[np.int64]:
        text = self._text(name)
        numbers: npt.NDArray[np.int64] = (
            pc.if_else(pc.equal(text, ""), "0", text).cast(pa.int64()).to_numpy(zero_copy_only=False)
        )
        return numbers
