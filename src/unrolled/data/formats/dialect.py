"""The dialect of a text table: what separates its cells, how its numbers are written, and which lines are no rows.

A `Dialect`, which `sniffing` finds, turns every chunk of the file into plain rows (`Dialect.plain`), each on the line
on which it stood, so that errors keep their line numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from unrolled.data.files import Chunk
from unrolled.data.formats.blocks import is_mark
from unrolled.data.formats.ragged import Ragged, as_list
from unrolled.data.formats.rows import SPACES, split, tabbed
from unrolled.data.formats.writers import tidied
from unrolled.data.numbers import POINT, Notation


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes:
        delimiter: separates the cells, one character; `SPACES` for runs of spaces and tabs.
        numbers: how numbers are written.
        quoted: whether quotation marks enclose cells.
        comment: what a line begins with that is no row; empty for none.
        skipped: lines in front of the table that are no rows.
        names: names of the columns that a comment or a short header gives; None if the first row gives them, or none
            are given.
        header: whether the first row names the columns; None if that is not known yet.
        units: whether the row below the names holds units.
        leading: whether a delimiter stands in front of the first cell of each row.
        trailing: whether a delimiter stands behind the last cell of each row.
        blocks: whether blank lines part the rows of different sequences.
        labelled: whether a line of its own, in front of each block, holds its label.
        continued: whether a line without a delimiter is the end of the one before.
        tidied: whether `writers` have something to take away.
        ragged: of rows of unequal length, how they are written; None for rows of one length.
        mark: a line that, like a blank one, parts the rows of different sequences; empty for none.
    """

    delimiter: str
    numbers: Notation = POINT
    quoted: bool = True
    comment: str = ""
    skipped: int = 0
    names: tuple[str, ...] | None = None
    header: bool | None = None
    units: bool = False
    leading: bool = False
    trailing: bool = False
    blocks: bool = False
    labelled: bool = False
    mark: str = ""
    continued: bool = False
    ragged: Ragged | None = None
    tidied: bool = False

    @property
    def separator(self) -> str:
        """What separates the cells of plain rows."""
        return "\t" if self.delimiter == SPACES or self.ragged else self.delimiter

    def recorded(self) -> dict[str, Any]:
        """What a later file has in common with this one; see `Sequences.reading`."""
        lists = {} if self.ragged is None else {"ragged": self.ragged.side}
        return {"delimiter": self.delimiter, "decimal": "comma" if self.numbers.point == "," else "point", **lists}

    def plain(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks with nothing but rows, whose cells `separator` separates."""
        steps = self._steps()
        for chunk in chunks:
            text = chunk.text
            for step in steps:
                text = step(text)
            yield replace(chunk, text=text)

    def _steps(self) -> list[Callable[[bytes], bytes]]:
        steps: list[Callable[[bytes], bytes]] = []
        if self.tidied:
            steps.append(tidied)
        if self.continued:
            steps.append(self._with_continued)
        if self.skipped:
            steps.append(_Once(self._without_first))
        if self.comment:
            mark = re.escape(self.comment.encode())
            steps.append(lambda text: re.sub(rb"(?m)^[ \t]*" + mark + rb"[^\r\n]*", b"", text))
        if self.ragged:
            return [*steps, self._as_lists]
        if self.delimiter == SPACES:
            steps.append(tabbed)
        delimiter = re.escape(self.separator.encode())
        if self.leading:
            steps.append(lambda text: re.sub(rb"(?m)^[ \t]*" + delimiter, b"", text))
        if self.trailing:
            steps.append(lambda text: re.sub(rb"(?m)" + delimiter + rb"[ \t]*(?=\r?$)", b"", text))
        if self.blocks:
            steps.append(_Blocks(self))
        else:
            empty = rb"(?m)^[ \t]*" + delimiter + rb"(?:[ \t]|" + delimiter + rb")*(?=\r?$)"
            steps.append(lambda text: re.sub(empty, b"", text))
        return steps

    def _with_continued(self, text: bytes) -> bytes:
        """Lines joined to those that they continue, with a space between."""
        lines: list[bytes] = []
        ends: list[bytes] = []
        for line in text.splitlines(keepends=True):
            content = line.rstrip(b"\r\n")
            if lines and content.strip() and self.separator.encode() not in content:
                start = lines[-1].rstrip(b"\r\n")
                ends.append(lines[-1][len(start) :])
                lines[-1] = start + b" " + content + line[len(content) :]
            else:
                lines += [*ends, line]  # so that lines keep their numbers
                ends = []
        return b"".join([*lines, *ends])

    def _as_lists(self, text: bytes) -> bytes:
        """Rows of unequal length as a label and a list."""
        assert self.ragged is not None  # noqa: S101
        lines: list[str] = []
        for line in text.decode().splitlines():
            row = split([line], self.delimiter, self.quoted) if line.strip() else []
            lines += [as_list(each, self.ragged.side, self.numbers) for each in row] or [""]
        return "\n".join([*lines, ""]).encode()

    def _without_first(self, text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        ends = [line[len(line.rstrip(b"\r\n")) :] for line in lines[: self.skipped]]
        return b"".join([*ends, *lines[self.skipped :]])


class _Once:
    """A step for the first chunk alone."""

    def __init__(self, step: Callable[[bytes], bytes]) -> None:
        self._step: Callable[[bytes], bytes] | None = step

    def __call__(self, text: bytes) -> bytes:
        step, self._step = self._step, None
        return text if step is None else step(text)


class _Blocks:
    """Puts the number of its block, and the block's label, in front of each row."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect, self._number, self._label, self._inside = dialect, -1, b"", False
        self._delimiter = dialect.separator.encode()
        self._named = bool(dialect.header)

    def __call__(self, text: bytes) -> bytes:
        return b"".join(map(self._line, text.splitlines(keepends=True)))

    def _line(self, line: bytes) -> bytes:
        content = line.rstrip(b"\r\n")
        end, stripped = line[len(content) :], content.strip()
        if not stripped or (self._dialect.mark and is_mark(stripped.decode(), self._dialect.mark)):
            self._inside = False
            return end
        if self._named:
            self._named = False
            return end  # the names are in the dialect
        if self._dialect.labelled and not self._inside and self._delimiter not in stripped:
            self._label = stripped
            return end
        if not self._inside:
            self._inside = True
            self._number += 1
        front = [str(self._number).encode(), *([self._label] if self._dialect.labelled else [])]
        return self._delimiter.join([*front, content.lstrip(b" ")]) + end
