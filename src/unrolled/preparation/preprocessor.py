"""`Preprocessor`: what is done to every sequence before it is batched, in training and ever after.

What becomes of values is the network's own affair: see `unrolled.preparation.preparing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from unrolled.config import DataConfig, KeptSteps, TokenKind
from unrolled.data import Dataset, Sequences, parse_literal, token_kind, tokens_of
from unrolled.errors import DataError, LengthError
from unrolled.preparation.length import truncated
from unrolled.preparation.vocabulary import UNKNOWN, Vocabulary, encoded, known, learn_vocabulary


@dataclass(frozen=True)
class Preprocessor:
    """Texts in the codes of the vocabulary, then long sequences cut; learned by `learn_preprocessor`.

    Attributes:
        max_length: steps that are kept of a longer sequence; None for all.
        keep_steps: which ones.
        vocabulary: of text, the tokens of the training data, the most frequent first; token n has the
            code n + 1. None for numbers.
        tokens: of text, what a token is.
    """

    max_length: int | None = None
    keep_steps: KeptSteps = "first"
    vocabulary: Vocabulary | None = None
    tokens: TokenKind = "characters"

    def __call__(self, sequences: Sequences) -> Sequences:
        """The sequences as they are batched. Doing it twice changes nothing."""
        coded = sequences if self.vocabulary is None else encoded(sequences, self.vocabulary)
        return truncated(coded, self.max_length, self.keep_steps)

    def dataset(self, dataset: Dataset) -> Dataset:
        """All parts of a data set as they are batched."""
        return replace(
            dataset,
            train=self(dataset.train),
            validation=None if dataset.validation is None else self(dataset.validation),
            test=None if dataset.test is None else self(dataset.test),
        )

    def cut(self, item: object, name: str = "the text", *, piece: bool = False) -> list[str]:
        """The tokens of a text as the network is given them, at least one; a list of tokens is taken as it is.

        Args:
            item: the text, or the list.
            name: of the text, for messages.
            piece: whether more of the text may stand before and behind it; see `unrolled.data.tokens`.
        Raises:
            MismatchError: for what is no text.
            LengthError: for a text without a token.
        """
        tokens = list(tokens_of(item, self.tokens, name, piece=piece))
        if isinstance(item, str):
            tokens = known(tokens, self.vocabulary or ())
        if not tokens:
            raise LengthError(f"{name} is empty; remove it, or give it at least one of its {self.tokens}.")
        return tokens

    def from_texts(self, texts: Iterable[object], *, piece: bool = False) -> Sequences:
        """Texts, or lists of tokens, in the codes of the vocabulary, one a sequence.

        Args:
            texts: see `TextsLike`.
            piece: see `cut`.
        Raises:
            MismatchError, LengthError: see `cut`.
            DataError: where there are no texts.
        """
        items = [texts] if isinstance(texts, str) else list(texts)
        if not items:
            raise DataError("there are no texts; expected at least one.")
        rows = [self.cut(item, f"text {index}", piece=piece) for index, item in enumerate(items)]
        codes = np.array([self._codes.get(token, 0) for row in rows for token in row], np.int32)
        return Sequences.from_steps(codes[:, None], list(map(len, rows)), channels=["text"], symbols=self._symbols)

    def parse(self, text: str, channels: int) -> Sequences:
        """One sequence from how a person types it: of text, the text itself; otherwise see `parse_literal`.

        Raises:
            DataError: naming what is wrong in it.
        """
        return parse_literal(text, channels) if self.vocabulary is None else self.from_texts([text])

    @cached_property
    def _symbols(self) -> tuple[str, ...]:
        return (UNKNOWN, *(self.vocabulary or ()))

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {symbol: code for code, symbol in enumerate(self._symbols)}


def learn_preprocessor(train: Sequences, config: DataConfig) -> Preprocessor:
    """What the data section asks for, with the vocabulary of the training sequences, and of nothing else."""
    bare = Preprocessor(config.max_length, config.keep_steps)
    if train.symbols is None:
        return bare
    return replace(bare, vocabulary=learn_vocabulary(bare(train)), tokens=config.tokens or token_kind(train.symbols))
