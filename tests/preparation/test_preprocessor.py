"""Between reading and batching: what is cut, and which tokens are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.sequences import Sequences, from_texts
from unrolled.errors import LengthError, MismatchError
from unrolled.preparation.length import late_windows, truncated
from unrolled.preparation.preprocessor import Preprocessor, learn_preprocessor
from unrolled.preparation.vocabulary import encoded, learn_vocabulary


def ragged(lengths: list[int]) -> Sequences:
    """Step t of sequence n holds 100·n + t."""
    return Sequences.from_list([100 * number + np.arange(length) for number, length in enumerate(lengths)])


def spelled(sequences: Sequences) -> list[str]:
    assert sequences.symbols is not None
    return ["".join(sequences.symbols[code] or "?" for code in row[:, 0].tolist()) for row in sequences]


@pytest.mark.parametrize("keep", ["first", "last"])
def test_long_sequences_are_cut_without_a_copy(keep) -> None:
    whole = ragged([2, 5, 3, 9])
    cut = truncated(whole, 3, keep)
    chosen = slice(None, 3) if keep == "first" else slice(-3, None)
    for own, short in zip(whole, cut, strict=True):
        assert own[chosen].tolist() == short.tolist()
    assert np.shares_memory(cut.values, whole.values)
    assert truncated(cut, 3, keep) is cut
    assert truncated(whole, None, keep) is whole


def test_the_windows_of_longer_prefixes_come_in_their_order() -> None:
    windows = late_windows(ragged([2, 5, 3, 4]), 3)
    assert [row[:, 0].tolist() for row in windows] == [[101, 102, 103], [102, 103, 104], [301, 302, 303]]


def test_the_vocabulary_is_that_of_the_training_sequences_the_most_frequent_first() -> None:
    whole = from_texts(["abba", "bcb", "zz"], "characters")
    train = whole.take(slice(0, 2))
    assert whole.symbols == ("a", "b", "c", "z")
    assert learn_vocabulary(train) == ("b", "a", "c")
    preprocessor = learn_preprocessor(train, DataConfig())
    assert spelled(preprocessor(whole)) == ["abba", "bcb", "??"]
    assert preprocessor(preprocessor(whole)) is not whole
    assert learn_preprocessor(preprocessor(train), DataConfig()) == preprocessor


def test_only_steps_that_are_kept_are_learned_from() -> None:
    preprocessor = learn_preprocessor(from_texts(["aaz", "bby"], "characters"), DataConfig(max_length=2))
    assert preprocessor == Preprocessor(2, "first", ("a", "b"))
    assert spelled(preprocessor(from_texts(["zab", "b"], "characters"))) == ["?a", "b"]


def test_codes_do_not_depend_on_the_file_they_come_from() -> None:
    vocabulary = ("x", "y")
    one, other = (encoded(from_texts(texts, "characters"), vocabulary) for texts in (["xy"], ["axy", "xy"]))
    assert one[0].tolist() == other[1].tolist() == [[1], [2]]


def test_whitespace_that_was_not_learned_is_passed_over() -> None:
    bits, spaced = Preprocessor(vocabulary=("0", "1")), Preprocessor(vocabulary=("0", "1", " "))
    read = from_texts(["01 10", " 1", "0\t0"], "characters")  # as a file gives them
    assert spelled(bits(read)) == ["0110", "1", "00"] == spelled(bits.from_texts(["01 10", " 1", "0\t0"]))
    assert spelled(spaced(read)) == ["01 10", "1", "00"] == spelled(spaced.from_texts(["01 10", " 1", "0\t0"]))
    assert bits(read).take(np.array([2, 0])).lengths.tolist() == [2, 4]
    assert spelled(bits(read.take(np.array([2, 0])))) == ["00", "0110"]
    assert spelled(replace(bits, max_length=3)(read)) == ["011", "1", "00"]


def test_a_text_without_a_token_is_refused() -> None:
    with pytest.raises(LengthError, match="text 1 is empty"):
        Preprocessor(vocabulary=("a",)).from_texts(["a", " "])
    with pytest.raises(LengthError, match="the text is empty"):
        Preprocessor(vocabulary=("a",)).cut(" ", piece=True)
    assert Preprocessor(vocabulary=("a", " ")).cut(" ", piece=True) == [" "]
    with pytest.raises(MismatchError, match="text 0 holds float; expected a text"):
        Preprocessor(vocabulary=("a",)).from_texts([[1.0, 2.0]])
