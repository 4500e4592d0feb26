"""Update rules, by name.

Each is PyTorch's rule of that name, on the same operators (`unrolled.runtime.pytorch` says why not by its classes).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from unrolled.config import TrainConfig
from unrolled.runtime.pytorch import adam, foreach, sgd

Tensors = list[Tensor]


@dataclass
class Group:
    """Weights with the same decay.

    Attributes:
        weights: what is updated.
        decay: see `TrainConfig.weight_decay`.
        memory: what the rule carries from update to update, by name, for each of the weights.
    """

    weights: Tensors
    decay: float
    memory: dict[str, Tensors] = field(default_factory=dict)

    def learning(self) -> Group:
        """The part whose weights have gradients; nearly always the whole."""
        places = [place for place, weight in enumerate(self.weights) if weight.grad is not None]
        if len(places) == len(self.weights):
            return self
        memory = {name: [tensors[place] for place in places] for name, tensors in self.memory.items()}
        return Group([self.weights[place] for place in places], self.decay, memory)


class Optimizer(ABC):
    """An update rule and its memory. A weight without a gradient, such as one that is frozen, stays as it is.

    Weight decay is for matrices; biases, gains and peepholes are exempt.

    Args:
        network: whose weights are updated.
        config: rates and decays.
    Attributes:
        rate: the learning rate: a number, or on a GPU a scalar that lies there.
        changing: whether an update of the weights has begun; whoever counts updates sets it back.
    """

    def __init__(self, network: nn.Module, config: TrainConfig) -> None:
        self.config = config
        self.rate: float | Tensor = config.learning_rate
        self.changing = False
        weights = list(network.parameters())
        self.groups = [
            Group([weight for weight in weights if weight.ndim > 1], config.weight_decay),
            Group([weight for weight in weights if weight.ndim <= 1], 0.0),
        ]
        for group in self.groups:
            for name in self.counts:
                group.memory[name] = [torch.zeros((), device=weight.device) for weight in group.weights]
            for name in self.moments:
                group.memory[name] = [torch.zeros_like(weight) for weight in group.weights]

    @property
    def counts(self) -> tuple[str, ...]:
        """Names in the memory of counts of the updates, a scalar for each weight."""
        return ()

    @property
    @abstractmethod
    def moments(self) -> tuple[str, ...]:
        """Names in the memory of what has the shapes of the weights."""

    @property
    def weights(self) -> Tensors:
        """All that are updated."""
        return [weight for group in self.groups for weight in group.weights]

    def forget_gradients(self) -> None:
        """So that the next backward pass makes new ones."""
        for weight in self.weights:
            weight.grad = None

    def clip_gradients(self, most: float) -> None:
        """Shrinks all gradients by one factor, where their joint norm is over ``most``.

        Nothing waits for the device: the factor is computed there.
        """
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(foreach("norm", gradients)))
        foreach("mul_", gradients, (most / (norm + 1e-6)).clamp(max=1.0))

    @torch.no_grad()
    def step(self) -> None:
        """One update of all weights that have gradients."""
        self.changing = True
        for group in self.groups:
            learning = group.learning()
            if learning.weights:
                for name in self.counts:
                    foreach("add_", learning.memory[name], 1)
                self._update(learning, [weight.grad for weight in learning.weights if weight.grad is not None])

    @abstractmethod
    def _update(self, group: Group, gradients: Tensors) -> None:
        """One update of a group's weights and memory."""

    def tensors(self) -> dict[str, Tensor]:
        """The memory, by name: ``NUMBER/NAME``, the weights counted through all groups."""
        return {
            f"{number}/{name}": group.memory[name][place]
            for number, (group, place) in enumerate(self._places())
            for name in group.memory
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes over what `tensors` gave; what is not among them stays as it is at the start."""
        for number, (group, place) in enumerate(self._places()):
            for name, memory in group.memory.items():
                if f"{number}/{name}" in tensors:
                    memory[place].copy_(tensors[f"{number}/{name}"])

    def _places(self) -> list[tuple[Group, int]]:
        return [(group, place) for group in self.groups for place in range(len(group.weights))]


class Adam(Optimizer):
    """Kingma and Ba 2014, arXiv 1412.6980; weight decay is a term of the gradient.

    TensorFlow 1's rule differs only in where epsilon stands: beside the corrected root here, beside the plain one
    there.
    """

    decoupled: ClassVar[bool] = False

    @property
    def counts(self) -> tuple[str, ...]:
        """See `Optimizer`."""
        return ("step",)

    @property
    def moments(self) -> tuple[str, ...]:
        """See `Optimizer`."""
        return "exp_avg", "exp_avg_sq"

    def _update(self, group: Group, gradients: Tensors) -> None:
        config, memory = self.config, group.memory
        adam(
            group.weights,
            gradients,
            memory["exp_avg"],
            memory["exp_avg_sq"],
            memory["step"],
            rate=self.rate,
            beta1=config.beta1,
            beta2=config.beta2,
            epsilon=config.epsilon,
            decay=group.decay,
            decoupled=self.decoupled,
        )


class AdamW(Adam):
    """Loshchilov and Hutter 2017, arXiv 1711.05101: weights decay by themselves, not through the gradient."""

    decoupled = True


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where one is asked for: b ← μ b + g, w ← w − rate · b."""

    @property
    def moments(self) -> tuple[str, ...]:
        """See `Optimizer`."""
        return ("momentum_buffer",) if self.config.momentum else ()

    def _update(self, group: Group, gradients: Tensors) -> None:
        buffers = group.memory.get("momentum_buffer", [])
        sgd(group.weights, gradients, buffers, rate=self.rate, momentum=self.config.momentum, decay=group.decay)


class RMSprop(Optimizer):
    """Tieleman and Hinton 2012: v ← 0.99 v + 0.01 g², and SGD with g / (√v + ε) in the place of g."""

    @property
    def moments(self) -> tuple[str, ...]:
        """See `Optimizer`."""
        return ("square_avg", "momentum_buffer") if self.config.momentum else ("square_avg",)

    def _update(self, group: Group, gradients: Tensors) -> None:
        squares, buffer = group.memory["square_avg"], group.memory.get("momentum_buffer")
        if group.decay:
            gradients = foreach("add", gradients, group.weights, alpha=group.decay)
        foreach("mul_", squares, _SMOOTHING)
        foreach("addcmul_", squares, gradients, gradients, value=1 - _SMOOTHING)
        roots = foreach("sqrt", squares)
        foreach("add_", roots, self.config.epsilon)
        if buffer is None:
            buffer = foreach("div", gradients, roots)
        else:
            foreach("mul_", buffer, self.config.momentum)
            foreach("addcdiv_", buffer, gradients, roots)
        foreach("sub_", group.weights, foreach("mul", buffer, self.rate))


_SMOOTHING = 0.99
"""How much of the mean square stays at an update."""


def make_optimizer(network: nn.Module, config: TrainConfig) -> Optimizer:
    """The update rule that is asked for, before its first update."""
    return _OPTIMIZERS[config.optimizer](network, config)


_OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD, "rmsprop": RMSprop}
