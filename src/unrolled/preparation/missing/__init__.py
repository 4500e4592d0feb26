"""Replacements of missing values (NaN), step by step, so that they also work in a stream.

A rule is one file here and one line in `unrolled.parts.tables`.
"""

from unrolled.config import MissingName
from unrolled.parts import MISSING as PLACES
from unrolled.parts import load
from unrolled.preparation.missing.filling import Filling

MISSING: dict[MissingName, type[Filling]] = load(PLACES)

__all__ = ["MISSING", "Filling"]
