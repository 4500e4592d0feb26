"""One sequence of numbers from JSON values, or an error that names the place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.serving.inputs import NESTING, InputSpec, kind_of_value, too_deep
from unrolled.serving.problems import HTTPProblem


def only_numbers(text: bytes | bytearray) -> bool:
    """Whether JSON with one key holds lists and numbers only, so that NumPy may convert all values at once.

    NumPy also converts texts of digits, true, false and null to numbers; a check of each value would cost half of the
    time of a request.
    """
    if text.count(b'"') != 2:
        return False
    values = text.rfind(b'"')  # the end of the key; numbers have no u and no a, but true, false and null have
    return text.find(b"u", values) < 0 and text.find(b"a", values) < 0


def parse_numbers(steps: Any, spec: InputSpec, name: str, plain: bool) -> npt.NDArray[np.floating]:
    """One sequence, [T, F], from JSON values.

    Args:
        steps: a list of steps, each a list of F numbers; of one channel also plain numbers.
        spec: of the model.
        name: of the sequence, for messages.
        plain: the result of `only_numbers` for the text of the request.
    Raises:
        HTTPProblem: 422, naming the place and the wrong value.
    """
    if not isinstance(steps, list):
        raise HTTPProblem(422, "wrong_shape", f"{name} is {kind_of_value(steps)}; expected a list of steps.")
    spec.check_length(len(steps), name)
    with np.errstate(over="ignore"):
        values = _plain(steps, spec, name) if plain else _with_missing(steps, spec, name)
    if math.isfinite(values.sum(dtype=np.float64)):
        return values
    wrong = np.isinf(values) if spec.missing else ~np.isfinite(values)
    if wrong.any():
        step, channel = np.argwhere(wrong)[0]
        value = steps[step][channel] if isinstance(steps[step], list) else steps[step]
        raise HTTPProblem(
            422,
            "out_of_range",
            f"{name}, step {step}, channel {channel}: {float(value):g} is beyond the range of 32-bit numbers "
            "(3.4e38). Scale the values.",
        )
    return values


def _plain(steps: list[Any], spec: InputSpec, name: str) -> npt.NDArray[np.floating]:
    """The fast way, for lists of numbers."""
    try:
        values = np.array(steps, spec.dtype)
    except (ValueError, TypeError, OverflowError):  # steps of different sizes, objects
        raise _explain(steps, spec, name) from None
    if values.ndim == 1 and spec.channels == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] != spec.channels:
        return _with_missing(steps, spec, name)
    return values


def _with_missing(steps: list[Any], spec: InputSpec, name: str) -> npt.NDArray[np.floating]:
    """The slow way: checks each value; null becomes NaN if the model takes missing values."""
    rows = [step if isinstance(step, list) else [step] for step in steps] if spec.channels == 1 else steps
    for step in rows:
        if not isinstance(step, list) or len(step) != spec.channels:
            raise _explain(steps, spec, name)
        for value in step:
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise _explain(steps, spec, name)
            if value is None and not spec.missing:
                raise _explain(steps, spec, name)
    return np.array(rows, spec.dtype)


def _explain(steps: list[Any], spec: InputSpec, name: str) -> HTTPProblem:
    """The problem of a sequence that cannot be read, with its place."""
    depth = _depth(steps)
    if depth > NESTING - 1:
        return too_deep(f"{depth + 1}")
    want = "one number" if spec.channels == 1 else f"a list of {spec.channels} numbers"
    for index, step in enumerate(steps):
        place = f"{name}, step {index}"
        if not isinstance(step, list):
            if spec.channels == 1 and _is_number(step, spec):
                continue
            return HTTPProblem(
                422, "wrong_shape", f"{place} is {kind_of_value(step)}; expected {want}.{_null(step, spec)}"
            )
        if len(step) != spec.channels:
            turned = len(steps) == spec.channels and len({len(s) for s in steps if isinstance(s, list)}) == 1
            hint = " Its axes seem to be exchanged: steps come first, then channels." if turned else ""
            return HTTPProblem(
                422,
                "wrong_shape",
                f"{place} has {len(step)} numbers; the model was trained on {spec.channels} channels.{hint}",
            )
        for channel, value in enumerate(step):
            if not _is_number(value, spec):
                return HTTPProblem(
                    422,
                    "not_a_number",
                    f"{place}, channel {channel} is {kind_of_value(value)}; expected a number.{_null(value, spec)}",
                )
    return HTTPProblem(422, "wrong_shape", f"{name} mixes plain numbers and lists; expected {want} for each step.")


def _is_number(value: Any, spec: InputSpec) -> bool:
    if value is None:
        return spec.missing
    return isinstance(value, int | float) and not isinstance(value, bool)


def _null(value: Any, spec: InputSpec) -> str:
    return " This model takes no missing values." if value is None and not spec.missing else ""


def _depth(value: Any) -> int:
    """The depth of nested lists along their first list entries; without recursion."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = next((item for item in value if isinstance(item, list)), None)
    return depth
