"""A model in C, compiled by the machine's own compiler and called from Python."""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Integers, Sequences
from unrolled.export.c.selftest import compile_c, fixed

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Compiled:
    """A model in C, ready to be called.

    Attributes:
        library: its functions.
        prefix: of their names.
        state: the memory of a sequence.
        classes: C.
        entering_bits: fraction bits of the values where all numbers are whole; else None.
    """

    library: ctypes.CDLL
    prefix: str
    state: Any
    classes: int
    entering_bits: int | None

    def shares(self, sequences: Sequences) -> Array:
        """The probabilities of each sequence as the C gives them, [N, C]: numbers, or parts of 65536."""
        found = np.zeros((len(sequences), self.classes), np.float32 if self.entering_bits is None else np.int32)
        call = getattr(self.library, f"{self.prefix}_sequence")
        for index, row in enumerate(found):
            values = self.values(sequences, index)
            if call(self.state, ctypes.c_void_p(values.ctypes.data), len(values), ctypes.c_void_p(row.ctypes.data)) < 0:
                row[:] = -1
        return found

    def values(self, sequences: Sequences, index: int) -> Array:
        """The values of a sequence as the C takes them."""
        if sequences.symbols is not None:
            return np.ascontiguousarray(sequences[index], np.int32)
        values = sequences.scaled(index)
        return values if self.entering_bits is None else fixed(values, self.entering_bits)

    def answers(self, sequences: Sequences) -> tuple[Integers, Array]:
        """The number of the most probable class, [N], and the probabilities, [N, C]; −1 where there is no answer."""
        shares = self.shares(sequences)
        best: Integers = shares.argmax(1)
        return np.where(shares[:, 0] < 0, -1, best), shares if self.entering_bits is None else shares / 65536


def load_c(source: str, header: str, prefix: str, compiler: list[str]) -> ctypes.CDLL:
    """The functions of a source, compiled and loaded.

    Raises:
        CompilerError: if the compiler fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{prefix}.c"
        path.write_text(source, encoding="utf-8")
        path.with_suffix(".h").write_text(header, encoding="utf-8")
        library = path.with_suffix(".so")
        compile_c(compiler, path, library, "-O3", "-shared", "-fPIC")
        return ctypes.CDLL(str(library))
