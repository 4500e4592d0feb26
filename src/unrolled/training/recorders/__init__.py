"""Who is told of a training: a file, a terminal, TensorBoard, trackers."""

from unrolled.training.recorders.lines import Figures, Line, mean_loss
from unrolled.training.recorders.progress import PlainLines, ProgressBar
from unrolled.training.recorders.recorder import MetricsFile, Recorder, Recorders
from unrolled.training.recorders.tensorboard import TensorBoardRecorder, add_pictures, add_to_table
from unrolled.training.recorders.trackers import make_tracker
from unrolled.training.recorders.tutorial_output import tutorial_recorder

__all__ = [
    "Figures",
    "Line",
    "MetricsFile",
    "PlainLines",
    "ProgressBar",
    "Recorder",
    "Recorders",
    "TensorBoardRecorder",
    "add_pictures",
    "add_to_table",
    "make_tracker",
    "mean_loss",
    "tutorial_recorder",
]
