"""Recurrent cells: the equations of one step.

A cell is one file here and one line in `unrolled.parts.tables`.

gru.py               the gated recurrent unit of the usual libraries
gru_reset_before.py  the gated recurrent unit of its paper
lstm.py              long short-term memory
lstm_coupled.py      long short-term memory with one gate for keeping and letting in
lstm_layer_norm.py   long short-term memory with layer normalisation
lstm_peephole.py     long short-term memory with peepholes
relu.py              a simple recurrent network, with a rectifier
simple.py            a simple recurrent network, with tanh
"""

from unrolled.config import CellName
from unrolled.nn.cells.cell import Cell, Operator
from unrolled.parts import CELLS as PLACES
from unrolled.parts import load

CELLS: dict[CellName, type[Cell]] = load(PLACES)

__all__ = ["CELLS", "Cell", "Operator"]
