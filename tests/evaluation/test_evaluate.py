"""The evaluation of a model: its figures are those of its predictions, beside what is simple."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss
from statsmodels.stats.contingency_tables import mcnemar

from unrolled.config import ModelConfig
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, DataError, MismatchError
from unrolled.evaluation import scoring
from unrolled.evaluation.evaluation import Evaluation, evaluate, json_schema
from unrolled.evaluation.scoring import predictions_of, steps_seen
from unrolled.model.model import Model, ModelFacts, load
from unrolled.network.network import Network
from unrolled.runs.run import Run, train
from unrolled.statistics.calibration import fit_temperature


def held_out(run: Run) -> Sequences:
    test = load_dataset(run.recipe.data).test
    assert test is not None
    return test


def ragged(config: ModelConfig) -> tuple[Model, Sequences]:
    """An untrained model and sequences of 1 to 12 steps."""
    rng = np.random.default_rng(0)
    lengths = [1, 12, *rng.integers(1, 13, 28)]
    arrays = [rng.normal(size=(int(length), 2)).astype(np.float32) for length in lengths]
    sequences = Sequences.from_list(arrays, [index % 3 for index in range(30)])
    network = Network(config, 2, 3).eval()
    return Model(network, ModelFacts(classes=("0", "1", "2"), channels=("0", "1"), model=config)), sequences


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


def test_the_network_is_compared_with_the_baselines_on_the_same_sequences(digits_run: Run) -> None:
    test, model = held_out(digits_run), digits_run.model
    found = evaluate(model, test)
    assert model.baselines is not None
    targets = model.targets(test)
    right = model.predict_proba(test).argmax(1) == targets
    beside = model.baselines.answers(model.accept(test)).regressions
    assert [one.features for one in found.regressions] == ["flattened", "bands"]
    others = [answer.predicted == targets for answer in beside]
    assert [one.accuracy.value for one in found.regressions] == [other.mean() for other in others]
    overs = [one.over for one in found.regressions]
    for over, other in zip([*overs, found.over_majority], [*others, targets == model.baselines.majority], strict=True):
        assert over is not None
        assert (over.only_first, over.only_second) == ((right & ~other).sum(), (other & ~right).sum())
        table = [[0, over.only_first], [over.only_second, 0]]
        assert over.p == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_figures_of_before_the_differences_are_read(digits_run: Run) -> None:
    assert digits_run.evaluation is not None
    content = digits_run.evaluation.to_dict()
    del content["over_logistic"], content["over_majority"]
    former = Evaluation.from_dict(content)
    assert former == replace(digits_run.evaluation, over_logistic=None, over_majority=None)
    assert digits_run.evaluation.is_complete
    assert not former.is_complete


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
    assert stored["schema_version"] == 2
    assert Evaluation.from_dict(stored) == digits_run.evaluation


def test_evaluation_json_keeps_to_the_schema_that_the_documents_hold(digits_run: Run) -> None:
    """Run ``python -m unrolled.evaluation.evaluation > docs/evaluation.schema.json`` after a change of the figures."""
    schema = json.loads((Path(__file__).parents[2] / "docs" / "evaluation.schema.json").read_text())
    assert schema == json_schema()
    jsonschema_rs.meta.validate(schema)
    stored = json.loads(digits_run.folder.evaluation.read_text())
    jsonschema_rs.validate(schema, stored)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, stored | {"accuracy": 0.5})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema_version": 1}, "schema_version is 1; expected 2"),
        ({"cases": "many"}, "cases: .*Evaluate the model anew"),
    ],
)
def test_an_evaluation_of_another_kind_is_refused(digits_run: Run, change: dict[str, object], expected: str) -> None:
    stored = json.loads(digits_run.folder.evaluation.read_text())
    with pytest.raises(DataError, match=expected):
        Evaluation.from_dict(stored | change)


def test_the_predictions_of_a_run_are_kept_without_pickle(digits_run: Run) -> None:
    test = held_out(digits_run)
    with np.load(digits_run.folder.predictions, allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["targets"], test.targets)
        np.testing.assert_array_equal(stored["probabilities"], digits_run.model.predict_proba(test))


def test_of_very_many_sequences_some_are_asked_early(digits_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MOST_ASKED", 100)
    found = evaluate(digits_run.model, held_out(digits_run))
    assert found.accuracy.cases == 359
    assert {seen.accuracy.cases for seen in found.by_share} == {100}


def test_the_evaluation_records_which_data_it_is_of(digits_run: Run) -> None:
    assert digits_run.evaluation is not None
    assert digits_run.evaluation.fingerprint == held_out(digits_run).fingerprint


def test_the_accuracy_after_a_share_is_that_of_the_shortened_sequences(digits_run: Run) -> None:
    test = held_out(digits_run)
    found = digits_run.evaluation
    assert found is not None
    for seen in (found.by_share[2], found.by_share[9]):
        steps = -(-8 * round(10 * seen.share) // 10)
        cut = [test.scaled(index)[:steps] for index in range(len(test))]
        names = np.array(test.classes)[test.targets]
        assert seen.accuracy.value == pytest.approx(accuracy_score(names, digits_run.model.predict(cut)))
    assert found.by_share[9].accuracy == found.accuracy
    assert found.by_length == []


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_early_answers_are_those_of_shortened_sequences(
    bidirectional: bool, pooling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sequences = ragged(ModelConfig(hidden_size=4, bidirectional=bidirectional, pooling=pooling))
    monkeypatch.setattr(scoring, "MOST_READ_ANEW", 0)
    monkeypatch.setattr(scoring, "FEWEST_READ_ANEW", 7)
    found = predictions_of(model, sequences)
    assert len(found.early_cases) == (7 if bidirectional else len(sequences))
    ends = steps_seen(sequences.lengths)
    for row, case in enumerate(found.early_cases):
        for column, end in enumerate(ends[case]):
            said = model.predict([sequences[case][:end]])[0]
            assert model.classes[found.early[row, column]] == said


def test_steps_seen_are_rounded_up_and_at_least_one() -> None:
    assert steps_seen(np.array([1, 7])).tolist() == [[1] * 10, [1, 2, 3, 3, 4, 5, 5, 6, 7, 7]]


def test_sequences_of_different_lengths_are_grouped_by_length() -> None:
    model, sequences = ragged(ModelConfig(hidden_size=4))
    groups = evaluate(model, sequences).by_length
    assert sum(group.accuracy.cases for group in groups) == len(sequences)
    assert groups[0].shortest == sequences.lengths.min()
    assert groups[-1].longest == sequences.lengths.max()
    for earlier, later in pairwise(groups):
        assert earlier.longest < later.shortest


def test_a_calibrated_model_shows_what_its_temperature_does(tmp_path: Path) -> None:
    run = train("digits", runs=tmp_path, max_epochs=4, hidden_size=16, calibrate=True, report=False)
    dataset = load_dataset(run.recipe.data)
    assert run.evaluation is not None
    temperature = run.model.facts.temperature
    assert temperature != 1
    assert temperature == fit_temperature(
        run.model.logits(dataset.validation).numpy(), run.model.targets(dataset.validation)
    )
    assert run.evaluation.temperature == load(run.folder.path).facts.temperature == temperature
    assert run.evaluation.uncalibrated is not None
    assert run.evaluation.uncalibrated.log_loss.value > run.evaluation.loss
    logits = run.model.logits(dataset.test).numpy().astype(np.float64)
    np.testing.assert_allclose(run.model.predict_proba(dataset.test), softmax(logits / temperature, axis=1), atol=1e-6)
    steps = run.model.predict_steps(dataset.test.take(slice(3)))
    np.testing.assert_allclose(steps[2][-1], softmax(logits[2] / temperature), atol=1e-5)


def test_a_temperature_needs_validation_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="calibrate needs validation data"):
        train("digits", runs=tmp_path, calibrate=True, validation_fraction=0)
    assert not list(tmp_path.iterdir())


def test_the_order_of_the_test_sequences_does_not_matter(digits_run: Run) -> None:
    test = held_out(digits_run)
    shuffled = test.take(np.random.default_rng(0).permutation(len(test)))
    assert evaluate(digits_run.model, shuffled).confusion == evaluate(digits_run.model, test).confusion


@pytest.mark.parametrize("count", [0, -5])
def test_a_headline_of_no_sequences_is_refused(digits_run: Run, count: int) -> None:
    test = load_dataset(digits_run.recipe.data).test
    assert test is not None
    with pytest.raises(ConfigError, match=f"headline_sequences = {count}: expected a number of sequences, at least 1"):
        evaluate(digits_run.model, test, headline_sequences=count)


def test_the_headline_is_of_the_first_cases_alone(digits_run: Run) -> None:
    test = held_out(digits_run)
    headline = evaluate(digits_run.model, test, headline_sequences=16).headline
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
