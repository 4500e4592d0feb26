"""A training step of unrolled's own loop, and of the loop that a reader of a PyTorch tutorial writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from measuring import BATCH_SIZE, CHANNELS, CLASSES, HIDDEN_SIZE, LEARNING_RATE, LOG_EVERY, pictures
from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import InterruptedRunError
from unrolled.network.network import Network
from unrolled.runtime.stopping import StopRequest, stopping_by
from unrolled.training.loop import fit, new_state
from unrolled.training.recorders.recorder import MetricsFile, Recorder
from unrolled.training.state import TrainState

_NEVER_ENDS = 10_000_000
CPU = torch.device("cpu")


class StepClock(Recorder):
    """Notes the time after each update, and asks `fit` to stop after a number of them."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.wanted = 0
        self.stop = StopRequest()

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Notes the time."""
        del state, batch
        self.times.append(time.perf_counter())
        if len(self.times) == self.wanted:
            self.stop.make()


class UnrolledLoop:
    """`fit` itself, with its file of metrics. A round goes on in the pass where the one before was interrupted.

    Attributes:
        window: when the timed steps of the last round began and ended.
    """

    name = "unrolled"

    def __init__(
        self,
        rows: Sequences,
        folder: Path,
        clip_norm: float = 0.0,
        model: ModelConfig | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self.rows = rows
        self.config = TrainConfig(
            max_steps=_NEVER_ENDS,
            batch_size=batch_size,
            optimizer="adam",
            learning_rate=LEARNING_RATE,
            weight_decay=0.0,
            clip_norm=clip_norm,
            log_every=LOG_EVERY,
            keep="last",
        )
        network = Network(model or ModelConfig(hidden_size=HIDDEN_SIZE), len(rows.channels), len(rows.classes))
        self.state = new_state(network, self.config)
        self.clock = StepClock()
        self.recorders = [MetricsFile(folder / "metrics.jsonl"), self.clock]

    def round(self, count: int) -> float:
        """See `Contender`."""
        self.clock.times, self.clock.wanted, self.clock.stop = [], count + 1, StopRequest()
        with stopping_by(self.clock.stop), suppress(InterruptedRunError):
            fit(self.state, self.rows, None, self.config, recorders=self.recorders)
        self.window = self.clock.times[0], self.clock.times[-1]
        return self.window[1] - self.window[0]


class PlainNetwork(nn.Module):
    """`nn.LSTM`, its last output, `nn.Linear`."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, HIDDEN_SIZE, batch_first=True)
        self.output = nn.Linear(HIDDEN_SIZE, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, T, F] → [B, C]."""
        outputs, _ = self.lstm(inputs)
        logits: Tensor = self.output(outputs[:, -1])
        return logits


class PlainLoop:
    """A tutorial's loop: float32 pictures in memory, `torch.randperm`, Adam as it comes, no schedule.

    Attributes:
        window: when the timed steps of the last round began and ended.
    """

    name = "plain PyTorch"

    def __init__(self, rows: Sequences, clip_norm: float = 0.0, device: torch.device = CPU) -> None:
        self.inputs = torch.from_numpy(pictures(rows)).to(device).float() / 255
        self.targets = torch.from_numpy(rows.targets).to(device)
        self.clip_norm = clip_norm
        self.network = PlainNetwork().to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE)
        self.lines: list[str] = []
        self.steps = self.train()

    def train(self) -> Iterator[None]:
        """The loop; it pauses after each step."""
        step = 0
        while True:
            order = torch.randperm(len(self.inputs), device=self.inputs.device)
            for low in range(0, len(order), BATCH_SIZE):
                inputs, targets = self.batch(order[low : low + BATCH_SIZE])
                loss = F.cross_entropy(self.network(inputs), targets)
                self.optimizer.zero_grad()
                loss.backward()
                if self.clip_norm:
                    torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
                self.optimizer.step()
                step += 1
                if step % LOG_EVERY == 0:
                    self.log(step, loss)
                yield

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of these pictures."""
        return self.inputs[indices], self.targets[indices]

    def log(self, step: int, loss: Tensor) -> None:
        """A line of figures."""
        self.lines.append(f"step {step}  loss {loss.item():.4f}")

    def round(self, count: int) -> float:
        """See `Contender`."""
        next(self.steps)
        started = time.perf_counter()
        for _ in range(count):
            next(self.steps)
        self.window = started, time.perf_counter()
        return self.window[1] - self.window[0]
