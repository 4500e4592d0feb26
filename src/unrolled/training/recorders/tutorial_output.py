"""The lines that the five old tutorials (programs A to E) print while they train, in their rhythm."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unrolled.config import TrainConfig
from unrolled.data.batches import Batch
from unrolled.training.losses import batch_loss
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import EpochLog, TrainState

EVERY = 10
"""Updates between two lines of programs A to C, and epochs between two lists of probabilities of program D."""

AFTER_UPDATE = {
    "accuracy-and-loss": "For iter {step}\nAccuracy {accuracy:.6g}\nLoss {loss:.6g}\n__________________",
    "samples-seen": "Iter {sequences}, Minibatch Loss= {loss:.6f}, Training Accuracy= {accuracy:.5f}",
}
"""Programs A, and B and C: figures of a batch, measured again after its update."""

AFTER_EPOCH = {
    "epoch-number": "Epoch {epoch}",
    "epoch-loss": "Epoch {epoch} completed out of {epochs}, loss: {loss:.6g}",
}
"""Programs D and E."""


class TutorialOutput(Recorder):
    """Prints what ``config.print_style`` names.

    Args:
        config: the training.
        say: prints a text.
        watched: the sequence whose probabilities program D prints, [1, T, F].
    """

    def __init__(self, config: TrainConfig, say: Callable[[str], None], watched: Tensor | None) -> None:
        self.config, self.say, self.watched = config, say, watched

    def updated(self, state: TrainState, batch: Batch) -> None:
        """Measures and prints every ten updates."""
        line = AFTER_UPDATE.get(self.config.print_style)
        if line is None or state.step % EVERY:
            return
        logits = _logits(state, batch.inputs, batch.lengths)
        loss = float(batch_loss(logits, batch.targets, self.config, None))
        accuracy = float((logits.argmax(-1) == batch.targets).float().mean())
        self.say(line.format(step=state.step, sequences=state.sequences, accuracy=accuracy, loss=loss))

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Prints, and now and then the probabilities of the watched sequence."""
        line = AFTER_EPOCH.get(self.config.print_style)
        if line is None:
            return
        self.say(line.format(epoch=log.epoch, epochs=self.plan.epochs, loss=log.loss_sum))
        if self.config.print_style == "epoch-number" and self.watched is not None and log.epoch % EVERY == 0:
            inputs = self.watched.to(state.network.output.weight.device)
            logits = _logits(state, inputs, torch.tensor([inputs.shape[1]], device=inputs.device))
            self.say(" ".join(f"{value:.4f}" for value in logits.softmax(-1)[0].tolist()))


@torch.no_grad()
def _logits(state: TrainState, inputs: Tensor, lengths: Tensor) -> Tensor:
    """Logits of the learning network without dropout."""
    state.network.eval()
    logits: Tensor = state.network(inputs, lengths)
    state.network.train()
    return logits
