"""A model in other forms: ONNX, whole or streaming, and quantised; C without a library.

c/             a model in C99
check.py       comparison with the model's outputs
exported.py    the result of an export
forms.py       every form of a model beside every other
graph.py       an ONNX graph in the making
network.py     a model as an ONNX graph
onnx.py        `export_onnx`: built, compared with the model, then written
operators.py   ONNX's operators for PyTorch's functions
quantize.py    weights of 8 bits, and the cost in accuracy
recurrence.py  recurrent layers: the operator that a cell names, or a Scan over its step
running.py     an exported model in ONNX Runtime
trials.py      sequences on which an export is compared with its model
values.py      a symbolic tensor: a part computes on it and so writes its own graph, or its C
"""

from unrolled.export.c import PageNetwork, export_c, identifier, page_network
from unrolled.export.exported import ExportCheck, Exported, ExportedC, Quantized
from unrolled.export.forms import Form, compare_forms
from unrolled.export.onnx import check_installed, checked_onnx, export_onnx

__all__ = [
    "ExportCheck",
    "Exported",
    "ExportedC",
    "Form",
    "PageNetwork",
    "Quantized",
    "check_installed",
    "checked_onnx",
    "compare_forms",
    "export_c",
    "export_onnx",
    "identifier",
    "page_network",
]
