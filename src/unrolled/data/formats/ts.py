"""`.ts`, the text form of the UEA/UCR archive of time-series classification.

    # comments
    @problemName JapaneseVowels
    @univariate false
    @dimensions 12
    @equalLength false
    @classLabel true 1 2 3
    @data
    1.86,1.89,1.93:-0.20,-0.19,-0.18: … :1

A line holds one sequence: the channels separated by ``:``, the values of a channel by ``,``, and the class label
last. ``?`` or ``NaN`` is a missing value. Header keys may be in any letter case; comments begin with ``#`` or ``%``. A
step may be a pair of a time stamp and a value, ``(2026-01-31 12:00:00,1.86)``; the stamps are left out.

The sequences must agree with the header, except with ``@missing``, which published files get wrong. Unknown keys
are skipped, unless they look like a misspelt known one: a lost ``@classLabel`` would change the meaning of every
line. Without ``@classLabel``, or with ``@classLabel false``, the sequences have no labels.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from unrolled.data.files import Line, Request, naming, read_lines
from unrolled.data.labels import NO_LABEL, missing_labels
from unrolled.data.numbers import BEYOND_FLOAT32, Floats, exceeds_float32, parse_number
from unrolled.data.sequences import Sequences
from unrolled.data.tables import all_known
from unrolled.errors import ReadError, listed, quoted

_PAIR = re.compile(r"\([^()]*,\s*([^(),]*?)\s*\)")
"""A time stamp and a value."""


def read_ts(request: Request) -> Sequences:
    """The sequences in a ``.ts`` file; the classes are in the order in which the header declares them.

    Raises:
        ReadError: with the line, and the column where there is one, for an undeclared class, a value that is
            not a number, a sequence whose shape is not the header's, a missing label, and the like.
    """
    path = request.path
    with naming(path):
        lines = chain.from_iterable(read_lines(request, ("#", "%")))
        header = _read_header(path, lines)
        return _read_sequences(request, lines, header)


@dataclass(frozen=True)
class _Header:
    univariate: bool | None = None
    dimensions: int | None = None
    equal_length: bool | None = None
    series_length: int | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class _Word:
    text: str
    position: int


# The header


def _read_header(path: Path, lines: Iterator[Line]) -> _Header:
    found: dict[str, Any] = {}
    for line in lines:
        words = [_Word(match.group(), match.start()) for match in re.finditer(r"\S+", line.text)]
        key = words[0].text.lower()
        if not key.startswith("@"):
            raise line.error(
                f"found {quoted(words[0].text)} before @data; expected header lines that begin with @, "
                "then @data, then the sequences.",
                words[0].position,
            )
        if key == "@data":
            if len(words) > 1:
                raise line.error(
                    "found more after @data; expected the first sequence on the next line.", words[1].position
                )
            return _Header(**found)
        if key not in _KEYS:
            _refuse_misspelt(line, words[0])
            continue
        field, parse = _KEYS[key]
        value = parse(line, words)
        if field and found.setdefault(field, value) != value:
            raise line.error(
                f"{words[0].text} is given a second time, with another value; remove one of the two.", words[0].position
            )
    raise ReadError(path, "there is no @data line; expected one between the header and the sequences.")


def _refuse_misspelt(line: Line, word: _Word) -> None:
    near = difflib.get_close_matches(word.text.lower(), [*_KEYS, "@data"], n=1, cutoff=0.75)
    if near or word.text == "@":
        guess = f" Did you mean {near[0]}?" if near else ""
        raise line.error(f"there is no header key {quoted(word.text)}.{guess}", word.position)


def _argument(line: Line, words: list[_Word], expected: str) -> _Word:
    if len(words) < 2:
        raise line.error(f"{words[0].text} has no value; expected {expected}.", len(line.text))
    return words[1]


def _flag(line: Line, words: list[_Word]) -> bool:
    word = _argument(line, words, "true or false")
    if word.text.lower() not in {"true", "false"}:
        raise line.error(f"{words[0].text} is {quoted(word.text)}; expected true or false.", word.position)
    return word.text.lower() == "true"


def _count(line: Line, words: list[_Word]) -> int:
    word = _argument(line, words, "a whole number")
    if not re.fullmatch(r"[0-9]{1,18}", word.text):
        raise line.error(f"{words[0].text} is {quoted(word.text)}; expected a whole number.", word.position)
    return int(word.text)


def _classes(line: Line, words: list[_Word]) -> tuple[str, ...] | None:
    if not _flag(line, words):
        return None
    names = [word.text for word in words[2:]]
    if not names:
        raise line.error(
            f"{words[0].text} true names no classes; expected their names after it, with spaces between.",
            len(line.text),
        )
    seen: set[str] = set()
    for word in words[2:]:
        if word.text in seen:
            raise line.error(f"class {quoted(word.text)} is declared twice; remove one.", word.position)
        seen.add(word.text)
    return tuple(names)


def _no_targets(line: Line, words: list[_Word]) -> None:
    if _flag(line, words):
        raise line.error(
            "this is a regression problem (@targetLabel true); expected classes, declared as "
            "@classLabel true followed by their names."
        )


_KEYS: dict[str, tuple[str, Callable[[Line, list[_Word]], Any]]] = {
    "@problemname": ("", lambda _line, _words: None),
    "@missing": ("", _flag),
    "@timestamps": ("", _flag),
    "@targetlabel": ("", _no_targets),
    "@univariate": ("univariate", _flag),
    "@dimensions": ("dimensions", _count),
    "@dimension": ("dimensions", _count),
    "@equallength": ("equal_length", _flag),
    "@serieslength": ("series_length", _count),
    "@classlabel": ("classes", _classes),
}
"""The field of `_Header` that a key fills, if any, and how its value is read."""


# The sequences


def _read_sequences(request: Request, lines: Iterator[Line], header: _Header) -> Sequences:
    rows: list[Floats] = []
    labels: list[str] = []
    for line in lines:
        if line.text.lstrip().startswith("@"):
            raise line.error("found a header line after @data; move it before @data.")
        body = line.text
        if header.classes is not None:
            body, label = _split_label(line, header.classes, request)
            labels.append(label)
        if body.lstrip().startswith("("):
            body = _without_stamps(line, body, request)
        steps = _parse(line, body, labelled=header.classes is not None)
        _check_shape(line, steps, header, rows[0] if rows else steps)
        rows.append(steps)
    if not rows:
        raise ReadError(request.path, "there are no sequences after @data; expected one a line.")
    known = header.classes is not None and all_known(missing_labels(np.array(labels)), request)
    return Sequences.from_steps(
        np.concatenate(rows), list(map(len, rows)), labels if known else None, classes=header.classes if known else None
    )


def _without_stamps(line: Line, body: str, request: Request) -> str:
    """The values of a sequence whose steps are pairs of a time stamp and a value."""
    channels = []
    for channel in re.split(r"(?<=\))\s*:", body):
        values = _PAIR.findall(channel)
        if _PAIR.sub("", channel).strip(" \t,"):
            raise line.error(f"found {quoted(channel)}; expected pairs of a time stamp and a value, (stamp,value).")
        channels.append(",".join(values))
    request.note("the time stamps of the steps are left out; steps are read as evenly spaced")
    return ":".join(channels)


def _split_label(line: Line, classes: tuple[str, ...], request: Request) -> tuple[str, str]:
    """The values' text, and the label after the last colon, which may be missing where none is needed."""
    body, colon, last = line.text.rpartition(":")
    label = last.strip()
    if colon and (label in classes if label not in NO_LABEL else not request.labels_needed):
        return body, label
    expected = f"expected ':' and one of the classes ({listed(classes, 12)}) at the end of the line"
    if not colon:
        raise line.error(f"the class label is missing; {expected}.", len(line.text))
    position = len(body) + 1 + len(last) - len(last.lstrip())
    if label in NO_LABEL:
        raise line.error(f"the class label is missing; {expected}.", position)
    if "," in label:
        raise line.error(f"the class label is missing: the line ends with values; {expected}.", position)
    near = difflib.get_close_matches(label, classes, n=1, cutoff=0.75)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise line.error(
        f"class {quoted(label)} is not declared; expected one of {listed(classes, 12)}.{guess} Add it to "
        "@classLabel, or correct the line.",
        position,
    )


