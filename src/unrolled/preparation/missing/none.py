"""No rule, for data without missing values."""

from __future__ import annotations

from torch import Tensor

from unrolled.nn import State
from unrolled.preparation.missing.filling import Filling


class NoFilling(Filling):
    """Leaves values as they are."""

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """See `Filling`."""
        return values, state
