"""A study tries no setting twice, and no more settings than it was asked for, on any number of machines.

Processes that draw a setting at the same time cannot know of each other, so each looks at the trials before its own
once it has drawn. A trial that repeats another, or is one too many, is passed over: it fails, and counts nowhere.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled.config import Dimension, Range
from unrolled.tuning.space import as_field

if TYPE_CHECKING:
    import optuna

PASSED_OVER = "passed over"
"""The attribute of such a trial, with the reason."""

REPEATED, SURPLUS = "repeated", "surplus"

MOST_LISTED = 10_000
"""Settings of a finite search space that are listed, to find one that was not tried yet."""

_PATIENCE_SECONDS, _LOOK_SECONDS = 5.0, 0.01


class PassedOver(Exception):  # noqa: N818  # no error
    """Ends a trial that is passed over."""


def pass_over_unless_new(trial: optuna.Trial, fields: int, most: int) -> None:
    """Ends a trial that repeats an earlier one, or is one too many.

    Args:
        trial: with all values drawn.
        fields: number of these.
        most: number of trials of the whole study.
    Raises:
        PassedOver: if so.
    """
    earlier = _earlier(trial, fields)
    reason = SURPLUS if len(earlier) >= most else REPEATED if trial.params in [one.params for one in earlier] else None
    if reason is not None:
        trial.set_user_attr(PASSED_OVER, reason)
        raise PassedOver


class ExhaustedError(Exception):
    """Every setting of the search space was tried."""


def unseen(study: optuna.Study, space: Mapping[str, Dimension]) -> dict[str, Any] | None:
    """One of the settings that were not tried yet, if they can be listed; None if they cannot.

    Raises:
        ExhaustedError: if none is left.
    """
    listed = _settings(space)
    if listed is None:
        return None
    tried = [trial.params for trial in study.get_trials(deepcopy=False) if trial.state.name != "FAIL"]
    left = [setting for setting in listed if setting not in tried]
    if not left:
        raise ExhaustedError
    return left[int(np.random.default_rng(len(tried)).integers(len(left)))]


def _earlier(trial: optuna.Trial, fields: int) -> list[optuna.trial.FrozenTrial]:
    """The trials before this one that count, once those that are drawing their values at this moment have them."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = [
            one
            for one in trial.study.get_trials(deepcopy=False)
            if one.number < trial.number and one.state.name != "FAIL"
        ]
        if all(len(one.params) == fields for one in found) or time.monotonic() > ends:
            return found
        time.sleep(_LOOK_SECONDS)


def _settings(space: Mapping[str, Dimension]) -> list[dict[str, Any]] | None:
    """Every setting of a finite space; None for a space of real numbers, or of too many settings."""
    values = [_values(name, dimension) for name, dimension in space.items()]
    if any(not one for one in values) or math.prod(map(len, values)) > MOST_LISTED:
        return None
    return [dict(zip(space, setting, strict=True)) for setting in itertools.product(*values)]


def _values(name: str, dimension: Dimension) -> list[Any]:
    """The values of a dimension; none for a range of real numbers."""
    if not isinstance(dimension, Range):
        return list(dimension)
    low, high = as_field(name, dimension.low), as_field(name, dimension.high)
    if isinstance(low, float) or isinstance(high, float) or high - low > MOST_LISTED:
        return []
    return list(range(low, high + 1, int(dimension.step or 1)))
