"""What is printed and drawn while training: the old tutorials' lines, TensorBoard's files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.network.network import Network
from unrolled.training.loop import fit, new_state
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.recorders.tutorial_output import TutorialOutput
from unrolled.training.state import TrainState

DATA = Sequences.from_array(np.random.default_rng(0).normal(size=(40, 4, 1)), np.arange(40) % 2)


def printed(output: Any, *others: Recorder, watched: torch.Tensor | None = None, **changes: Any) -> list[str]:
    config = TrainConfig(batch_size=8, print_style=output, **changes)
    said: list[str] = []
    recorder = TutorialOutput(config, said.append, watched)
    network = Network(ModelConfig(hidden_size=4, output_dropout=0.5), 1, 2)
    fit(new_state(network, config), DATA, None, config, recorders=[recorder, *others])
    return said


class AfterEveryTen(Recorder):
    """Loss and accuracy of a batch after its update, measured anew."""

    def __init__(self) -> None:
        self.figures: list[tuple[int, float, float]] = []

    def updated(self, state: TrainState, batch: Batch) -> None:
        if state.step % 10 == 0:
            assert state.network.training
            state.network.eval()
            with torch.no_grad():
                logits = state.network(batch.inputs, batch.lengths)
            state.network.train()
            right = float((logits.argmax(-1) == batch.targets).float().mean())
            self.figures.append((state.sequences, right, float(F.cross_entropy(logits, batch.targets))))


def test_program_a_prints_every_ten_steps_the_batchs_figures_after_its_update() -> None:
    measured = AfterEveryTen()
    said = printed("accuracy-and-loss", measured, max_steps=25)
    assert [line.splitlines()[0] for line in said] == ["For iter 10", "For iter 20"]
    for line, (_, accuracy, loss) in zip(said, measured.figures, strict=True):
        found = re.fullmatch(r"For iter \d+\nAccuracy (\S+)\nLoss (\S+)\n_+", line)
        assert found
        assert float(found[1]) == pytest.approx(accuracy)
        assert float(found[2]) == pytest.approx(loss, rel=1e-5)


def test_programs_b_and_c_print_by_samples_seen() -> None:
    measured = AfterEveryTen()
    said = printed("samples-seen", measured, max_steps=20)
    expected = [
        f"Iter {samples}, Minibatch Loss= {loss:.6f}, Training Accuracy= {accuracy:.5f}"
        for samples, accuracy, loss in measured.figures
    ]
    assert said == expected
    assert said[0].startswith("Iter 80, ")


def test_program_d_prints_the_epoch_and_every_tenth_the_probabilities_of_one_string() -> None:
    said = printed("epoch-number", watched=torch.ones(1, 5, 1), max_epochs=20)
    assert [line for line in said if line.startswith("Epoch")] == [f"Epoch {number}" for number in range(1, 21)]
    probabilities = [line for line in said if not line.startswith("Epoch")]
    assert said.index(probabilities[0]) == 10
    assert len(probabilities) == 2
    for line in probabilities:
        assert sum(map(float, line.split())) == pytest.approx(1, abs=2e-4)


def test_program_e_prints_the_sum_of_the_losses_of_an_epochs_batches() -> None:
    sums: list[float] = []

    class Sum(Recorder):
        def epoch(self, log: Any, state: TrainState) -> None:
            del log
            sums.append(float(torch.stack(losses[-5:]).double().sum()))
            assert not state.losses

        def updated(self, state: TrainState, batch: Batch) -> None:
            del batch
            losses.append(state.losses[-1])

    losses: list[torch.Tensor] = []
    said = printed("epoch-loss", Sum(), max_epochs=3)
    assert said == [f"Epoch {i} completed out of 3, loss: {value:.6g}" for i, value in enumerate(sums, 1)]


def test_printing_does_not_change_the_training() -> None:
    ends = []
    for output in ("progress", "accuracy-and-loss", "epoch-number"):
        config = TrainConfig(batch_size=8, max_epochs=5, print_style=output)
        network = Network(ModelConfig(hidden_size=4, output_dropout=0.5), 1, 2)
        recorder = TutorialOutput(config, lambda _: None, torch.ones(1, 5, 1))
        fit(new_state(network, config), DATA, None, config, recorders=[recorder])
        ends.append(network.output.weight.detach())
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


def test_tensorboard_shows_scalars_histograms_and_the_confusion_matrix(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from unrolled.training.recorders.tensorboard import TensorBoardRecorder, add_pictures, add_to_table

    class Stop(Recorder):
        def updated(self, state: TrainState, batch: Batch) -> None:
            del batch
            if state.step == 4 and len(stops) == 0:
                stops.append(state.step)
                raise KeyboardInterrupt

    stops: list[int] = []
    config = TrainConfig(batch_size=20, max_epochs=3, log_every=1)
    state = new_state(Network(ModelConfig(hidden_size=4), 1, 2), config)
    with pytest.raises(KeyboardInterrupt):  # after step 4, whose line is not yet written
        fit(state, DATA, DATA, config, recorders=[TensorBoardRecorder(tmp_path), Stop()])
    fit(state, DATA, DATA, config, recorders=[TensorBoardRecorder(tmp_path), Stop()])
    add_pictures(tmp_path, {"confusion": np.zeros((8, 8, 3), np.uint8)}, state.step)
    add_to_table(tmp_path, {"hidden_size": 4, "clip": None, "sizes": (1, 2)}, {"accuracy": 0.75})
    events = EventAccumulator(str(tmp_path)).Reload()
    tags = events.Tags()
    assert {"training/loss", "training/accuracy", "training/learning_rate"} <= set(tags["scalars"])
    assert {"epoch/train_loss", "epoch/validation_loss", "epoch/validation_accuracy"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("training/loss")] == [1, 2, 3, 5, 6]
    assert [event.step for event in events.Scalars("epoch/validation_loss")] == [2, 4, 6]
    found = [event.value for event in events.Scalars("epoch/validation_loss")]
    assert found == pytest.approx([log.validation_loss for log in state.history])
    assert {f"weights/{name}" for name, _ in state.network.named_parameters()} == set(tags["histograms"])
    assert tags["images"] == ["confusion"]
    assert [event.value for event in events.Scalars("figures/accuracy")] == [0.75]
