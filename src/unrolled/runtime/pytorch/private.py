"""Private names of PyTorch, each with a public stand-in for versions that do not have it.

The private names are faster: the public classes of `torch.optim` take longer around a small network's update than
the update itself, and importing them imports PyTorch's compiler, a second at each start. The public stand-ins compute
the same rules; their results agree to within float32's rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

Tensors = list[Tensor]
P = ParamSpec("P")
R = TypeVar("R")


def foreach(operator: str, tensors: Sequence[Tensor], *arguments: Any, **named: Any) -> Tensors:
    """An operator of `torch.Tensor` on each of several tensors.

    Args:
        operator: the method's name, such as ``mul_``.
        tensors: the tensors.
        arguments: a list holds one argument for each tensor; any other argument goes to all.
        named: keyword arguments, which go to all.
    Returns:
        The results; of an operator that works in place the tensors themselves.
    """
    together = getattr(torch, f"_foreach_{operator}", None)
    if together is not None:
        found = together(list(tensors), *arguments, **named)
        return list(tensors) if found is None else list(found)
    return [
        getattr(tensor, operator)(*(each[place] if isinstance(each, list) else each for each in arguments), **named)
        for place, tensor in enumerate(tensors)
    ]


def adam(
    weights: Tensors,
    gradients: Tensors,
    means: Tensors,
    squares: Tensors,
    counts: Tensors,
    *,
    decoupled: bool,
    **constants: Any,
) -> None:
    """One update by Adam, or by AdamW where the decay is decoupled from the gradient; all in place.

    Args:
        weights, gradients: the weights to update, and their gradients.
        means, squares: running means of the gradients and of their squares.
        counts: number of updates of each weight, this one included.
        decoupled: whether weights decay directly rather than through the gradient (AdamW).
        constants: ``lr``, ``beta1``, ``beta2``, ``eps`` and ``weight_decay``; on a GPU the learning rate may be a
            scalar tensor there.
    """
    constants |= {"amsgrad": False, "maximize": False}
    fused = getattr(torch, "_fused_adamw_" if decoupled else "_fused_adam_", None)
    if fused is not None:
        fused(weights, gradients, means, squares, [], counts, **constants)
        return
    from torch.optim.adam import adam as adam_of_torch
    from torch.optim.adamw import adamw as adamw_of_torch

    foreach("sub_", counts, 1)  # the public rule adds 1 itself
    rule = adamw_of_torch if decoupled else adam_of_torch
    capturable = isinstance(constants["lr"], Tensor) and constants["lr"].is_cuda
    rule(weights, gradients, means, squares, [], counts, capturable=capturable, **constants)


def sgd(weights: Tensors, gradients: Tensors, buffers: Tensors, **constants: Any) -> None:
    """One update by stochastic gradient descent; all in place.

    Args:
        weights, gradients: the weights to update, and their gradients.
        buffers: momentum buffers, zeros before the first update; empty without momentum.
        constants: ``lr``, ``momentum`` and ``weight_decay``; see `adam`.
    """
    constants |= {"dampening": 0.0, "nesterov": False, "maximize": False}
    fused = getattr(torch, "_fused_sgd_", None)
    if fused is not None:
        fused(weights, gradients, buffers, is_first_step=False, **constants)
        return
    from torch.optim.sgd import sgd as sgd_of_torch

    sgd_of_torch(weights, gradients, list(buffers) or [None] * len(weights), foreach=False, **constants)


def without_compiler(function: Callable[P, R]) -> Callable[P, R]:
    """Hides a function from PyTorch's compiler, whose graph ends there.

    `torch.compiler.disable` would import the whole compiler, 2 s. What hides the function is slow, so it is called
    only while the compiler is at work.
    """
    try:
        from torch._compile import _disable_dynamo
    except ImportError:
        hidden: Callable[P, R] = torch.compiler.disable(function)
    else:
        hidden = _disable_dynamo(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return (hidden if torch.compiler.is_compiling() else function)(*args, **kwargs)

    return call
