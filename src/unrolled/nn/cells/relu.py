"""A simple recurrent network, with a rectifier."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.nn.cells.cell import Operator
from unrolled.nn.cells.simple import SimpleRNN


class ReluRNN(SimpleRNN):
    """The simple network with a rectifier (Le, Jaitly and Hinton 2015, arXiv 1504.00941).

    h' = max(0, W x + U h + b)
    """

    fused = torch.rnn_relu
    operator = Operator("RNN", "h", ("Relu",))

    def activation(self, value: Tensor) -> Tensor:
        """max(0, ·)."""
        return torch.relu(value)
