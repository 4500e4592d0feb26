"""The report of a run: one self-contained HTML file, from its figures, its history and its test sequences.

page.py       what stands on the page, in order
words.py      sentences
origin.py     what was trained on what, and the command that does it again
cases.py      which sequences are shown, and the belief over their steps
inside.py     gates, states and the steps that mattered, of one sequence
pictures.py   a picture as a part of the page, light and dark, with its alternative text
templates/    the page itself, and its style
"""

from unrolled.reports.page import Material, Shown, render
from unrolled.reports.words import SEEN

__all__ = ["SEEN", "Material", "Shown", "render"]
