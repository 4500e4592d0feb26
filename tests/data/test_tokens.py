"""Texts are cut into characters or words by one rule, some at a time or all at once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.data.sequences import Sequences, coded_texts, from_texts
from unrolled.data.tokens import Coder, cut, guess_kind
from unrolled.errors import DataError, LengthError, MismatchError


def spelled(found: Sequences) -> list[list[str]]:
    assert found.symbols is not None
    return [[found.symbols[code] for code in row[:, 0].tolist()] for row in found]


@pytest.mark.parametrize(
    ("texts", "kind", "expected"),
    [
        ("0110", "characters", [["0", "1", "1", "0"]]),
        ([" ab\t", "a b"], "characters", [["a", "b"], ["a", " ", "b"]]),
        (["so  it", "is"], "words", [["so", "it"], ["is"]]),
        ([["so", "it"], ["is"]], "words", [["so", "it"], ["is"]]),
        ([["so", " "], "is"], "characters", [["so", " "], ["i", "s"]]),
        (["größe"], "characters", [["g", "r", "ö", "ß", "e"]]),
        (["a\U0001f600\ud800"], "characters", [["a", "\U0001f600", "\ud800"]]),
    ],
)
def test_texts_are_cut_into_tokens(texts, kind, expected) -> None:
    assert spelled(from_texts(texts, kind)) == expected


def test_whitespace_at_the_ends_of_a_piece_stays() -> None:
    assert list(cut(" a b ", "characters")) == ["a", " ", "b"]
    assert list(cut(" a b ", "characters", piece=True)) == [" ", "a", " ", "b", " "]
    assert list(cut(" a b ", "words", piece=True)) == ["a", "b"]


def test_what_a_token_is_follows_from_most_of_the_texts() -> None:
    assert guess_kind(["a b", "c d", "e"]) == "words"
    assert guess_kind(["a b", " c", "d "]) == guess_kind(["a b", "c"]) == "characters"
    assert from_texts(["so it", "is"]).symbols == from_texts(["so it", "is"], "characters").symbols
    assert from_texts([["a", "b"]], "words").text_kind == from_texts(["a b"]).text_kind == "words"


@given(
    texts=st.lists(st.text(alphabet="ab \tü\U0001f600", min_size=1).filter(str.strip), min_size=1, max_size=8),
    kind=st.sampled_from(["characters", "words"]),
    data=st.data(),
)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_parts_are_coded_as_the_whole(texts, kind, data) -> None:
    middle = data.draw(st.integers(1, len(texts)))
    coder = Coder(kind)
    for part in (texts[:middle], texts[middle:]):
        if part:
            coder.add(part)
    found = coded_texts(coder)
    assert found.fingerprint == from_texts(texts, kind).fingerprint
    assert spelled(found) == [text.split() if kind == "words" else list(text.strip()) for text in texts]
    assert found.symbols == tuple(sorted(Counter(token for row in spelled(found) for token in row)))


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(MismatchError, match="text 1 holds float; expected a text"):
        from_texts(["a", [1.0, 2.0]], "characters")
    with pytest.raises(LengthError, match="text 1 is empty"):
        from_texts(["a", " "], "words")
    with pytest.raises(DataError, match="no texts"):
        from_texts([], "words")


def test_plain_words_are_in_lower_case_and_apart_from_punctuation() -> None:
    text = "Don't stop — it's 4.5 km, O'Brien said: \"GO!\" Café_1"
    words = cut(text, "plain-words")
    assert words[:4] == ["don't", "stop", "—", "it's"]
    assert {"o'brien", "go", "!", "café_1", ","} <= set(words)
    assert "".join(words) == "".join(text.lower().split())
