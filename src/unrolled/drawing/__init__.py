"""Every picture that the package draws, as a matplotlib figure. matplotlib is imported when the first one is drawn.

curves      draw_curves, draw_loss, draw_wrong: a training, by epoch
beliefs     draw_prediction, draw_belief: what the network says after each step of a sequence
confusion   draw_confusion: cases by true and predicted class
accuracies  draw_standing, draw_reliability, draw_by_share, draw_by_length: shares of right answers with their intervals
inside      draw_gates, draw_attribution: gates, states, and what each step adds to the score
comparison  draw_comparison: entries, a row each
search      draw_search: trials of `unrolled tune`, and which fields mattered
sequences   ShownSequence, shown_sequence: the sequence itself, as beliefs and attributions stand beside it
style       colours, axes, and figures as PNG or pixels
"""

from unrolled.drawing.accuracies import draw_by_length, draw_by_share, draw_reliability, draw_standing
from unrolled.drawing.beliefs import draw_belief, draw_prediction
from unrolled.drawing.comparison import ComparedRow, Gap, draw_comparison
from unrolled.drawing.confusion import COUNTS_AND_SHARES, MOST_CLASSES, draw_confusion
from unrolled.drawing.curves import draw_curves, draw_loss, draw_wrong
from unrolled.drawing.inside import draw_attribution, draw_gates, gates_height
from unrolled.drawing.search import draw_search
from unrolled.drawing.sequences import ShownSequence, shown_sequence
from unrolled.drawing.style import COLOURS, GREY, GRID, INK, quietly, to_pixels, to_png

__all__ = [
    "COLOURS",
    "COUNTS_AND_SHARES",
    "GREY",
    "GRID",
    "INK",
    "MOST_CLASSES",
    "ComparedRow",
    "Gap",
    "ShownSequence",
    "draw_attribution",
    "draw_belief",
    "draw_by_length",
    "draw_by_share",
    "draw_comparison",
    "draw_confusion",
    "draw_curves",
    "draw_gates",
    "draw_loss",
    "draw_prediction",
    "draw_reliability",
    "draw_search",
    "draw_standing",
    "draw_wrong",
    "gates_height",
    "quietly",
    "shown_sequence",
    "to_pixels",
    "to_png",
]
