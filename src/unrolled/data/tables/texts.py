"""Text: a sequence of characters, or of words with spaces between.

The values are codes into the symbols, the distinct characters or words of the file in sorted order. Which of
them a network knows is learned from its training data; see `unrolled.preparation.embedding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request
from unrolled.data.sequences import Sequences
from unrolled.data.tables.columns import Roles
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import Kind, Table

Tokens = Literal["characters", "words"]

_CHANNEL = "text"


def read_texts(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences in a table's column of text.

    Raises:
        ReadError: for a row without text, and as `SequenceColumns`.
    """
    column = str(roles.text)
    cases, coder = SequenceColumns(roles), Coder(choose_tokens(table.samples[column].values, request))
    kinds: dict[str, Kind] = {column: "text"}
    for block in table.blocks(kinds | cases.kinds()):
        texts = block.texts(column)
        empty = next((row for row, text in enumerate(texts) if not text.strip()), None)
        if empty is not None:
            raise block.error(empty, f"column {column!r} is empty; a sequence needs at least one step.")
        coder.add(texts)
        cases.add(block)
    return cases.describe(coder.sequences(), request)


def choose_tokens(sample: Sequence[str], request: Request) -> Tokens:
    """What a step is: as the options say, or words where most of the texts have spaces."""
    if request.config.tokens is not None:
        return request.config.tokens
    spaced = sum(" " in text.strip() for text in sample)
    tokens: Tokens = "words" if 2 * spaced > len(sample) else "characters"
    request.note(f"the texts are read as {tokens} (--tokens)")
    return tokens


class Coder:
    """Texts as codes."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._words: dict[str, int] = {}
        self._codes: list[npt.NDArray[np.uint32]] = []
        self._lengths: list[int] = []

    def add(self, texts: Iterable[str]) -> None:
        """Takes in further texts, each with at least one character that is not a space."""
        stripped = [text.strip() for text in texts]
        if self._tokens == "characters":
            self._lengths += map(len, stripped)
            self._codes.append(np.frombuffer("".join(stripped).encode("utf-32-le", "surrogatepass"), np.uint32))
            return
        split = [text.split() for text in stripped]
        self._lengths += map(len, split)
        codes = (self._words.setdefault(word, len(self._words)) for words in split for word in words)
        self._codes.append(np.fromiter(codes, np.uint32))

    def sequences(self) -> Sequences:
        """All texts, with the symbols in sorted order."""
        codes = np.concatenate(self._codes)
        if self._tokens == "characters":
            points = np.unique(codes)
            symbols = [chr(point) for point in points]
            values = np.searchsorted(points, codes).astype(np.int32)
        else:
            symbols = sorted(self._words)
            place = np.empty(len(symbols), np.int32)
            place[[self._words[word] for word in symbols]] = np.arange(len(symbols), dtype=np.int32)
            values = place[codes]
        return Sequences.from_steps(values[:, None], self._lengths, channels=[_CHANNEL], symbols=symbols)
