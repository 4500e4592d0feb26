"""Is one classifier better than another: runs, grids of settings and reference classifiers on the same test sequences.

entries.py      the entries: runs, or several seeds of one, with their results
references.py   reference classifiers, fitted to the same data
comparison.py   every pair of entries: difference, test, sentence
settings.py     a training for each combination of settings and each seed, and their comparison
output.py       tables, text and picture
"""

from unrolled.comparison.comparison import Comparison, ComparisonPair, ComparisonRow, compare
from unrolled.comparison.entries import learned_from
from unrolled.comparison.output import (
    PAIR_HEADERS,
    ROW_HEADERS,
    legend,
    pair_cells,
    row_cells,
    shown_pairs,
    tested_on,
    write_comparison,
)
from unrolled.comparison.references import FeatureMaker, ReferenceClassifier, Rival, named_reference
from unrolled.comparison.settings import GridResult, compare_settings

__all__ = [
    "PAIR_HEADERS",
    "ROW_HEADERS",
    "Comparison",
    "ComparisonPair",
    "ComparisonRow",
    "FeatureMaker",
    "GridResult",
    "ReferenceClassifier",
    "Rival",
    "compare",
    "compare_settings",
    "learned_from",
    "legend",
    "named_reference",
    "pair_cells",
    "row_cells",
    "shown_pairs",
    "tested_on",
    "write_comparison",
]
