"""Update rules, by name.

Each is PyTorch's rule of that name and calls the same operators; `unrolled.runtime.pytorch` says why it does not use
PyTorch's classes.
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
        weights: the weights.
        decay: see `TrainConfig.weight_decay`.
        memory: tensors that the rule carries from update to update, by name, for each of the weights.
    """

    weights: Tensors
    decay: float
    memory: dict[str, Tensors] = field(default_factory=dict)

    def learning(self) -> Group:
        """The part of the group whose weights have gradients; nearly always the whole."""
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
        rate: the learning rate: a number, or on a GPU a scalar on the device.
        changing: whether an update of the weights has begun and is not counted yet; the caller, who counts, resets it.
    """

    counts: ClassVar[tuple[str, ...]] = ()
    """Names in the memory of counts of the updates, a scalar for each weight."""
    moments: ClassVar[tuple[str, ...]] = ()
    """Names in the memory of tensors with the shapes of the weights."""
    has_momentum: ClassVar[bool] = False
    """Whether the rule has a momentum, where the config asks for one."""

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
                group.memory[name] = [
                    torch.zeros((), dtype=torch.float32, device=weight.device) for weight in group.weights
                ]
            for name in (*self.moments, *(["momentum_buffer"] if self.has_momentum and config.momentum else [])):
                group.memory[name] = [torch.zeros_like(weight) for weight in group.weights]

    @property
    def weights(self) -> Tensors:
        """The weights of all groups."""
        return [weight for group in self.groups for weight in group.weights]

    def forget_gradients(self) -> None:
        """Drops the gradients, so that the next backward pass makes new ones."""
        for weight in self.weights:
            weight.grad = None

    def clip_gradients(self, most: float) -> None:
        """Shrinks all gradients by one factor where their joint norm exceeds ``most``.

        The factor is computed on the device, so nothing waits for it.
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
        """Loads the memory that `tensors` gave.

        Raises:
            KeyError: for the memory of another rule or network.
        """
        for number, (group, place) in enumerate(self._places()):
            for name, memory in group.memory.items():
                memory[place].copy_(tensors[f"{number}/{name}"])

    def _places(self) -> list[tuple[Group, int]]:
        return [(group, place) for group in self.groups for place in range(len(group.weights))]


class Adam(Optimizer):
    """Kingma and Ba 2014, arXiv 1412.6980; weight decay is a term of the gradient.

    TensorFlow 1's rule differs only in the place of epsilon: it is added to the corrected root here, to the plain
    root there.
    """

    counts = ("step",)
    moments = ("exp_avg", "exp_avg_sq")
    decoupled: ClassVar[bool] = False

    def _update(self, group: Group, gradients: Tensors) -> None:
        config, memory = self.config, group.memory
        adam(
            group.weights,
            gradients,
            memory["exp_avg"],
            memory["exp_avg_sq"],
            memory["step"],
            decoupled=self.decoupled,
            lr=self.rate,
            beta1=config.beta1,
            beta2=config.beta2,
            eps=config.epsilon,
            weight_decay=group.decay,
        )


class AdamW(Adam):
    """Loshchilov and Hutter 2017, arXiv 1711.05101: weights decay by themselves, not through the gradient."""

    decoupled = True


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where the config has one: b ← μ b + g, w ← w − rate · b."""

    has_momentum = True

    def _update(self, group: Group, gradients: Tensors) -> None:
        buffers = group.memory.get("momentum_buffer", [])
        momentum = self.config.momentum
        sgd(group.weights, gradients, buffers, lr=self.rate, momentum=momentum, weight_decay=group.decay)


class RMSprop(Optimizer):
    """Tieleman and Hinton 2012: v ← 0.99 v + 0.01 g², and SGD with g / (√v + ε) in the place of g."""

    moments = ("square_avg",)
    has_momentum = True

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
    """The update rule that ``config`` names, before its first update."""
    return _OPTIMIZERS[config.optimizer](network, config)


_OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD, "rmsprop": RMSprop}
