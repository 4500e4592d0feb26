"""The tables of a network's parts: the names in a configuration, and the file of each part.

A new cell, pooling, initialiser, missing-value rule or normalisation is one file and one line in
`unrolled.parts.tables`. Nothing here imports torch, since the command line shows the names.

loading.py  from a table to classes and functions
"""

from unrolled.parts.loading import load
from unrolled.parts.tables import CELLS, INITIALIZERS, MISSING, NORMALISATIONS, OUTPUT_INITIALIZERS, POOLINGS

__all__ = ["CELLS", "INITIALIZERS", "MISSING", "NORMALISATIONS", "OUTPUT_INITIALIZERS", "POOLINGS", "load"]
