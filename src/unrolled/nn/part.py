"""`Part`: the contract of a network's parts, through which other rooms use a part without knowing its class.

Parts are written with PyTorch's functions. An export to ONNX runs the same methods on symbolic tensors
(`unrolled.export`), so a part has no second text for it. Three rules make that possible: sizes of the batch and of time
are read from ``shape`` and only passed to PyTorch's functions; nothing branches on a value; and where an export needs
another way, it overrides a function of `unrolled.nn` (`torch.overrides`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator, Tensor, nn

State = tuple[Tensor, ...]
"""The state that a part carries from step to step, each [B, ·]; a cell's first is its output h."""


@dataclass(frozen=True)
class Obstacle:
    """Why a part cannot read a sequence as it comes.

    Attributes:
        reason: the reason as a verb and its object: "reads sequences in both directions".
        remedy: the option of the training that removes it: "with --no-bidirectional".
    """

    reason: str
    remedy: str


class Part(nn.Module):
    """A part of a network. The defaults are those of a part without weights and state."""

    state_names: tuple[str, ...] = ()
    """Names of the tensors of its state."""

    @property
    def obstacle(self) -> Obstacle | None:
        """Why the part cannot read a sequence as it comes; None where it can."""
        return None

    @property
    def words(self) -> str:
        """A description of the part, as an item of a list; may be empty."""
        return ""

    @property
    def remark(self) -> str:
        """A sentence for a person who watches the network read; may be empty."""
        return ""

    def initialize(self, generator: Generator) -> None:
        """Draws the weights, if there are any."""

    def initial_state(self, like: Tensor, batch: int) -> State:
        """The state before the first step, each [B, ·], on ``like``'s device."""
        return ()

    def advance(self, values: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps, read forward, [B, T, ·] → the part's output for each, and the state after them.

        Only for a part without an `obstacle`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot read a sequence as it comes; see its obstacle.")
