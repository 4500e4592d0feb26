"""`.arff`, Weka's text form, as the UEA and UCR archive writes it.

    @relation ArrowHead
    @attribute att1 numeric
    @attribute target {0,1,2}
    @data
    -1.96,-1.95, … ,0

One case a line: the numeric attributes are its steps, the nominal one is its class. With several channels there
is one relational attribute, whose text holds a channel a line, the lines parted by ``\\n`` written out:

    '1.0,2.0\\n3.0,4.0',a

``?`` is a missing value; missing values at the end of a case, in all its channels, are taken for its end, since
this is how the archive writes unequal lengths. Comments begin with ``%``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Request, naming, read_chunks
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError

_CHUNK_BYTES = 4 << 20
_MAX_LINE_BYTES = 256 << 20
_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"[^"]*"|\S+)\s+(.+)""", re.IGNORECASE)
_NUMERIC = {"numeric", "real", "integer"}

Floats = npt.NDArray[np.float32]


def read_arff(request: Request) -> Sequences:
    """The sequences in an ``.arff`` file; the classes stand in the order in which the header declares them.

    Raises:
        ReadError: with the line, for a class that is not declared, a value that is no number, a case that does not
            fit the attributes, and the like.
    """
    path = request.path
    with naming(path):
        lines = _lines(request)
        header = _read_header(path, lines)
        cases: list[Floats] = []
        labels: list[int] = []
        for line in lines:
            values, label = _split(line, header)
            case = _parse(line, values, header)
            if cases and case.shape[1] != cases[0].shape[1]:
                raise line.error(f"found {case.shape[1]} channels where the first case has {cases[0].shape[1]}.")
            cases.append(case)
            labels.append(label)
    if not cases:
        raise ReadError(path, "there are no cases after @data; expected one a line.")
    sequences = Sequences.from_steps(np.concatenate(cases), [len(case) for case in cases])
    if not header.classes:
        return sequences
    return replace(sequences, labels=np.array(labels, np.int64), classes=header.classes)


@dataclass(frozen=True)
class _Line:
    path: Path
    number: int
    text: str

    def error(self, problem: str) -> ReadError:
        return ReadError(self.path, problem, line=self.number)


@dataclass(frozen=True)
class _Header:
    """What the fields of a case are.

    Attributes:
        fields: their number.
        label: which of them is the class; -1 for none.
        classes: the declared classes.
        relational: whether all values are one field, a channel a line.
    """

    fields: int
    label: int
    classes: tuple[str, ...]
    relational: bool


def _lines(request: Request) -> Iterator[_Line]:
    """The lines that say something."""
    for chunk in read_chunks(request, quoted=False, size=_CHUNK_BYTES, longest=_MAX_LINE_BYTES):
        for number, raw in enumerate(chunk.text.splitlines(), chunk.line):
            text = raw.decode("utf-8").strip()
            if text and not text.startswith("%"):
                yield _Line(request.path, number, text)


def _read_header(path: Path, lines: Iterator[_Line]) -> _Header:
    kinds: list[str] = []
    classes: dict[int, tuple[str, ...]] = {}
    inside = relational = False
    for line in lines:
        key = line.text.split(maxsplit=1)[0].lower()
        if key == "@data":
            return _checked(line, kinds, classes, relational)
        if key == "@end":
            inside = False
        elif key == "@attribute":
            kind = _kind(line)
            if inside:
                if kind.lower() not in _NUMERIC:
                    raise line.error(f"the relation holds {kind[:40]!r}; expected numeric attributes.")
            elif kind.lower() == "relational":
                inside = relational = True
                kinds.append("relational")
            elif kind.startswith("{"):
                classes[len(kinds)] = _classes(line, kind)
                kinds.append("nominal")
            elif kind.lower() in _NUMERIC:
                kinds.append("numeric")
            else:
                raise line.error(f"the attribute is of type {kind[:40]!r}; expected numeric, relational or {{a,b,c}}.")
        elif key != "@relation":
            raise line.error(f"found {line.text[:40]!r} before @data; expected @relation and @attribute lines.")
    raise ReadError(path, "there is no @data line; expected one between the attributes and the cases.")


def _kind(line: _Line) -> str:
    match = _ATTRIBUTE.match(line.text)
    if match is None:
        raise line.error("the attribute has no type; expected @attribute NAME TYPE.")
    return match.group(2).strip()


def _classes(line: _Line, kind: str) -> tuple[str, ...]:
    names = tuple(_bare(name) for name in kind.strip("{} \t").split(","))
    if "" in names or len(set(names)) < len(names):
        raise line.error("a class has no name, or one is declared twice; expected {a,b,c}.")
    return names


def _checked(line: _Line, kinds: list[str], classes: dict[int, tuple[str, ...]], relational: bool) -> _Header:
    values = [kind for kind in kinds if kind != "nominal"]
    if not values or (relational and len(values) > 1):
        raise line.error("expected numeric attributes, one a step, or one relational attribute for all channels.")
    if len(classes) > 1:
        raise line.error(f"{len(classes)} attributes are nominal; expected one, the class.")
    label, names = next(iter(classes.items()), (-1, ()))
    return _Header(len(kinds), label, names, relational)


def _split(line: _Line, header: _Header) -> tuple[list[str], int]:
    """The fields of the values, and the number of the class."""
    fields = _relational_fields(line) if header.relational else line.text.split(",")
    if len(fields) != header.fields:
        raise line.error(f"found {len(fields)} values where {header.fields} attributes are declared.")
    if header.label < 0:
        return fields, -1
    name = _bare(fields.pop(header.label))
    if name not in header.classes:
        found = "is missing" if name in ("", "?") else f"{name[:40]!r} is not declared"
        raise line.error(f"the class {found}; expected one of {', '.join(header.classes[:12])}.")
    return fields, header.classes.index(name)


def _relational_fields(line: _Line) -> list[str]:
    """The fields of a case of which one stands between quotation marks."""
    fields = re.findall(r"""'[^']*'|"[^"]*"|[^,'"]+""", line.text)
    if "".join(fields).replace(",", "") != line.text.replace(",", ""):
        raise line.error("a quotation mark is not closed; expected 'values of channel\\nvalues of channel',class.")
    return [field for field in fields if field.strip()]


def _parse(line: _Line, fields: list[str], header: _Header) -> Floats:
    """One case's values, [T, F]."""
    rows = [channel.split(",") for channel in _bare(fields[0]).split("\\n")] if header.relational else [fields]
    if len({len(row) for row in rows}) > 1:
        raise line.error("the channels have unequal numbers of values; write ? for a missing one.")
    numbers = np.array([[_number(line, cell) for cell in row] for row in rows])
    with np.errstate(over="ignore"):
        case: Floats = np.ascontiguousarray(numbers.T, np.float32)
    if bool((np.isinf(case) & np.isfinite(numbers.T)).any()):
        raise line.error("a value is beyond the range of 32-bit numbers (3.4e38); scale the values.")
    there = np.flatnonzero(~np.isnan(case).all(axis=1))
    if not there.size:
        raise line.error("this case has no values; give it some, or remove it.")
    return case[: int(there[-1]) + 1]


def _number(line: _Line, cell: str) -> float:
    word = cell.strip()
    if word == "?":
        return np.nan
    try:
        return float(word if "_" not in word else "x")
    except ValueError:
        raise line.error(f"{word[:40]!r} is not a number; expected one, or ? for a missing value.") from None


def _bare(text: str) -> str:
    """Without the quotation marks around it."""
    stripped = text.strip()
    return stripped[1:-1] if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"" else stripped
