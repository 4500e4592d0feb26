"""How close two ways of computing the same numbers must come: one rule, from the numbers' type and the sizes."""

from __future__ import annotations

import math

import torch

PROMISED = {"rtol": 0.0, "atol": 1e-5}
"""Of probabilities outside of PyTorch, or of another version: what docs/export.md promises and exporting checks."""


def closeness(
    dtype: torch.dtype, terms: int, *, steps: int = 1, layers: int = 1, magnitude: float = 1.0
) -> dict[str, float]:
    """``rtol`` and ``atol`` for two results that differ in the order of their operations alone.

    A sum or dot product of n terms in another order (other vectors, threads, or batch) differs by at most n·ε, and as
    the roundings have random signs, by about √n·ε of the size of its terms (Higham, Accuracy and Stability of
    Numerical Algorithms, sections 2.8 and 4.2). A recurrence carries the error of each step into the next, and a layer
    into the next one: where states are bounded and neither enlarges an error, errors add up, so the bound grows with
    ``steps`` and ``layers``. Twice that is allowed, as each of the two has its errors: gates, activations and norms
    round as well. Nothing in it is taken from what some processor gave.

    A wrong coefficient, gate or order changes results by far more: `test_closeness.py` shows that it is seen.

    Args:
        dtype: what both were computed in; of two, the coarser.
        terms: how many terms the longest dot product or sum has: a layer's inputs and units, or the steps of a mean.
        steps: how many steps an error is carried over; twice as many where gradients come back.
        layers: how many layers.
        magnitude: the size of what is added up; 1 for states, probabilities and what is normalised.
    """
    unit = 2 * torch.finfo(dtype).eps * math.sqrt(terms) * steps * layers
    return {"rtol": unit, "atol": unit * magnitude}