def _parse(line: Line, body: str, *, labelled: bool) -> Floats:
    """The values of one sequence, [T, F], read fast; `_first_error` finds the place where that fails."""
    channels = body.split(":")
    separators = channels[0].count(",")
    tokens = body.replace(":", ",").split(",")
    if "?" in body:
        tokens = ["nan" if token.strip() == "?" else token for token in tokens]
    try:
        if any(channel.count(",") != separators for channel in channels):
            raise ValueError
        numbers = np.array([float(token) for token in tokens], np.float64)
    except ValueError:
        raise _first_error(line, channels, labelled=labelled) or line.error("the values are damaged.") from None
    with np.errstate(over="ignore"):
        steps: Floats = numbers.reshape(len(channels), -1).T.astype(np.float32, order="C")  # [T, F]
    # float() also takes 1_000, and makes 1e999 infinite; a word like "inf" is meant
    doubtful = "_" in body or bool(np.isinf(steps).any())
    if doubtful and (error := _first_error(line, channels, labelled=labelled)):
        raise error
    return steps


def _first_error(line: Line, channels: list[str], *, labelled: bool) -> ReadError | None:
    """The error for the leftmost mistake in a sequence."""
    position = 0
    for index, channel in enumerate(channels):
        # without a declared label the last field may well be one
        alone = not labelled and index == len(channels) - 1 and index > 0 and "," not in channel
        hint = " If this is the class label, declare the classes: @classLabel true …" if alone else ""
        if not channel.strip():
            return line.error(f"channel {index} has no values; expected at least one.{hint}", position)
        if error := _token_error(line, channel, position, hint):
            return error
        found, expected = channel.count(",") + 1, channels[0].count(",") + 1
        if found != expected:
            return line.error(
                f"channel {index} has {found} values where channel 0 has {expected}; the channels of a "
                f"sequence need the same number. Write ? for a missing value.{hint}",
                position,
            )
        position += len(channel) + 1
    return None


