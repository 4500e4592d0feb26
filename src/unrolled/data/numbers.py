"""Numbers in text, and numbers as 32-bit floats: the same rules for every format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.errors import DataError

Floats = npt.NDArray[np.float32]

BEYOND_FLOAT32 = "beyond the range of 32-bit numbers (3.4e38); scale the values"
_MOST_SPREADS, _LEAST_OFFSET, _OFFSET_LEVELS = 1e3, 1e4, 1024
"""A channel has an offset if its values lie this many times their range, and at least this, from 0."""
_INFINITE = {"inf", "infinity"}


def parse_number(text: str) -> float | None:
    """The number that a text spells; None where it spells none, or groups digits (``1_000``)."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


_WITH_COMMA = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?")
_GROUPED = {
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?(?:[eE][+-]?\d+)?"),
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?(?:[eE][+-]?\d+)?"),
}
"""Numbers whose digits are in groups, by their decimal point."""


@dataclass(frozen=True)
class Notation:
    """How the numbers of a text are written.

    Attributes:
        point: what stands before decimals, a point or a comma.
        groups: whether the other of the two stands between groups of three digits.
    """

    point: str = "."
    groups: bool = False

    @property
    def group(self) -> str:
        """What stands between groups of digits."""
        return "," if self.point == "." else "."

    def plain(self, text: str) -> str | None:
        """A number with a decimal point and without groups; None for a text that is no number in this notation."""
        text = text.strip()
        if self.groups and _GROUPED[self.point].fullmatch(text):
            text = text.replace(self.group, "")
        elif self.point == ",":
            words = parse_number(text) is not None and "." not in text
            return text.replace(",", ".") if words or _WITH_COMMA.fullmatch(text) else None
        text = text.replace(",", ".") if self.point == "," else text
        return None if parse_number(text) is None else text

    def parse(self, text: str) -> float | None:
        """The number that a text spells; None where it spells none."""
        plain = self.plain(text)
        return None if plain is None else float(plain)


POINT = Notation()
"""A decimal point, and no groups."""


def notations(text: str) -> list[Notation]:
    """The notations in which a text is a number; those without groups stand first."""
    every = (Notation("."), Notation(","), Notation(".", groups=True), Notation(",", groups=True))
    fitting = [each for each in every if each.plain(text) is not None]
    plain = {each.point for each in fitting if not each.groups}
    return [each for each in fitting if not each.groups or each.point not in plain]


def exceeds_float32(text: str) -> bool:
    """Whether a text spells a finite number that a 32-bit float cannot hold."""
    with np.errstate(over="ignore"):
        return bool(np.isinf(np.float32(float(text)))) and text.lower().lstrip("+-") not in _INFINITE


def offsets_between(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """What is taken off each channel, [F], so that 32-bit floats keep what it varies by; None if they do anyway.

    An offset is the middle of the values, rounded to ten binary digits: files of the same kind have the same offset.

    Args:
        low, high: the smallest and the largest value of each channel, [F].
    """
    with np.errstate(invalid="ignore", over="ignore"):
        middle, spread = low / 2 + high / 2, high - low
        near = np.isfinite(middle) & (np.abs(middle) > np.maximum(_MOST_SPREADS * spread, _LEAST_OFFSET))
    if not near.any():
        return None
    digits, exponent = np.frexp(np.where(near, middle, 0.0))
    return np.ldexp(np.round(digits * _OFFSET_LEVELS) / _OFFSET_LEVELS, exponent)


def to_float32(numbers: npt.NDArray[np.generic], error: Callable[[int], DataError]) -> Floats:
    """The numbers as 32-bit floats in C order, without a copy where they are so already.

    Args:
        numbers: of any numeric type.
        error: makes the error for a finite number that a 32-bit float cannot hold, from the number's position in the
            flattened array.
    """
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return np.ascontiguousarray(numbers, np.float32)
    except FloatingPointError:
        with np.errstate(over="ignore", invalid="ignore"):
            beyond = np.isinf(numbers.astype(np.float32)) & np.isfinite(numbers)
        raise error(int(np.argmax(beyond))) from None
