"""Forked children compute with one thread.

A child has none of its parent's threads, but OpenMP, by which PyTorch computes, counts on them: with more than one
thread its next computation would wait for ever. What is computed has the same bits with any number of threads.
"""

from __future__ import annotations

import os
import sys

_is_child = False


def is_forked_child() -> bool:
    """Whether this process was forked after this module was imported."""
    return _is_child


def _begin_child() -> None:
    global _is_child
    _is_child = True
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_begin_child)
