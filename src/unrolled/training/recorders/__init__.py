"""The observers of a training: a file, a terminal, TensorBoard, trackers.

lines.py            figures of updates on their way from the device
progress.py         the progress bar, or plain lines
recorder.py         `Recorder`, an observer of a training
tensorboard.py      TensorBoard
trackers.py         recorders of other packages
tutorial_output.py  the lines of the five old tutorials
"""

from unrolled.training.recorders.lines import StepFigures
from unrolled.training.recorders.progress import PlainLines, ProgressBar
from unrolled.training.recorders.recorder import MetricsFile, Recorder
from unrolled.training.recorders.tensorboard import TensorBoardRecorder, add_pictures, add_to_table
from unrolled.training.recorders.trackers import make_tracker
from unrolled.training.recorders.tutorial_output import TutorialOutput

__all__ = [
    "MetricsFile",
    "PlainLines",
    "ProgressBar",
    "Recorder",
    "StepFigures",
    "TensorBoardRecorder",
    "TutorialOutput",
    "add_pictures",
    "add_to_table",
    "make_tracker",
]
