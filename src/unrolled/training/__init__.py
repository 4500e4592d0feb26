"""How weights are learned by gradients: `fit`, to be read from the top.

recorders/  the observers of a training: files, a terminal, TensorBoard, trackers

augment.py      random changes of training sequences, never of validation or test data
checkpoint.py   checkpoints: tensors and facts, written atomically, verified, without pickle
cuda_graphs.py  capture and replay of work on a GPU
ending.py       why a training ended
figures.py      loss and accuracy of a network on labelled sequences
idle.py         settings that cannot have an effect
loop.py         `fit` → epochs → updates, to be read from the top; ends at a request to stop, or an infinite loss
losses.py       the loss that training minimises, and its weights
optimizers.py   update rules, by name
plan.py         the length of a training, in epochs, updates or sequences
schedule.py     learning-rate schedules, by name
selection.py    which weights are kept, and when training ends early (patience)
sharded.py      updates by shards, of one worker or several
shards.py       the parts of a batch, and the order in which their gradients are added
start.py        before the first update: checks of the settings, the initial network, threads
state.py        the whole state, from which a training goes on bit for bit
steppers.py     who does the updates
stepping.py     the updates of an epoch: one by one, or replayed as CUDA graphs
update.py       one update: gather a batch, augment, forward, backward, clip, update
workers.py      the processes that share each batch, and what ends a training early
"""

from unrolled.training.checkpoint import CheckpointStore, load_checkpoint, nested, part
from unrolled.training.ending import Ending, ending_for
from unrolled.training.figures import measure, measure_each
from unrolled.training.idle import refuse_idle, why_idle
from unrolled.training.loop import fit, new_state
from unrolled.training.losses import Weights, sequence_weights
from unrolled.training.plan import Plan, make_plan
from unrolled.training.selection import HOPE, Selection, copy_weights, on_device
from unrolled.training.start import check_fits, check_settings, draw_network, training_threads
from unrolled.training.state import EpochLog, StepLog, TrainState, training_facts
from unrolled.training.stepping import describe_steps, training_batcher
from unrolled.training.workers import EXCHANGE_SECONDS, SeveralWorkers, Workers

__all__ = [
    "EXCHANGE_SECONDS",
    "HOPE",
    "CheckpointStore",
    "Ending",
    "EpochLog",
    "Plan",
    "Selection",
    "SeveralWorkers",
    "StepLog",
    "TrainState",
    "Weights",
    "Workers",
    "check_fits",
    "check_settings",
    "copy_weights",
    "describe_steps",
    "draw_network",
    "ending_for",
    "fit",
    "load_checkpoint",
    "make_plan",
    "measure",
    "measure_each",
    "nested",
    "new_state",
    "on_device",
    "part",
    "refuse_idle",
    "sequence_weights",
    "training_batcher",
    "training_facts",
    "training_threads",
    "why_idle",
]
