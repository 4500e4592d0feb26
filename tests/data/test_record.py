"""The hash of a sequence's content: the same wherever the sequence stands, another for another content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data import record
from unrolled.data.dataset import Dataset
from unrolled.data.record import DatasetRecord, content_hashes
from unrolled.data.sequences import Sequences, from_texts


def random(seed: int, cases: int = 40, channels: int = 2) -> Sequences:
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(int(length), channels)) for length in rng.integers(1, 9, cases)]
    return Sequences.from_list(rows, rng.integers(0, 3, cases), classes=["0", "1", "2"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 3))
def test_a_hash_goes_with_its_sequence_wherever_it_stands(seed: int, cases: int, channels: int) -> None:
    whole = random(seed, cases, channels)
    hashes = content_hashes(whole)
    order = np.random.default_rng(seed).permutation(cases)
    assert (content_hashes(whole.take(order)) == hashes[order]).all()
    assert (content_hashes(replace(whole, labels=None, ids=None)) == hashes).all()
    assert content_hashes(whole.take(slice(0, 1)))[0] == hashes[0]
    assert len(set(hashes.tolist())) == cases


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_a_hash_does_not_depend_on_how_much_is_read_at_a_time(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = from_texts(["abc", "a", "cabbage"], "characters")
    expected = content_hashes(random(0)), content_hashes(texts)
    monkeypatch.setattr("unrolled.data.sequences.BLOCK_STEPS", chunk)
    monkeypatch.setattr(record, "BLOCK_STEPS", chunk)
    assert (content_hashes(random(0)) == expected[0]).all()
    assert (content_hashes(texts) == expected[1]).all()


def test_another_value_order_or_shape_is_another_content() -> None:
    rows = [[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]], [[3.0, 4.0], [1.0, 2.0]], [[1.0, 2.0]]]
    flat = Sequences.from_list([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0]])
    hashes = [*content_hashes(Sequences.from_list(rows)), *content_hashes(flat)]
    assert len(set(hashes)) == 6


def test_the_same_numbers_are_the_same_content_whatever_they_are_stored_as() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    stored = replace(Sequences.from_array(pixels), scale=1 / 255)
    real = Sequences.from_array(pixels.astype(np.float32) * np.float32(1 / 255))
    assert (content_hashes(stored) == content_hashes(real)).all()
    signs = Sequences.from_list([[0.0, np.nan], [-0.0, -np.nan]])
    assert len(set(content_hashes(signs).tolist())) == 1


def test_a_text_is_its_tokens_whatever_other_texts_there_are() -> None:
    some, others = from_texts(["abc", "bb"], "characters"), from_texts(["zabc", "bb", "abc"], "characters")
    assert content_hashes(some).tolist() == content_hashes(others)[[2, 1]].tolist()
    words = from_texts(["ab c"], "words"), from_texts(["a bc"], "words")
    assert content_hashes(words[0]) != content_hashes(words[1])


def test_a_record_holds_each_part_in_nine_bytes_a_sequence() -> None:
    whole = random(0, 90)
    dataset = Dataset("x", whole.take(slice(0, 60)), None, whole.take(slice(60, 90)))
    made = dataset.record
    assert sum(array.nbytes for array in made.arrays().values()) == 9 * 90
    assert sorted(content_hashes(dataset.train).tolist()) == made.train.hashes.tolist()
    again = DatasetRecord.from_arrays(made.arrays())
    assert (again.test.hashes == made.test.hashes).all()
    assert (again.test.labels == made.test.labels).all()
