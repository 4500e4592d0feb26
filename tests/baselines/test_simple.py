"""The simple classifiers, beside scikit-learn's own answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from unrolled.baselines.features import summaries
from unrolled.baselines.simple import MAX_SEQUENCES, fit_baselines
from unrolled.config import DataConfig
from unrolled.data.sequences import Sequences, from_texts
from unrolled.preparation.preprocessor import learn_preprocessor

RANDOM = np.random.default_rng(0)


def blobs(count: int, classes: int, steps: int = 3, channels: int = 2, offset: float = 0.0) -> Sequences:
    labels = RANDOM.integers(0, classes, count)
    values = RANDOM.normal(labels[:, None, None] + offset, 1.0, (count, steps, channels))
    return Sequences.from_array(values, labels, classes=[str(number) for number in range(classes)])


def table(sequences: Sequences) -> np.ndarray[Any, Any]:
    return np.stack([sequences.scaled(i).reshape(-1) for i in range(len(sequences))])


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("offset", [0.0, 500.0])
def test_the_regression_says_what_scikit_learn_says_on_the_same_features(classes: int, offset: float) -> None:
    train, test = blobs(150, classes, offset=offset), blobs(80, classes, offset=offset)
    found = fit_baselines(train)
    scaler = StandardScaler().fit(table(train))
    regression = LogisticRegression(max_iter=200).fit(scaler.transform(table(train)), train.targets)
    expected = regression.predict(scaler.transform(table(test)))
    assert (found.predict(test) == expected).mean() >= 0.98  # single against double precision
    assert (found.features, found.length, found.cases) == ("flattened", 3, 150)
    assert found.predict(test).dtype == np.int64


def test_the_majority_is_the_most_frequent_training_class() -> None:
    sequences = Sequences.from_list([[0.0, 1.0]] * 6, ["b", "a", "c", "b", "c", "c"])
    assert fit_baselines(sequences).majority == 2


def test_ragged_sequences_are_summarised_by_statistics_and_length() -> None:
    lengths = RANDOM.integers(1, 9, 60)
    rows = [RANDOM.normal(size=(length, 2)) for length in lengths]
    train = Sequences.from_list(rows, lengths > 4)
    found = fit_baselines(train)
    assert (found.features, found.length) == ("summary", 0)
    assert found.weights.shape == (2, 13)
    features = np.stack(
        [[*r.mean(0), *r.std(0), *r.min(0), *r.max(0), *r[0], *r[-1], len(r)] for r in rows]
    )  # fmt: skip
    np.testing.assert_allclose(found.mean, features.mean(0), rtol=1e-4, atol=1e-6)
    assert (found.predict(train) == train.targets).mean() > 0.95  # the length is among the features


def test_long_sequences_are_summarised_too() -> None:
    found = fit_baselines(blobs(30, 2, steps=600))
    assert found.features == "summary"


def test_sequences_of_another_length_get_the_majority() -> None:
    found = fit_baselines(blobs(50, 3))
    assert set(found.predict(blobs(9, 3, steps=4))) == {found.majority}


def test_a_sequence_of_another_length_changes_no_other_answer() -> None:
    train, test = blobs(150, 3), blobs(40, 3)
    found = fit_baselines(train)
    odd = Sequences.from_list([*test, np.zeros((2, 2)), np.zeros((4, 2))])
    assert (found.predict(odd)[:40] == found.predict(test)).all()
    assert (found.predict(odd)[40:] == found.majority).all()


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("steps", [1_000, 300_000])
def test_an_offset_costs_a_long_recording_nothing(steps: int, missing: bool) -> None:
    values = (10_000.3 + np.sin(np.arange(steps))[:, None] / 10).astype(np.float32)
    if missing:
        values[3] = np.nan
    found = summaries(Sequences.from_list([values]))[0]
    exact = values[~np.isnan(values)].astype(np.float64)
    assert found[0] == pytest.approx(exact.mean(), rel=1e-7)
    assert found[1] == pytest.approx(exact.std(), rel=1e-4)


def test_of_many_sequences_a_seeded_sample_is_used() -> None:
    train = blobs(MAX_SEQUENCES + 500, 2, steps=1, channels=1)
    one, two = fit_baselines(train), fit_baselines(train)
    assert one.cases == MAX_SEQUENCES
    np.testing.assert_array_equal(one.weights, two.weights)
    assert not np.array_equal(fit_baselines(train, seed=1).weights, one.weights)


def test_a_class_that_is_absent_is_never_said() -> None:
    for present in ([0, 2], [1, 3, 4]):
        labels = np.array(present)[np.arange(30) % len(present)]
        values = RANDOM.normal(labels[:, None], 0.1, (30, 2))
        train = Sequences.from_array(values, labels, classes=list("01234"))
        assert set(fit_baselines(train).predict(train)) == set(present)
        assert (fit_baselines(train).predict(train) == labels).mean() > 0.9


def test_one_class_alone_is_always_said() -> None:
    train = Sequences.from_list([[1.0], [2.0]], ["a", "a"], classes=["b", "a"])
    assert fit_baselines(train).predict(train).tolist() == [1, 1]


def test_constant_features_teach_nothing_and_break_nothing() -> None:
    values = RANDOM.normal(size=(1000, 2, 2)).astype(np.float32)
    values[:, 0, 0] = 0.1
    labels = (values[:, 1, 1] > 0).astype(int)
    found = fit_baselines(Sequences.from_array(values, labels))
    values[:, 0, 0] = 0.2  # now another constant
    assert (found.predict(Sequences.from_array(values, labels)) == labels).mean() > 0.95


def test_bytes_count_in_their_real_unit() -> None:
    values = RANDOM.integers(0, 256, (40, 3)).astype(np.uint8)
    train = Sequences.from_steps(values.reshape(-1, 1), np.full(40, 3), np.arange(40) % 2, scale=1 / 255)
    np.testing.assert_allclose(fit_baselines(train).mean, (values / 255).mean(0), rtol=1e-5)


@pytest.mark.parametrize("lengths", [[5] * 60, [5, 6] * 30], ids=["flattened", "summary"])
def test_missing_values_do_not_count_and_hide_nothing_else(lengths: list[int]) -> None:
    labels = np.arange(60) % 2
    rows = [RANDOM.normal(4 * label, 1, (length, 2)) for label, length in zip(labels, lengths, strict=True)]
    holes = [np.where(RANDOM.random(row.shape) < 0.3, np.nan, row) for row in rows]
    holes[7][:, 1] = np.nan
    found = fit_baselines(Sequences.from_list(holes, labels))
    assert np.isfinite(found.weights).all()
    assert (found.predict(Sequences.from_list(holes, labels)) == labels).mean() > 0.9


def test_a_text_is_its_numbers_of_tokens_as_scikit_learn_counts_them() -> None:
    texts = ["".join(RANDOM.choice(list("abc"), RANDOM.integers(1, 9))) for _ in range(50)]
    labels = np.array([text.count("a") % 2 for text in texts])
    raw = replace(from_texts(texts, "characters"), labels=labels, classes=("even", "odd"))
    preprocessor = learn_preprocessor(raw, DataConfig())
    found = fit_baselines(preprocessor(raw))
    assert found.features == "tokens"
    assert preprocessor.vocabulary is not None
    counts = CountVectorizer(analyzer="char", vocabulary=list(preprocessor.vocabulary)).fit_transform(texts).toarray()
    np.testing.assert_allclose(found.mean, [0, *counts.mean(0)], rtol=1e-5)
    assert len(found.predict(preprocessor(from_texts(["ab", "zz"], "characters")))) == 2
