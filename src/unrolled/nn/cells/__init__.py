"""Recurrent cells: the equations of one step.

A cell is one file here and one line in `unrolled.parts.tables`.
"""

from unrolled.config import CellName
from unrolled.nn.cells.cell import Cell, Operator
from unrolled.parts import CELLS as PLACES
from unrolled.parts import load

CELLS: dict[CellName, type[Cell]] = load(PLACES)

__all__ = ["CELLS", "Cell", "Operator"]
