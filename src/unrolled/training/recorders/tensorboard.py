"""TensorBoard: scalars, histograms of the weights, pictures, and a line in its table of runs.

An optional recorder: it needs the extra ``tensorboard``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.errors import ConfigError
from unrolled.training.plan import Plan
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import EpochLog, StepLog, TrainState

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardRecorder(Recorder):
    """Writes the files that `tensorboard --logdir` shows."""

    def __init__(self, folder: Path) -> None:
        _writer_class()  # a missing package is an error before anything is trained
        self.folder = folder

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Opens the writer; after a resume, events from after the checkpoint are not shown."""
        self.writer = _writer_class()(str(self.folder), purge_step=state.step + 1)

    def step(self, log: StepLog) -> None:
        """Loss, accuracy and learning rate of training."""
        for name in ("loss", "accuracy", "learning_rate"):
            self.writer.add_scalar(f"training/{name}", getattr(log, name), log.step)

    def epoch(self, log: EpochLog, state: TrainState) -> None:
        """Figures of the epoch, and a histogram of each weight tensor."""
        for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
            value = getattr(log, name)
            if value is not None:
                self.writer.add_scalar(f"epoch/{name}", value, log.step)
        for name, weight in state.shipped.named_parameters():
            self.writer.add_histogram(f"weights/{name}", weight.detach().cpu().numpy(), log.step)

    def flush(self) -> None:
        """Writes everything to the disk."""
        self.writer.flush()

    def end(self, state: TrainState) -> None:
        """Closes the writer."""
        self.writer.close()


Pixels = npt.NDArray[np.uint8]


def add_pictures(folder: Path, pictures: Mapping[str, Pixels], step: int) -> None:
    """Adds pictures, [rows, columns, 3] by name, to a TensorBoard folder."""
    with _writer_class()(str(folder)) as writer:
        for name, pixels in pictures.items():
            writer.add_image(name, pixels, step, dataformats="HWC")


def add_to_table(folder: Path, settings: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    """A run's line in TensorBoard's table of hyperparameters: its settings beside its final figures."""
    plain = {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in settings.items()
        if value is not None
    }
    with _writer_class()(str(folder)) as writer:
        writer.add_hparams(plain, {f"figures/{name}": value for name, value in figures.items()}, run_name=".")


def _writer_class() -> type[SummaryWriter]:
    """PyTorch's writer. Its import takes a second, so it is imported only where TensorBoard is asked for."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "TensorBoard is not installed; add it with `python -m pip install 'unrolled[tensorboard]'`, or leave out "
            "--tensorboard."
        ) from None
    return SummaryWriter
