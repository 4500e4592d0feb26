"""Tensors and data frames of other libraries, which are told by what they can do: none of these is imported."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt


class Frame(Protocol):
    """A data frame or a series of pandas, Polars or another library.

    Example:
        >>> import pandas
        >>> table = pandas.DataFrame({"id": [0, 0, 1, 1], "time": [0, 1, 0, 1], "ax": [0.1, 0.3, 0.5, 0.2]})
        >>> len(unrolled.Sequences.from_list([table[["ax"]]]))
        1
    """

    def to_numpy(self) -> npt.NDArray[Any]:
        """Its values."""


def as_array(values: Any) -> npt.NDArray[Any]:
    """An array of anything that holds numbers: a tensor on any device, a data frame, nested lists.

    Raises:
        ValueError: for nested lists of different lengths.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values.to_numpy() if is_frame(values) else values)


def is_frame(values: Any) -> TypeGuard[Frame]:
    """Whether this is a data frame or a series."""
    return hasattr(values, "to_numpy")


def frame_columns(values: Any) -> tuple[str, ...] | None:
    """The names of a data frame's columns; None for anything else, and for columns that are only numbered."""
    names = list(values.columns) if is_frame(values) and hasattr(values, "columns") else []
    return tuple(names) if names and all(isinstance(name, str) for name in names) else None


def holds_text(value: Any) -> bool:
    """Whether a sequence is a text or a list of tokens."""
    return isinstance(value, str) or (isinstance(value, list | tuple) and bool(value) and isinstance(value[0], str))
