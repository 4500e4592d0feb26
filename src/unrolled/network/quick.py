"""A network's answer to one sequence without PyTorch's operators, where the compiled library has all that it needs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unrolled.network.network import Network
from unrolled.nn import Answerer, Limits, Pieces, answerer_for
from unrolled.preparation import Preparation

_KNOWN = ("preparation", "pooling")
"""The parts beside the layers that the library has; a network with any other part is none of its."""


def quick_answers(network: Network, limits: Limits) -> Answerer | None:
    """Answers to whole sequences of finite numbers; None for a network that has other parts."""
    pieces = _pieces(network)
    return None if pieces is None else answerer_for(pieces, limits)


def quick_steps(network: Network, limits: Limits, state: Mapping[str, Tensor]) -> Answerer | None:
    """Answers after each step of one stream, which is read into its state; None for a network that has other parts."""
    pieces = _pieces(network)
    layers = [f"layers.{number}" for number in range(len(network.layers))]
    own = [[state[f"{name}.{key}"] for key in network.cell.state_names] for name in layers if f"{name}.h" in state]
    if pieces is None or pieces.mean or not network.reads_forward or sum(map(len, own)) != len(state):
        return None
    return answerer_for(pieces, limits, own)


def _pieces(network: Network) -> Pieces | None:
    preparation, reads = network.preparation, network.pooling.reads
    others = [name for name, _ in network.parts() if name not in _KNOWN and not name.startswith("layers.")]
    if not isinstance(preparation, Preparation) or reads == "outputs" or others:
        return None
    if preparation.width != len(preparation.normaliser.shift) or not preparation.normaliser.affine:
        return None
    weights = [*network.parameters(), *network.buffers()]
    if any(weight.dtype != torch.float32 or weight.device.type != "cpu" or weight.is_inference() for weight in weights):
        return None
    layers = [layer.directions for layer in network.recurrence()]
    normaliser, output = preparation.normaliser, network.output
    parts = [normaliser, output, *(cell for layer in layers for cell in layer)]
    kept = [network._modules, *(store for part in parts for store in (part._parameters, part._buffers))]
    places = [(store, name, value) for store in kept for name, value in store.items() if value is not None]
    return Pieces(normaliser.shift, normaliser.factor, layers, reads == "mean", output.weight, output.bias, places)
