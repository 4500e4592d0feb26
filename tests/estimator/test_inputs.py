"""The forms of X: frames, tensors, lists; each is read as what it is, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score

import unrolled
from small_problems import quick
from unrolled import SequenceClassifier, Sequences
from unrolled.errors import ConfigError, DataError, LayoutWarning, MismatchError

RNG = np.random.default_rng(0)
Y = np.arange(12) % 2
X = RNG.normal(size=(12, 5, 2)) + Y[:, None, None]
NAMES = ["ax", "ay"]
INDEX = pd.MultiIndex.from_product([range(12), range(5)], names=["instance", "time"])
MULTI = pd.DataFrame(X.reshape(-1, 2), index=INDEX, columns=NAMES)


def nested(cell: Any) -> pd.DataFrame:
    return pd.DataFrame({name: [cell(steps[:, k]) for steps in X] for k, name in enumerate(NAMES)})


FORMS: dict[str, Any] = {
    "a frame indexed by instance and time": MULTI,
    "a long frame": MULTI.reset_index().rename(columns={"instance": "id"}),
    "a nested frame of series": nested(pd.Series),
    "a nested frame of arrays": nested(np.asarray),
    "a list of frames": [pd.DataFrame(steps, columns=NAMES) for steps in X],
    "frames by a group": [group[NAMES] for _, group in MULTI.reset_index().groupby("instance")],
    "frames with their columns in another order": [
        pd.DataFrame(steps, columns=NAMES)[NAMES[:: 1 if index == 0 else -1]] for index, steps in enumerate(X)
    ],
    "a series of frames": pd.Series([pd.DataFrame(steps, columns=NAMES) for steps in X]),
    "a tensor": torch.from_numpy(X).requires_grad_(),
    "a list of tensors": [torch.from_numpy(steps) for steps in X],
    "nested lists": X.tolist(),
}


@pytest.fixture(scope="module")
def expected() -> np.ndarray[Any, Any]:
    return quick().fit(X, Y).predict_proba(X)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_as_the_array_that_it_stands_for(name: str, expected: np.ndarray[Any, Any]) -> None:
    classifier = quick().fit(FORMS[name], Y)
    assert classifier.n_features_in_ == 2
    np.testing.assert_array_equal(classifier.predict_proba(FORMS[name]), expected)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    np.testing.assert_array_equal(classifier.model_.predict_proba(FORMS[name]), expected)


def test_a_fold_of_steps_of_one_row_is_read_like_the_whole() -> None:
    classifier = quick().fit(FORMS["a long frame"], Y)
    one = FORMS["a long frame"].groupby("id").head(1)  # each id once
    np.testing.assert_array_equal(classifier.predict(one), classifier.predict(X[:, :1]))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"ax": X[:, :, 0]}, "found a dict"),
        (MULTI.iloc[::-1], "do not rise"),
        (pd.DataFrame(X[:, :, 0]).assign(id=range(12)), "column 'id'"),
        (pd.DataFrame(X[:, :, 0]).assign(time=range(12)), "column 'time'"),
        (pd.concat({0: MULTI}), "3 levels"),
        (nested(pd.Series).assign(weight=1.0), "column 'weight' holds single values"),
        (
            [pd.DataFrame(X[0], columns=NAMES), pd.DataFrame(X[1], columns=["x", "y"])] * 6,
            "sequence 1 has the channels",
        ),
        ([steps.T[:, : 3 + index % 3] for index, steps in enumerate(X)], "transpose it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_doubtful_is_refused_in_a_sentence(values: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        quick().fit(values, Y)


def test_a_label_a_row_is_refused_for_sequences_of_several() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().fit(MULTI, np.repeat(Y, 5))


def test_channels_in_the_place_of_time_are_said() -> None:
    with pytest.warns(LayoutWarning, match="single step of 5 channels"):
        quick().fit(X[:, :, :1].transpose(0, 2, 1), Y)


def test_named_channels_are_put_in_order_and_further_ones_left_out(tmp_path: Path) -> None:
    frames = [pd.DataFrame(steps, columns=NAMES) for steps in X]
    classifier = quick().fit(frames, Y)
    more = [frame.assign(more=0.0)[["more", "ay", "ax"]] for frame in frames]
    again = SequenceClassifier.load(classifier.save(tmp_path / "model"))
    for one in (classifier, again):
        np.testing.assert_array_equal(one.predict_proba(more), classifier.predict_proba(X))
    with pytest.raises(MismatchError, match="channels"):
        classifier.predict([frame.rename(columns={"ax": "bx"}) for frame in frames])


@pytest.mark.slow
def test_texts_come_in_frames_of_one_column_and_as_lists_of_tokens() -> None:
    texts = ["so it is", "it is so", "is it so", "so so"] * 3
    expected = quick().fit(texts, Y).predict_proba(texts)
    forms = [
        pd.DataFrame({"text": texts}),
        pd.Series(texts),
        np.array(texts)[:, None],
        [text.split() for text in texts],
    ]
    forms.append(Sequences.from_list(texts, tokens="words"))
    for form in forms:
        np.testing.assert_array_equal(quick().fit(form, Y).predict_proba(form), expected)
    with pytest.raises(ConfigError, match="leave tokens out"):
        quick(tokens="words").fit(X, Y)
    letters = Sequences.from_list(texts, Y, tokens="characters")
    assert (letters.text_kind, letters.classes) == ("characters", ("0", "1"))
    with pytest.raises(DataError, match="found 3 labels for 12"):
        Sequences.from_list(texts, Y[:3])


# Missing values


@pytest.mark.parametrize("missing", ["forward-fill", "mean", "mask"])
def test_padding_is_no_part_of_a_sequence(missing: str) -> None:
    lengths = RNG.integers(2, 6, 12)
    whole = [steps[:length] for steps, length in zip(X[:, :, 0], lengths, strict=True)]
    padded = np.full((12, 9), np.nan)
    for row, steps in zip(padded, whole, strict=True):
        row[: len(steps)] = steps
    classifier = quick(missing=missing).fit(whole, Y)
    expected = classifier.predict_proba(whole)
    for form in (padded, padded[:, :, None], pd.DataFrame(padded), torch.from_numpy(padded)):
        fitted = quick(missing=missing).fit(form, Y)
        np.testing.assert_array_equal(fitted.predict_proba(form), expected)
        np.testing.assert_array_equal(classifier.predict_proba(form), expected)


def test_padding_needs_no_rule_for_missing_values_in_arrays_of_channels() -> None:
    padded = np.concatenate([X, np.full((12, 3, 2), np.nan)], 1)
    classifier = quick().fit(X, Y)
    np.testing.assert_array_equal(classifier.predict_proba(padded), classifier.predict_proba(X))
    with pytest.raises(DataError, match="nothing but NaN"):
        classifier.predict(np.full((2, 5, 2), np.nan))


# Groups


def test_groups_are_set_aside_as_a_whole_and_travel_with_sequences() -> None:
    groups = np.arange(40) // 4
    y = groups % 2
    values = RNG.normal(size=(40, 6)) + 0.5 * y[:, None] + RNG.normal(size=(10, 6))[groups]
    own = Sequences.from_list(list(values), y, groups=groups)
    assert own.groups is not None
    assert own.groups.tolist() == list(map(str, groups))
    by_array, by_sequences = quick().fit(values, y, groups=groups), quick().fit(own)
    np.testing.assert_array_equal(by_array.predict_proba(values), by_sequences.predict_proba(values))
    assert (by_array.predict_proba(values) != quick().fit(values, y).predict_proba(values)).any()
    mixed = RNG.permutation(40)
    again = quick().fit(values[mixed], y[mixed], groups=groups[mixed])
    np.testing.assert_array_equal(again.predict_proba(values), by_array.predict_proba(values))
    with pytest.raises(DataError, match="found 3 groups for 40"):
        quick().fit(values, y, groups=groups[:3])


# Classes


def test_a_weight_of_a_class_that_a_fold_lacks_is_taken() -> None:
    y = np.array([0, 1] * 5 + [2, 2])
    weight = {0: 1, 1: 2, 2: 5}
    assert len(np.unique(y[2:10])) == 2
    LogisticRegression(class_weight=weight).fit(X[2:10, :, 0], y[2:10])
    quick(class_weight=weight).fit(X[2:10], y[2:10])
    scores = cross_val_score(quick(class_weight=weight), X, y, cv=KFold(6), error_score="raise")
    assert np.isfinite(scores).all()


def test_a_stream_may_begin_with_one_class() -> None:
    order = np.argsort(Y, kind="stable")
    classifier = quick()
    for part in np.split(order, 4):
        classifier.partial_fit(X[part], Y[part], classes=[0, 1])
    assert classifier.predict_proba(X).shape == (12, 2)
    with pytest.raises(ValueError, match="one class"):
        quick().partial_fit(X[order[:4]], Y[order[:4]])


def test_classes_are_matched_by_name_after_a_load(tmp_path: Path) -> None:
    lines = ["@univariate false", "@classLabel true 1 0", "@data"]
    lines += [
        ":".join(",".join(map(str, channel)) for channel in steps.T) + f":{y}" for steps, y in zip(X, Y, strict=True)
    ]
    (tmp_path / "x.ts").write_text("\n".join(lines) + "\n")
    options: dict[str, Any] = {"hidden_size": 4, "max_epochs": 2, "method": "trained", "learning_rate": 0.01}
    run = unrolled.train(str(tmp_path / "x.ts"), runs=tmp_path, validation_fraction=0, report=False, **options)
    assert run.model.classes == ("1", "0")
    classifier = SequenceClassifier.load(run.folder.path)
    for _ in range(30):
        classifier.partial_fit(X, Y)
    assert classifier.classes_.tolist() == ["1", "0"]
    np.testing.assert_array_equal(classifier.predict(X) == Y.astype(str), True)
    with pytest.raises(ValueError, match="'up'"):
        classifier.partial_fit(X, np.where(Y, "up", "0"))


def test_the_optimizers_memory_is_saved(tmp_path: Path) -> None:
    one = quick(learning_rate=0.01).partial_fit(X[:6], Y[:6])
    two = SequenceClassifier.load(one.save(tmp_path / "kept"))
    for classifier in (one, two):
        classifier.partial_fit(X[6:], Y[6:])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    one.fit(X, Y).save(tmp_path / "kept")
    assert SequenceClassifier.load(tmp_path / "kept")._memory is None
