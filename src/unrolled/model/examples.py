"""A few sequences in a model folder, so that the model can be shown and tried without its data.

They stand in ``examples.json`` of the model folder, in the form in which the server takes sequences:

    {"examples": [{"label": "3", "part": "held out", "sequence": [[0.0, 0.5], [0.25, 1.0]]}]}

A sequence is a list of steps, a step a list of one number a channel, null where a value is missing. A text is the
list of its tokens.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unrolled.data import Integers, Sequences

MAX_VALUES = 100_000
"""Values of all examples together; a model folder stays small."""

Steps = list[list[float | None]]


@dataclass(frozen=True)
class Example:
    """One sequence in plain values.

    Attributes:
        label: the name of its true class; None where it is not known.
        sequence: steps of one number a channel, in the unit that the network reads; of text, its tokens.
        part: its part in the training: ``held out``, ``validation`` or ``trained on``; None if that is unknown.

    Example:
        >>> first = model.examples[0]
        >>> model.predict([first.sequence])[0] == first.label
        True
    """

    label: str | None
    sequence: Steps | list[str]
    part: str | None = None


def choose_examples(sequences: Sequences, count: int, part: str | None = None) -> tuple[Example, ...]:
    """The first sequences of each class in turn, until they are ``count`` or hold `MAX_VALUES` values.

    Args:
        sequences: preferably test sequences, which the network has not learned.
        count: number of examples at most.
        part: the part of the training to which they belong.
    """
    chosen: list[Example] = []
    room = MAX_VALUES
    for index in _in_turn(sequences)[: 8 * count]:
        room_after = room - int(sequences.lengths[index]) * len(sequences.channels)
        if len(chosen) < count and room_after >= 0:
            room = room_after
            chosen.append(_example(sequences, int(index), part))
    return tuple(chosen)


def dump_examples(examples: Sequence[Example]) -> bytes:
    """The content of ``examples.json``."""
    content = {"examples": [asdict(example) for example in examples]}
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def parse_examples(content: bytes) -> tuple[Example, ...]:
    """What `dump_examples` wrote.

    Raises:
        ValueError, KeyError, TypeError: for anything else.
    """
    return tuple(Example(**item) for item in json.loads(content)["examples"])


def _in_turn(sequences: Sequences) -> Integers:
    """Indices ordered so that the first of every class come first, then the second ones, and so on."""
    if sequences.labels is None:
        return np.arange(len(sequences))
    turns = np.zeros(len(sequences), np.int64)
    for label in range(len(sequences.classes)):
        members = np.flatnonzero(sequences.labels == label)
        turns[members] = np.arange(len(members))
    return np.lexsort((sequences.labels, turns)).astype(np.int64)


def _example(sequences: Sequences, index: int, part: str | None) -> Example:
    label = None if sequences.labels is None else sequences.classes[int(sequences.labels[index])]
    tokens = sequences.tokens(index)
    steps = [[_plain(value) for value in step] for step in sequences.scaled(index)] if tokens is None else tokens
    return Example(label, steps, part)


def _plain(value: Any) -> float | None:
    """A float32 as the shortest number that is read back as the same; None for a missing value."""
    number = float(str(value))
    return number if math.isfinite(number) else None
