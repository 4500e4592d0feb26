"""What is learned on training data and then done to every sequence: tokens, missing values, scaling, length."""

from unrolled.preparation.embedding import Embedding
from unrolled.preparation.intake import Intake, late_windows, learn_intake, truncated
from unrolled.preparation.missing import MISSING, Filling
from unrolled.preparation.normalisation import NORMALISATIONS, Normaliser
from unrolled.preparation.preparing import Preparation

__all__ = [
    "MISSING",
    "NORMALISATIONS",
    "Embedding",
    "Filling",
    "Intake",
    "Normaliser",
    "Preparation",
    "late_windows",
    "learn_intake",
    "truncated",
]
