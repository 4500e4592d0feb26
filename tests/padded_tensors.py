"""Batches of sequences of any lengths, behind whose ends stands what must not count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor


@dataclass(frozen=True)
class Padded:
    """Values, [B, T, F] in double precision, NaN behind each end, and lengths, [B]."""

    values: Tensor
    lengths: Tensor

    def each(self) -> list[Tensor]:
        """The sequences by themselves, [T_i, F]."""
        return [row[:length] for row, length in zip(self.values, self.lengths.tolist(), strict=True)]


@st.composite
def padded(draw: st.DrawFn, longest: int = 40) -> Padded:
    """One to five sequences, up to three steps of padding behind the longest, one to three channels."""
    lengths = torch.tensor(draw(st.lists(st.integers(1, longest), min_size=1, max_size=5)))
    steps, channels = int(lengths.max()) + draw(st.integers(0, 3)), draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(len(lengths), steps, channels, generator=generator, dtype=torch.float64) * 2 - 1
    behind = torch.arange(steps) >= lengths[:, None]
    return Padded(values.masked_fill(behind[:, :, None], math.nan), lengths)
