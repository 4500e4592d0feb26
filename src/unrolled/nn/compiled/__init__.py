"""The package's own kernel in C: a layer over all steps, forward and backward.

answering.py  one short sequence to probabilities in one call
library.py    the library for this processor
unrolling.py  a cell over time, with gradients
workspace.py  buffers that are used again
"""

from unrolled.nn.compiled.answering import Answerer, Limits, Pieces
from unrolled.nn.compiled.library import Library, Missing, load_library
from unrolled.nn.compiled.unrolling import CODES, carry

__all__ = [
    "CODES",
    "Answerer",
    "Library",
    "Limits",
    "Missing",
    "Pieces",
    "carry",
    "load_library",
]
