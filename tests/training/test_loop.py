"""The loop: lengths, early stopping, figures, what observers see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from closeness import closeness
from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch, Batcher
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError
from unrolled.network.inference import all_logits
from unrolled.network.network import Network
from unrolled.training.loop import fit, new_state
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders.recorder import MetricsFile, Recorder
from unrolled.training.state import EpochLog, StepLog, TrainState

near = closeness(torch.float32, 22, steps=4)["rtol"]


def labelled(count: int = 22, seed: int = 0) -> Sequences:
    labels = np.arange(count) % 2
    values = np.random.default_rng(seed).normal(labels[:, None, None], 1.0, (count, 4, 2))
    return Sequences.from_array(values, labels)


def fitted(config: TrainConfig, validation: Sequences | None = None, *recorders: Recorder, **model: Any) -> TrainState:
    network = Network(ModelConfig(hidden_size=4, **model), 2, 2, config.seed)
    return fit(new_state(network, config), labelled(), validation, config, recorders=recorders)


class Seen(Recorder):
    """Writes down every event."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.steps: list[StepLog] = []
        self.epochs: list[EpochLog] = []
        self.weights: list[dict[str, torch.Tensor]] = []
        self.ends = 0

    def updated(self, state: TrainState, batch: Batch) -> None:
        del state
        self.batches.append(batch)

    def step(self, log: StepLog) -> None:
        self.steps.append(log)

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        self.epochs.append(log)
        self.weights.append({name: value.clone() for name, value in state.shipped.state_dict().items()})

    def end(self, state: TrainState) -> None:
        del state
        self.ends += 1


@pytest.mark.parametrize(
    ("length", "last_batch", "batch_size", "updates", "sequences"),
    [
        ({"max_epochs": 3}, "keep", 8, 9, 66),
        ({"max_epochs": 3}, "drop", 8, 6, 48),
        ({"max_epochs": 3}, "wrap", 8, 6, 48),
        ({"max_epochs": 2}, "keep", 100, 2, 44),
        ({"max_epochs": 2}, "wrap", 100, 2, 44),
        ({"max_epochs": 2}, "drop", 100, 2, 44),
        ({"max_steps": 7}, "keep", 8, 7, 52),
        ({"max_steps": 7}, "wrap", 8, 7, 56),
        ({"max_steps": 1}, "drop", 8, 1, 8),
        ({"max_sequences": 44}, "keep", 8, 6, 44),
        ({"max_sequences": 40}, "keep", 8, 5, 38),
        ({"max_sequences": 40}, "wrap", 8, 5, 40),
        ({"max_sequences": 47}, "drop", 8, 5, 40),
        ({"max_sequences": 3}, "keep", 8, 1, 8),
        ({"max_sequences": 88}, "keep", 100, 4, 88),
    ],
)
def test_training_has_exactly_the_length_that_was_asked_for(
    length: dict[str, int], last_batch: Any, batch_size: int, updates: int, sequences: int
) -> None:
    seen = Seen()
    state = fitted(TrainConfig(batch_size=batch_size, last_batch=last_batch, **length), None, seen)
    assert len(seen.batches) == state.step == updates
    assert sum(len(batch) for batch in seen.batches) == state.sequences == sequences
    plan = make_plan(TrainConfig(batch_size=batch_size, last_batch=last_batch, **length), labelled())
    assert plan.total_steps == updates
    assert plan.epochs == len(seen.epochs) == state.epoch
    assert sum(plan.steps_in(epoch) for epoch in range(plan.epochs)) == updates


