"""Data frames as sequences.

A frame is a table with a row a sequence, unless it shows by its index, its columns or its cells that it is something
else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.data.foreign import as_array, is_frame
from unrolled.data.tables import ID_NAMES, TIME_NAMES, first_among
from unrolled.errors import DataError, listed


def unframed(values: Any) -> Any:
    """Sequences as an array or a list; a frame that is a table with a row a sequence stays one.

    Args:
        values: a data frame with a row a sequence; with a row a step, whose sequence an index of two levels names, or a
            column such as ``id``; with a whole sequence in each cell; or with one column of texts. A series of any of
            these, or of arrays or texts. A tensor. Anything else stays as it is.
    Raises:
        DataError: for a frame that could be several of these, and for times that do not rise.
    """
    if type(values) is dict:  # of SciPy, a sparse array may be one
        raise DataError(
            f"found a dict with the keys {listed(map(str, values))}; expected a list with an array [T, F] for each "
            "sequence, an array [N, T, F] or a data frame."
        )
    if hasattr(values, "detach"):
        return as_array(values)
    if isinstance(values, np.ndarray):
        return _from_cells_of(values)
    if not is_frame(values):
        return values
    frame: Any = values
    if getattr(frame, "ndim", 2) == 1:
        return _from_frame(frame.to_frame()) if _levels(frame) > 1 else list(frame.to_numpy())
    return _from_frame(frame)


def _from_cells_of(values: npt.NDArray[Any]) -> Any:
    """A list for an array of texts or sequences, [N] or [N, 1]; any other array as it is."""
    if values.dtype.kind not in "OU" or values.ndim > 2 or not values.size or (values.ndim == 2 and len(values[0]) > 1):
        return values
    cells = list(values.ravel())
    return cells if isinstance(cells[0], str) or np.ndim(cells[0]) else values


def _from_frame(frame: Any) -> Any:
    if _levels(frame) > 1:
        return _by_instance(frame)
    names = [name for name in frame.columns if isinstance(name, str)]
    owner, time = first_among(names, ID_NAMES), first_among(names, TIME_NAMES)
    if owner is not None or time is not None:
        return _by_owner(frame, owner, time)
    if not len(frame) or not len(frame.columns):
        return frame
    first = frame.iloc[0].to_list() if hasattr(frame, "iloc") else list(frame.row(0))
    if len(first) == 1 and isinstance(first[0], str):
        return list(frame[frame.columns[0]].to_numpy())
    return _nested(frame, first) if any(np.ndim(cell) for cell in first) else frame


def _by_instance(frame: Any) -> list[Any]:
    """The frame of each sequence, from a table whose index names the sequence and the step."""
    if _levels(frame) != 2:
        raise DataError(f"the index has {_levels(frame)} levels; expected two, the sequence and its step.")
    groups = frame.groupby(level=0, sort=False)
    return [_rising(group.droplevel(0), group.index.get_level_values(1), name) for name, group in groups]


def _by_owner(frame: Any, owner: str | None, time: str | None) -> list[Any]:
    """The frame of each sequence, from a table with a row a step, and a column that names the sequence."""
    if owner is None or not (time is not None or frame[owner].duplicated().any()):
        name = time if owner is None else owner
        raise DataError(
            f"the frame has a column {name!r}; where a row is a step, a column 'id' must name its sequence, and where "
            f"a row is a sequence, its columns are steps: leave {name!r} out."
        )
    values = [name for name in frame.columns if name not in (owner, time)]
    groups = frame.groupby(owner, sort=False)
    return [_rising(group[values], None if time is None else group[time], name) for name, group in groups]


def _rising(steps: Any, times: Any, name: object) -> Any:
    if times is not None and not (times.is_monotonic_increasing and times.is_unique):
        raise DataError(f"the times of sequence {name!r} do not rise; sort the rows by sequence and time.")
    return steps


def _nested(frame: Any, first: list[Any]) -> list[Any]:
    """The frame of each sequence, from a table with the steps of a channel in each cell."""
    odd = next((name for name, cell in zip(frame.columns, first, strict=True) if not np.ndim(cell)), None)
    if odd is not None:
        raise DataError(f"column {odd!r} holds single values beside columns of sequences; leave it out.")
    columns: Iterable[Any] = (map(as_array, frame[name].to_numpy()) for name in frame.columns)
    found = []
    for number, cells in enumerate(zip(*columns, strict=True)):
        if len(set(map(len, cells))) > 1:
            lengths = ", ".join(str(len(cell)) for cell in cells)
            raise DataError(f"the channels of row {number} have {lengths} steps; expected the same number in each.")
        found.append(type(frame)(dict(zip(frame.columns, cells, strict=True))))
    return found


def _levels(frame: Any) -> int:
    return int(getattr(getattr(frame, "index", None), "nlevels", 1))
