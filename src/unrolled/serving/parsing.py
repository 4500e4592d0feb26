"""From a request's bytes to sequences that fit the model, or a refusal that names the place.

Every value is checked before anything is queued, so that no request can spoil the batch it is put into.
"""

from __future__ import annotations

from typing import Any

import orjson

from unrolled.serving.form import Form, Steps, kind_of_value, too_deep
from unrolled.serving.numbers import only_numbers, parse_numbers
from unrolled.serving.refusals import Refusal, over_limit
from unrolled.serving.texts import parse_text


def parse_json(content: bytes | bytearray | str) -> Any:
    """JSON as the standard has it: no NaN, no infinity, no number beyond the range of doubles.

    Raises:
        Refusal: 400 with line and column.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg.lower():
            raise too_deep("more than 1,000", 400) from None
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
    """The sequences of a body ``{"sequences": [[[…F numbers…], …T steps…], …]}``, or ``{"sequences": ["text", …]}``.

    Raises:
        Refusal: 400 for what is not JSON, 422 for what does not fit, with the sequence and the step.
    """
    content = parse_json(body)
    if not isinstance(content, dict) or not isinstance(content.get("sequences"), list):
        raise Refusal(
            422,
            "wrong_shape",
            f'found {kind_of_value(content)}; expected an object {{"sequences": […]}}: a list of sequences, each '
            f"{_one(form)}.",
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
    plain = only_numbers(body)
    return [parse_steps(steps, form, f"sequence {index}", plain) for index, steps in enumerate(sequences)]


def parse_steps(steps: Any, form: Form, name: str, plain: bool, piece: bool = False) -> Steps:
    """One sequence from plain values.

    Args:
        steps: a list of steps, each a list of F numbers, of one channel also plain numbers; or a text, or its tokens.
        form: what the model takes.
        name: of the sequence, for messages.
        plain: what `only_numbers` says of the text that the values were read from.
        piece: whether these are the next steps of a stream.
    """
    if form.text:
        return parse_text(steps, form, name, piece)
    return parse_numbers(steps, form, name, plain)


def _one(form: Form) -> str:
    if form.text:
        return f"a text or a list of its {form.preprocessor.tokens}"
    return "a list of steps, each a list of one number a channel"