@pytest.mark.parametrize(("count", "epochs"), [(22, 67), (640, 60)])
def test_without_a_length_there_are_enough_passes_and_enough_updates(count: int, epochs: int) -> None:
    plan = make_plan(TrainConfig(batch_size=8), labelled(count))
    assert plan.epochs == epochs
    assert plan.total_steps == epochs * -(-count // 8) >= 200


def test_patience_stops_and_the_best_weights_are_the_ones_used() -> None:
    seen = Seen()
    held = labelled(14, seed=5)
    config = TrainConfig(max_epochs=200, batch_size=8, patience=3, learning_rate=0.1, schedule="constant")
    state = fitted(config, held, seen)
    losses = [log.validation_loss or 0.0 for log in seen.epochs]
    best = int(np.argmin(losses))
    assert len(losses) < 200
    assert len(losses) == best + 1 + 3
    assert state.selection.best_epoch == best + 1
    assert state.history == seen.epochs
    for name, weight in state.shipped.state_dict().items():
        assert torch.equal(weight, seen.weights[best][name])
    assert [log.improved for log in seen.epochs] == [
        loss < min(losses[:i], default=np.inf) for i, loss in enumerate(losses)
    ]


def test_keep_last_uses_the_last_weights() -> None:
    seen = Seen()
    config = TrainConfig(max_epochs=8, batch_size=8, learning_rate=0.3, schedule="constant", keep="last")
    state = fitted(config, labelled(14, seed=5), seen)
    assert all(torch.equal(weight, seen.weights[-1][name]) for name, weight in state.shipped.state_dict().items())


def test_the_watched_figure_can_be_the_accuracy() -> None:
    seen = Seen()
    config = TrainConfig(max_epochs=9, batch_size=8, learning_rate=0.1, monitor="accuracy")
    state = fitted(config, labelled(14, seed=5), seen)
    accuracies = [log.validation_accuracy or 0.0 for log in seen.epochs]
    assert state.selection.best_epoch == int(np.argmax(accuracies)) + 1
    assert state.selection.best_value == -max(accuracies)


def test_patience_without_validation_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="patience needs validation data; set validation_fraction above 0"):
        fitted(TrainConfig(max_epochs=1, patience=2))


def test_low_precision_on_the_cpu_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a GPU; use float32"):
        fitted(TrainConfig(max_epochs=1, precision="bfloat16"))


def test_figures_of_a_pass_equal_those_of_its_batches_and_of_the_validation_data() -> None:
    held = labelled(9, seed=4)
    seen, losses, right = Seen(), [], []

    class Before(Recorder):
        """The loss of each batch under the weights it was learned with: lr is all but zero here."""

        def updated(self, state: TrainState, batch: Batch) -> None:
            with torch.no_grad():
                logits = state.network(batch.inputs, batch.lengths)
            losses.append(F.cross_entropy(logits, batch.targets, reduction="sum").item())
            right.append(int((logits.argmax(-1) == batch.targets).sum()))

    config = TrainConfig(max_epochs=1, batch_size=8, learning_rate=1e-12, weight_decay=0, log_every=2)
    state = fitted(config, held, seen, Before())
    (log,) = seen.epochs
    assert log.train_loss == pytest.approx(sum(losses) / 22, rel=near)
    assert log.train_accuracy == sum(right) / 22
    assert log.loss_sum == pytest.approx(losses[0] / 8 + losses[1] / 8 + losses[2] / 6, rel=near)
    logits = all_logits(state.network, Batcher(held))
    assert log.validation_loss == pytest.approx(F.cross_entropy(logits, torch.from_numpy(held.targets)).item())
    assert [line.step for line in seen.steps] == [2]
    assert seen.steps[0].loss == pytest.approx((losses[0] + losses[1]) / 16, rel=near)
    assert seen.steps[0].accuracy == (right[0] + right[1]) / 16


def test_the_sum_of_losses_gives_the_same_mean_figures() -> None:
    logs = []
    for loss in ("mean", "sum"):
        seen = Seen()
        fitted(TrainConfig(max_epochs=1, batch_size=8, learning_rate=1e-12, loss=loss), None, seen)
        logs.append(seen.epochs[0])
    assert logs[0].train_loss == pytest.approx(logs[1].train_loss, rel=near)


def test_the_average_of_weights_follows_its_formula_and_is_what_is_judged() -> None:
    expected: dict[str, torch.Tensor] = {}

    class Follow(Recorder):
        def begin(self, state: TrainState, plan: Plan) -> None:
            del plan
            expected.update({name: value.clone() for name, value in state.network.named_parameters()})

        def updated(self, state: TrainState, batch: Batch) -> None:
            del batch
            done = state.step - 1
            decay = min(0.5, (1 + done) / (10 + done))
            for name, value in state.network.named_parameters():
                expected[name] = decay * expected[name] + (1 - decay) * value.detach()

    state = fitted(TrainConfig(max_steps=9, batch_size=8, average_decay=0.5, learning_rate=0.1), None, Follow())
    assert state.shipped is state.averaged
    for name, value in state.shipped.named_parameters():
        torch.testing.assert_close(value.detach(), expected[name].detach())


