"""`.arff`, Weka's text form, as the UEA and UCR archive writes it.

    @relation ArrowHead
    @attribute att1 numeric
    @attribute target {0,1,2}
    @data
    -1.96,-1.95, … ,0

A line holds one sequence: the numeric attributes are its steps, the nominal attribute is its class. With several
channels there is one relational attribute, whose text holds the channels, separated by ``\\n`` written out:

    '1.0,2.0\\n3.0,4.0',a

Values are separated by commas, tabs or spaces, and may stand between quotation marks. A sparse line holds the numbers
of attributes and their values, ``{0 1.5, 2 up}``; the other values are 0. ``?`` is a missing value. The archive pads
shorter sequences with missing values in all channels, so missing values at the end of a sequence are not part of it.
Comments begin with ``%``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from unrolled.data.files import Line, Request, naming, read_lines
from unrolled.data.labels import NO_LABEL
from unrolled.data.numbers import BEYOND_FLOAT32, Floats, parse_number, to_float32
from unrolled.data.sequences import Sequences
from unrolled.data.tables import all_known
from unrolled.errors import ReadError

_ATTRIBUTE = re.compile(r"""\s*@attribute\s+('(?:[^'\\]|\\.)*'|"[^"]*"|\S+)\s+(.+)""", re.IGNORECASE)
_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"]+|,""")
_NUMERIC = {"numeric", "real", "integer"}


def read_arff(request: Request) -> Sequences:
    """The sequences in an ``.arff`` file; the classes are in the order in which the header declares them.

    Raises:
        ReadError: with the line, for an undeclared class, a value that is not a number, a sequence that does not
            fit the attributes, and the like.
    """
    path = request.path
    with naming(path):
        lines = chain.from_iterable(read_lines(request, "%"))
        header = _read_header(path, lines)
        if not header.relational:
            request.note(f"{header.fields - bool(header.classes):,} numeric attributes are the steps of one channel")
        rows: list[Floats] = []
        labels: list[int] = []
        for line in lines:
            values, label = _split(line, header, request)
            steps = _parse(line, values, header)
            if rows and steps.shape[1] != rows[0].shape[1]:
                raise line.error(f"found {steps.shape[1]} channels where the first sequence has {rows[0].shape[1]}.")
            rows.append(steps)
            labels.append(label)
    if not rows:
        raise ReadError(path, "there are no sequences after @data; expected one a line.")
    sequences = Sequences.from_steps(np.concatenate(rows), list(map(len, rows)))
    if not header.classes or not all_known(np.array(labels) < 0, request):
        return sequences
    return replace(sequences, labels=np.array(labels, np.int64), classes=header.classes)


@dataclass(frozen=True)
class _Header:
    """The fields of a line.

    Attributes:
        fields: their number.
        label: the position of the class; -1 for none.
        classes: the declared classes.
        relational: whether all values are one field, with a line for each channel.
    """

    fields: int
    label: int
    classes: tuple[str, ...]
    relational: bool


def _read_header(path: Path, lines: Iterator[Line]) -> _Header:
    types: list[str] = []
    classes: dict[int, tuple[str, ...]] = {}
    inside_relation = False
    for line in lines:
        key = line.text.split(maxsplit=1)[0].lower()
        if key == "@data":
            return _checked(line, types, classes)
        if key == "@end":
            inside_relation = False
        elif key == "@attribute":
            declared = _declared_type(line)
            type_ = declared[:1] if declared.startswith("{") else declared.lower()
            if inside_relation:
                if type_ not in _NUMERIC:
                    raise line.error(f"the relation holds {declared[:40]!r}; expected numeric attributes.")
                continue
            if type_ == "{":
                classes[len(types)] = _classes(line, declared)
            elif type_ == "relational":
                inside_relation = True
            elif type_ not in _NUMERIC:
                raise line.error(
                    f"the attribute is of type {declared[:40]!r}; expected numeric, relational or {{a,b,c}}."
                )
            types.append(type_)
        elif key != "@relation":
            raise line.error(f"found {line.text[:40]!r} before @data; expected @relation and @attribute lines.")
    raise ReadError(path, "there is no @data line; expected one between the attributes and the sequences.")


