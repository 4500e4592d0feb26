"""``unrolled predict --stream``: steps from standard input, the probabilities after each to standard output."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from unrolled.config import seconds_of
from unrolled.errors import ConfigError, DataError, UnrolledError
from unrolled.model import decides

if TYPE_CHECKING:
    from unrolled.model import Model, Probabilities, Stream

LONGEST_LINE = 1 << 20
"""Largest size of a line, in bytes: a stream without line breaks must not fill the memory."""

Row = tuple[dict[str, int], "Probabilities"]
"""The place of a step (number of the sequence, step), and the probabilities after it, [C]."""


def running_probabilities(
    model: Model,
    lines: BinaryIO,
    state: Path | None,
    say: Callable[[str], None],
    *,
    reset_after: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    **how: int | None,
) -> Generator[Row, None, None]:
    """The probabilities after each step that is read.

    A line holds the values of one step, separated by commas; for a model of text, a piece of text, each token of which
    is a step (whitespace at the ends of the line counts if the model learned whitespace). An empty line begins a new
    sequence; a first line with the names of the channels is skipped. A line that is not a step is reported and skipped.

    The stream is opened at once, so that a refusal comes before any output.

    Args:
        model: the trained model.
        lines: the input.
        state: a file; if it exists the stream goes on from it, and at the end the stream's state is written to it.
        say: receives a message for each skipped line.
        reset_after: begin a new sequence after so long without a line.
        clock: gives the time, in seconds.
        how: ``window`` and ``reset_every``; see `Model.stream`.
    Raises:
        UnsupportedError: for a model that does not read forward.
        MismatchError: for a state that does not fit.
        DataError: at the end, if lines were skipped.
    """
    stream = model.stream(state=state if state is not None and state.exists() else None, **how)
    try:
        pause = math.inf if reset_after is None else float(seconds_of(reset_after))
    except ValueError as error:
        raise ConfigError(f"--reset-after: {error}.") from None
    return _read_on(model, stream, _begun_anew(lines, pause, clock), state, say)


def _begun_anew(lines: BinaryIO, pause: float, clock: Callable[[], float]) -> Iterator[bytes | None]:
    """The lines, with an empty one, which begins a new sequence, after each pause."""
    last = math.inf
    for line in _lines(lines):
        now = clock()
        if now - last > pause:
            yield b"\n"
        last = now
        yield line


def _read_on(
    model: Model, stream: Stream, lines: Iterator[bytes | None], state: Path | None, say: Callable[[str], None]
) -> Generator[Row, None, None]:
    sequence, read, wrong = 0, 0, 0
    try:
        for number, line in enumerate(lines, 1):
            read = number
            if line is not None and not line.strip():
                sequence += stream.steps != 0
                stream.reset()
                continue
            try:
                if number == 1 and _is_header(model, line):
                    continue
                steps = _steps(model, line)
                probabilities = stream.push(steps[:1])
            except UnrolledError as error:
                wrong += 1
                say(f"line {number} is left out: {error}")
                continue
            yield {"case": sequence, "step": int(stream.steps)}, probabilities
            for token in steps[1:]:
                probabilities = stream.push([token])
                yield {"case": sequence, "step": int(stream.steps)}, probabilities
    finally:
        if state is not None:
            stream.save(state)
    if wrong:
        raise DataError(
            f"{wrong:,} of {read:,} lines were left out; the probabilities are those after the other lines."
        )


def until_decided(rows: Iterator[Row], confidence: float, at_least: int, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows up to the first decision, as by `Stream.decide_when`; ``say`` receives a line about it."""
    for place, probabilities in rows:
        yield place, probabilities
        if decides(probabilities, place["step"], confidence, at_least):
            say(f"decided after {place['step']} steps")
            return


def _lines(lines: BinaryIO) -> Iterator[bytes | None]:
    """Each line as soon as it arrives; None for one that is too long."""
    while line := lines.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while rest := lines.readline(LONGEST_LINE):
            if rest.endswith(b"\n"):
                break
        yield None


def _text(line: bytes | None) -> str:
    if line is None:
        raise DataError(f"it has more than {LONGEST_LINE:,} bytes; expected the values of one step.")
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("it is not text in UTF-8.") from None


def _cells(line: bytes | None) -> list[str]:
    text = _text(line)
    try:
        return [cell.strip() for cell in next(csv.reader([text.strip()]))]
    except csv.Error as error:
        raise DataError(f"it is not a line of CSV: {error}.") from None


def _is_header(model: Model, line: bytes | None) -> bool:
    """Whether a first line has the names of the channels."""
    if model.facts.vocabulary is not None:
        return False
    cells = _cells(line)
    return tuple(cells) == model.channels and not all(cell.isascii() and cell.isdigit() for cell in cells)


def _steps(model: Model, line: bytes | None) -> list[Any]:
    """The steps of a line: one, or for text one per token."""
    if model.facts.vocabulary is None:
        return [_values(model, line)]
    return list(model.preprocessor.cut(_text(line).rstrip("\r\n"), piece=True))


def _values(model: Model, line: bytes | None) -> list[float]:
    cells, expected = _cells(line), model.channels
    if len(cells) != len(expected):
        names = f"{', '.join(expected[:8])}{', …' if len(expected) > 8 else ''}"
        raise DataError(f"found {len(cells)} values; expected {len(expected)} ({names}), separated by commas.")
    return [_number(cell, column) for column, cell in enumerate(cells, 1)]


def _number(cell: str, column: int) -> float:
    if not cell:
        return math.nan  # missing; the model raises an error if it takes none
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"value {column} is {cell!r}; expected a number.") from None
