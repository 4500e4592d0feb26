"""From a request's bytes to sequences that fit the model, or a refusal that names the place.

Every value is checked before anything is queued, so that no request can spoil the batch it is put into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from unrolled.serving.refusals import Refusal, over_limit
from unrolled.serving.settings import ServerSettings

Steps = npt.NDArray[np.float32]
"""One sequence, [T, F]."""

_DEPTH = 3
"""Lists within lists: sequences, steps, channels."""


@dataclass(frozen=True)
class Form:
    """What a model takes.

    Attributes:
        channels: values of a step, F.
        missing: whether null is taken for a missing value.
        max_sequences, max_steps: see `ServerSettings`.
    """

    channels: int
    missing: bool
    max_sequences: int
    max_steps: int

    @classmethod
    def of(cls, channels: int, missing: bool, settings: ServerSettings) -> Form:
        """The form within a server's limits."""
        return cls(channels, missing, settings.max_sequences, settings.max_steps)


def parse_json(content: bytes | bytearray | str) -> Any:
    """JSON as the standard has it: no NaN, no infinity, no number beyond the range of doubles.

    Raises:
        Refusal: 400 with line and column.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg.lower():
            raise _too_deep("more than 1,000") from None
        raise Refusal(
            400,
            "malformed_json",
            f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}. NaN and infinity are not "
            "JSON either; write null for a missing value where the model takes such.",
            line=error.lineno,
            column=error.colno,
        ) from None


def boolean(text: str, name: str) -> bool:
    """A query's ``true`` or ``false``.

    Raises:
        Refusal: 422 for anything else.
    """
    if text not in ("true", "false"):
        raise Refusal(422, "wrong_query", f"{name} = {text[:80]!r}; expected true or false.")
    return text == "true"


def parse_sequences(body: bytes | bytearray, form: Form) -> list[Steps]:
    """The sequences of a body ``{"sequences": [[[…F numbers…], …T steps…], …]}``.

    Raises:
        Refusal: 400 for what is not JSON, 422 for what does not fit, with the sequence and the step.
    """
    content = parse_json(body)
    if not isinstance(content, dict) or not isinstance(content.get("sequences"), list):
        raise Refusal(
            422,
            "wrong_shape",
            f'found {_kind(content)}; expected an object {{"sequences": [[[…], …], …]}}: a list of sequences, each a '
            "list of steps, each a list of one number a channel.",
        )
    extra = [key for key in content if key != "sequences"]
    if extra:
        raise Refusal(422, "unknown_field", f"there is no field {extra[0][:80]!r}; the only one is sequences.")
    sequences = content["sequences"]
    if not sequences:
        raise Refusal(422, "no_sequences", "there are no sequences; expected at least one.")
    if len(sequences) > form.max_sequences:
        raise over_limit(
            422,
            "too_many_sequences",
            f"there are {len(sequences):,} sequences",
            "max_sequences",
            form.max_sequences,
            "Send several requests.",
        )
    return [parse_steps(steps, form, f"sequence {index}", body) for index, steps in enumerate(sequences)]


def parse_steps(steps: Any, form: Form, name: str, text: bytes | bytearray) -> Steps:
    """One sequence, [T, F], from plain values.

    Args:
        steps: a list of steps, each a list of F numbers; of one channel also plain numbers.
        form: what the model takes.
        name: of the sequence, for messages.
        text: where the values were read from.
    """
    if not isinstance(steps, list):
        raise Refusal(422, "wrong_shape", f"{name} is {_kind(steps)}; expected a list of steps.")
    if not steps:
        raise Refusal(422, "empty_sequence", f"{name} has no steps; give it at least one, or leave it out.")
    if len(steps) > form.max_steps:
        raise over_limit(
            422,
            "too_many_steps",
            f"{name} has {len(steps):,} steps",
            "max_steps",
            form.max_steps,
            "Cut it, or stream it over the WebSocket /v1/stream.",
        )
    try:
        array = np.array(steps)
    except ValueError:  # steps of different sizes
        raise _explain(steps, form, name) from None
    if array.ndim == 1 and form.channels == 1:
        array = array[:, None]
    truths = b"true" in text or b"false" in text  # which NumPy would take for 1 and 0
    if truths or array.dtype.kind not in "iuf" or array.ndim != 2 or array.shape[1] != form.channels:
        array = _with_missing(steps, form, name)
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not form.missing and not np.isfinite(values).all():
        step, channel = np.argwhere(~np.isfinite(values))[0]
        raise Refusal(
            422,
            "out_of_range",
            f"{name}, step {step}, channel {channel}: {float(array[step, channel]):g} is beyond the range of 32-bit "
            "numbers (3.4e38). Scale the values.",
        )
    return values


def _with_missing(steps: list[Any], form: Form, name: str) -> npt.NDArray[np.float64]:
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
    return np.array(rows, np.float64)


def _explain(steps: list[Any], form: Form, name: str) -> Refusal:
    """What is wrong with a sequence that could not be read, and where."""
    depth = _depth(steps)
    if depth > _DEPTH - 1:
        return _too_deep(f"{depth + 1}")
    want = "one number" if form.channels == 1 else f"a list of {form.channels} numbers"
    for index, step in enumerate(steps):
        place = f"{name}, step {index}"
        if not isinstance(step, list):
            if form.channels == 1 and _is_number(step, form):
                continue
            return Refusal(422, "wrong_shape", f"{place} is {_kind(step)}; expected {want}.{_null(step, form)}")
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
                    f"{place}, channel {channel} is {_kind(value)}; expected a number.{_null(value, form)}",
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


def _too_deep(found: str) -> Refusal:
    return Refusal(
        422 if found.isdigit() else 400,
        "too_deep",
        f"lists stand {found} deep; at most {_DEPTH} (limit nesting): sequences, steps, channels.",
        limit="nesting",
        allowed=_DEPTH,
    )


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)
