"""From the bytes of a request to sequences that fit the model, or an error that names the place.

Every value is checked before the request is queued, so that none can spoil the batch it becomes a part of.
"""

from __future__ import annotations

from typing import Any

import orjson

from unrolled.serving.inputs import InputSpec, Steps, kind_of_value, too_deep
from unrolled.serving.numbers import only_numbers, parse_numbers
from unrolled.serving.problems import HTTPProblem, over_limit
from unrolled.serving.texts import parse_text


def parse_json(content: bytes | bytearray | str) -> Any:
    """JSON by the standard: no NaN, no infinity, no number beyond the range of doubles.

    Raises:
        HTTPProblem: 400 with line and column.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg.lower():
            raise too_deep("more than 1,000", 400) from None
        raise HTTPProblem(
            400,
            "malformed_json",
            f"line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}. NaN and infinity are not "
            "JSON either; write null for a missing value if the model takes them.",
            line=error.lineno,
            column=error.colno,
        ) from None


def boolean(text: str, name: str) -> bool:
    """A query's ``true`` or ``false``.

    Raises:
        HTTPProblem: 422 for anything else.
    """
    if text not in ("true", "false"):
        raise HTTPProblem(422, "wrong_query", f"{name} = {text[:80]!r}; expected true or false.")
    return text == "true"


def parse_sequences(body: bytes | bytearray, spec: InputSpec) -> list[Steps]:
    """The sequences of a body ``{"sequences": [[[…F numbers…], …T steps…], …]}``, or ``{"sequences": ["text", …]}``.

    Raises:
        HTTPProblem: 400 if it is not JSON, 422 if a sequence does not fit, naming sequence and step.
    """
    content = parse_json(body)
    if not isinstance(content, dict) or not isinstance(content.get("sequences"), list):
        raise HTTPProblem(
            422,
            "wrong_shape",
            f'found {kind_of_value(content)}; expected an object {{"sequences": […]}}: a list of sequences, each '
            f"{_one(spec)}.",
        )
    extra = [key for key in content if key != "sequences"]
    if extra:
        raise HTTPProblem(422, "unknown_field", f"there is no field {extra[0][:80]!r}; the only field is sequences.")
    sequences = content["sequences"]
    if not sequences:
        raise HTTPProblem(422, "no_sequences", "there are no sequences; expected at least one.")
    if len(sequences) > spec.max_sequences:
        raise over_limit(
            422,
            "too_many_sequences",
            f"there are {len(sequences):,} sequences",
            "max_sequences",
            spec.max_sequences,
            "Send several requests.",
        )
    plain = only_numbers(body)
    return [parse_steps(steps, spec, f"sequence {index}", plain) for index, steps in enumerate(sequences)]


def parse_steps(steps: Any, spec: InputSpec, name: str, plain: bool, piece: bool = False) -> Steps:
    """One sequence from JSON values.

    Args:
        steps: a list of steps, each a list of F numbers (for one channel also a number); or a text, or its tokens.
        spec: of the model.
        name: of the sequence, for messages.
        plain: the result of `only_numbers` for the text of the request.
        piece: whether these are the next steps of a stream.
    """
    if spec.text:
        return parse_text(steps, spec, name, piece)
    return parse_numbers(steps, spec, name, plain)


def _one(spec: InputSpec) -> str:
    if spec.text:
        return f"a text or a list of its {spec.preprocessor.tokens}"
    return "a list of steps, each a list of one number a channel"
