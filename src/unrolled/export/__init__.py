"""A model in other forms: ONNX, whole or streaming, and quantised."""

from unrolled.export.exported import ExportCheck, Exported, Quantized
from unrolled.export.onnx import check_installed, checked_onnx, export_onnx

__all__ = [
    "ExportCheck",
    "Exported",
    "Quantized",
    "check_installed",
    "checked_onnx",
    "export_onnx",
]
