"""The network that is put together from parts, its outputs for many sequences, and a look inside.

inference.py  a network over many sequences, in batches
layer.py      one recurrent layer
quick.py      the answer to one sequence by the compiled library alone
tracing.py    gates and states while a network reads one sequence
"""

from unrolled.network.inference import (
    MAX_BATCH,
    STEPS_PER_BATCH,
    all_features,
    all_logits,
    all_logits_at,
    all_outputs,
    all_prefix_logits,
    evaluation_batches,
)
from unrolled.network.layer import Layer
from unrolled.network.network import Network
from unrolled.network.quick import quick_answers, quick_steps
from unrolled.network.tracing import Trace, trace

__all__ = [
    "MAX_BATCH",
    "STEPS_PER_BATCH",
    "Layer",
    "Network",
    "Trace",
    "all_features",
    "all_logits",
    "all_logits_at",
    "all_outputs",
    "all_prefix_logits",
    "evaluation_batches",
    "quick_answers",
    "quick_steps",
    "trace",
]
