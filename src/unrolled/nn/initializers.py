"""Initialisers of weights, by name.

Each function fills the parameters in place from a given generator, so that a seed determines the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor, nn

from unrolled.nn.cells import Cell
from unrolled.parts import INITIALIZERS, OUTPUT_INITIALIZERS, load
from unrolled.runtime import one_blas_thread


def initialize_cell(
    cell: Cell,
    name: str,
    forget_bias: float,
    generator: Generator,
    memory_steps: int | None = None,
    offsets: Sequence[int] = (0,),
) -> None:
    """Draws a cell's W, U and b; the forget gate's bias is set, every other bias starts at zero.

    Args:
        cell: the cell.
        name: one of `unrolled.parts.INITIALIZERS`, each of which is a function below.
        forget_bias: the forget gate's bias.
        generator: where the random numbers come from.
        memory_steps: draws the gates' biases for memories of 1 to T steps, with T this number
            (Tallec and Ollivier 2018, arXiv 1804.11188, equation 16): an LSTM's b_f = log u and b_i = −b_f
            with u uniform in 1 … T − 1, in the place of ``forget_bias``; a GRU's b_z = log u (their update gate
            is 1 − z). A cell without such gates stays as it is.
        offsets: of the K steps that the input holds side by side, F / K channels each; see `unrolled.nn.context`.
    """
    with torch.no_grad():
        load(INITIALIZERS)[name](cell, generator, offsets)
        cell.b.zero_()
        if "f" in cell.gates:
            place = cell.gates.index("f") * cell.hidden_size
            cell.b[place : place + cell.hidden_size] = forget_bias
        if memory_steps is not None and set(cell.gates) & {"f", "i", "z"}:
            _remember(cell, memory_steps, generator)


def _remember(cell: Cell, steps: int, generator: Generator) -> None:
    """Draws the biases of forget, input and update gates for memories of many lengths."""
    keep = cell.b.new_empty(cell.hidden_size).uniform_(1, max(steps - 1, 1), generator=generator).log()
    biases = dict(zip(cell.gates, cell.b.chunk(len(cell.gates)), strict=True))
    for gate, bias in (("f", keep), ("i", -keep), ("z", keep)):
        if gate in biases:
            biases[gate].copy_(bias)


def initialize_output(layer: nn.Linear, name: str, generator: Generator) -> None:
    """Draws the output layer.

    Args:
        layer: logits from the pooled state.
        name: one of `unrolled.parts.OUTPUT_INITIALIZERS`, each of which is a function below.
        generator: where the random numbers come from.
    """
    with torch.no_grad():
        load(OUTPUT_INITIALIZERS)[name](layer, generator)


def orthogonal(cell: Cell, generator: Generator, _offsets: Sequence[int]) -> None:
    """Each gate's U orthogonal (Saxe et al. 2013, arXiv 1312.6120), W Glorot-uniform by gate."""
    _recur_orthogonally(cell, generator)
    for block in cell.W.chunk(len(cell.gates)):
        nn.init.xavier_uniform_(block, generator=generator)


def _recur_orthogonally(cell: Cell, generator: Generator) -> None:
    """Each gate's U: Q of a normal matrix, with the signs that make R's diagonal positive.

    As `torch.nn.init.orthogonal_` up to rounding, whose last bits depend on the number of threads.
    """
    with one_blas_thread():
        for block in cell.U.chunk(len(cell.gates)):
            normal = torch.empty_like(block).normal_(generator=generator)
            q, r = np.linalg.qr(normal.double().numpy())
            block.copy_(torch.from_numpy(q * np.sign(np.diag(r))))


