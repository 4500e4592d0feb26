"""Why a training ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from unrolled.config import TrainConfig
from unrolled.training.plan import Plan

Reason = Literal["length", "patience", "time", "request", "fitted", "unfinished"]


@dataclass(frozen=True)
class Ending:
    """The end of a training.

    Attributes:
        reason: ``length``: all its updates are done; ``patience``: nothing improved; ``time``: its time limit;
            ``request``: somebody asked for the best weights so far; ``fitted``: no gradients were needed;
            ``unfinished``: it has not ended, these are the best weights so far.
        words: the same as the end of a sentence on the training.

    Example:
        >>> class End(unrolled.Recorder):
        ...     def end(self, state):
        ...         print(state.ending.reason, "-", state.ending.words)
        >>> run = unrolled.train(run.recipe, data=dataset, max_epochs=2, recorders=[End()])
        length - ended after all 2 epochs
    """

    reason: Reason
    words: str

    def facts(self) -> dict[str, Any]:
        """For ``metrics.jsonl`` and ``model.json``."""
        return asdict(self)


def ending_for(reason: Reason, config: TrainConfig, plan: Plan, epoch: int, waited: int) -> Ending:
    """The ending after an epoch.

    Args:
        reason: see `Ending`.
        config: of the training.
        plan: its length.
        epoch: number of epochs that it has begun.
        waited: epochs since the last better one.
    """
    place = f"in epoch {epoch:,} of {plan.epochs:,}"
    return Ending(
        reason,
        {
            "length": f"ended after all {plan.epochs:,} epochs" if plan.epochs > 1 else "ended after one epoch",
            "patience": f"stopped early {place}: no better validation {config.monitor} for {waited:,} epochs",
            "time": f"stopped {place} by the time limit of {config.time_limit or 0:,.0f} s",
            "request": f"stopped {place} on request",
            "fitted": "needed no epoch",
            "unfinished": f"is not finished: these are its best weights so far, {place}",
        }[reason],
    )
