"""A text, or its tokens, from plain values."""

from __future__ import annotations

from typing import Any

from unrolled.errors import LengthError
from unrolled.serving.form import Form, kind_of_value
from unrolled.serving.refusals import Refusal


def parse_text(text: Any, form: Form, name: str, piece: bool = False) -> list[str]:
    """The tokens of one text.

    Args:
        text: the text, or a list of its tokens.
        form: what the model takes.
        name: of the sequence, for messages.
        piece: whether this is a piece of a text that is streamed.
    Raises:
        Refusal: 422 with what does not fit, and where.
    """
    if not isinstance(text, str | list):
        raise Refusal(422, "wrong_shape", f"{name} is {kind_of_value(text)}; {_expected(form)}.")
    for index, token in enumerate(text if isinstance(text, list) else ()):
        if not isinstance(token, str) or not token:
            found = "an empty text" if token == "" else kind_of_value(token)
            raise Refusal(422, "not_a_token", f"{name}, step {index} is {found}; {_expected(form)}.")
    try:
        tokens = form.preprocessor.cut(text, name, piece=piece)
    except LengthError:
        tokens = []
    form.check_length(len(tokens), name)
    return tokens


def _expected(form: Form) -> str:
    tokens = form.preprocessor.tokens
    return f"the model was trained on text, so expected a text, or a list of its {tokens}"
