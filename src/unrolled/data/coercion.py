"""`Sequences` from a caller's arrays, lists and texts, and from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.data.foreign import as_array, is_frame
from unrolled.data.frames import unframed
from unrolled.data.numbers import parse_number
from unrolled.data.sequences import Sequences
from unrolled.data.tokens import TextsLike
from unrolled.errors import DataError

SequencesLike = Sequences | npt.NDArray[np.generic] | Sequence[npt.ArrayLike] | TextsLike
"""`Sequences`; an array [N, T, F], or [N, T] for one channel; a list of arrays [T_i, F] or [T_i]; or, for a network
of text, `TextsLike`. Tensors and data frames count as arrays, and frames with a row a step, or a sequence a cell, as
lists."""


def as_sequences(values: SequencesLike, labels: Iterable[object] | None = None) -> Sequences:
    """`Sequences` from any of `SequencesLike`, with labels if given.

    Raises:
        DataError: for anything else.
    """
    values = unframed(values)
    if isinstance(values, Sequences):
        return values
    if is_frame(values):
        values = as_array(values)
    names = None if labels is None else np.asarray(list(labels))
    if isinstance(values, np.ndarray) and values.dtype != object:
        return Sequences.from_array(values, names)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DataError(
            f"found {type(values).__name__}; expected Sequences, an array [N, T, F] or [N, T], or a list of "
            "[T, F] arrays."
        )
    return Sequences.from_list(values, names)


def parse_literal(text: str, channels: int) -> Sequences:
    """One sequence from the command line.

    With one channel each digit of a word is a step: ``0110``. Otherwise commas separate values and colons
    channels, as in a ``.ts`` file: ``0.1,0.2:1,1.5``.

    Raises:
        DataError: for a value that is not a number, and channels of different lengths.
    """
    stripped = text.strip()
    if channels == 1 and stripped.isascii() and stripped.isdigit():
        rows = [[float(digit) for digit in stripped]]
    else:
        rows = [[_number(item) for item in channel.split(",")] for channel in stripped.split(":")]
    if len({len(row) for row in rows}) > 1:
        found = ", ".join(str(len(row)) for row in rows)
        raise DataError(f"the channels have {found} steps; expected the same number in each.")
    return Sequences.from_list([np.array(rows, np.float32).T])


def _number(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise DataError(
            f"{text!r} is not a number; expected digits as in 0110, or values as in 0.1,0.2 with : between channels."
        )
    return number