def test_weights_of_sequences_are_repetitions_of_them() -> None:
    config, data = TrainConfig(max_steps=5, batch_size=100, weight_decay=0.1), labelled()
    repeats = np.random.default_rng(0).integers(0, 4, len(data))

    def train(sequences: Sequences, weights: np.ndarray[Any, Any] | None) -> Network:
        network = Network(ModelConfig(hidden_size=4), 2, 2, 0)
        return fit(new_state(network, config), sequences, None, config, sample_weights=weights).shipped

    weighted = train(data, repeats / repeats.mean())
    repeated = train(data.take(np.repeat(np.arange(len(data)), repeats)), None)
    for found, expected in zip(weighted.parameters(), repeated.parameters(), strict=True):
        torch.testing.assert_close(found, expected, **closeness(torch.float32, 100, steps=5))


def test_changes_touch_training_batches_only() -> None:
    data, held = labelled(), labelled(9, seed=4)
    before = data.values.copy(), held.values.copy()
    seen = Seen()
    config = TrainConfig(max_epochs=1, batch_size=22, learning_rate=1e-12, shuffle=False)
    network = Network(ModelConfig(hidden_size=4), 2, 2, 0)
    state = fit(new_state(network, config), data, held, config, AugmentConfig(noise=1.0), recorders=[seen])
    assert np.array_equal(data.values, before[0])
    assert np.array_equal(held.values, before[1])
    assert not np.allclose(seen.batches[0].inputs.numpy().reshape(-1, 2), data.values)
    unchanged = F.cross_entropy(all_logits(state.network, Batcher(held)), torch.from_numpy(held.targets))
    assert seen.epochs[0].validation_loss == pytest.approx(unchanged.item(), rel=near)


def test_every_observer_is_told_of_the_end_even_where_one_fails() -> None:
    class Failing(Recorder):
        def end(self, state: TrainState) -> None:
            del state
            raise RuntimeError("closing failed")

    one, other = Seen(), Seen()
    with pytest.raises(RuntimeError, match="closing failed"):
        fitted(TrainConfig(max_steps=1), None, one, Failing(), other)
    assert (one.ends, other.ends) == (1, 1)


# metrics.jsonl


def log(step: int) -> StepLog:
    return StepLog(step=step, epoch=1, sequences=8 * step, loss=0.5, accuracy=0.5, learning_rate=0.1, seconds=1.0)


def test_metrics_that_the_checkpoint_does_not_know_and_half_lines_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    known = [
        '{"event": "step", "step": 2}',
        '{"event": "epoch", "epoch": 1, "step": 3}',
        '{"event": "step", "step": 4}',
    ]
    later = ['{"event": "step", "step": 6}', '{"event": "epoch", "epoch": 2, "step": 4}', "null", '{"event": "st']
    path.write_text("\n".join(known + later))
    state = new_state(Network(ModelConfig(hidden_size=2), 2, 2), TrainConfig(max_steps=9))
    state.step, state.epoch = 4, 1
    recorder = MetricsFile(path)
    recorder.begin(state, make_plan(TrainConfig(max_steps=9), labelled()))
    assert path.read_text().splitlines() == known
    recorder.step(log(5))
    recorder.end(state)
    lines = path.read_text().splitlines()
    assert lines[:3] == known
    assert json.loads(lines[3])["step"] == 5


def test_metrics_cut_on_a_full_disk_keep_the_old_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "step", "step": 2}\n')
    state = new_state(Network(ModelConfig(hidden_size=2), 2, 2), TrainConfig(max_steps=9))
    state.step = 2

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match="no space left on the disk"):
        MetricsFile(path).begin(state, make_plan(TrainConfig(max_steps=9), labelled()))
    assert path.read_text() == '{"event": "step", "step": 2}\n'


def test_every_line_of_the_metrics_is_strict_json(tmp_path: Path) -> None:
    fitted(TrainConfig(max_epochs=2, log_every=1, batch_size=8), labelled(6), MetricsFile(tmp_path / "m.jsonl"))

    def refuse(text: str) -> None:
        raise AssertionError(text)

    lines = [json.loads(line, parse_constant=refuse) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [*["step", "step", "step", "epoch"] * 2, "end"]
    assert [line["step"] for line in lines] == [1, 2, 3, 3, 4, 5, 6, 6, 6]