def filters(cell: Cell, generator: Generator, offsets: Sequence[int]) -> None:
    """U orthogonal; W a random filter of each unit over a step and its neighbours.

    As in ROCKET (Dempster, Petitjean and Webb 2020, Data Mining and Knowledge Discovery 34) each unit has a dilation d.
    Its weights stand at those of the offsets 0, ±d and ±2d that exist, and sum to zero for each channel, so that it
    responds to shapes, not to levels. A quarter of the units reads the step alone. The norms of W's rows are
    half-normal; `unrolled.readout.filters` scales them to the data.
    """
    _recur_orthogonally(cell, generator)
    taps = _taps(cell.hidden_size, offsets, generator)[:, :, None]  # [H, K, 1]
    shape = (len(cell.gates), cell.hidden_size, len(offsets), cell.input_size // len(offsets))
    weights = cell.W.new_empty(shape).normal_(generator=generator)
    many = taps.sum(1, keepdim=True)
    mean = (weights * taps).sum(2, keepdim=True) / many
    weights = (weights - mean.where(many > 1, 0.0)) * taps
    rows = weights.reshape(cell.W.shape)
    norms = FILTER_NORM * rows.new_empty(len(rows), 1).normal_(generator=generator).abs()
    cell.W.copy_(rows * norms / rows.norm(dim=1, keepdim=True))


def _taps(units: int, offsets: Sequence[int], generator: Generator) -> Tensor:
    """The offsets at which each unit's filter has weights, 1 or 0, [H, K]."""
    places = torch.tensor(offsets, device="cpu")
    reach = max(offsets)
    dilations = torch.tensor([offset for offset in offsets if 0 < 2 * offset <= reach] or [max(reach, 1)], device="cpu")
    own = dilations[torch.randint(len(dilations), (units,), generator=generator, device="cpu")][:, None]
    own[: math.ceil(POINTS * units)] = 0
    return ((places == 0) | (places.abs() == own) | (places.abs() == 2 * own)).float()


def uniform(cell: Cell, generator: Generator, _offsets: Sequence[int]) -> None:
    """W and U uniform within ±1/√H, as in PyTorch, which draws biases likewise; here they stay zero."""
    bound = 1 / math.sqrt(cell.hidden_size)
    cell.W.uniform_(-bound, bound, generator=generator)
    cell.U.uniform_(-bound, bound, generator=generator)


def glorot_joint(cell: Cell, generator: Generator, _offsets: Sequence[int]) -> None:
    """W and U as one Glorot-uniform matrix of F + H rows and G·H columns, as in TensorFlow 1."""
    fan_in, fan_out = cell.input_size + cell.hidden_size, len(cell.gates) * cell.hidden_size
    bound = math.sqrt(6 / (fan_in + fan_out))
    cell.W.uniform_(-bound, bound, generator=generator)
    cell.U.uniform_(-bound, bound, generator=generator)


def output_glorot(layer: nn.Linear, generator: Generator) -> None:
    """Uniform by Glorot and Bengio (2010), bias 0."""
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    layer.bias.zero_()


def output_uniform(layer: nn.Linear, generator: Generator) -> None:
    """Uniform within ±1/√H, as in PyTorch."""
    bound = 1 / math.sqrt(layer.in_features)
    layer.weight.uniform_(-bound, bound, generator=generator)
    layer.bias.uniform_(-bound, bound, generator=generator)


def output_normal(layer: nn.Linear, generator: Generator) -> None:
    """Weights and bias normal, deviation 1 (four of the five old tutorials)."""
    layer.weight.normal_(generator=generator)
    layer.bias.normal_(generator=generator)


def output_truncated_normal(layer: nn.Linear, generator: Generator) -> None:
    """Weights normal, deviation 1, cut at 2; bias 0.1 (the fifth)."""
    nn.init.trunc_normal_(layer.weight, generator=generator)
    layer.bias.fill_(0.1)


def output_zeros(layer: nn.Linear, _generator: Generator) -> None:
    """Zeros; `unrolled.readout.ridge` fits the layer to data."""
    layer.weight.zero_()
    layer.bias.zero_()


FILTER_NORM = 0.2
"""The scale of the half-normal norms of filters, with which gates stay near the middle of their range."""

POINTS = 0.25
"""The share of units whose filter is the step alone."""
