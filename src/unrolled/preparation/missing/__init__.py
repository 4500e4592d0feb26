"""Replacements of missing values (NaN), step by step, so that they also work in a stream.

A rule is one file here and one line in `unrolled.parts.tables`.

filling.py       the base of all rules
forward_fill.py  the channel's last value in the place of a missing one
mask.py          the last value in the place of a missing one, and two further values that mark the gap
mean.py          the channel's mean in the place of a missing value
none.py          no rule: data without missing values; NaN is then refused by `unrolled.data.checks`
"""

from unrolled.config import MissingName
from unrolled.parts import MISSING as PLACES
from unrolled.parts import load
from unrolled.preparation.missing.filling import Filling

MISSING: dict[MissingName, type[Filling]] = load(PLACES)

__all__ = ["MISSING", "Filling"]
