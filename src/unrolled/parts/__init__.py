"""The tables of a network's parts: which names a configuration may take, and where each part's one file is.

A new cell, pooling, initialiser, missing-value rule or normalisation is one file and one line in
`unrolled.parts.tables`. Nothing here imports torch: the command line shows the names before anything is computed.
"""

from unrolled.parts.loading import load
from unrolled.parts.tables import CELLS, INITIALIZERS, MISSING, NORMALISATIONS, OUTPUT_INITIALIZERS, POOLINGS

__all__ = ["CELLS", "INITIALIZERS", "MISSING", "NORMALISATIONS", "OUTPUT_INITIALIZERS", "POOLINGS", "load"]
