"""Functions that another kind of tensor can override, by PyTorch's ``__torch_function__``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from torch.overrides import handle_torch_function, has_torch_function_unary

P = ParamSpec("P")
R = TypeVar("R")


def overridable(function: Callable[P, R]) -> Callable[P, R]:
    """A function that the type of its first argument can override, like PyTorch's own functions."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if has_torch_function_unary(args[0]):
            found: R = handle_torch_function(call, (args[0],), *args, **kwargs)
            return found
        return function(*args, **kwargs)

    return call
