"""The parts of a network, and how a cell is carried over time.

cells/      one time step of each recurrent cell
pooling/    how the outputs of all steps become one vector
compiled/   the kernel in C

context.py       a step read with its neighbours
convolutions.py  statistics of random convolutions, past the recurrence
frames.py        several steps read as one
initializers.py  initial weights, by name
kernels.py       the choice of a kernel
ngrams.py        counts of runs of tokens, past the recurrence
overriding.py    functions that an export overrides
part.py          the contract of a part
segments.py      segment means, past the recurrence
statistics.py    seven statistics of each unit, with gradients in closed form
unroll.py        a cell over all steps: the reference
"""

from unrolled.nn.cells import CELLS, Cell, Operator
from unrolled.nn.compiled import Answerer, Limits, Pieces
from unrolled.nn.context import Context
from unrolled.nn.convolutions import Convolutions, automatic_dilations, in_chunks
from unrolled.nn.frames import Frames, automatic_frame
from unrolled.nn.initializers import initialize_cell, initialize_output
from unrolled.nn.kernels import Kernel, answerer_for, choose_kernel, read_cells, run_cell
from unrolled.nn.ngrams import LETTERS, WORDS, NGrams
from unrolled.nn.part import Obstacle, Part, State
from unrolled.nn.pooling import (
    POOLINGS,
    Pooling,
    at_each_step,
    running_count,
    running_max,
    running_min,
    running_sum,
)
from unrolled.nn.segments import SegmentMeans
from unrolled.nn.unroll import Reads, check_lengths, gather_last, mean_output, reverse_sequences, valid_steps

__all__ = [
    "CELLS",
    "LETTERS",
    "POOLINGS",
    "WORDS",
    "Answerer",
    "Cell",
    "Context",
    "Convolutions",
    "Frames",
    "Kernel",
    "Limits",
    "NGrams",
    "Obstacle",
    "Operator",
    "Part",
    "Pieces",
    "Pooling",
    "Reads",
    "SegmentMeans",
    "State",
    "answerer_for",
    "at_each_step",
    "automatic_dilations",
    "automatic_frame",
    "check_lengths",
    "choose_kernel",
    "gather_last",
    "in_chunks",
    "initialize_cell",
    "initialize_output",
    "mean_output",
    "read_cells",
    "reverse_sequences",
    "run_cell",
    "running_count",
    "running_max",
    "running_min",
    "running_sum",
    "valid_steps",
]
