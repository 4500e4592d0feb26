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
class ExportedC:
    """A model in C.

    Attributes:
        path: of the source; the header stands beside it.
        header: its path.
        streaming: whether each step is read as it comes; else a sequence is kept until its end.
        max_steps: of a sequence that is kept; None where the steps are read as they come.
        flash_bytes: of the constants.
        state_bytes: of the memory that a sequence needs.
        compiler: that ran the test in the source; None where none was found, or none was asked for.
        check: what its test compared; None where it was not run.
        quantized: of whole numbers, what 8 bits cost; else None.

    Example:
        >>> exported = unrolled.export_c(model, "levels.c")
        >>> exported.streaming, exported.state_bytes < 256
        (True, True)
    """

    path: Path
    header: Path
    streaming: bool
    max_steps: int | None
    flash_bytes: int
    state_bytes: int
    compiler: str | None
    check: ExportCheck | None
    quantized: Quantized | None = None


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
