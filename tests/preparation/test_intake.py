"""Between reading and batching: what is cut, and which tokens are known."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.config import DataConfig
from unrolled.data.coercion import from_texts, token_kind
from unrolled.data.sequences import Sequences
from unrolled.errors import LengthError, MismatchError
from unrolled.preparation.intake import Intake, encoded, late_windows, learn_intake, learn_vocabulary, truncated


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
    intake = learn_intake(train, DataConfig())
    assert spelled(intake(whole)) == ["abba", "bcb", "??"]
    assert intake(intake(whole)) is not whole
    assert learn_intake(intake(train), DataConfig()) == intake


def test_only_steps_that_are_kept_are_learned_from() -> None:
    intake = learn_intake(from_texts(["aaz", "bby"], "characters"), DataConfig(max_length=2))
    assert intake == Intake(2, "first", ("a", "b"))
    assert spelled(intake(from_texts(["zab", "b"], "characters"))) == ["?a", "b"]


def test_codes_do_not_depend_on_the_file_they_come_from() -> None:
    vocabulary = ("x", "y")
    one, other = (encoded(from_texts(texts, "characters"), vocabulary) for texts in (["xy"], ["axy", "xy"]))
    assert one[0].tolist() == other[1].tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("texts", "kind", "expected"),
    [
        ("0110", "characters", [["0", "1", "1", "0"]]),
        (["ab", "a b"], "characters", [["a", "b"], ["a", "b"]]),
        (["so  it", "is"], "words", [["so", "it"], ["is"]]),
        ([["so", "it"], ["is"]], "words", [["so", "it"], ["is"]]),
        (["größe"], "characters", [["g", "r", "ö", "ß", "e"]]),
    ],
)
def test_texts_are_taken_apart(texts, kind, expected) -> None:
    found = from_texts([texts] if isinstance(texts, str) else texts, kind)
    assert found.symbols is not None
    assert [[found.symbols[code] for code in row[:, 0].tolist()] for row in found] == expected


def test_spaces_count_where_they_were_learned() -> None:
    assert from_texts(["a b"], "characters", known=("a", "b", " ")).lengths.tolist() == [3]
    assert token_kind(("a", "b")) == "characters"
    assert token_kind(("a", "bc")) == "words"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(MismatchError, match="text 1 holds float; expected a text"):
        from_texts(["a", [1.0, 2.0]], "characters")
    with pytest.raises(LengthError, match="text 0 is empty"):
        from_texts([" "], "words")
