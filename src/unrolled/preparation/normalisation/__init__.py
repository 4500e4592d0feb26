"""Shifts and scales of values.

A normalisation is one file here and one line in `unrolled.parts.tables`.
"""

from unrolled.config import NormalisationName
from unrolled.parts import NORMALISATIONS as PLACES
from unrolled.parts import load
from unrolled.preparation.normalisation.normaliser import Normaliser, Statistics

NORMALISATIONS: dict[NormalisationName, type[Normaliser]] = load(PLACES)

__all__ = ["NORMALISATIONS", "Normaliser", "Statistics"]
