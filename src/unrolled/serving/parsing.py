"""From the bytes of a request to sequences that fit the model, or an error that names the place.

Every value is checked before the request is queued, so that none can spoil the batch it becomes a part of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import orjson

from unrolled.errors import LengthError
from unrolled.serving.inputs import InputSpec, Steps, kind_of_value, too_deep
from unrolled.serving.numbers import only_numbers, parse_numbers
from unrolled.serving.problems import HTTPProblem, over_limit

P = ParamSpec("P")
T = TypeVar("T")


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
        return _parse_text(steps, spec, name, piece)
    return parse_numbers(steps, spec, name, plain)


def parse_message(text: str, spec: InputSpec) -> Steps | None:
    """The steps of a stream's message ``{"steps": …}``; None for ``{"reset": true}``.

    Raises:
        HTTPProblem: as `parse_sequences`.
    """
    content = text.encode()
    message = parse_json(content)
    if message == {"reset": True}:
        return None
    if isinstance(message, dict) and set(message) == {"steps"}:
        return parse_steps(message["steps"], spec, "the message", only_numbers(content), piece=True)
    raise HTTPProblem(
        422,
        "wrong_shape",
        'a message is {"steps": [[…], …]} (of text, {"steps": "…"}), or {"reset": true} to begin a new sequence.',
    )


async def beside_the_loop(size: int, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Calls a function on a text of ``size`` bytes; in a thread if it is large, for other requests wait meanwhile."""
    if size <= 64 * 1024:
        return function(*arguments, **named)
    return await asyncio.to_thread(function, *arguments, **named)


def _parse_text(text: Any, spec: InputSpec, name: str, piece: bool) -> list[str]:
    """The tokens of one text.

    Args:
        text: the text, or a list of its tokens.
        spec: of the model.
        name: of the sequence, for messages.
        piece: whether this is a piece of a text that is streamed.
    Raises:
        HTTPProblem: 422, naming the place and the wrong value.
    """
    if not isinstance(text, str | list):
        raise HTTPProblem(
            422, "wrong_shape", f"{name} is {kind_of_value(text)}; expected {_one(spec)}, since the model reads text."
        )
    for index, token in enumerate(text if isinstance(text, list) else ()):
        if not isinstance(token, str) or not token:
            found = "an empty text" if token == "" else kind_of_value(token)
            raise HTTPProblem(
                422,
                "not_a_token",
                f"{name}, step {index} is {found}; expected {_one(spec)}, since the model reads text.",
            )
    try:
        tokens = spec.preprocessor.cut(text, name, piece=piece)
    except LengthError:
        tokens = []
    spec.check_length(len(tokens), name)
    return tokens


def _one(spec: InputSpec) -> str:
    if spec.text:
        return f"a text or a list of its {spec.preprocessor.tokens}"
    return "a list of steps, each a list of one number a channel"
