"""Loading of the compiled library for this processor, and its functions.

The same source is compiled for several levels of x86-64 (v2, AVX2, AVX-512), or once for another processor, and the
best one that the processor supports is loaded. Where there is none, `load_library` gives the reason.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor

from unrolled.config import CellName
from unrolled.errors import ConfigError

FOLDER = Path(__file__).parent
LEVELS = {4: "AVX-512", 3: "AVX2", 2: "SSE"}
"""The levels of x86-64, the best first."""

SERVED: tuple[CellName, ...] = ("rnn", "rnn-relu", "gru", "gru-reset-before", "lstm", "lstm-peephole")
"""The cells of ``enum cell`` in cells.h, in its order."""

_NUMBERS = ("cell", "batch", "steps", "features", "units", "shards", "threads", "reverse", "keep", "recompute")
_INPUTS = ("x", "x_row*", "x_step*", "lengths", "W", "U", "b", "b_u", "p", "initial_h", "initial_c", "mask")
_RESULTS = ("outputs", "outputs_row*", "outputs_step*", "total", "last_h", "last_c")
_OUTPUT_GRADIENTS = ("d_outputs", "d_outputs_row*", "d_outputs_step*", "d_last_h", "d_last_c")
_GRADIENTS = ("dx", "dx_row*", "dx_step*", "dW", "dU", "db", "db_u", "dp", "d_initial_h", "d_initial_c")
_MEMORY = ("plan", "packed", "workspace")


class LayerStruct(ctypes.Structure):
    """``Layer`` of layer.h, field by field; a star marks a number among the pointers."""

    _fields_ = [(name, ctypes.c_int64) for name in _NUMBERS] + [
        (name.rstrip("*"), ctypes.c_int64 if name.endswith("*") else ctypes.c_void_p)
        for name in (*_INPUTS, *_RESULTS, *_OUTPUT_GRADIENTS, *_GRADIENTS, *_MEMORY)
    ]


@dataclass(frozen=True)
class Library:
    """The functions of layer.h.

    Attributes:
        path: the file.
        instructions: the instructions that it was compiled for, in words.
        functions: the loaded library.
    """

    path: Path
    instructions: str
    functions: ctypes.CDLL

    @property
    def answers(self) -> bool:
        """Whether it answers by itself; see `unrolled.nn.compiled.answering`."""
        return hasattr(self.functions, "unrolled_answer")

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether two contiguous tensors of one shape hold the same bytes."""
        return bool(self.functions.unrolled_same(one.data_ptr(), other.data_ptr(), one.nbytes))


@dataclass(frozen=True)
class Missing:
    """The absence of a compiled library for this machine.

    Attributes:
        reason: as the end of a sentence.
    """

    reason: str


@cache
def load_library() -> Library | Missing:
    """The best library for this processor, or the reason for its absence.

    ``UNROLLED_KERNEL_LEVEL`` (2, 3 or 4) asks for a lower level of x86-64 than the processor has.

    Raises:
        ConfigError: for another level.
    """
    files = {path.name.split(".")[0]: path for path in sorted(FOLDER.glob("_*.so"))}
    if not files:
        return Missing("it was not built: at installation there was no C compiler")
    try:
        if "_native" in files:
            return Library(files["_native"], "this processor's vectors", _open(files["_native"]))
        highest = min(_level(files), _requested_level())
        for level in LEVELS:
            name = f"_v{level}"
            if level <= highest and name in files:
                return Library(files[name], LEVELS[level], _open(files[name]))
    except OSError as error:
        return Missing(f"it cannot be loaded: {error}")
    return Missing("it was not built for this processor")


def _requested_level() -> int:
    requested = os.environ.get("UNROLLED_KERNEL_LEVEL") or str(max(LEVELS))
    if requested not in map(str, LEVELS):
        raise ConfigError(f"UNROLLED_KERNEL_LEVEL={requested}; expected one of {', '.join(map(str, sorted(LEVELS)))}.")
    return int(requested)


def _level(files: dict[str, Path]) -> int:
    """The processor's level of x86-64, from the library that runs on all."""
    return int(_open(files["_v2"]).unrolled_level()) if "_v2" in files else 0


def _open(path: Path) -> ctypes.CDLL:
    """The functions of a library.

    Raises:
        OSError: for a library that cannot be loaded, or whose ``Layer`` has another size than `LayerStruct`.
    """
    library = ctypes.CDLL(str(path))
    if not hasattr(library, "unrolled_layer_size") or library.unrolled_layer_size() != ctypes.sizeof(LayerStruct):
        raise OSError("it was built from another version of its source; install the package again")
    layer = ctypes.POINTER(LayerStruct)
    for name in ("packed_size", "plan", "pack", "forward", "backward"):
        function = getattr(library, f"unrolled_{name}")
        function.argtypes, function.restype = (layer,), ctypes.c_int64 if name in ("packed_size", "plan") else None
    if hasattr(library, "unrolled_answer"):
        library.unrolled_answer.argtypes, library.unrolled_answer.restype = (ctypes.c_void_p,), ctypes.c_int
    library.unrolled_same.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return library
