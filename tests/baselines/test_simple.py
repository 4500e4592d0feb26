"""The simple classifiers, beside scikit-learn's own answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from unrolled.baselines import simple
from unrolled.baselines.features import summaries
from unrolled.baselines.kinds import KINDS
from unrolled.baselines.simple import Baselines, Regression
from unrolled.config import DataConfig, TokenKind
from unrolled.data.sequences import Sequences, from_texts
from unrolled.preparation.preprocessor import learn_preprocessor

RANDOM = np.random.default_rng(0)


def fit(train: Sequences) -> Baselines:
    """Of sequences that no preparation changes."""
    return simple.fit_baselines(train)


def regression(train: Sequences, features: str) -> Regression:
    (found,) = [one for one in fit(train).regressions if one.features == features]
    return found


def predicted(found: Regression, sequences: Sequences) -> np.ndarray[Any, Any]:
    answers = found.answers(sequences, sequences)
    assert answers.judged.all()
    return answers.predicted


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
    found = regression(train, "flattened")
    scaler = StandardScaler().fit(table(train).astype(np.float64))
    expected = LogisticRegression(max_iter=200).fit(scaler.transform(table(train)), train.targets)
    assert (predicted(found, test) == expected.predict(scaler.transform(table(test)))).all()
    assert (found.length, found.cases) == (3, 150)
    assert found.weights.dtype == np.float64


def test_the_majority_is_the_most_frequent_training_class() -> None:
    sequences = Sequences.from_list([[0.0, 1.0]] * 6, ["b", "a", "c", "b", "c", "c"])
    assert fit(sequences).answers(sequences).majority.tolist() == [2] * 6


@pytest.mark.parametrize(
    ("steps", "channels", "expected"), [(20, 2, 15), (7, 2, 15), (5, 20, 7), (5, 40, 3), (5, 999, 1)]
)
def test_bands_are_figures_of_the_whole_and_of_its_parts(steps: int, channels: int, expected: int) -> None:
    """Beside NumPy, part by part; the more channels, the fewer parts."""
    rows = RANDOM.normal(size=(5, steps, channels))
    kind = KINDS["bands"]
    train = Sequences.from_array(rows.astype(np.float32), [0, 1, 0, 1, 0])
    width = kind.width(train)
    assert width == 9 * channels * expected + 1
    (found,) = kind.blocks(train, width)
    figures, first = found[:, :-1].reshape(5, expected, 9, channels), train.scaled(3).astype(np.float64)
    halves = [first, first[: steps // 2], first[steps // 2 :]][:expected]
    for part, values in enumerate(halves):
        following = first[: steps // 2 + 1] if part == 1 else values  # the step into the next part is a change, too
        changes = np.diff(following, axis=0)
        wanted = [values.mean(0), values.std(0), values.min(0), values.max(0), np.abs(changes).mean(0), changes.std(0)]
        np.testing.assert_allclose(figures[3, part][[0, 1, 2, 6, 7, 8]], wanted, rtol=1e-9, atol=1e-12)
        quartiles = np.quantile(values, [0.25, 0.5, 0.75], axis=0, method="nearest")
        if len(values) % 2:  # at half a rank NumPy goes up or down by a rule of its own
            np.testing.assert_allclose(figures[3, part][4], quartiles[1])
    assert (found[:, -1] == steps).all()


def test_bands_of_ragged_sequences_are_those_of_each_alone() -> None:
    rows = [RANDOM.normal(size=(length, 2)) for length in (1, 9, 4, 9, 30, 600)]
    kind, together = KINDS["bands"], Sequences.from_list(rows)
    (found,) = kind.blocks(together, 9 * 2 * 15 + 1)
    for index in range(len(rows)):
        (alone,) = kind.blocks(together.take(slice(index, index + 1)), 9 * 2 * 15 + 1)
        np.testing.assert_array_equal(alone[0], found[index])


def test_what_all_values_hide_the_bands_show() -> None:
    """A burst anywhere in a half: no single value tells, the spread of the halves does."""
    labels = np.arange(200) % 2
    rows = RANDOM.normal(0, 0.1, (200, 64, 1))
    for row, label in zip(rows, labels, strict=True):
        first = 32 * label + RANDOM.integers(0, 24)
        row[first : first + 8] += RANDOM.choice([-2, 2], (8, 1))
    train, test = (Sequences.from_array(rows[part], labels[part]) for part in (slice(0, 100), slice(100, 200)))
    right = {one.features: (predicted(one, test) == test.targets).mean() for one in fit(train).regressions}
    assert right["bands"] > 0.95
    assert right["flattened"] < 0.8


def test_a_regression_on_all_values_judges_sequences_of_its_length_only() -> None:
    train, test = blobs(150, 3), blobs(40, 3)
    found = regression(train, "flattened")
    odd = Sequences.from_list([*test, np.zeros((2, 2)), np.zeros((4, 2))])
    answers = found.answers(odd, odd)
    assert answers.judged.tolist() == [True] * 40 + [False] * 2
    assert (answers.predicted[:40] == predicted(found, test)).all()
    plain = Baselines(2, (found,)).predict(odd)
    assert plain.tolist() == [*answers.predicted[:40].tolist(), 2, 2]


def test_long_and_ragged_sequences_have_bands_alone() -> None:
    ragged = Sequences.from_list([[1.0], [2.0, 3.0]], ["a", "b"])
    for train in (blobs(30, 2, steps=600), ragged):
        assert [one.features for one in fit(train).regressions] == ["bands"]


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


def test_of_many_sequences_a_seeded_part_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple, "MOST_VALUES", 6 * 50)
    train = blobs(80, 2)
    one, two = regression(train, "flattened"), regression(train, "flattened")
    assert one.cases == 50
    np.testing.assert_array_equal(one.weights, two.weights)
    other = simple.fit_baselines(train, seed=1).regressions[0]
    assert not np.array_equal(other.weights, one.weights)


def test_a_class_that_is_absent_is_never_said() -> None:
    for present in ([0, 2], [1, 3, 4]):
        labels = np.array(present)[np.arange(30) % len(present)]
        values = RANDOM.normal(labels[:, None], 0.1, (30, 2))
        train = Sequences.from_array(values, labels, classes=list("01234"))
        for one in fit(train).regressions:
            assert set(predicted(one, train)) == set(present)
            assert (predicted(one, train) == labels).mean() > 0.9


def test_one_class_alone_is_always_said() -> None:
    train = Sequences.from_list([[1.0], [2.0]], ["a", "a"], classes=["b", "a"])
    for one in fit(train).regressions:
        assert predicted(one, train).tolist() == [1, 1]


def test_constant_features_teach_nothing_and_break_nothing() -> None:
    values = RANDOM.normal(size=(1000, 2, 2)).astype(np.float32)
    values[:, 0, 0] = 0.1
    labels = (values[:, 1, 1] > 0).astype(int)
    found = fit(Sequences.from_array(values, labels)).regressions
    values[:, 0, 0] = 0.2  # now another constant
    for one in found:
        assert (predicted(one, Sequences.from_array(values, labels)) == labels).mean() > 0.95


def test_bytes_count_in_their_real_unit() -> None:
    values = RANDOM.integers(0, 256, (40, 3)).astype(np.uint8)
    train = Sequences.from_steps(values.reshape(-1, 1), np.full(40, 3), np.arange(40) % 2, scale=1 / 255)
    np.testing.assert_allclose(regression(train, "flattened").mean, (values / 255).mean(0), rtol=1e-12)


@pytest.mark.parametrize("lengths", [[5] * 60, [5, 6] * 30], ids=["equal", "ragged"])
def test_missing_values_do_not_count_and_hide_nothing_else(lengths: list[int]) -> None:
    labels = np.arange(60) % 2
    rows = [RANDOM.normal(4 * label, 1, (length, 2)) for label, length in zip(labels, lengths, strict=True)]
    holes = [np.where(RANDOM.random(row.shape) < 0.3, np.nan, row) for row in rows]
    holes[7][:, 1] = np.nan
    for one in fit(Sequences.from_list(holes, labels)).regressions:
        assert np.isfinite(one.weights).all()
        assert (predicted(one, Sequences.from_list(holes, labels)) == labels).mean() > 0.9


@pytest.mark.parametrize("kind", ["characters", "words"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_text_is_its_runs_of_letters_as_scikit_learn_weighs_them(kind: TokenKind, classes: int) -> None:
    between = " " if kind == "words" else ""
    texts = [between.join(RANDOM.choice(["a", "b", "cc", "Dab"], RANDOM.integers(1, 9))) for _ in range(90)]
    labels = np.array([text.count("a") % classes for text in texts])
    raw = replace(from_texts(texts, kind), labels=labels, classes=tuple("012"[:classes]))
    learned, test = raw.take(slice(0, 60)), raw.take(slice(60, 90))
    preprocessor = learn_preprocessor(learned, DataConfig())
    found = simple.fit_baselines(preprocessor(learned), learned).regressions[1]
    weigh = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    marked = [f"\x02{text}\x03" for text in texts]
    X = weigh.fit_transform(marked[:60])
    expected = OneVsRestClassifier(LogisticRegression(C=10, solver="liblinear")).fit(X, labels[:60])
    scores = expected.decision_function(weigh.transform(marked[60:]))
    answers = found.answers(preprocessor(test), test)
    agree = answers.predicted == (scores.argmax(1) if classes > 2 else scores > 0)
    assert agree.mean() > 0.95  # two of the columns of this may be one of ours


def test_what_a_model_does_not_know_of_a_text_the_runs_of_letters_know() -> None:
    """Words that were never seen: the network reads one unknown token, the baseline their letters."""
    texts = [f"{RANDOM.integers(1e6)}{'xx' if index % 2 else 'yy'} and" for index in range(80)]
    raw = replace(from_texts(texts, "words"), labels=np.arange(80) % 2, classes=("x", "y"))
    preprocessor = learn_preprocessor(raw.take(slice(0, 40)), DataConfig())
    learned = raw.take(slice(0, 40))
    found = simple.fit_baselines(preprocessor(learned), learned).regressions[1]
    test = raw.take(slice(40, 80))
    assert (found.answers(preprocessor(test), test).predicted == test.targets).all()


def test_a_text_is_its_numbers_of_tokens_as_scikit_learn_counts_them() -> None:
    texts = ["".join(RANDOM.choice(list("abc"), RANDOM.integers(1, 9))) for _ in range(50)]
    labels = np.array([text.count("a") % 2 for text in texts])
    raw = replace(from_texts(texts, "characters"), labels=labels, classes=("even", "odd"))
    preprocessor = learn_preprocessor(raw, DataConfig())
    found = simple.fit_baselines(preprocessor(raw), raw).regressions[0]
    assert found.features == "tokens"
    assert preprocessor.vocabulary is not None
    counts = CountVectorizer(analyzer="char", vocabulary=list(preprocessor.vocabulary)).fit_transform(texts).toarray()
    np.testing.assert_allclose(found.mean, [0, *counts.mean(0)], rtol=1e-12)
    assert (
        len(found.answers(preprocessor(from_texts(["ab", "zz"], "characters")), raw.take(slice(0, 2))).predicted) == 2
    )
