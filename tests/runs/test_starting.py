"""A training from the weights of another model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from commands import call
from unrolled.config import Recipe
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, MismatchError
from unrolled.evaluation.held_out import Part, parts_of
from unrolled.runs.run import Run, resume, train
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

OPTIONS: dict[str, Any] = {"max_epochs": 2, "batch_size": 8, "threads": 1, "report": False, "method": "trained"}


def levels(seed: int, names: str = "ab", channels: tuple[str, ...] = ("x", "y"), count: int = 60) -> Sequences:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(names)
    return Sequences.from_list(
        [rng.normal(label, 0.5, (rng.integers(3, 9), len(channels))) for label in labels],
        [names[label] for label in labels],
        channels=channels,
    )


class Weights(Recorder):
    """The weights before the first update."""

    def begin(self, state: TrainState, plan: object) -> None:
        del plan
        self.first = {name: value.clone() for name, value in state.network.state_dict().items()}


class CutAt(Recorder):
    def epoch(self, log: object, state: TrainState) -> None:
        raise KeyboardInterrupt


def first(folder: Path) -> Run:
    return train(Recipe(name="first"), data=levels(0), runs=folder, hidden_size=4, **OPTIONS)


def test_a_training_starts_from_the_weights_and_the_preparation_of_the_model(tmp_path: Path) -> None:
    run, weights = first(tmp_path), Weights()
    data = levels(1, channels=("y", "x"))  # the channels are found by name
    later = train(Recipe(name="later"), data=data, start=run.folder.path, runs=tmp_path, recorders=[weights], **OPTIONS)
    for name, value in run.model.network.state_dict().items():
        assert torch.equal(value, weights.first[name]), name
    assert later.model.channels == ("x", "y")
    assert later.model.facts.model == run.model.facts.model
    normaliser = later.model.network.state_dict()
    for name, value in run.model.network.preparation.state_dict().items():
        assert torch.equal(normaliser[f"preparation.{name}"], value)
    assert later.model.facts.training["start"]["path"] == str(run.folder.path)


def test_what_the_first_model_learned_is_not_held_out_of_the_second(tmp_path: Path) -> None:
    run = first(tmp_path)
    later = train(Recipe(name="later"), data=levels(1), start=run.model, runs=tmp_path, **OPTIONS)
    parts = parts_of(later.model, levels(0))
    before = parts_of(run.model, levels(0))
    assert parts is not None
    assert before is not None
    np.testing.assert_array_equal(parts == Part.TRAINED_ON, before <= Part.VALIDATION)


def test_other_classes_get_a_readout_of_their_own(tmp_path: Path) -> None:
    run, said = first(tmp_path), list[str]()
    data = levels(1, "cde", count=90)
    later = train(Recipe(name="later"), data=data, start=run.model, runs=tmp_path, say=said.append, **OPTIONS)
    assert later.model.classes == ("c", "d", "e")
    assert any("new readout" in line for line in said)
    assert later.evaluation is not None
    assert later.evaluation.accuracy.value > 0.6


def test_another_order_of_the_classes_is_that_of_the_model(tmp_path: Path) -> None:
    run, data = first(tmp_path), levels(1)
    swapped = Sequences.from_list([data[i] for i in range(len(data))], [data.classes[i] for i in data.targets],
                                  classes=("b", "a"), channels=("x", "y"))  # fmt: skip
    later = train(Recipe(name="later"), data=swapped, start=run.model, runs=tmp_path, **OPTIONS)
    assert later.model.classes == run.model.classes
    assert (later.model.predict(data) == np.array(data.classes)[data.targets]).mean() > 0.6


def test_a_stopped_training_of_this_kind_goes_on_exactly(tmp_path: Path) -> None:
    run, data = first(tmp_path), levels(1)
    whole = train(Recipe(name="whole"), data=data, start=run.folder.path, runs=tmp_path, **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        train(
            Recipe(name="cut"),
            data=data,
            start=run.folder.path,
            runs=tmp_path,
            name="1",
            recorders=[CutAt()],
            **OPTIONS,
        )
    resumed = resume(tmp_path / "cut" / "1", data=data)
    for name, value in whole.model.network.state_dict().items():
        assert torch.equal(value, resumed.model.network.state_dict()[name]), name


def test_what_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    run = first(tmp_path)
    with pytest.raises(ConfigError, match="hidden_size = 9 does not fit"):
        train(Recipe(name="later"), data=levels(1), start=run.model, runs=tmp_path, hidden_size=9, **OPTIONS)
    other = Sequences.from_list([np.ones((3, 1)) * i for i in range(60)], [str(i % 2) for i in range(60)])
    with pytest.raises(MismatchError, match="channels"):
        train(Recipe(name="later"), data=other, start=run.model, runs=tmp_path, **OPTIONS)


@pytest.mark.slow
def test_the_command_line_and_the_report(fresh: Path) -> None:
    assert call("train", "digits", "--epochs", 1, "--units", 4, "--quiet").code == 0
    answer = call("train", "digits", "--from", "runs/digits/1", "--epochs", 1)
    assert answer.code == 0, answer.err
    assert "starting from the weights of a model of digits" in answer.out
    page = (fresh / "runs/digits/2/report.html").read_text(encoding="utf-8")
    assert "unrolled train digits --from runs/digits/1" in page
    assert call("train", "--resume", "runs/digits/2", "--from", "runs/digits/1").code == 2
