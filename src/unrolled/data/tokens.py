"""Text as steps: a text is cut into tokens, and tokens become codes.

One rule (`cut`) holds for texts of files, lists, servers and streams: whitespace at the ends of a text is ignored;
whitespace separates words; the characters of a text include the whitespace between them. A network learns its
vocabulary from its training data; see `unrolled.preparation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.errors import LengthError, MismatchError

_PLAIN_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
"""A word, with apostrophes inside it, or a punctuation mark; the page has the same rule in ``text.js``."""
TextsLike = str | Sequence[str] | Sequence[Sequence[str]]
"""One text; several of them; or several lists of tokens."""


def cut(text: str, kind: TokenKind, *, piece: bool = False) -> Sequence[str]:
    """The tokens of a text; a text of whitespace has none.

    Args:
        text: the text.
        kind: characters; words, as whitespace parts them; or plain words, in lower case and apart from punctuation.
        piece: whether this is a piece of a text, from a stream: whitespace at its ends may be inside the text, so it
            is kept.
    """
    if kind == "words":
        return text.split()
    if kind == "plain-words":
        return _PLAIN_WORD.findall(text.lower())
    return text if piece else text.strip()  # a str is the sequence of its characters


def tokens_of(item: object, kind: TokenKind, name: str, *, piece: bool = False) -> Sequence[str]:
    """The tokens of a text; a list of tokens stays as it is.

    Args:
        item: the text, or the list.
        kind, piece: see `cut`.
        name: of the text, for messages.
    Raises:
        MismatchError: for anything else.
    """
    if isinstance(item, str):
        return cut(item, kind, piece=piece)
    tokens: list[str] = []
    for token in item if isinstance(item, Iterable) else [item]:
        if not isinstance(token, str):
            raise MismatchError(
                f"{name} holds {type(token).__name__}; expected a text, or a list of its tokens: the model reads text."
            )
        tokens.append(token)
    return tokens


def guess_kind(texts: Iterable[str]) -> TokenKind:
    """Words if most texts have spaces between other characters; otherwise characters."""
    spaced = [" " in text.strip() for text in texts]
    return "words" if 2 * sum(spaced) > len(spaced) else "characters"


class Coder:
    """Turns texts into codes, a few texts at a time, in four bytes a token."""

    def __init__(self, kind: TokenKind) -> None:
        self.kind = kind
        self._found: dict[str, int] = {}
        self._codes: list[npt.NDArray[np.int32]] = []
        self._lengths: list[int] = []

    def add(self, texts: Sequence[object]) -> None:
        """Adds texts, or lists of tokens.

        Raises:
            MismatchError: for anything but texts.
            LengthError: for a text without a token.
        """
        first = len(self._lengths)
        tokens = [tokens_of(text, self.kind, f"text {number}") for number, text in enumerate(texts, first)]
        lengths = list(map(len, tokens))
        if 0 in lengths:
            raise LengthError(f"text {first + lengths.index(0)} is empty; remove it, or give it at least one token.")
        self._lengths += lengths
        if all(isinstance(item, str) for item in tokens):  # characters: thirty times as fast
            points = np.frombuffer("".join(tokens).encode("utf-32-le", "surrogatepass"), np.uint32)  # type: ignore[arg-type]
            table = np.zeros(points.max() + 1, np.int32)
            table[points] = 1
            present = np.flatnonzero(table)
            table[present] = self._numbers(map(chr, present.tolist()), len(present))
            self._codes.append(table[points])
        else:
            self._codes.append(self._numbers((token for item in tokens for token in item), sum(lengths)))

    def coded(self) -> tuple[npt.NDArray[np.int32], list[int], list[str]]:
        """The codes of all texts so far, [S, 1], their lengths, and the symbols of the codes in sorted order."""
        symbols = sorted(self._found)
        place = np.empty(len(symbols), np.int32)
        place[[self._found[symbol] for symbol in symbols]] = np.arange(len(symbols), dtype=np.int32)
        codes = np.concatenate(self._codes)
        self._codes.clear()
        return place[codes][:, None], self._lengths, symbols

    def _numbers(self, tokens: Iterable[str], count: int) -> npt.NDArray[np.int32]:
        """The number of each token, in the order of first appearance."""
        return np.fromiter((self._found.setdefault(token, len(self._found)) for token in tokens), np.int32, count)
