"""Families of small classification problems, for choosing defaults without touching anybody's test data.

A family draws a problem: its classes, and a function that draws a case of a class, [T, F]. Cylinder-bell-funnel
follows Saito (1994, "Local feature extraction and its applications using a library of bases"), control charts Alcock
and Manolopoulos (1999, "Time-series similarity queries employing a feature-based approach"), two patterns Geurts
(2002, "Contributions to decision tree induction"); the others are of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

Array = npt.NDArray[np.float64]
Case = Callable[[Generator, int], Array]
"""Draws a case of a class: [T], or [T, F]."""


@dataclass(frozen=True)
class Family:
    """Problems of one kind.

    Attributes:
        classes: C.
        cases: sequences to train on.
        problem: draws a problem.
    """

    classes: int
    cases: int
    problem: Callable[[Generator], Case]


def draw(name: str, seed: int, test: int = 240) -> tuple[list[Array], Array, list[Array], Array]:
    """A problem of a family: cases to train on and their classes, cases to test on and theirs."""
    family = FAMILIES[name]
    place = list(FAMILIES).index(name)
    case = family.problem(np.random.default_rng([seed, place, 1]))
    rng = np.random.default_rng([seed, place, 2])
    parts = []
    for count in (family.cases, test):
        labels = np.arange(count) % family.classes
        drawn = [case(rng, int(label)) for label in labels]
        parts += [[values.reshape(len(values), -1).astype(np.float32) for values in drawn], labels]
    return tuple(parts)


def standard(values: Array) -> Array:
    return (values - values.mean()) / (values.std() + 1e-9)


def harmonics(angle: Array, sizes: Array, phases: Array) -> Array:
    """Σ size_j · sin(j · angle + phase_j), j from 1."""
    return sum(
        size * np.sin(order * angle + phase) for order, (size, phase) in enumerate(zip(sizes, phases, strict=True), 1)
    )


def falling(rng: Generator, count: int) -> Array:
    """Sizes of harmonics that fall with their order."""
    return rng.exponential(size=count) / np.arange(1, count + 1)


def phases(rng: Generator, *shape: int) -> Array:
    return rng.uniform(0, 2 * np.pi, shape)


def outline(points: Array, steps: int, start: float = 0.0) -> Array:
    """The distance from the centre of a closed outline, [N, 2], at so many places along it, standardised."""
    closed = np.vstack([points, points[:1]])
    along = np.concatenate([[0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    places = (np.linspace(0, along[-1], steps, endpoint=False) + start * along[-1]) % along[-1]
    x, y = (np.interp(places, along, side) for side in closed.T)
    return standard(np.hypot(x - x.mean(), y - y.mean()))


def points(problem: Generator) -> Case:
    """Silhouettes of projectile points, begun at the tip: their width, notches and base tell them apart."""
    length, width, bend = 2 + 0.3 * problem.normal(size=3), 0.6 + 0.1 * problem.normal(size=3), problem.normal(size=3)
    notch_at, notch_length = 0.8 + 0.05 * problem.normal(size=3), 0.05 + 0.02 * problem.random(3)
    notch = (np.abs(0.12 * problem.normal(size=3)) + 0.04) * [1, 0, 1]
    base = 0.3 * problem.normal(size=3)

    def case(rng: Generator, label: int) -> Array:
        along = np.linspace(0, 1, 60)
        bent = (0.8 + 0.15 * bend[label]) * np.exp(0.15 * rng.normal())
        at, deep = notch_at[label] + 0.03 * rng.normal(), notch[label] * np.exp(0.4 * rng.normal())
        sides = []
        wide = width[label] * np.exp(0.15 * rng.normal()) * along**bent
        wide -= deep * np.exp(-0.5 * ((along - at) / notch_length[label]) ** 2)
        for _ in range(2):
            sides.append(np.maximum(wide * (1 + 0.03 * rng.normal(size=60).cumsum() / 8), 0.02))
        height = length[label] * np.exp(0.25 * rng.normal()) * (1 - along)
        right, left = np.c_[sides[0], height], np.c_[-sides[1], height][::-1]
        across = np.linspace(1, -1, 15)[1:-1]
        middle, half = (right[-1, 0] + left[0, 0]) / 2, (right[-1, 0] - left[0, 0]) / 2
        curve = (base[label] + 0.12 * rng.normal()) * (1 - across**2)
        return outline(np.vstack([right, np.c_[middle + half * across, curve], left]), 251)

    return case


def leaves(problem: Generator) -> Case:
    """Silhouettes of lobed leaves, begun anywhere."""
    lobes, depth = problem.integers(3, 8, 4), problem.exponential(size=4) * 0.25 + 0.1
    sizes, turns = [0.3 * falling(problem, 6) for _ in range(4)], phases(problem, 4, 6)

    def case(rng: Generator, label: int) -> Array:
        angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        bent = angle + 0.15 * np.sin(angle + rng.uniform(0, 2 * np.pi))
        radius = 1.6 + depth[label] * np.exp(0.2 * rng.normal()) * np.cos(lobes[label] * bent)
        own = sizes[label] * np.exp(0.3 * rng.normal(size=6))
        radius += harmonics(bent, own, turns[label] + 0.2 * rng.normal(size=6))
        radius = np.maximum(radius + 0.02 * rng.normal(size=200).cumsum() / 3, 0.1)
        stretch = np.exp(0.15 * rng.normal())
        return outline(np.c_[radius * np.cos(angle), stretch * radius * np.sin(angle)], 300, rng.random())

    return case


def curves(classes: int, spread: float, warp: float, noise: float) -> Callable[[Generator], Case]:
    """Smooth curves that are near to each other, warped in time."""

    def problem_of(problem: Generator) -> Case:
        sizes, turns = falling(problem, 6), phases(problem, 6)
        own = [(sizes + spread * falling(problem, 6), turns + spread * problem.normal(size=6)) for _ in range(classes)]

        def case(rng: Generator, label: int) -> Array:
            knots = np.concatenate([[0], np.exp(warp * rng.normal(size=12)).cumsum()])
            time = np.interp(np.linspace(0, 1, 200), np.linspace(0, 1, 13), knots / knots[-1])
            walk = noise * rng.normal(size=200).cumsum() / 5 + 0.05 * rng.normal(size=200)
            return harmonics(2 * np.pi * time, *own[label]) * np.exp(0.1 * rng.normal()) + walk

        return case

    return problem_of


def bumps(problem: Generator) -> Case:
    """A small shape somewhere in a random walk."""
    shapes = [np.convolve(problem.normal(size=20), np.hanning(7))[3:-3] for _ in range(3)]

    def case(rng: Generator, label: int) -> Array:
        values = 0.15 * rng.normal(size=150).cumsum() + 0.1 * rng.normal(size=150)
        at = rng.integers(5, 125)
        values[at : at + 20] += 1.2 * shapes[label] / np.abs(shapes[label]).max()
        return values

    return case


def frequencies(problem: Generator) -> Case:
    """A tone in as much noise."""
    tones = (0.04 + 0.05 * problem.random()) * np.array([1, 1.3, 1.7])

    def case(rng: Generator, label: int) -> Array:
        turns = tones[label] * np.exp(0.05 * rng.normal()) * np.arange(150) + rng.random()
        return np.sin(2 * np.pi * turns) + rng.normal(size=150)

    return case


def autoregressive(problem: Generator) -> Case:
    """How strongly each step follows the one before, of a ragged sequence."""
    del problem

    def case(rng: Generator, label: int) -> Array:
        steps = rng.normal(size=rng.integers(60, 160))
        for step in range(1, len(steps)):
            steps[step] += (0.5, 0.75, 0.93)[label] * steps[step - 1]
        return steps / steps.std() + 0.3 * rng.normal(size=len(steps))

    return case


def cylinder_bell_funnel(problem: Generator) -> Case:
    """A plateau, a rise or a fall, anywhere."""
    del problem

    def case(rng: Generator, label: int) -> Array:
        begin = rng.integers(16, 33)
        end, time = begin + rng.integers(32, 97), np.arange(128)
        ramp = (np.ones(128), (time - begin) / (end - begin), (end - time) / (end - begin))[label]
        return (6 + rng.normal()) * ramp * ((time >= begin) & (time <= end)) + 1.5 * rng.normal(size=128)

    return case


def gestures(problem: Generator) -> Case:
    """Eight movements of 30 to 300 steps, between rests."""
    sizes, turns = problem.exponential(size=(8, 4)) / np.sqrt(np.arange(1, 5)), phases(problem, 8, 4)

    def case(rng: Generator, label: int) -> Array:
        steps = int(np.exp(rng.uniform(np.log(30), np.log(300))))
        time = np.linspace(0, 1, steps) ** np.exp(0.3 * rng.normal())
        values = harmonics(2 * np.pi * time, sizes[label] * np.exp(0.2 * rng.normal(size=4)), turns[label])
        values = np.pad(values, rng.integers(0, steps // 4 + 1, 2), mode="edge")
        return values * np.exp(0.3 * rng.normal()) + 0.5 * rng.normal() + 0.3 * rng.normal(size=len(values))

    return case


def dynamics(problem: Generator) -> Case:
    """Four channels that drive each other, and noise."""
    shared = problem.normal(size=(4, 4))
    drives = [shared + 0.5 * problem.normal(size=(4, 4)) for _ in range(4)]
    drives = [0.92 * drive / np.abs(np.linalg.eigvals(drive)).max() for drive in drives]

    def case(rng: Generator, label: int) -> Array:
        state, seen = rng.normal(size=4), []
        for _ in range(rng.integers(50, 100)):
            state = drives[label] @ state + 0.5 * rng.normal(size=4)
            seen.append(state + 0.3 * rng.normal(size=4))
        return np.array(seen)

    return case


def motions(problem: Generator) -> Case:
    """Six channels of a worn sensor: periodic movements, begun anywhere."""
    tones = 0.03 + 0.05 * problem.random(4)
    sizes, turns = 0.6 * problem.exponential(size=(4, 3, 6)), phases(problem, 4, 3, 6)

    def case(rng: Generator, label: int) -> Array:
        tone = tones[label] * np.exp(0.2 * rng.normal())
        angle = 2 * np.pi * tone * np.arange(100)[:, None] + rng.uniform(0, 2 * np.pi)
        own = sizes[label] * np.exp(0.5 * rng.normal(size=(3, 6)))
        values = harmonics(angle, own, turns[label] + 0.5 * rng.normal(size=(3, 6)))
        return values + 0.8 * rng.normal(size=(100, 6)) + 0.5 * rng.normal(size=6)

    return case


def order(problem: Generator) -> Case:
    """Three equal peaks: one comes late, or none."""
    del problem
    peaks = np.array([[30, 90, 150], [42, 90, 150], [30, 102, 150]])

    def case(rng: Generator, label: int) -> Array:
        values = 0.3 * rng.normal(size=200)
        for at in peaks[label] + rng.integers(-8, 9, 3):
            values[at : at + 20] += np.hanning(20) * np.exp(0.2 * rng.normal())
        return values

    return case


def loads(problem: Generator) -> Case:
    """A day of 24 hours in two seasons."""
    sizes, turns = falling(problem, 4), phases(problem, 4)
    other_sizes, other_turns = 0.25 * problem.normal(size=4), 0.35 * problem.normal(size=4)

    def case(rng: Generator, label: int) -> Array:
        own = (sizes + label * other_sizes) * np.exp(0.3 * rng.normal(size=4))
        moved = turns + label * other_turns + 0.2 * rng.normal(size=4)
        return standard(harmonics(2 * np.pi * np.arange(24) / 24, own, moved) + 0.15 * rng.normal(size=24))

    return case


def beats(problem: Generator) -> Case:
    """Heartbeats of five waves: one is larger or smaller, and elsewhere."""
    places, widths = np.array([0.2, 0.36, 0.4, 0.44, 0.65]), np.array([0.03, 0.012, 0.014, 0.012, 0.06])
    heights = np.array([0.15, -0.12, 1, -0.25, 0.3])
    waves, factors = problem.integers(5, size=3), 0.6 + 0.6 * problem.random(3)
    moves = 0.02 * problem.choice([-1, 1], 3)

    def case(rng: Generator, label: int) -> Array:
        here = np.arange(5) == waves[label]
        factor = np.where(here, factors[label], 1)
        at = places + here * moves[label] + 0.015 * rng.normal() + 0.008 * rng.normal(size=5)
        high, wide = heights * factor * np.exp(0.2 * rng.normal(size=5)), widths * factor
        wide = wide * np.exp(0.1 * rng.normal(size=5))
        time = np.linspace(0, 1, 140)[:, None]
        waves_seen = (high * np.exp(-0.5 * ((time - at) / wide) ** 2)).sum(1)
        drift = 0.1 * np.sin(2 * np.pi * (0.7 * time[:, 0] + rng.random()))
        return standard(waves_seen + drift + 0.04 * rng.normal(size=140))

    return case


def control_charts(problem: Generator) -> Case:
    """Normal, cyclic, rising, falling, shifted up, shifted down."""
    del problem

    def case(rng: Generator, label: int) -> Array:
        time, sign = np.arange(60), 1 if label in (2, 4) else -1
        signal = {
            0: np.zeros(60),
            1: rng.uniform(5, 9) * np.sin(2 * np.pi * time / rng.uniform(10, 15)),
            2: sign * rng.uniform(0.2, 0.5) * time,
            4: sign * rng.uniform(7.5, 20) * (time >= rng.uniform(20, 40)),
        }[label if label < 2 else label // 2 * 2]
        return standard(signal + 3 * rng.normal(size=60))

    return case


def two_patterns(problem: Generator) -> Case:
    """Two steps anywhere, each up or down."""
    del problem

    def case(rng: Generator, label: int) -> Array:
        values = 0.3 * rng.normal(size=128)
        for at, up in zip((rng.integers(5, 45), rng.integers(66, 106)), divmod(label, 2), strict=True):
            length = rng.integers(8, 17)
            values[at : at + length] += 1.5 * (1 if up else -1) * np.where(np.arange(length) < length // 2, 1, -1)
        return values

    return case


def pulses(problem: Generator) -> Case:
    """A device that goes on and off: for how long, how often."""
    on, off = problem.permutation([8, 14, 22]), problem.permutation([15, 20, 25])

    def case(rng: Generator, label: int) -> Array:
        values: list[float] = []
        while len(values) < 240:
            values += [0.0] * int(off[label] * np.exp(0.5 * rng.normal()))
            values += [np.exp(0.3 * rng.normal())] * max(1, int(on[label] * np.exp(0.35 * rng.normal())))
        return np.array(values[:240]) + 0.15 * rng.normal(size=240)

    return case


def spectra(problem: Generator) -> Case:
    """Smooth spectra that differ in two small peaks."""
    at, wide, high = problem.uniform(0.1, 0.9, 8), 0.05 + 0.1 * problem.random(8), problem.exponential(size=8)
    wide[6:], high[6:] = 0.012 + 0.01 * problem.random(2), 0.12 * problem.choice([-1, 1], 2)

    def case(rng: Generator, label: int) -> Array:
        time = np.linspace(0, 1, 250)[:, None]
        own = high * np.exp(np.where(np.arange(8) < 6, 0.15, 0.4) * rng.normal(size=8))
        own[6:] *= label
        values = (own * np.exp(-0.5 * ((time - at) / wide) ** 2)).sum(1)
        return standard(values + 0.2 * rng.normal() * time[:, 0] + 0.01 * rng.normal(size=250))

    return case


def vowels(problem: Generator) -> Case:
    """Twelve channels over 7 to 29 steps: six speakers whose trajectories are near to each other."""
    shared = problem.normal(size=(12, 3))
    own = shared + 0.5 * problem.normal(size=(6, 12, 3))

    def case(rng: Generator, label: int) -> Array:
        time = np.linspace(-1, 1, rng.integers(7, 30))
        shape = own[label] + 0.4 * rng.normal(size=(12, 3))
        return np.c_[np.ones(len(time)), time, time**2 - 0.4] @ shape.T + 0.4 * rng.normal(size=(len(time), 12))

    return case


FAMILIES = {
    "points": Family(3, 36, points),
    "leaves": Family(4, 80, leaves),
    "curves": Family(3, 36, curves(3, 0.25, 0.5, 0.25)),
    "more curves": Family(4, 80, curves(4, 0.2, 0.6, 0.3)),
    "bumps": Family(3, 60, bumps),
    "frequencies": Family(3, 45, frequencies),
    "autoregressive": Family(3, 45, autoregressive),
    "cylinder-bell-funnel": Family(3, 30, cylinder_bell_funnel),
    "gestures": Family(8, 56, gestures),
    "dynamics": Family(4, 60, dynamics),
    "motions": Family(4, 40, motions),
    "order": Family(3, 60, order),
    "loads": Family(2, 60, loads),
    "beats": Family(3, 45, beats),
    "control charts": Family(6, 48, control_charts),
    "two patterns": Family(4, 60, two_patterns),
    "pulses": Family(3, 45, pulses),
    "spectra": Family(2, 28, spectra),
    "vowels": Family(6, 60, vowels),
}
