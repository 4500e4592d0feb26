"""Windows: pieces of equal length of long recordings, each of which gets a label.

rule        `WindowRule`: how long windows are, where they start and what their label is
cutting     recordings into windows, which share their values
cut         `Cut`: where each window stands in its recording; answers for the steps by those for the windows
resampling  recordings with steps at equal distances in time
blocks      the groups of windows that a split must not divide: recordings, or blocks of time
"""

from unrolled.data.windows.blocks import in_blocks, in_blocks_of, on_one_side
from unrolled.data.windows.cut import Cut, step_means
from unrolled.data.windows.cutting import cut, windows_of
from unrolled.data.windows.resampling import resampled
from unrolled.data.windows.rule import WindowRule, proposed_rule

__all__ = [
    "Cut",
    "WindowRule",
    "cut",
    "in_blocks",
    "in_blocks_of",
    "on_one_side",
    "proposed_rule",
    "resampled",
    "step_means",
    "windows_of",
]