def _token_error(line: Line, channel: str, position: int, hint: str) -> ReadError | None:
    for token in channel.split(","):
        word = token.strip()
        if problem := _token_problem(word):
            return line.error(problem + hint, position + len(token) - len(token.lstrip()))
        position += len(token) + 1
    return None


def _token_problem(word: str) -> str:
    """What is wrong with one value; empty where it is right."""
    if word == "?":
        return ""
    if not word:
        return "there is no value between the commas; expected a number, or ? for a missing one."
    if word.startswith("("):
        return f"found {quoted(word)}; expected a number, as in the first values of the line."
    if parse_number(word) is None:
        return f"{quoted(word)} is not a number; expected one, or ? for a missing value."
    return f"{quoted(word)} is {BEYOND_FLOAT32}." if exceeds_float32(word) else ""


def _check_shape(line: Line, steps: Floats, header: _Header, first: Floats) -> None:
    length, width = steps.shape
    if header.dimensions is not None and width != header.dimensions:
        _refuse_shape(line, f"{width} channel(s)", f"@dimensions {header.dimensions}")
    if header.univariate and width != 1:
        _refuse_shape(line, f"{width} channel(s)", "@univariate true")
    if width != first.shape[1]:
        raise line.error(
            f"found {width} channel(s) where the first sequence has {first.shape[1]}; every sequence needs the same."
        )
    if header.equal_length is False:
        return
    if header.series_length is not None and length != header.series_length:
        _refuse_shape(line, f"the length {length}", f"@seriesLength {header.series_length}")
    if header.equal_length and length != len(first):
        _refuse_shape(line, f"the length {length}, where the first sequence has {len(first)},", "@equalLength true")


def _refuse_shape(line: Line, found: str, declared: str) -> NoReturn:
    raise line.error(f"found {found} but the header says {declared}. Correct the header or the line.")
