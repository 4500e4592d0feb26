"""The evaluation of a model: its figures are those of its predictions, beside what is simple."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import DataError, MismatchError
from unrolled.evaluation.evaluate import evaluate
from unrolled.experiment import Run


def held_out(run: Run) -> Sequences:
    test = load_dataset(run.recipe.data).test
    assert test is not None
    return test


def test_the_figures_are_scikit_learns_of_the_predictions(digits_run: Run) -> None:
    test = held_out(digits_run)
    found = evaluate(digits_run.model, test)
    names = np.array(test.classes)[test.targets]
    assert found.accuracy.value == pytest.approx(accuracy_score(names, digits_run.model.predict(test)))
    probabilities = digits_run.model.predict_proba(test).astype(np.float64)
    probabilities /= probabilities.sum(1, keepdims=True)
    assert found.loss == pytest.approx(log_loss(test.targets, probabilities), abs=1e-5)
    assert np.array(found.confusion).trace() == found.accuracy.count
    assert sum(row.errors for row in found.classes) == found.cases - found.accuracy.count


def test_the_majority_class_is_that_of_the_training_data(digits_run: Run) -> None:
    dataset = load_dataset(digits_run.recipe.data)
    found = evaluate(digits_run.model, held_out(digits_run))
    majority = int(dataset.train.class_counts().argmax())
    assert found.majority is not None
    assert found.majority_class == dataset.train.classes[majority]
    assert found.majority.count == int((held_out(digits_run).targets == majority).sum())


def test_evaluation_json_is_the_evaluation(digits_run: Run) -> None:
    stored = json.loads(digits_run.folder.evaluation.read_text())
    assert digits_run.evaluation is not None
    assert stored == json.loads(json.dumps(digits_run.evaluation.to_dict()))
    assert stored["schema_version"] == 1


def test_the_order_of_the_test_sequences_does_not_matter(digits_run: Run) -> None:
    test = held_out(digits_run)
    shuffled = test.take(np.random.default_rng(0).permutation(len(test)))
    assert evaluate(digits_run.model, shuffled).confusion == evaluate(digits_run.model, test).confusion


def test_the_headline_is_of_the_first_cases_alone(digits_run: Run) -> None:
    test = held_out(digits_run)
    headline = evaluate(digits_run.model, test, headline_cases=16).headline
    assert headline is not None
    assert (headline.cases, headline.count) == (16, evaluate(digits_run.model, test.take(slice(16))).accuracy.count)


def test_classes_are_matched_by_name_not_by_place(digits_run: Run) -> None:
    test = held_out(digits_run)
    turned = replace(test, classes=test.classes[::-1], labels=len(test.classes) - 1 - test.targets)
    assert evaluate(digits_run.model, turned).accuracy == evaluate(digits_run.model, test).accuracy


def test_labels_that_the_model_does_not_know_are_refused_by_name(digits_run: Run) -> None:
    test = held_out(digits_run)
    with pytest.raises(MismatchError, match="'ten'"):
        evaluate(digits_run.model, replace(test, classes=(*test.classes[:-1], "ten")))


def test_sequences_without_labels_cannot_be_evaluated(digits_run: Run) -> None:
    with pytest.raises(DataError, match="no labels"):
        evaluate(digits_run.model, replace(held_out(digits_run), labels=None))


def test_one_case_is_enough(digits_run: Run) -> None:
    found = evaluate(digits_run.model, held_out(digits_run).take(slice(1)))
    assert found.accuracy.cases == 1
    assert found.accuracy.high - found.accuracy.low > 0.7
