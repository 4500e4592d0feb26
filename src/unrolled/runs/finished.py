"""`Run`: a finished run."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.config import Recipe
from unrolled.evaluation import Evaluation
from unrolled.model import Model
from unrolled.notebook import curve, lines, titled
from unrolled.runs.folder import RunFolder
from unrolled.training import EpochLog


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: its files.
        recipe: its recipe.
        model: the trained model.
        evaluation: the model's figures on the test sequences; None without test sequences.
        history: the figures of each epoch.
        seconds: time of fitting and training, summed over all resumptions.

    Example:
        >>> run.model.classes
        ('high', 'low')
        >>> print(run.evaluation.accuracy)  # with its 95 % interval: 10 test sequences say little
        100.00 % (71.52 to 100.00)
        >>> len(run.history)
        30
    """

    folder: RunFolder
    recipe: Recipe
    model: Model
    evaluation: Evaluation | None
    history: list[EpochLog]
    seconds: float

    def __repr__(self) -> str:
        """The folder, the training and the model, in a few lines."""
        return f"Run in {self.folder.path}: {self.in_words().rstrip('.')}\n  {self.model!r}"

    def _repr_html_(self) -> str:
        """The same for a notebook: the training and its figures."""
        losses = [[log.train_loss for log in self.history]]
        measured = [log.validation_loss for log in self.history if log.validation_loss is not None]
        losses += [measured] if measured else []
        drawn = curve(losses, "the loss by epoch, of training and validation") if len(self.history) > 1 else ""
        result = self.model if self.evaluation is None else self.evaluation
        return titled(f"Run in {self.folder.path}", lines(self.in_words()), drawn, result._repr_html_())

    def in_words(self) -> str:
        """How the model was trained, in one line."""
        training = self.model.facts.training
        steps, epoch, ended = training["steps"], training["best_epoch"], training.get("ended") or {}
        if not steps:
            return f"fitted in closed form in {self.seconds:.1f} s"
        early = f"; {ended['words']}" if ended.get("reason", "length") != "length" else ""
        done = f"trained {steps:,} steps in {self.seconds:.1f} s{early}"
        if self.model.facts.method == "fitted":
            return f"{done}. Kept the closed-form start: no epoch was significantly better."
        return f"{done}. Kept the weights after epoch {epoch}." if self.recipe.train.keep == "best" and epoch else done
