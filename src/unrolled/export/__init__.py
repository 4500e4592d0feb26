"""A model in other forms: ONNX, whole or streaming, and quantised."""

from unrolled.export.onnx import Exported, check_installed, checked_onnx, export_onnx
from unrolled.export.quantize import Quantized

__all__ = [
    "Exported",
    "Quantized",
    "check_installed",
    "checked_onnx",
    "export_onnx",
]
