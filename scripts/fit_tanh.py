"""The coefficients of vectors.h's tanh: x P(x²) / Q(x²) of the smallest largest relative error.

    python scripts/fit_tanh.py

Each round is a linear least-squares fit of x P = tanh Q, weighted by Q of the round before, so that it is the
relative error of the quotient that is made small; then points where it is large are given more weight (Lawson's
algorithm, 1961), which leads from least squares to the least maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 8.0
"""Beyond it tanh is 1 to float32, but for its last bits."""
P_COUNT, Q_COUNT = 6, 4
"""Coefficients of P and Q in x²: degrees 11 and 6 of the quotient in x."""
POINTS, ROUNDS = 4000, 60


@dataclass(frozen=True)
class Fit:
    """tanh(x) ≈ x P(x²) / Q(x²).

    Attributes:
        p: coefficients of P, the constant first.
        q: of Q, whose constant is 1.
        error: the largest relative error at the points of the fit.
    """

    p: NDArray[np.float64]
    q: NDArray[np.float64]
    error: float

    def in_float32(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the C computes it, but for the estimate of 1 / Q."""
        x = np.clip(x, np.float32(-LIMIT), np.float32(LIMIT))
        p, q = (np.polyval(c[::-1].astype(np.float32), x * x) for c in (self.p, self.q))
        return x * p / q


def fit() -> Fit:
    """The best of the rounds."""
    x = LIMIT / 2 * (1 - np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS))  # dense at both ends
    y, s = np.tanh(x), (x / LIMIT) ** 2
    p_powers, q_powers = s[:, None] ** np.arange(P_COUNT), s[:, None] ** np.arange(Q_COUNT)
    columns = np.hstack([x[:, None] * p_powers, -y[:, None] * q_powers[:, 1:]])
    weight, quotient = np.ones(POINTS), np.ones(POINTS)
    best = Fit(np.zeros(P_COUNT), np.zeros(Q_COUNT), np.inf)
    for _ in range(ROUNDS):
        scale = weight / (y * quotient)
        found = np.linalg.lstsq(columns * scale[:, None], y * scale, rcond=None)[0]
        p, q = found[:P_COUNT], np.append(1.0, found[P_COUNT:])
        quotient = q_powers @ q
        error = np.abs(x * (p_powers @ p) / quotient / y - 1)
        if error.max() < best.error:
            unscaled = LIMIT ** (-2.0 * np.arange(P_COUNT))
            best = Fit(p * unscaled, q * unscaled[:Q_COUNT], float(error.max()))
        weight *= np.sqrt(0.2 + error / error.max())
        weight /= weight.mean()
    return best


def main() -> None:
    """Prints the coefficients in the order of Horner's scheme, and how good they are."""
    found = fit()
    for name, coefficients in (("p", found.p), ("q", found.q)):
        print(f"{name}: " + ", ".join(f"{np.float32(value)!s}f" for value in coefficients[::-1]))
    x = np.linspace(-12, 12, 2_000_001, dtype=np.float32)
    difference = np.abs(found.in_float32(x) - np.tanh(x.astype(np.float64)))
    print(f"largest relative error in exact arithmetic {found.error:.1e}, absolute in float32 {difference.max():.1e}")


if __name__ == "__main__":
    main()
