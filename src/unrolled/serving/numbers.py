"""One sequence of numbers from plain values, or a refusal that names the place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.serving.form import NESTING, Form, kind_of_value, too_deep
from unrolled.serving.refusals import Refusal


def only_numbers(text: bytes | bytearray) -> bool:
    """Whether JSON with one key holds nothing but lists and numbers, so that NumPy may take every value for one.

    By itself it would take texts of digits, truths and null for numbers, too; looking at each value costs half of
    the time of a request.
    """
    if text.count(b'"') != 2:
        return False
    values = text.rfind(b'"')  # where the key ends; no number has a letter of true, false and null
    return text.find(b"u", values) < 0 and text.find(b"a", values) < 0


def parse_numbers(steps: Any, form: Form, name: str, plain: bool) -> npt.NDArray[np.float32]:
    """One sequence, [T, F], from plain values.

    Args:
        steps: a list of steps, each a list of F numbers; of one channel also plain numbers.
        form: what the model takes.
        name: of the sequence, for messages.
        plain: what `only_numbers` says of the text that the values were read from.
    Raises:
        Refusal: 422 with what does not fit, and where.
    """
    if not isinstance(steps, list):
        raise Refusal(422, "wrong_shape", f"{name} is {kind_of_value(steps)}; expected a list of steps.")
    form.check_length(len(steps), name)
    with np.errstate(over="ignore"):
        values = _plain(steps, form, name) if plain else _with_missing(steps, form, name)
    if math.isfinite(values.sum(dtype=np.float64)):
        return values
    wrong = np.isinf(values) if form.missing else ~np.isfinite(values)
    if wrong.any():
        step, channel = np.argwhere(wrong)[0]
        value = steps[step][channel] if isinstance(steps[step], list) else steps[step]
        raise Refusal(
            422,
            "out_of_range",
            f"{name}, step {step}, channel {channel}: {float(value):g} is beyond the range of 32-bit numbers "
            "(3.4e38). Scale the values.",
        )
    return values


def _plain(steps: list[Any], form: Form, name: str) -> npt.NDArray[np.float32]:
    """The fast way: nothing but numbers in lists."""
    try:
        values = np.array(steps, np.float32)
    except (ValueError, TypeError, OverflowError):  # steps of different sizes, objects
        raise _explain(steps, form, name) from None
    if values.ndim == 1 and form.channels == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] != form.channels:
        return _with_missing(steps, form, name)
    return values


def _with_missing(steps: list[Any], form: Form, name: str) -> npt.NDArray[np.float32]:
    """The slow way: each value is looked at; null becomes NaN where the model takes missing values."""
    rows = [step if isinstance(step, list) else [step] for step in steps] if form.channels == 1 else steps
    for step in rows:
        if not isinstance(step, list) or len(step) != form.channels:
            raise _explain(steps, form, name)
        for value in step:
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise _explain(steps, form, name)
            if value is None and not form.missing:
                raise _explain(steps, form, name)
    return np.array(rows, np.float32)


def _explain(steps: list[Any], form: Form, name: str) -> Refusal:
    """What is wrong with a sequence that could not be read, and where."""
    depth = _depth(steps)
    if depth > NESTING - 1:
        return too_deep(f"{depth + 1}")
    want = "one number" if form.channels == 1 else f"a list of {form.channels} numbers"
    for index, step in enumerate(steps):
        place = f"{name}, step {index}"
        if not isinstance(step, list):
            if form.channels == 1 and _is_number(step, form):
                continue
            return Refusal(422, "wrong_shape", f"{place} is {kind_of_value(step)}; expected {want}.{_null(step, form)}")
        if len(step) != form.channels:
            turned = len(steps) == form.channels and len({len(s) for s in steps if isinstance(s, list)}) == 1
            hint = " It looks turned round: steps come first, then channels." if turned else ""
            return Refusal(
                422,
                "wrong_shape",
                f"{place} has {len(step)} numbers; the model was trained on {form.channels} channels.{hint}",
            )
        for channel, value in enumerate(step):
            if not _is_number(value, form):
                return Refusal(
                    422,
                    "not_a_number",
                    f"{place}, channel {channel} is {kind_of_value(value)}; expected a number.{_null(value, form)}",
                )
    return Refusal(422, "wrong_shape", f"{name} mixes plain numbers and lists; expected {want} for each step.")


def _is_number(value: Any, form: Form) -> bool:
    if value is None:
        return form.missing
    return isinstance(value, int | float) and not isinstance(value, bool)


def _null(value: Any, form: Form) -> str:
    return " This model takes no missing values." if value is None and not form.missing else ""


def _depth(value: Any) -> int:
    """How deep lists stand in a list, along the first entries; without recursion."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = next((item for item in value if isinstance(item, list)), None)
    return depth
