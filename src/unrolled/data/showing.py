"""`Sequences` on a line, and in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unrolled.errors import listed, shortened
from unrolled.notebook import curve, lines, table, titled

if TYPE_CHECKING:
    from unrolled.data.sequences import Sequences

_SHOWN_SEQUENCES, _SHOWN_CHANNELS, _SHOWN_CHARACTERS = 3, 6, 80


def on_a_line(sequences: Sequences) -> str:
    """Numbers of sequences and steps, channels and classes."""
    lengths, channels, classes = sequences.lengths, sequences.channels, sequences.classes
    least, most = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    steps = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    kind = f"{len(channels):,} channels ({listed(channels)})"
    kind = kind if sequences.symbols is None else f"text ({sequences.text_kind})"
    labels = f"{len(classes):,} classes ({listed(classes)})"
    if sequences.labels is None:
        labels = "no labels" if sequences.step_labels is None else f"a label a step, {labels}"
    return f"Sequences: {len(lengths):,} of {steps} steps, {kind}, {labels}"


def as_html(sequences: Sequences) -> str:
    """The same for a notebook, with the first sequences and the number of each class."""
    kind, _, described = on_a_line(sequences).partition(": ")
    shown = [_drawn(sequences, index) for index in range(min(len(sequences), _SHOWN_SEQUENCES))]
    counts = None if sequences.labels is None else sequences.class_counts()
    classes = "" if counts is None else table(("class", "sequences"), zip(sequences.classes, counts, strict=True))
    return titled(kind, lines(described), *shown, classes)


def _drawn(sequences: Sequences, index: int) -> str:
    """One sequence: a curve for each channel, or the beginning of a text."""
    label = "" if sequences.labels is None else f"{sequences.classes[sequences.targets[index]]!r}"
    tokens = sequences.tokens(index)
    if tokens is not None:
        return lines(f"{shortened(''.join(tokens), _SHOWN_CHARACTERS)!r} {label}")
    channels = range(min(len(sequences.channels), _SHOWN_CHANNELS))
    return curve([sequences.scaled(index)[:, channel].tolist() for channel in channels], label)
