"""How good a model is on labelled sequences: figures with intervals, outcomes, attribution."""

from unrolled.evaluation.attribution import Attribution, integrated_gradients
from unrolled.evaluation.evaluation import Evaluation, LengthGroup, ShareSeen, evaluate
from unrolled.evaluation.outcomes import Outcomes
from unrolled.evaluation.scoring import calibrate, predictions_of

__all__ = [
    "Attribution",
    "Evaluation",
    "LengthGroup",
    "Outcomes",
    "ShareSeen",
    "calibrate",
    "evaluate",
    "integrated_gradients",
    "predictions_of",
]
