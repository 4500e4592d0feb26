"""Early decisions: those of the stream itself; promises that hold on other data of the kind, or are not made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unrolled.config import ModelConfig
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.evaluation import early
from unrolled.evaluation.early import early_decisions, promise
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.reports import early_rows, promised
from unrolled.runs.run import Run
from unrolled.statistics import proportion


def test_decisions_are_those_of_the_stream(digits_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "CONFIDENCES", (0.5, 0.9))
    test, model = load_dataset(digits_run.recipe.data).test.take(slice(40)), digits_run.model
    for found in early_decisions(model, test)[:2]:
        decisions = [model.stream().decide_when(test.scaled(n), found.confidence) for n in range(40)]
        decided = [n for n in range(40) if decisions[n].confident]
        assert found.decided.count == len(decided)
        if decided:
            right = sum(decisions[n].label == test.classes[test.targets[n]] for n in decided)
            assert found.right == proportion(right, len(decided))
            assert found.steps == pytest.approx(np.mean([decisions[n].steps for n in decided]))


def test_a_network_that_reads_backward_decides_nothing_early() -> None:
    config = ModelConfig(hidden_size=4, bidirectional=True)
    facts = ModelFacts(classes=("0", "1"), channels=("0",), model=config)
    model = Model(Network(config, 1, 2).eval(), facts)
    sequences = Sequences.from_list(np.zeros((6, 9, 1), np.float32), [0, 1] * 3)
    assert early_decisions(model, sequences) == []
    assert promise(model, sequences) is model


class Walk(Model):
    """A model whose running probability is right as often as it says, times a factor: streams made of random steps."""

    def predict_steps(self, values: Sequences) -> list[np.ndarray]:
        """Each sequence holds its own running probabilities of the second class."""
        return [np.column_stack([1 - steps[:, 0], steps[:, 0]]) for steps in values]


def walks(count: int, seed: int, *, honest: bool) -> Sequences:
    """Sequences whose steps are running probabilities that rise towards one class, with labels by those chances."""
    rng = np.random.default_rng(seed)
    last = rng.uniform(0.5, 1, count)
    steps = np.clip(np.linspace(0.5, 1, 12) * last[:, None] / 1.0, 0.5, None).astype(np.float32)[..., None]
    chance = last if honest else 0.5 + (last - 0.5) / 2
    return Sequences.from_list(list(steps), (rng.random(count) < chance).astype(int), classes=["0", "1"])


def walk() -> Walk:
    config = ModelConfig(hidden_size=2)
    facts = ModelFacts(classes=("0", "1"), channels=("0",), model=config)
    return Walk(Network(config, 1, 2).eval(), facts)


@pytest.mark.slow
def test_a_promise_is_kept_on_other_sequences_of_the_kind() -> None:
    """In at most about one of 20 cases the error on very many sequences is above the promise."""
    test, broken, made = walks(2_000, 999, honest=True), 0, 0
    for seed in range(30):
        model = promise(walk(), walks(600, seed, honest=True))
        for decision in early_decisions(model, test):
            if decision.promise is not None and decision.right is not None:
                made += 1
                broken += 1 - decision.right.value > decision.promise + 0.01
    assert made >= 20
    assert broken <= 3


def test_what_cannot_be_shown_is_not_promised() -> None:
    few = promise(walk(), walks(20, 0, honest=True))
    wrong = promise(walk(), walks(600, 0, honest=False))
    for model in (few, wrong):
        assert [one for one in early_decisions(model, walks(50, 1, honest=True)) if one.promise is not None] == []


def test_the_report_says_what_is_promised_and_how_often_decisions_are_right(digits_run: Run) -> None:
    found = digits_run.evaluation
    assert found is not None
    assert {one.confidence for one in found.early} >= {0.9, 0.95, 0.99}
    text = digits_run.folder.report.read_text()
    assert "--decide" in text
    for row in early_rows(found):
        assert row[0] in text
        assert row[2] in text
    assert promised(found) in text
    assert promised(replace(found, early=[])) == ""
