"""Trainings whose steps are done in different ways, and must end with the same bits."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from unrolled.config import TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import StepLog, TrainState


def pictures(count: int = 27) -> Sequences:
    random = np.random.default_rng(1)
    whole = Sequences.from_array(random.integers(0, 250, (count, 5, 6)), np.arange(count) % 3)
    return replace(whole, values=whole.values.astype(np.uint8), scale=1 / 255, pictures=True)


def ragged(count: int = 27) -> Sequences:
    random = np.random.default_rng(2)
    labels = np.arange(count) % 3
    return Sequences.from_list([random.normal(label, 1, (random.integers(1, 9), 2)) for label in labels], labels)


def assert_same(one: TrainState, other: TrainState) -> None:
    for name, value in one.tensors().items():
        assert torch.equal(value, other.tensors()[name]), name
    assert [replace(log, seconds=0) for log in one.history] == [replace(log, seconds=0) for log in other.history]


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "adam, cosine, not clipped": ({"optimizer": "adam", "schedule": "cosine", "clip_norm": 0}, {}, {}),
    "sgd, constant, sum": ({"optimizer": "sgd", "schedule": "constant", "loss": "sum", "clip_norm": 0.1}, {}, {}),
    "sgd without momentum": ({"optimizer": "sgd", "momentum": 0}, {}, {}),
    "rmsprop": ({"optimizer": "rmsprop", "learning_rate": 1e-3}, {"cell": "gru"}, {}),
    "rmsprop without momentum": ({"optimizer": "rmsprop", "momentum": 0}, {}, {}),
    "dropout": ({}, {"num_layers": 2, "dropout": 0.3, "output_dropout": 0.2, "recurrent_dropout": 0.2}, {}),
    "both directions, attention": ({}, {"bidirectional": True, "pooling": "attention"}, {}),
    "averaged weights": ({"average_decay": 0.9}, {}, {}),
    "class weights": ({"class_weight": "balanced", "label_smoothing": 0.1}, {}, {}),
    "wrap": ({"last_batch": "wrap"}, {}, {}),
    "drop": ({"last_batch": "drop"}, {}, {}),
    "series changed": ({}, {}, {"time_shift": 2, "shuffle_steps": True, "noise": 0.1, "value_scale": 0.1}),
    "pictures changed": ({}, {}, {"rotation": 9, "zoom": 0.1, "shear": 3, "translate": 1, "elastic": 0.5}),
}


KINDS = {"pictures": pictures, "ragged": ragged}
PAIRS = [(name, kind) for name in CASES for kind in KINDS if (name, kind) != ("pictures changed", "ragged")]


class Seen(Recorder):
    """Which lines were told, after which updates; and asks to stop after one of them."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.lines: list[StepLog] = []
        self.told_at: list[int] = []
        self.stop_at, self.updates = stop_at, 0

    def updated(self, state: TrainState, batch: Batch) -> None:
        del batch
        self.updates = state.step
        if state.step == self.stop_at:
            signal.raise_signal(signal.SIGINT)

    def step(self, log: StepLog) -> None:
        self.lines.append(replace(log, seconds=0))
        self.told_at.append(self.updates)


LONG = TrainConfig(batch_size=8, max_epochs=4, log_every=2, average_decay=0.9)
