"""What training data teach and every sequence then goes through: in files, arrays, server and export alike.

preprocessor    `Preprocessor`: encodes texts and cuts long sequences, before they are batched
vocabulary      the tokens of training text, and their codes
length          the steps of long sequences that are read
preparing       `Preparation`: a network's first part for numbers: normalisation and missing values
normalisation/  shifts and scales of values, one file a rule
missing/        replacements of missing values, one file a rule
statistics      means and deviations of training data
embedding       `Embedding`: a network's first part for text, a vector for each token

`unrolled.data.tokens` cuts texts into tokens.
"""

from unrolled.preparation.embedding import Embedding
from unrolled.preparation.length import late_windows, truncated
from unrolled.preparation.missing import MISSING, Filling
from unrolled.preparation.normalisation import NORMALISATIONS, Normaliser
from unrolled.preparation.preparing import Preparation
from unrolled.preparation.preprocessor import Preprocessor, learn_preprocessor

__all__ = [
    "MISSING",
    "NORMALISATIONS",
    "Embedding",
    "Filling",
    "Normaliser",
    "Preparation",
    "Preprocessor",
    "late_windows",
    "learn_preprocessor",
    "truncated",
]
