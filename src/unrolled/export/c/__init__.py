"""A model in C99, without a library.

A network's parts run on symbolic values that write C, as they write ONNX for the other export.

export.py      `export_c`: written if its test gives the model's probabilities
fixed.py       a program of whole numbers, with weights of 8 bits
functions.py   functions that the C calls: products, tanh, exp, …
network.py     a network as the functions of a step and of an answer
operators.py   C for PyTorch's functions
program.py     a program in the making: nodes that are arrays or expressions
recurrence.py  recurrent layers: a loop around a cell's step
running.py     a model in C, compiled and called from Python
selftest.py    the test in the source, and running it
text.py        the two files
wasm.py        a network as WebAssembly, for a page
"""

from unrolled.export.c.export import export_c, identifier, make, needed
from unrolled.export.c.running import Compiled
from unrolled.export.c.selftest import find_compiler
from unrolled.export.c.wasm import PageNetwork, page_network

__all__ = [
    "Compiled",
    "PageNetwork",
    "export_c",
    "find_compiler",
    "identifier",
    "make",
    "needed",
    "page_network",
]
