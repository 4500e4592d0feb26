"""PyTorch's private names: this is the only place that calls them, each with a fallback for versions without it.

groups.py   processes that exchange tensors
private.py  update rules, operators on lists of tensors, what the compiler leaves alone
"""

from unrolled.runtime.pytorch.groups import Meeting
from unrolled.runtime.pytorch.private import adam, foreach, sgd, without_compiler

__all__ = [
    "Meeting",
    "adam",
    "foreach",
    "sgd",
    "without_compiler",
]
