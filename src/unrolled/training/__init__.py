"""How weights are learned: `fit`, to be read from the top.

recorders/  who is told of it: files, a terminal, TensorBoard, trackers
"""

from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.loop import fit, keeps_start, new_state
from unrolled.training.losses import case_weights
from unrolled.training.plan import Plan
from unrolled.training.start import build_network, check_settings, training_threads
from unrolled.training.state import EpochLog, TrainState, training_facts
from unrolled.training.stepping import describe_steps

__all__ = [
    "CheckpointStore",
    "EpochLog",
    "Plan",
    "TrainState",
    "build_network",
    "case_weights",
    "check_settings",
    "describe_steps",
    "fit",
    "keeps_start",
    "new_state",
    "training_facts",
    "training_threads",
]
