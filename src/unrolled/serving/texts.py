"""The tokens of a text from JSON values."""

from __future__ import annotations

from typing import Any

from unrolled.errors import LengthError
from unrolled.serving.inputs import InputSpec, kind_of_value
from unrolled.serving.problems import HTTPProblem


def parse_text(text: Any, spec: InputSpec, name: str, piece: bool = False) -> list[str]:
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
        raise HTTPProblem(422, "wrong_shape", f"{name} is {kind_of_value(text)}; {_expected(spec)}.")
    for index, token in enumerate(text if isinstance(text, list) else ()):
        if not isinstance(token, str) or not token:
            found = "an empty text" if token == "" else kind_of_value(token)
            raise HTTPProblem(422, "not_a_token", f"{name}, step {index} is {found}; {_expected(spec)}.")
    try:
        tokens = spec.preprocessor.cut(text, name, piece=piece)
    except LengthError:
        tokens = []
    spec.check_length(len(tokens), name)
    return tokens


def _expected(spec: InputSpec) -> str:
    tokens = spec.preprocessor.tokens
    return f"expected a text or a list of its {tokens}, since the model reads text"
