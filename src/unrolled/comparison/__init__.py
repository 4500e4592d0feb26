"""Is one classifier better than another: runs, grids of settings and reference classifiers on the same test cases."""

from unrolled.comparison.comparison import Comparison, compare
from unrolled.comparison.contenders import learned_from
from unrolled.comparison.output import (
    PAIR_HEADERS,
    ROW_HEADERS,
    legend,
    pair_cells,
    row_cells,
    shown_pairs,
    write_comparison,
)
from unrolled.comparison.rivals import Rival, named_rival
from unrolled.comparison.settings import compare_settings

__all__ = [
    "PAIR_HEADERS",
    "ROW_HEADERS",
    "Comparison",
    "Rival",
    "compare",
    "compare_settings",
    "learned_from",
    "legend",
    "named_rival",
    "pair_cells",
    "row_cells",
    "shown_pairs",
    "write_comparison",
]
