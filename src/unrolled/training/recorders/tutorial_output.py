"""What the five old tutorials print while they train, in their rhythm, as recorders.

Three of them measure accuracy and loss on a batch again, after its update; so do these.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unrolled.config import TrainConfig
from unrolled.data.batches import Batch
from unrolled.training.losses import batch_loss
from unrolled.training.plan import Plan
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import EpochLog, TrainState

Say = Callable[[str], None]

EVERY_STEPS = 10
WATCH_EVERY_EPOCHS = 10


class AfterUpdate(Recorder):
    """Every ten steps, accuracy and loss of the batch that was just learned from, after its update."""

    def __init__(self, config: TrainConfig, say: Say) -> None:
        self.config, self.say = config, say

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Measures when it is time."""
        if state.step % EVERY_STEPS:
            return
        with torch.no_grad():
            state.network.eval()
            logits: Tensor = state.network(batch.inputs, batch.lengths)
            state.network.train()
            loss = float(batch_loss(logits, batch.targets, self.config, None))
        accuracy = float((logits.argmax(-1) == batch.targets).float().mean())
        self.tell(state, loss, accuracy)

    def tell(self, state: TrainState, loss: float, accuracy: float) -> None:
        """As program A prints it."""
        self.say(f"For iter {state.step}\nAccuracy {accuracy:.6g}\nLoss {loss:.6g}\n__________________")


class SamplesSeen(AfterUpdate):
    """The same figures as programs B and C print them, by samples seen."""

    def tell(self, state: TrainState, loss: float, accuracy: float) -> None:
        """One line."""
        self.say(f"Iter {state.sequences}, Minibatch Loss= {loss:.6f}, Training Accuracy= {accuracy:.5f}")


class EpochNumber(Recorder):
    """Program D: the epoch's number, and now and then the class probabilities of one string."""

    def __init__(self, say: Say, watched: Tensor | None) -> None:
        self.say, self.watched = say, watched

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Prints after each pass."""
        self.say(f"Epoch {log.epoch}")
        if self.watched is None or log.epoch % WATCH_EVERY_EPOCHS:
            return
        device = state.network.output.weight.device
        with torch.no_grad():
            state.network.eval()
            logits: Tensor = state.network(
                self.watched.to(device), torch.tensor([self.watched.shape[1]], device=device)
            )
            state.network.train()
        self.say(" ".join(f"{value:.4f}" for value in logits.softmax(-1)[0].tolist()))


class EpochLoss(Recorder):
    """Program E: the sum of the batch losses of each epoch."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.epochs = 0

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Learns how many epochs there will be."""
        del state
        self.epochs = plan.epochs

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Prints after each pass."""
        del state
        self.say(f"Epoch {log.epoch} completed out of {self.epochs}, loss: {log.loss_sum:.6g}")


def tutorial_recorder(config: TrainConfig, say: Say, watched: Tensor | None) -> Recorder | None:
    """The recorder for ``config.output``; None where that is no tutorial's.

    Args:
        config: what to print.
        say: prints a text.
        watched: the sequence whose probabilities are printed, [1, T, F].
    """
    makers: dict[str, Callable[[], Recorder]] = {
        "accuracy-and-loss": lambda: AfterUpdate(config, say),
        "samples-seen": lambda: SamplesSeen(config, say),
        "epoch-number": lambda: EpochNumber(say, watched),
        "epoch-loss": lambda: EpochLoss(say),
    }
    maker = makers.get(config.output)
    return maker() if maker else None
