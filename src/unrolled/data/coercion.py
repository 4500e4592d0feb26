"""Sequences from whatever a user of the library hands over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, LengthError, MismatchError

TextsLike = str | Sequence[str] | Sequence[Sequence[str]]
"""One text; several of them; or several lists of tokens."""

SequencesLike = Sequences | npt.NDArray[np.generic] | Sequence[npt.ArrayLike] | TextsLike
"""`Sequences`; an array [N, T, F], or [N, T] for one channel; a list of arrays [T_i, F] or [T_i]; or, where text
was learned, `TextsLike`."""


def as_sequences(values: SequencesLike, labels: Iterable[object] | None = None) -> Sequences:
    """`Sequences` from any of `SequencesLike`, with labels where they are given.

    Raises:
        DataError: for anything else.
    """
    if isinstance(values, Sequences):
        return values
    names = None if labels is None else np.asarray(list(labels))
    if isinstance(values, np.ndarray) and values.dtype != object:
        return Sequences.from_array(values, names)
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DataError(
            f"found {type(values).__name__}; expected Sequences, an array [N, T, F] or [N, T], or a list of "
            "[T, F] arrays."
        )
    return Sequences.from_list(values, names)


def from_texts(texts: Iterable[object], kind: TokenKind, known: Collection[str] = ()) -> Sequences:
    """Texts as sequences of tokens, one text a sequence.

    Args:
        texts: see `TextsLike`.
        kind: what a token of a text is; lists of tokens are taken as they are.
        known: the tokens that were learned. Where no space is among them, spaces between characters are
            passed over.
    Raises:
        MismatchError: for what is no text.
        LengthError: for a text without a token.
    """
    items = [texts] if isinstance(texts, str) else list(texts)
    lists = [tokens_of(item, index, kind, known) for index, item in enumerate(items)]
    if not lists:
        raise DataError("there are no texts; expected at least one.")
    symbols = sorted({token for tokens in lists for token in tokens})
    codes = {symbol: code for code, symbol in enumerate(symbols)}
    values = np.array([codes[token] for tokens in lists for token in tokens], np.int32)
    return Sequences.from_steps(values[:, None], [len(tokens) for tokens in lists], channels=["text"], symbols=symbols)


def token_kind(vocabulary: Iterable[str]) -> TokenKind:
    """What the tokens of a vocabulary are: words, if any has more than one character."""
    return "words" if any(len(token) > 1 for token in vocabulary) else "characters"


def tokens_of(text: object, index: int, kind: TokenKind, known: Collection[str]) -> list[str]:
    """The tokens of one text; see `from_texts`.

    Args:
        text: the text, or a list of its tokens.
        index: its number, for messages.
        kind: what a token is.
        known: the tokens that were learned.
    """
    tokens: list[str] = []
    if not isinstance(text, str):
        for token in text if isinstance(text, Iterable) else [text]:
            if not isinstance(token, str):
                raise MismatchError(
                    f"text {index} holds {type(token).__name__}; expected a text, or a list of its tokens: the model "
                    "was trained on text."
                )
            tokens.append(token)
    elif kind == "words":
        tokens = text.split()
    else:
        tokens = [letter for letter in text if not letter.isspace() or letter in known]
    if not tokens:
        raise LengthError(f"text {index} is empty; remove it, or give it at least one of its {kind}.")
    return tokens


def parse_literal(text: str, channels: int) -> Sequences:
    """One sequence from the command line.

    A word of digits is a step a digit, for one channel: ``0110``. Otherwise values are separated by
    commas and channels by colons, as in a ``.ts`` file: ``0.1,0.2:1,1.5``.

    Raises:
        DataError: naming what is not a number.
    """
    stripped = text.strip()
    if channels == 1 and stripped.isascii() and stripped.isdigit():
        rows = [[float(digit) for digit in stripped]]
    else:
        rows = [[_number(item) for item in channel.split(",")] for channel in stripped.split(":")]
    if len({len(row) for row in rows}) > 1:
        found = ", ".join(str(len(row)) for row in rows)
        raise DataError(f"the channels have {found} steps; expected as many in each.")
    return Sequences.from_list([np.array(rows, np.float32).T])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(
            f"{text!r} is not a number; expected digits as in 0110, or values as in 0.1,0.2 with : between channels."
        ) from None
