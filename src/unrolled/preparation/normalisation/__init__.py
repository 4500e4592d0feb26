"""Shifts and scales of values.

A normalisation is one file here and one line in `unrolled.parts.tables`.

channel.py     normalisation of each channel by its statistics over the training data
none.py        no normalisation
normaliser.py  the base of all normalisations
overall.py     normalisation of all channels by the same statistics over the training data
robust.py      normalisation of each channel by its median and quartiles over the training data
signed_log.py  the same, then a logarithm that keeps the sign
sequence.py    normalisation of each sequence by its own statistics
"""

from unrolled.config import NormalisationName
from unrolled.parts import NORMALISATIONS as PLACES
from unrolled.parts import load
from unrolled.preparation.normalisation.normaliser import Normaliser, Statistics

NORMALISATIONS: dict[NormalisationName, type[Normaliser]] = load(PLACES)

__all__ = ["NORMALISATIONS", "Normaliser", "Statistics"]
