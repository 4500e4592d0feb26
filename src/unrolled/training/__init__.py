"""How weights are learned by gradients: `fit`, to be read from the top.

recorders/  the observers of a training: files, a terminal, TensorBoard, trackers
"""

from unrolled.training.checkpoint import CheckpointStore, nested, part
from unrolled.training.figures import measure, measure_each
from unrolled.training.loop import fit, new_state
from unrolled.training.losses import Weights, sequence_weights
from unrolled.training.plan import Plan
from unrolled.training.selection import Selection, copy_weights, on_device
from unrolled.training.start import check_settings, draw_network, training_threads
from unrolled.training.state import EpochLog, StepLog, TrainState, training_facts
from unrolled.training.stepping import describe_steps, training_batcher

__all__ = [
    "CheckpointStore",
    "EpochLog",
    "Plan",
    "Selection",
    "StepLog",
    "TrainState",
    "Weights",
    "check_settings",
    "copy_weights",
    "describe_steps",
    "draw_network",
    "fit",
    "measure",
    "measure_each",
    "nested",
    "new_state",
    "on_device",
    "part",
    "sequence_weights",
    "training_batcher",
    "training_facts",
    "training_threads",
]
