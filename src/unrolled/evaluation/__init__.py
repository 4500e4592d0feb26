"""The quality of a model on labelled sequences: figures with intervals, predictions, attribution.

evaluation.py    all figures of a model, and ``evaluation.json``
folds.py         all figures of a cross-validation
names.py         the figures by name and meaning
metrics.py       figures of predictions and of probabilities
classes.py       figures of each class, and means over the classes
scoring.py       predictions of a model at the end and after a share of the steps; calibration
early.py         early decisions of a stream
outcomes.py      predictions for the test sequences, as a run stores them
recordings.py    figures of windows for their recordings: steps, and changes of the label
attribution.py   the contribution of each step
held_out.py      which sequences are held out of a model's training
"""

from unrolled.evaluation.attribution import Attribution, integrated_gradients
from unrolled.evaluation.classes import ClassRow
from unrolled.evaluation.early import EarlyDecision, promise
from unrolled.evaluation.evaluation import (
    CrossValidation,
    Evaluation,
    LengthGroup,
    RegressionFigures,
    ShareSeen,
    evaluate,
    figures_of,
)
from unrolled.evaluation.folds import FoldOutcome, evaluate_folds
from unrolled.evaluation.held_out import (
    Chosen,
    Part,
    Wanted,
    changed_part,
    choose,
    fingerprints,
    held_out,
    learned,
    learned_part,
    names_source,
    part_counts,
    parts_of,
)
from unrolled.evaluation.metrics import Quality
from unrolled.evaluation.names import SEEN, accuracies, further_figures, further_shares
from unrolled.evaluation.outcomes import Outcomes, save_outcomes
from unrolled.evaluation.recordings import ChangeFigures, Strip, WindowFigures, strips
from unrolled.evaluation.scoring import Predictions, calibrate, predictions_of

__all__ = [
    "SEEN",
    "Attribution",
    "ChangeFigures",
    "Chosen",
    "ClassRow",
    "CrossValidation",
    "EarlyDecision",
    "Evaluation",
    "FoldOutcome",
    "LengthGroup",
    "Outcomes",
    "Part",
    "Predictions",
    "Quality",
    "RegressionFigures",
    "ShareSeen",
    "Strip",
    "Wanted",
    "WindowFigures",
    "accuracies",
    "calibrate",
    "changed_part",
    "choose",
    "evaluate",
    "evaluate_folds",
    "figures_of",
    "fingerprints",
    "further_figures",
    "further_shares",
    "held_out",
    "integrated_gradients",
    "learned",
    "learned_part",
    "names_source",
    "part_counts",
    "parts_of",
    "predictions_of",
    "promise",
    "save_outcomes",
    "strips",
]
