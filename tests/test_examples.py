"""The few sequences that travel with a model: which ones, how many, and that they come back as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from unrolled.data.sequences import Sequences
from unrolled.errors import ModelFolderError
from unrolled.examples import MAX_VALUES, choose_examples, dump_examples, parse_examples
from unrolled.experiment import Run, train
from unrolled.model import load


def labelled(lengths: list[int], labels: list[str]) -> Sequences:
    rng = np.random.default_rng(0)
    return Sequences.from_list([rng.normal(size=(length, 2)) for length in lengths], labels)


def test_each_class_is_shown_before_any_is_shown_twice() -> None:
    sequences = labelled([3, 4, 5, 6, 7], ["b", "b", "a", "c", "a"])
    assert [example.label for example in choose_examples(sequences, 4)] == ["a", "b", "c", "a"]


def test_values_come_back_to_the_last_bit() -> None:
    sequences = labelled([3, 9], ["a", "b"])
    back = parse_examples(dump_examples(choose_examples(sequences, 2)))
    for index, example in enumerate(back):
        np.testing.assert_array_equal(np.array(example.sequence, np.float32), sequences.scaled(index))


def test_missing_values_are_null() -> None:
    sequences = Sequences.from_list([np.array([[1.0], [np.nan]])], ["a"])
    assert choose_examples(sequences, 1)[0].sequence == [[1.0], [None]]
    assert b"NaN" not in dump_examples(choose_examples(sequences, 1))


def test_long_sequences_do_not_swell_the_folder() -> None:
    sequences = labelled([MAX_VALUES, 5], ["a", "b"])
    assert [example.label for example in choose_examples(sequences, 2)] == ["b"]


def test_a_model_folder_keeps_its_examples(digits_run: Run) -> None:
    examples = load(digits_run.folder.path).examples
    assert [example.label for example in examples] == [str(digit) for digit in range(10)]
    assert np.array(examples[0].sequence).shape == (8, 8)
    assert 0.9 < max(max(row) for row in np.array(examples[3].sequence)) <= 1.0


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    run = train("digits", runs=tmp_path, max_epochs=1, hidden_size=4, examples=0)
    assert not (run.folder.model / "examples.json").exists()
    assert load(run.folder.path).examples == ()


@pytest.mark.parametrize("content", [b"", b'{"examples": []}', None])
def test_damaged_examples_are_noticed(digits_run: Run, tmp_path: Path, content: bytes | None) -> None:
    folder = digits_run.model.save(tmp_path / "model")
    assert json.loads((folder / "examples.json").read_bytes())["examples"]
    if content is None:
        (folder / "examples.json").unlink()
    else:
        (folder / "examples.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"examples\.json"):
        load(folder)
