"""Every picture that the package draws, as a matplotlib figure. matplotlib is imported when the first one is drawn.

curves         training curves, by epoch
probabilities  a sequence and its running probabilities
confusion      the confusion matrix
recordings     long recordings as coloured bands
accuracies     accuracies with their intervals
inside         gates, states, and what each step adds to the score
comparison     entries of a comparison
search         trials of `unrolled tune`, and the importance of fields
sequences      the sequence itself, with axes over the same steps
style          colours, axes, and figures as PNG or pixels
"""

from unrolled.drawing.accuracies import draw_by_length, draw_by_share, draw_reliability, draw_standing
from unrolled.drawing.comparison import draw_comparison
from unrolled.drawing.confusion import COUNTS_AND_SHARES, MOST_CLASSES, draw_confusion
from unrolled.drawing.curves import draw_curve, draw_curves
from unrolled.drawing.inside import draw_attribution, draw_gates
from unrolled.drawing.probabilities import draw_prediction, draw_probabilities
from unrolled.drawing.recordings import MOST_RECORDINGS, draw_recordings
from unrolled.drawing.search import draw_search
from unrolled.drawing.sequences import ShownSequence, channel_name, shown_sequence
from unrolled.drawing.style import COLOURS, GREY, GRID, INK, quietly, to_pixels, to_png

__all__ = [
    "COLOURS",
    "COUNTS_AND_SHARES",
    "GREY",
    "GRID",
    "INK",
    "MOST_CLASSES",
    "MOST_RECORDINGS",
    "ShownSequence",
    "channel_name",
    "draw_attribution",
    "draw_by_length",
    "draw_by_share",
    "draw_comparison",
    "draw_confusion",
    "draw_curve",
    "draw_curves",
    "draw_gates",
    "draw_prediction",
    "draw_probabilities",
    "draw_recordings",
    "draw_reliability",
    "draw_search",
    "draw_standing",
    "quietly",
    "shown_sequence",
    "to_pixels",
    "to_png",
]
