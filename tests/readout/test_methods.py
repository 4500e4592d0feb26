"""``method``: fitted in closed form, trained by gradients, or one challenged by the other."""

from __future__ import annotations

import copy
import json
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

import unrolled
from unrolled import Recipe, SequenceClassifier, Sequences
from unrolled.config import CellName
from unrolled.data.dataset import Dataset
from unrolled.data.sequences import from_texts
from unrolled.estimator.inputs import class_factors
from unrolled.network.network import Network
from unrolled.readout.methods import Training, build_network, go_on, set_up
from unrolled.readout.ridge import start_readout
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.start import draw_network

RIDGE = {"hidden_size": 6, "pooling": "mean", "output_initializer": "ridge"}


def labelled(cases: int = 40, seed: int = 0) -> Sequences:
    """Sequences of 1 to 6 steps, two classes of different level, one three times as large as the other."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(cases) % 4 == 0).astype(int)
    steps = [rng.normal(label, 1, (rng.integers(1, 7), 2)) for label in labels]
    return Sequences.from_list(steps, labels.tolist())


def recipe(model: dict[str, Any] | None = None, **train: Any) -> Recipe:
    return Recipe.model_validate({"name": "x", "model": model or RIDGE, "train": train})


def begun(chosen: Recipe, train: Sequences, validation: Sequences | None = None, weights: Any = None) -> Training:
    return set_up(chosen, train, validation, torch.device("cpu"), weights)


def same(first: Network, second: Network) -> bool:
    return all(value.equal(second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize("validation", [None, labelled(12, 1)], ids=["alone", "validated"])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_fitted_is_the_closed_form_on_the_untrained_recurrence(cell: Any, validation: Sequences | None) -> None:
    train, chosen = labelled(), recipe({**RIDGE, "cell": cell}, method="fitted", max_epochs=3)
    expected = draw_network(chosen.model, train, 0)
    start_readout(expected, train)
    state = begun(chosen, train, validation).fit()
    assert same(expected, state.shipped)
    assert state.shipped.output.weight.any()
    assert (state.step, state.history, state.selection.method) == (0, [], "fitted")


@pytest.mark.parametrize("first", ["glorot", "normal", "ridge"])
def test_fitted_fits_the_output_layer_however_it_would_be_drawn(first: str) -> None:
    train = labelled()
    found = begun(recipe({**RIDGE, "output_initializer": first}, method="fitted", keep="last"), train).fit()
    assert same(found.shipped, build_network(recipe().model, train, 0))


def test_trained_ends_with_its_last_weights_where_nothing_can_choose() -> None:
    """The best start does not stay, and nothing is set aside."""
    train = labelled()
    task = begun(recipe(method="trained", max_epochs=2, learning_rate=1.0), train)
    assert (task.train, task.validation) == (train, None)
    start = build_network(recipe().model, train, 0)
    assert same(start, task.state.shipped)  # gradients begin where the closed form ends
    state = task.fit()
    assert state.epoch == 2
    assert not same(start, state.shipped)
    assert state.selection.method == "trained"


def test_trained_keeps_the_best_epoch_even_if_the_start_was_better() -> None:
    train, validation = labelled(), labelled(40, 1)
    state = begun(recipe(method="trained", max_epochs=3, learning_rate=1.0), train, validation).fit()
    losses = [log.validation_loss for log in state.history]
    assert state.selection.best_epoch == 1 + int(np.argmin(losses))  # type: ignore[arg-type]
    assert state.selection.method == "trained"


@pytest.mark.parametrize("method", ["auto", "trained"])
def test_without_a_fitted_output_layer_auto_is_trained(method: str) -> None:
    train, validation = labelled(), labelled(12, 1)
    drawn = {**RIDGE, "output_initializer": "glorot"}
    states = [begun(recipe(drawn, method=one, max_epochs=2), train, validation).fit() for one in ("trained", method)]
    assert same(states[0].shipped, states[1].shipped)


@pytest.mark.parametrize("validated", [False, True])
def test_class_weights_count_the_same_in_every_fit_of_the_output_layer(validated: bool) -> None:
    """As weights of the classes, from a recipe, or of the sequences, from the estimator."""
    train = labelled(60)
    validation = labelled(20, 1) if validated else None
    factors = class_factors("balanced", np.arange(2), train.targets, np.ones(60))[train.targets]
    by_class = begun(recipe(class_weight="balanced"), train, validation)
    by_sequence = begun(recipe(), train, validation, factors)
    plain = begun(recipe(), train, validation)
    for name, value in by_class.state.network.output.state_dict().items():
        np.testing.assert_allclose(value, by_sequence.state.network.output.state_dict()[name], rtol=1e-4, atol=1e-6)
    assert not np.allclose(plain.state.network.output.bias.detach(), by_class.state.network.output.bias.detach())
    held = [task.validation_weights for task in (by_class, by_sequence, plain)]
    if validated:
        assert held == [None, None, None]
    else:
        np.testing.assert_allclose(held[0], held[1], rtol=1e-6)  # type: ignore[arg-type]
        assert held[2] is None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", "fitted", "trained"])
@pytest.mark.parametrize("validation_fraction", [0.0, 0.2])
def test_a_run_by_each_method_says_so_everywhere(method: str, validation_fraction: float, tmp_path: Path) -> None:
    said: list[str] = []
    run = unrolled.train(
        recipe({**RIDGE, "hidden_size": 3}, method=method, max_epochs=2, learning_rate=1e-9),
        data=labelled(80),
        validation_fraction=validation_fraction,
        report=bool(validation_fraction),
        runs=tmp_path,
        say=said.append,
    )
    expected = "trained" if method == "trained" else "fitted"
    assert run.model.facts.method == expected
    assert unrolled.load(run.folder.path).facts.method == expected
    words = {"fitted": "fitted in closed form", "trained": "trained by gradients"}[expected]
    assert any(line.startswith(f"method: {words}") for line in said)
    assert words in (run.folder.model / "README.md").read_text()
    if validation_fraction:
        assert words in run.folder.report.read_text()
    assert ("closed" in run.in_words()) == (expected == "fitted")
    assert (run.history == []) == (method == "fitted")
    assert run.folder.curves.exists() == (method != "fitted")
    weights = (run.folder.model / "model.safetensors").read_bytes()
    again = unrolled.resume(run.folder.path, data=labelled(80))
    assert (run.folder.model / "model.safetensors").read_bytes() == weights
    assert again.model.facts.method == expected
    state = CheckpointStore(run.folder.path / "checkpoints").load_last()[0]
    assert state.facts["epoch"] == len(run.history)


def test_a_text_is_fitted(tmp_path: Path) -> None:
    texts = ["".join(letters) for length in (3, 5) for letters in product("ab", repeat=length)]
    data = from_texts(texts, "characters")
    labels = [str(text.count("a") > text.count("b")) for text in texts]
    train = Sequences.from_steps(data.values, data.lengths, labels, symbols=data.symbols)
    whole = Dataset("texts", train.take(slice(0, None, 2)), None, train.take(slice(1, None, 2)))
    run = unrolled.train(recipe(method="fitted"), data=whole, runs=tmp_path, report=False)
    assert run.evaluation is not None
    assert run.evaluation.accuracy.value > 0.8
    assert run.model.facts.method == "fitted"


@pytest.mark.parametrize("validation", [None, labelled(20, 1)], ids=["alone", "validated"])
@pytest.mark.parametrize("method", ["auto", "trained"])
def test_a_warm_start_keeps_the_former_weights_only_by_auto(method: str, validation: Sequences | None) -> None:
    train, former = labelled(), build_network(recipe().model, labelled(), 0)
    chosen = recipe(method=method, max_epochs=3, learning_rate=3.0)
    state = go_on(chosen, copy.deepcopy(former), train, validation).fit()
    assert same(former, state.shipped) == (method == "auto")
    assert state.selection.method == "trained"  # they are no fitted start


def test_the_estimator_takes_the_method() -> None:
    train = labelled(60)
    X, y = [train[index] for index in range(60)], train.targets
    fitted = SequenceClassifier(hidden_size=4, method="fitted", warm_start=True, random_state=0).fit(X, y)
    assert fitted.history_ == {}
    assert fitted.model_.facts.method == "fitted"
    before = fitted.predict_proba(X)
    np.testing.assert_allclose(fitted.fit(X, y).predict_proba(X), before, atol=1e-6)  # a warm start fits anew
    assert fitted.model_.facts.method == "fitted"
    trained = SequenceClassifier(hidden_size=4, method="trained", max_epochs=2, random_state=0).fit(X, y)
    assert trained.model_.facts.method == "trained"
    assert trained.history_["validation_loss"] == [None, None]  # nothing is set aside
    with pytest.raises(ValueError, match="method = 'fitted' needs all sequences at once"):
        fitted.partial_fit(X, y)


def test_the_method_of_older_folders_follows_from_what_they_recorded(tmp_path: Path) -> None:
    run = unrolled.train(recipe(method="fitted"), data=labelled(80), runs=tmp_path, report=False)
    facts = json.loads((run.folder.model / "model.json").read_text())["training"]
    del facts["method"], facts["config"]["method"]
    changes: list[tuple[dict[str, Any], str]] = [
        ({}, "fitted"),
        ({"goes_on": True}, "trained"),
        ({"best_epoch": 3}, "trained"),
        ({"config": {**facts["config"], "keep": "last"}}, "trained"),
    ]
    for change, expected in changes:
        old = run.model.facts.model_copy(update={"training": {**facts, **change}})
        assert old.method == expected
    drawn = run.model.facts.model.model_copy(update={"output_initializer": "glorot"})
    assert run.model.facts.model_copy(update={"training": facts, "model": drawn}).method == "trained"
