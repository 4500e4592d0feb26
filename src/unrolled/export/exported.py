"""What an export gives: the file, how it compares with the model, what 8 bits cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unrolled.statistics import Proportion


@dataclass(frozen=True)
class ExportCheck:
    """What was compared, and how far apart it was.

    Attributes:
        sequences: that were read by both, each in every batch size.
        longest: steps of the longest of them.
        difference: the largest between two probabilities of the same class.

    Example:
        >>> unrolled.export_onnx(model, "levels.onnx").check.difference < 1e-5
        True
    """

    sequences: int
    longest: int
    difference: float


@dataclass(frozen=True)
class Quantized:
    """What 8 bits cost, on the same sequences.

    Attributes:
        original: accuracy of the model.
        int8: accuracy of the quantised file.
        agreement: share of sequences to which both give the same label.
        size_bytes: of the file with the weights in float32.
        groups: number of groups of the sequences; None without groups.

    Example:
        >>> exported = unrolled.export_onnx(model, "small.onnx", int8_data=dataset.test)
        >>> print(exported.quantized.agreement)
        100.00 % (71.52 to 100.00)
    """

    original: Proportion
    int8: Proportion
    agreement: Proportion
    size_bytes: int
    groups: int | None = None


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: where it is.
        size_bytes: of the file.
        inputs, outputs: each value's name and axes.
        check: how it compares with the model; of a quantised one, before its weights were rounded.
        quantized: what 8 bits cost; None where the weights are float32.

    Example:
        >>> exported = unrolled.export_onnx(model, "levels.onnx", streaming=True)
        >>> exported.inputs["steps"]
        ('batch', 'time', '2')
    """

    path: Path
    size_bytes: int
    inputs: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]
    check: ExportCheck
    quantized: Quantized | None = None
