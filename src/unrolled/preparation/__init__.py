"""What is learned on training data and then done to every sequence, for files, arrays, server and export alike.

preprocessor    `Preprocessor`: what is done before sequences are batched: texts coded, long sequences cut
vocabulary      which tokens are known, and their codes
length          how many steps are read
preparing       `Preparation`: the network's first part for numbers, normalisation and missing values
normalisation/  what is subtracted and divided by, one file a rule
missing/        what stands in the place of missing values, one file a rule
statistics      the means and deviations of training data
embedding       `Embedding`: the network's first part for text, a vector for each token

A text is cut into tokens where it is read: `unrolled.data.tokens`.
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
