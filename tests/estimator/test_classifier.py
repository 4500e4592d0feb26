"""`SequenceClassifier` where scikit-learn takes a classifier, with sequences of different lengths."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

import unrolled
from small_problems import Ragged, quick, ragged_problem
from unrolled import SequenceClassifier, Sequences
from unrolled.errors import ConfigError, DataError, MismatchError


@pytest.fixture
def ragged() -> Ragged:
    return ragged_problem()


def doubled(sequences: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    return [2 * steps for steps in sequences]


# Input


def test_every_form_of_the_same_sequences_gives_the_same_answers() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 5, 1)), np.arange(20) % 2
    forms = [X, list(X), X[:, :, 0], X.tolist(), [steps[:, 0] for steps in X], Sequences.from_array(X)]
    forms.append(pd.Series(list(X)))
    expected = quick().fit(X, y).predict_proba(X)
    for form in forms:
        np.testing.assert_array_equal(quick().fit(form, y).predict_proba(form), expected)


def test_labelled_sequences_need_no_other_labels(ragged: Ragged) -> None:
    X, y = ragged
    own = quick().fit(Sequences.from_list(X, y))
    np.testing.assert_array_equal(own.predict_proba(X), quick().fit(X, y).predict_proba(X))


def test_a_classifier_of_a_table_reads_other_lengths_as_lists() -> None:
    rng = np.random.default_rng(0)
    classifier = quick().fit(rng.normal(size=(20, 5)), np.arange(20) % 2)
    assert classifier.n_features_in_ == 5
    assert classifier.predict([rng.normal(size=3), rng.normal(size=8)]).shape == (2,)
    with pytest.raises(ValueError, match="expecting 5 features"):
        classifier.predict(rng.normal(size=(2, 6)))


def test_what_a_list_is_does_not_depend_on_the_lengths_in_it() -> None:
    X = [[1, 2], [3, 4], [0, 1], [9, 7], [5, 6, 7], [2]]
    y = [0, 1, 0, 1, 1, 0]
    fold = quick().fit(X[:4], y[:4])  # all of one length
    assert fold.predict(X[4:]).shape == (2,)
    assert fold.predict(X[4:5]).shape == (1,)
    of_arrays = quick().fit([np.array(row, np.float32) for row in X[:4]], y[:4])
    np.testing.assert_array_equal(fold.predict_proba(X), of_arrays.predict_proba(X))
    assert cross_val_score(quick(), X * 3, y * 3, cv=3).shape == (3,)


def test_other_channels_are_refused(ragged: Ragged) -> None:
    X, y = ragged
    classifier = quick().fit(X, y)
    assert classifier.n_features_in_ == 2
    with pytest.raises(MismatchError, match="3 channels"):
        classifier.predict(np.zeros((2, 4, 3)))


def test_bad_sequences_are_refused_with_where_they_are(ragged: Ragged) -> None:
    X, y = ragged
    with pytest.raises(DataError, match="sequence 1 has 1 channels where sequence 0 has 2"):
        quick().fit([X[0], X[1][:, :1], *X[2:]], y)
    spoilt = [steps.copy() for steps in X]
    spoilt[3][1, 0] = np.nan
    with pytest.raises(DataError, match=r"missing.*sequence 3, step 1"):
        quick().fit(spoilt, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().fit(X, y[:-1])


@pytest.mark.parametrize("labels", [[1, 7], [1.0, 2.0], [True, False], ["a", "bb"], np.array(["x", "y"], object)])
def test_classes_keep_the_users_own_dtype(labels: Any, tmp_path: Path) -> None:
    labels = np.asarray(labels)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 4)), labels[np.arange(12) % 2]
    classifier = quick().fit(X, y)
    classifier.save(tmp_path / "model")
    for found in (classifier, SequenceClassifier.load(tmp_path / "model")):
        np.testing.assert_array_equal(found.classes_, np.unique(labels))
        assert found.classes_.dtype == found.predict(X).dtype == labels.dtype


# Tools of scikit-learn


@pytest.mark.slow
def test_ragged_lists_go_through_scikit_learns_tools(ragged: Ragged) -> None:
    X, y = ragged
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1, stratify=y)
    assert quick().fit(X_train, y_train).score(X_test, y_test) > 0.6
    assert cross_val_score(quick(), X, y, cv=3).mean() > 0.6
    pipeline = make_pipeline(FunctionTransformer(doubled), quick())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.6
    calibrated = CalibratedClassifierCV(quick(), cv=3).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(1), 1)
    assert calibrated.score(X, y) > 0.6


@pytest.mark.slow
def test_a_grid_search_runs_in_several_processes(ragged: Ragged) -> None:
    X, y = ragged
    search = GridSearchCV(quick(), {"hidden_size": np.array([2, 6]), "cell": ["lstm", "gru"]}, cv=3, n_jobs=2)
    search.fit(X, y)
    assert search.best_score_ > 0.6
    assert search.best_estimator_.model_.facts.model.hidden_size == search.best_params_["hidden_size"]


def test_a_table_goes_through_a_scaler() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.normal(y[:, None], 1, (40, 6)) * 100
    assert make_pipeline(StandardScaler(), quick()).fit(X, y).score(X, y) > 0.8


# Parameters


def test_a_wrong_parameter_is_named() -> None:
    with pytest.raises(TypeError, match="hiden_size"):
        SequenceClassifier(hiden_size=3)
    with pytest.raises(ConfigError, match="'lstm'"):
        quick(cell="lsm").fit(np.zeros((4, 3)), [0, 1, 0, 1])


def test_the_same_random_state_gives_the_same_bits_and_none_gives_others(ragged: Ragged) -> None:
    X, y = ragged
    first, second = (quick(random_state=3, output_dropout=0.2).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (quick(random_state=None).fit(X, y).predict_proba(X) != first).any()
    assert quick(random_state=np.random.RandomState(0)).fit(X, y).score(X, y) > 0.6


# Weights


def test_weights_are_repetitions_to_the_last_bit_with_dropout_and_small_batches_too(ragged: Ragged) -> None:
    X, y = ragged
    weights = np.random.default_rng(1).integers(0, 4, len(X))
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(len(X)), weights))
    settings: dict[str, Any] = {"output_dropout": 0.2, "noise": 0.1, "batch_size": 8, "class_weight": "balanced"}
    weighted = quick(**settings).fit(X, y, sample_weight=weights)
    repeated = quick(**settings).fit([X[row] for row in rows], y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


def test_class_weights_are_scikit_learns_sample_weights(ragged: Ragged) -> None:
    X, y = ragged
    X, y = X[:-8], y[:-8]
    for wish in ("balanced", {"low": 3.0, "high": 0.5}):
        found = quick(class_weight=wish).fit(X, y)
        expected = quick().fit(X, y, sample_weight=compute_sample_weight(wish, y))
        np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-3, atol=1e-5)


def test_a_class_that_weighs_more_is_chosen_more_often() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), np.arange(60) % 2
    assert (quick(class_weight={0: 20}).fit(X, y).predict(X) == 0).mean() > 0.9
    with pytest.raises(DataError, match="names the label 5"):
        quick(class_weight={5: 1.0}).fit(X, y)


# Going on


def test_partial_fit_learns_pass_by_pass_and_goes_on_after_a_pickle(ragged: Ragged) -> None:
    X, y = ragged
    steady = quick(batch_size=9)
    for _ in range(15):
        steady.partial_fit(X, y, classes=np.unique(y))
    assert steady.score(X, y) > 0.8
    assert steady.history_["epoch"] == list(range(1, 16))
    assert steady.history_["train_loss"][-1] < steady.history_["train_loss"][0]
    again = pickle.loads(pickle.dumps(steady))  # noqa: S301
    np.testing.assert_array_equal(again.partial_fit(X, y).predict_proba(X), steady.partial_fit(X, y).predict_proba(X))


def test_partial_fit_may_see_its_classes_later(ragged: Ragged) -> None:
    X, y = ragged
    few = [index for index, label in enumerate(y) if label != "low"]
    classifier = quick().partial_fit([X[i] for i in few], y[few], classes=["low", "high", "middle"])
    assert classifier.predict_proba(X).shape == (36, 3)
    with pytest.raises(ValueError, match="'odd'"):
        classifier.partial_fit(X[:2], ["odd", "low"])
    with pytest.raises(ValueError, match="balanced"):
        quick(class_weight="balanced").partial_fit(X, y)


def test_weights_that_learned_before_are_no_fitted_start(ragged: Ragged) -> None:
    X, y = ragged
    classifier = quick(warm_start=True, max_steps=1, learning_rate=1e-9).fit(X, y)
    assert classifier.model_.facts.method == "fitted"
    classifier.set_params(learning_rate=10.0).fit(X, y, validation=(X, y))
    assert classifier.model_.facts.training["best_epoch"] == 0
    assert classifier.model_.facts.method == "trained"


def test_a_warm_start_goes_on_and_a_cold_one_begins_anew(ragged: Ragged) -> None:
    X, y = ragged
    drawn = {"max_steps": 8, "output_initializer": "glorot"}  # not fitted: the losses are those of the updates
    cold, warm = quick(**drawn), quick(**drawn, warm_start=True)
    losses = {"cold": [cold.fit(X, y).history_["train_loss"][0] for _ in range(2)]}
    losses["warm"] = [warm.fit(X, y).history_["train_loss"][0] for _ in range(2)]
    assert losses["cold"][0] == losses["cold"][1] == losses["warm"][0] > losses["warm"][1]
    with pytest.raises(ValueError, match="as in the first fit"):
        warm.fit(X, np.where(y == "low", "else", y))
    assert (warm.predict(X) == y).any()


def test_validation_sequences_choose_the_weights_and_stop_early(ragged: Ragged) -> None:
    X, y = ragged
    settings: dict[str, Any] = {"schedule": "constant", "output_initializer": "glorot"}
    classifier = quick(max_steps=None, max_epochs=200, patience=3, **settings)
    classifier.fit(X[:24], y[:24], validation=(X[24:], np.roll(y[24:], 1)))  # wrong labels: it can only get worse
    curve = classifier.history_["validation_loss"]
    assert len(curve) < 200
    assert curve.index(min(curve)) == len(curve) - 4
    assert classifier.model_.facts.training["best_epoch"] == len(curve) - 3
    with pytest.raises(ConfigError, match="patience"):
        classifier.fit(X, y)


def test_probabilities_are_calibrated_on_the_validation_sequences(ragged: Ragged, tmp_path: Path) -> None:
    X, y = ragged
    wrong = np.roll(y[24:], 1)  # of wrong labels the model must be less sure
    plain, calibrated = (
        quick(calibrate=wish).fit(X[:24], y[:24], validation=(X[24:], wrong)) for wish in (False, True)
    )
    assert plain.model_.facts.temperature == 1 < calibrated.model_.facts.temperature
    assert log_loss(wrong, calibrated.predict_proba(X[24:])) < log_loss(wrong, plain.predict_proba(X[24:]))
    np.testing.assert_array_equal(plain.predict(X), calibrated.predict(X))
    softmax = np.exp(calibrated.decision_function(X))
    expected = softmax / softmax.sum(1, keepdims=True)
    np.testing.assert_allclose(calibrated.predict_proba(X), expected, rtol=1e-5)
    with pytest.raises(ConfigError, match="calibrate needs validation data"):
        quick(calibrate=True).fit(X, y)


def test_the_classifier_of_a_calibrated_model_says_what_the_model_says(ragged: Ragged, tmp_path: Path) -> None:
    X, y = ragged
    made = quick().fit(X, y).model_
    replace(made, facts=made.facts.model_copy(update={"temperature": 2.5})).save(tmp_path / "model")
    model, classifier = unrolled.load(tmp_path / "model"), SequenceClassifier.load(tmp_path / "model")
    assert np.abs(model.predict_proba(X) - made.predict_proba(X)).max() > 0.01
    np.testing.assert_array_equal(classifier.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(classifier.predict(X), model.predict(X))


def test_long_sequences_are_cut_as_in_a_run(ragged: Ragged) -> None:
    X, y = ragged
    found = quick(max_length=3, keep_steps="last").fit(X, y)
    expected = quick().fit([steps[-3:] for steps in X], y).predict_proba([steps[-3:] for steps in X])
    np.testing.assert_array_equal(found.predict_proba(X), expected)
    with pytest.raises(ValueError, match="max_length"):
        found.set_params(max_length=4, warm_start=True).fit(X, y)


def test_a_wrong_learning_rate_ends_no_worse_than_the_start(ragged: Ragged) -> None:
    X, y = ragged
    held = (X[24:], y[24:])
    start, kept = (
        quick(learning_rate=rate, weight_decay=0).fit(X[:24], y[:24], validation=held) for rate in (1e-12, 1e3)
    )
    assert log_loss(y[24:], kept.predict_proba(X[24:])) <= log_loss(y[24:], start.predict_proba(X[24:])) + 1e-6
    assert quick(learning_rate=30.0).fit(X, y).score(X, y) > 0.8  # nothing held out: judged by the training data


# Other inputs


def test_a_table_with_holes_is_taken_where_it_is_said_how() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = np.where(rng.random((40, 6)) < 0.2, np.nan, rng.normal(2 * y[:, None], 1, (40, 6)))
    assert quick(missing="mean").fit(X, y).score(X, y) > 0.8
    with pytest.raises(ValueError, match="NaN"):
        quick().fit(X, y)


def test_what_a_token_is_can_be_said(tmp_path: Path) -> None:
    texts = ["a b", "b a a", "b b", "a a b"] * 5
    y = [text.count("a") % 2 for text in texts]
    words, letters = quick().fit(texts, y), quick(tokens="characters").fit(texts, y)
    assert words.model_.facts.vocabulary == ("a", "b")
    assert letters.model_.facts.vocabulary == (" ", "a", "b")
    again = SequenceClassifier.load(words.save(tmp_path / "model"))
    assert again.get_params() == words.get_params()
    np.testing.assert_array_equal(again.predict_proba(["a ab"]), words.predict_proba([["a", "ab"]]))


@pytest.mark.slow
def test_binary_strings_are_counted_as_text() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(row) for row in rng.choice(["0", "1"], (120, 8))]
    y = np.array([text.count("1") > 4 for text in texts])
    classifier = SequenceClassifier(hidden_size=16, random_state=0, threads=1).fit(texts[:90], y[:90])
    assert classifier.score(texts[90:], y[90:]) > 0.85
    assert cross_val_score(quick(), np.array(texts, object), y, cv=2).mean() > 0.6


def test_words_come_back_with_the_model_and_unknown_ones_are_taken(tmp_path: Path) -> None:
    texts = ["hello good friend", "cheap stuff now", "good day", "cheap cheap offer"] * 6
    y = ["ham", "spam", "ham", "spam"] * 6
    classifier = quick().fit(texts, y, validation=(texts[:4], y[:4]))
    classifier.save(tmp_path / "model")
    for found in (SequenceClassifier.load(tmp_path / "model"), pickle.loads(pickle.dumps(classifier))):  # noqa: S301
        assert list(found.predict(["cheap", "good unheard"])) == list(classifier.predict(["cheap", "good unheard"]))
    assert list(classifier.predict(texts[:2])) == y[:2]


@pytest.mark.parametrize("missing", ["forward-fill", "mean", "mask"])
def test_missing_values_are_taken_where_it_is_said_how(ragged: Ragged, missing: str, tmp_path: Path) -> None:
    X, y = ragged
    rng = np.random.default_rng(0)
    holes = [np.where(rng.random(steps.shape) < 0.2, np.nan, steps) for steps in X]
    classifier = quick(missing=missing).fit(holes, y)
    assert classifier.score(holes, y) > 0.7
    classifier.save(tmp_path / "model")
    again = SequenceClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(holes), classifier.predict_proba(holes))
    with pytest.raises(DataError, match="missing"):
        quick().fit(holes, y)


# Keeping


def test_a_saved_classifier_comes_back_whole(ragged: Ragged, tmp_path: Path) -> None:
    X, y = ragged
    classifier = quick(class_weight={"low": 2.0}).fit(X, y)
    classifier.save(tmp_path / "model")
    again = SequenceClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    assert again.get_params() == classifier.get_params()
    assert again.history_ == classifier.history_
    assert again.n_features_in_ == 2
    np.testing.assert_array_equal(unrolled.load(tmp_path / "model").predict(X), classifier.predict(X))


def test_the_model_of_a_run_is_a_classifier(digits_run: unrolled.Run) -> None:
    classifier = SequenceClassifier.load(digits_run.folder.path)
    assert classifier.get_params()["hidden_size"] == 16
    pictures = np.zeros((2, 8, 8))
    assert list(classifier.predict(pictures)) == list(digits_run.model.predict(pictures))
    assert list(clone(classifier).get_params()) == list(classifier.get_params())


def test_a_pickle_holds_arrays_and_maps_them_read_only(ragged: Ragged, tmp_path: Path) -> None:
    X, y = ragged
    classifier = quick().fit(X, y)
    content = pickle.dumps(classifier)
    assert b"torch" not in content
    joblib.dump(classifier, tmp_path / "classifier")
    mapped = joblib.load(tmp_path / "classifier", mmap_mode="r")
    for again in (pickle.loads(content), mapped):  # noqa: S301
        np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_progress_is_printed_where_it_is_asked_for(ragged: Ragged, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = ragged
    quick().fit(X, y)
    assert capsys.readouterr().out == ""
    quick(verbose=True).fit(X, y)
    assert "loss" in capsys.readouterr().out
