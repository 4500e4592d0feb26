"""The report of a run: one self-contained HTML file, from its figures, its history and its test sequences.

page.py       the content of the page, in order
words.py      sentences
origin.py     the facts of the run, and the command that repeats it
cases.py      the sequences that are shown, with their running probabilities
inside.py     gates, states and the contribution of each step, of one sequence
pictures.py   a picture as a part of the page, light and dark, with its alternative text
templates/    the page itself, and its style
"""

from unrolled.reports.page import Material, Shown, render
from unrolled.reports.words import UNTESTED, changes_in_words, early_rows, held_out_in_turn, promised

__all__ = [
    "UNTESTED",
    "Material",
    "Shown",
    "changes_in_words",
    "early_rows",
    "held_out_in_turn",
    "promised",
    "render",
]
