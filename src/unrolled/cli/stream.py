"""``unrolled predict --stream``: steps from standard input, the belief after each to standard output."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from unrolled.errors import DataError, UnrolledError
from unrolled.model import decides

if TYPE_CHECKING:
    from unrolled.model import Model, Probabilities

LONGEST_LINE = 1 << 20
"""Bytes that a line may have: a stream without line breaks must not fill the memory."""

Row = tuple[dict[str, int], "Probabilities"]


def beliefs(
    model: Model, lines: BinaryIO, state: Path | None, say: Callable[[str], None]
) -> Generator[Row, None, None]:
    """The belief after each line that is read.

    A line holds the values of one step, separated by commas; of text, some of its tokens, each of which is a step:
    whitespace at the ends of the line counts where the model learned whitespace. An empty line begins a new sequence; a
    first line that names the channels is passed over. A line that is no step is said and left out.

    Args:
        model: the trained model.
        lines: where the lines come from.
        state: a file: what a stream before carried, where it exists, and at the end what this one carries.
        say: receives what is wrong with a line.
    Raises:
        DataError: at the end, where lines were left out.
    """
    stream = model.stream(state=state if state is not None and state.exists() else None)
    case, read, wrong = 0, 0, 0
    try:
        for number, line in enumerate(_lines(lines), 1):
            read = number
            if line is not None and not line.strip():
                case += stream.steps != 0
                stream.reset()
                continue
            try:
                if number == 1 and _is_header(model, line):
                    continue
                steps = _steps(model, line)
                belief = stream.push(steps[:1])
            except UnrolledError as error:
                wrong += 1
                say(f"line {number} is left out: {error}")
                continue
            yield {"case": case, "step": int(stream.steps)}, belief
            for token in steps[1:]:
                belief = stream.push([token])
                yield {"case": case, "step": int(stream.steps)}, belief
    finally:
        if state is not None:
            stream.save(state)
    if wrong:
        raise DataError(f"{wrong:,} of {read:,} lines were left out; the belief is that of the others.")


def until_decided(rows: Iterator[Row], confidence: float, at_least: int, say: Callable[[str], None]) -> Iterator[Row]:
    """The beliefs up to the first that decides, as `Stream.decide_when` does, which is then said."""
    for place, belief in rows:
        yield place, belief
        if decides(belief, place["step"], confidence, at_least):
            say(f"decided after {place['step']} steps")
            return


def _lines(lines: BinaryIO) -> Iterator[bytes | None]:
    """Each line as soon as it is there; None for one that is too long."""
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
    """Whether a first line names the channels."""
    if model.facts.vocabulary is not None:
        return False
    cells = _cells(line)
    return tuple(cells) == model.channels and not all(cell.isascii() and cell.isdigit() for cell in cells)


def _steps(model: Model, line: bytes | None) -> list[Any]:
    """The steps of a line: one, or of text as many as there are tokens."""
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
        return math.nan  # missing: the model says whether it takes that
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"value {column} is {cell!r}; expected a number.") from None
