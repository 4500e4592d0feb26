"""A finished or stopped run that goes on longer than it was meant to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unrolled.config import LENGTHS, Recipe
from unrolled.errors import ConfigError, RunError, option
from unrolled.readout import Training
from unrolled.training import Plan

EXTENDING = (*LENGTHS, "patience", "time_limit")
"""The fields that a run may get anew when it goes on."""


def extended(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """The recipe with a new length, patience, or time limit.

    Raises:
        ConfigError: for another option, which would make it another run.
    """
    longer = recipe.with_options(options)
    same = longer.model_dump()
    for name in EXTENDING:
        same["train"][name] = getattr(recipe.train, name)
    if same != recipe.model_dump():
        raise ConfigError(
            f"a run goes on with its own settings; found {', '.join(map(option, options))}, expected only some of "
            f"{', '.join(map(option, EXTENDING))}. Leave the others out, or begin a new run."
        )
    return longer


def extend(training: Training, plan: Plan, former_steps: int, options: Mapping[str, Any]) -> list[str]:
    """Checks that a training has something left to do by its new length, and says what differs from a run of one piece.

    Args:
        training: with the new settings, at its checkpoint.
        plan: its new length.
        former_steps: its former length, in updates.
        options: the new settings.
    Raises:
        RunError: if nothing is left; the message says what was reached.
    """
    state, config, lines = training.state, training.config, []
    selection = state.selection
    if not state.step and selection.gives_up(plan):
        raise RunError(
            f"this run was fitted in closed form, without epochs; begin a new one with {option('method', 'trained')}."
        )
    if state.step and state.epoch * plan.order.updates_per_epoch != state.step - state.place:
        raise RunError("this run ended inside an epoch by a version that did not keep the place; begin a new run.")
    if state.step >= plan.total_steps:
        raise RunError(
            f"the run has done {state.step:,} updates of the {plan.total_steps:,} that are asked for; expected a "
            f"larger {option('max_epochs')}, or another longer length."
        )
    if config.time_limit is not None and state.seconds >= config.time_limit:
        raise RunError(
            f"the run has trained for {state.seconds:,.0f} s already, and its time limit is {config.time_limit:,.0f} s "
            f"over all resumptions; expected a larger {option('time_limit')}."
        )
    if selection.gives_up(plan):
        if "patience" in options:
            raise RunError(
                f"nothing has improved for {selection.waited:,} epochs already; expected a larger {option('patience')}."
            )
        lines.append(
            f"note: nothing had improved for {selection.waited:,} epochs; unlike in a run of one piece, the count "
            "begins anew"
        )
        selection.waited = 0
    if state.step and plan.total_steps != former_steps and config.schedule != "constant":
        lines.append(
            f"note: the schedule {config.schedule} depends on the length: so far the learning rates were those of "
            f"{former_steps:,} updates, from here on they are those of {plan.total_steps:,}; a run of one piece would "
            f"have other weights ({option('schedule', 'constant')} would not)"
        )
    return lines
