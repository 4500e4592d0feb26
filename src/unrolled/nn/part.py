"""What every part of a network can say for itself, so that no other room asks which class it is.

Parts are written with PyTorch's functions. An export to ONNX runs the same methods on values that write down what is
done to them (`unrolled.export`), so a part has no second text for it. Three rules keep that possible: sizes of the
batch and of time are read from ``shape`` and only handed on to PyTorch's functions, nothing branches on a value, and
where an export needs another way, a function of `unrolled.nn` can be overridden (`torch.overrides`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor, nn

State = tuple[Tensor, ...]
"""What a part carries from step to step, each [B, ·]; of a cell the first is its output h."""


@dataclass(frozen=True)
class Obstacle:
    """Why a part has to see a sequence's end before its beginning.

    Attributes:
        reason: what the part does, as a verb and its object: "reads sequences in both directions".
        remedy: which option of the training removes it: "with --no-bidirectional".
    """

    reason: str
    remedy: str


class Part(nn.Module):
    """A part of a network, with what holds where a part says nothing else."""

    state_names: tuple[str, ...] = ()
    """Names of what is carried from step to step."""

    @property
    def obstacle(self) -> Obstacle | None:
        """Why the part cannot read a sequence as it comes; None where it can."""
        return None

    @property
    def words(self) -> str:
        """What the part is, as an item of a list; empty where there is nothing to say."""
        return ""

    @property
    def remark(self) -> str:
        """A sentence for somebody who watches the network read; empty where there is nothing to say."""
        return ""

    def initialize(self, generator: Generator) -> None:
        """Draws the weights, where there are any."""

    def initial_state(self, like: Tensor, batch: int) -> State:  # noqa: ARG002
        """What is carried before the first step, each [B, ·], on ``like``'s device."""
        return ()

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read forward, [B, T, ·] → what the part makes of each, and what is carried on.

        Only of a part without an `obstacle`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot read a sequence as it comes; see its obstacle.")
