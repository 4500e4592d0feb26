"""How good a model is on labelled sequences: figures with intervals, outcomes, attribution.

held_out.py   which sequences a model was trained on, and which it has not seen
"""

from unrolled.evaluation.attribution import Attribution, integrated_gradients
from unrolled.evaluation.evaluation import Evaluation, LengthGroup, ShareSeen, evaluate
from unrolled.evaluation.held_out import (
    Chosen,
    Part,
    changed_part,
    fingerprints,
    held_out,
    names_source,
    parts_of,
    shared_note,
    unseen,
)
from unrolled.evaluation.metrics import ClassRow, Quality
from unrolled.evaluation.outcomes import Outcomes
from unrolled.evaluation.scoring import Predictions, calibrate, predictions_of

__all__ = [
    "Attribution",
    "Chosen",
    "ClassRow",
    "Evaluation",
    "LengthGroup",
    "Outcomes",
    "Part",
    "Predictions",
    "Quality",
    "ShareSeen",
    "calibrate",
    "changed_part",
    "evaluate",
    "fingerprints",
    "held_out",
    "integrated_gradients",
    "names_source",
    "parts_of",
    "predictions_of",
    "shared_note",
    "unseen",
]