def _declared_type(line: Line) -> str:
    match = _ATTRIBUTE.match(line.text)
    if match is None:
        raise line.error("the attribute has no type; expected @attribute NAME TYPE.")
    return match.group(2).strip()


def _classes(line: Line, declared: str) -> tuple[str, ...]:
    names = tuple(_unquoted(name) for name in _fields(line, declared.strip("{} \t")))
    if "" in names or len(set(names)) < len(names):
        raise line.error("a class has no name, or one is declared twice; expected {a,b,c}.")
    return names


def _checked(line: Line, types: list[str], classes: dict[int, tuple[str, ...]]) -> _Header:
    values = [type_ for type_ in types if type_ != "{"]
    relational = "relational" in values
    if not values or (relational and len(values) > 1):
        raise line.error("expected numeric attributes, one a step, or one relational attribute for all channels.")
    if len(classes) > 1:
        raise line.error(f"{len(classes)} attributes are nominal; expected one, the class.")
    label, names = next(iter(classes.items()), (-1, ()))
    return _Header(len(types), label, names, relational)


def _split(line: Line, header: _Header, request: Request) -> tuple[list[str], int]:
    """The fields with the values, and the index of the class; -1 for none."""
    text = line.text.strip()
    fields = _sparse_fields(line, text, header) if text.startswith("{") else _fields(line, text)
    if len(fields) != header.fields:
        raise line.error(f"found {len(fields)} values where {header.fields} attributes are declared.")
    if header.label < 0:
        return fields, -1
    name = _unquoted(fields.pop(header.label))
    if name in NO_LABEL and not request.labels_needed:
        return fields, -1
    if name not in header.classes:
        found = "is missing" if name in NO_LABEL else f"{name[:40]!r} is not declared"
        raise line.error(f"the class {found}; expected one of {', '.join(header.classes[:12])}.")
    return fields, header.classes.index(name)


def _fields(line: Line, text: str) -> list[str]:
    """The parts of a text between commas, or else between spaces and tabs; quotation marks keep a part together."""
    if not re.search(r"""['"]""", text) and "," in text:
        return text.split(",")
    if _TOKEN.sub("", text).strip(" \t"):
        raise line.error("a quotation mark is not closed; expected 'values of channel\\nvalues of channel',class.")
    tokens = _TOKEN.findall(text)
    if "," not in tokens:
        return tokens
    fields = [""]
    for part in tokens:
        if part == ",":
            fields.append("")
        else:
            fields[-1] = f"{fields[-1]} {part}" if fields[-1] else part
    return fields


def _sparse_fields(line: Line, text: str, header: _Header) -> list[str]:
    """The fields of a line that names only the values that are not 0; the class that is not named is the first."""
    fields = ["0"] * header.fields
    if header.label >= 0:
        fields[header.label] = header.classes[0]
    for pair in _fields(line, text.strip("{} \t") + ","):
        if not pair.strip():
            continue
        number, _, value = pair.strip().partition(" ")
        if not number.isdecimal() or int(number) >= header.fields or not value.strip():
            raise line.error(
                f"found {pair.strip()[:40]!r}; expected the number of an attribute, from 0, and its value."
            )
        fields[int(number)] = value.strip()
    return fields


def _parse(line: Line, fields: list[str], header: _Header) -> Floats:
    """The values of one sequence, [T, F]."""
    channels = [channel.split(",") for channel in _unquoted(fields[0]).split("\\n")] if header.relational else [fields]
    if len({len(channel) for channel in channels}) > 1:
        raise line.error("the channels have unequal numbers of values; write ? for a missing one.")
    numbers = np.array([[_number(line, cell.strip()) for cell in channel] for channel in channels])
    steps = to_float32(numbers.T, lambda _: line.error(f"a value is {BEYOND_FLOAT32}."))
    if np.isnan(steps).all():
        raise line.error("this sequence has no values; add some, or remove it.")
    return steps


def _number(line: Line, word: str) -> float:
    number = np.nan if word == "?" else parse_number(word)
    if number is None:
        raise line.error(f"{word[:40]!r} is not a number; expected one, or ? for a missing value.")
    return number


def _unquoted(text: str) -> str:
    """The text without quotation marks around it."""
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        return re.sub(r"\\(['\"\\%])", r"\1", stripped[1:-1])
    return stripped
