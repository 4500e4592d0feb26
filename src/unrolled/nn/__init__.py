"""The parts of a network, and how a cell is carried over time.

compiled/   the kernel in C
"""

from unrolled.nn.cells import (
    CELLS,
    GRU,
    LSTM,
    Cell,
    GRUResetBefore,
    LayerNormLSTM,
    PeepholeLSTM,
    ReluRNN,
    SimpleRNN,
    State,
)
from unrolled.nn.context import Context
from unrolled.nn.frames import automatic_frame, count_frames, stack_frames
from unrolled.nn.initializers import initialize_cell, initialize_output
from unrolled.nn.kernels import Kernel, choose_kernel
from unrolled.nn.pooling import (
    POOLINGS,
    AttentionPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    Pooling,
    StatisticsPooling,
)
from unrolled.nn.segments import SegmentMeans
from unrolled.nn.statistics import LEAST_VARIANCE
from unrolled.nn.unroll import Reads, check_lengths, reverse_sequences, valid_steps

__all__ = [
    "CELLS",
    "GRU",
    "LEAST_VARIANCE",
    "LSTM",
    "POOLINGS",
    "AttentionPooling",
    "Cell",
    "Context",
    "GRUResetBefore",
    "Kernel",
    "LastPooling",
    "LayerNormLSTM",
    "MaxPooling",
    "MeanPooling",
    "PeepholeLSTM",
    "Pooling",
    "Reads",
    "ReluRNN",
    "SegmentMeans",
    "SimpleRNN",
    "State",
    "StatisticsPooling",
    "automatic_frame",
    "check_lengths",
    "choose_kernel",
    "count_frames",
    "initialize_cell",
    "initialize_output",
    "reverse_sequences",
    "stack_frames",
    "valid_steps",
]
