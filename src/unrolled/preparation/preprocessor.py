"""`Preprocessor`: encodes texts and cuts long sequences before they are batched, in training and in predictions.

The network itself prepares values: see `unrolled.preparation.preparing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from unrolled.config import DataConfig, KeptSteps, TokenKind
from unrolled.data import Dataset, Sequences, parse_literal, tokens_of
from unrolled.errors import DataError, LengthError
from unrolled.preparation.length import truncated
from unrolled.preparation.vocabulary import UNKNOWN, Vocabulary, encoded, known, learn_vocabulary


@dataclass(frozen=True)
class Preprocessor:
    """Encodes texts by a vocabulary, then cuts long sequences; made by `learn_preprocessor`.

    Attributes:
        max_length: most steps of a sequence; None for no limit.
        keep_steps: which steps of a longer sequence are kept.
        vocabulary: for text, the tokens of the training data, the most frequent first; token n has the
            code n + 1. None for numbers.
        tokens: for text, characters or words.
    """

    max_length: int | None = None
    keep_steps: KeptSteps = "first"
    vocabulary: Vocabulary | None = None
    tokens: TokenKind = "characters"

    def __call__(self, sequences: Sequences) -> Sequences:
        """The sequences as they are batched; a second call changes nothing."""
        coded = sequences if self.vocabulary is None else encoded(sequences, self.vocabulary)
        return truncated(coded, self.max_length, self.keep_steps)

    def dataset(self, dataset: Dataset) -> Dataset:
        """All parts of a data set as they are batched."""
        return dataset.each(self)

    def cut(self, item: object, name: str = "the text", *, piece: bool = False) -> list[str]:
        """The tokens of a text that the network reads, at least one; a list of tokens stays as it is.

        Args:
            item: the text, or the list.
            name: of the text, for messages.
            piece: whether this is a piece of a text; see `unrolled.data.tokens`.
        Raises:
            MismatchError: for anything but a text.
            LengthError: for a text without a token.
        """
        tokens = list(tokens_of(item, self.tokens, name, piece=piece))
        if isinstance(item, str):
            tokens = known(tokens, self.vocabulary or ())
        if not tokens:
            raise LengthError(f"{name} is empty; remove it, or give it at least one of its {self.tokens}.")
        return tokens

    def from_texts(self, texts: Iterable[object], *, piece: bool = False) -> Sequences:
        """Texts, or lists of tokens, in the codes of the vocabulary.

        Args:
            texts: see `TextsLike`.
            piece: see `cut`.
        Raises:
            MismatchError, LengthError: see `cut`.
            DataError: if there are no texts.
        """
        items = [texts] if isinstance(texts, str) else list(texts)
        if not items:
            raise DataError("there are no texts; expected at least one.")
        rows = [self.cut(item, f"text {index}", piece=piece) for index, item in enumerate(items)]
        codes = np.array([self._codes.get(token, 0) for row in rows for token in row], np.int32)
        return Sequences.from_steps(codes[:, None], list(map(len, rows)), channels=["text"], symbols=self._symbols)

    def parse(self, text: str, channels: int) -> Sequences:
        """One sequence as a person types it: a text itself; numbers as for `parse_literal`.

        Raises:
            DataError: as `parse_literal` and `from_texts`.
        """
        return parse_literal(text, channels) if self.vocabulary is None else self.from_texts([text])

    @cached_property
    def _symbols(self) -> tuple[str, ...]:
        return (UNKNOWN, *(self.vocabulary or ()))

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {symbol: code for code, symbol in enumerate(self._symbols)}


def learn_preprocessor(train: Sequences, config: DataConfig) -> Preprocessor:
    """The preprocessor that the data section asks for, with the vocabulary of the training sequences alone.

    A model of windows reads the last window of a longer sequence, and so follows a stream that never ends.
    """
    bare = Preprocessor(config.max_length, config.keep_steps)
    if train.cut is not None:
        bare = Preprocessor(train.cut.rule.steps, "last")
    if train.text_kind is None:
        return bare
    return replace(bare, vocabulary=learn_vocabulary(bare(train)), tokens=config.tokens or train.text_kind)
