"""Times training on sequences whose lengths are spread 1 : 10, against the usual ways to handle them.

    python benchmarks/ragged.py
    python benchmarks/ragged.py --hidden-size 128

2,048 sequences of 20 to 200 steps (uniform), 8 channels, one LSTM layer of 64 units, batch 64, Adam. Every
contender learns from every sequence once a round: unrolled's own `fit` (batches of about equal lengths), a
PyTorch loop that pads every batch to the longest sequence of the data, one that pads it to its own longest, in a
random order, and one that uses PackedSequence.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from measuring import (
    Contender,
    available_cores,
    interleave,
    let_idle_threads_sleep,
    print_table,
    scratch_folder,
    settings,
)
from torch_loops import UnrolledLoop
from unrolled.config import ModelConfig
from unrolled.data.sequences import Sequences

COUNT, CHANNELS, CLASSES, BATCH_SIZE = 2_048, 8, 5, 64
SHORTEST, LONGEST = 20, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="measured rounds (6)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="threads (as many as cores)")
    parser.add_argument("--hidden-size", type=int, default=64, help="units (64)")
    arguments = parser.parse_args()
    units = arguments.hidden_size
    let_idle_threads_sleep()
    data = make_data()
    steps = COUNT // BATCH_SIZE
    with ExitStack() as stack:
        stack.enter_context(settings(arguments.threads))
        folder = stack.enter_context(scratch_folder())
        print(f"{COUNT:,} sequences of {data.lengths.min()} to {data.lengths.max()} steps, batch {BATCH_SIZE}\n")
        contenders: list[Contender] = [
            UnrolledLoop(
                data,
                folder,
                model=ModelConfig(hidden_size=units, pooling="last", bidirectional=False),
                batch_size=BATCH_SIZE,
            ),
            TorchLoop("padded to the longest of the data", data, units, padded_last),
            TorchLoop("padded to the longest of the batch", data, units, cut_last),
            TorchLoop("PackedSequence", data, units, packed_last),
        ]
        print_table(interleave(contenders, arguments.rounds, steps), "step")


def make_data() -> Sequences:
    """Noise; what is learned from it does not matter here."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(SHORTEST, LONGEST, COUNT, endpoint=True)
    values = rng.standard_normal((int(lengths.sum()), CHANNELS), np.float32)
    return Sequences.from_steps(values, lengths, rng.integers(0, CLASSES, COUNT))


def padded_last(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """The output at each sequence's own last step, all steps of the padding computed."""
    outputs, _ = lstm(inputs)
    last: Tensor = outputs[torch.arange(len(inputs)), lengths - 1]
    return last


def cut_last(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """The same, without the steps that no sequence of the batch has."""
    return padded_last(lstm, inputs[:, : int(lengths.max())], lengths)


def packed_last(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """The same by PyTorch's own means."""
    _, (last, _) = lstm(pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False))
    state: Tensor = last[0]
    return state


Last = Callable[[nn.LSTM, Tensor, Tensor], Tensor]
"""The output at each sequence's own last step."""


class TorchLoop:
    """A tutorial's loop over sequences that were padded once, in a random order."""

    def __init__(
        self, name: str, data: Sequences, units: int, last: Callable[[nn.LSTM, Tensor, Tensor], Tensor]
    ) -> None:
        self.name, self.last = name, last
        self.inputs = torch.zeros(COUNT, LONGEST, CHANNELS)
        for row, steps in enumerate(data):
            self.inputs[row, : len(steps)] = torch.from_numpy(steps)
        self.lengths, self.targets = torch.from_numpy(data.lengths), torch.from_numpy(data.targets)
        self.lstm, self.output = nn.LSTM(CHANNELS, units, batch_first=True), nn.Linear(units, CLASSES)
        self.optimizer = torch.optim.Adam([*self.lstm.parameters(), *self.output.parameters()], lr=1e-3)
        self.steps = self.train()

    def train(self) -> Iterator[None]:
        """The loop; it pauses after each step."""
        while True:
            order = torch.randperm(COUNT)
            for low in range(0, COUNT, BATCH_SIZE):
                rows = order[low : low + BATCH_SIZE]
                logits = self.output(self.last(self.lstm, self.inputs[rows], self.lengths[rows]))
                loss = F.cross_entropy(logits, self.targets[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                yield

    def round(self, count: int) -> float:
        """See `Contender`."""
        next(self.steps)
        started = time.perf_counter()
        for _ in range(count):
            next(self.steps)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
