"""The first lines of a text, and what stands in front of the rows: comments, and a line that names the delimiter."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from unrolled.data.files import Chunk
from unrolled.data.formats.rows import DELIMITERS, SPACES, split
from unrolled.data.formats.writers import tidied

_COMMENT_MARKS = ("#", "%", "//")
_HEAD_BYTES = 1 << 18
_HEAD_LINES = 500
_SEP_LINE = re.compile(r'"?sep=(.+?)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Preamble:
    """What stands in front of the rows of a table.

    Attributes:
        skipped: how many lines stand in front.
        delimiter: the one that a ``sep=`` line names; None for none.
        mark: what comments begin with; empty for none.
        comments: those in front, without the mark.
    """

    skipped: int
    delimiter: str | None
    mark: str
    comments: list[str]

    def without(self, lines: Sequence[str]) -> list[str]:
        """The lines below, of all lines, without the comments between them."""
        return [line for line in lines[self.skipped :] if not (self.mark and line.lstrip().startswith(self.mark))]


def first_lines(chunk: Chunk) -> list[str]:
    """The lines at the beginning of a file."""
    text = chunk.text
    end = text.find(b"\n", _HEAD_BYTES)
    return (text if end < 0 else text[:end]).decode("utf-8").splitlines()[:_HEAD_LINES]


def tidied_lines(lines: Sequence[str]) -> list[str]:
    """Lines without what `tidied` takes away."""
    return tidied("\n".join(lines).encode()).decode().split("\n")


def preamble(lines: Sequence[str]) -> Preamble:
    """What stands in front of the rows of a table."""
    comments: list[str] = []
    skipped, sep, comment = 0, None, ""
    for line in lines:
        stripped = line.strip()
        match = _SEP_LINE.fullmatch(stripped)
        mark = next((each for each in _COMMENT_MARKS if stripped.startswith(each)), "")
        if stripped and not match and not mark:
            break
        skipped += 1
        if match:
            sep = "\t" if match[1] in ("\\t", "tab") else match[1][0]
        elif mark:
            comment = comment or mark
            comments.append(stripped.lstrip(mark + " \t"))
    return Preamble(skipped, sep, comment, comments)


def rows_in(lines: Sequence[str]) -> list[str]:
    """The lines that are neither blank, nor comments in front, nor a ``sep=`` line."""
    lines = tidied_lines(lines)
    return [line for line in preamble(lines).without(lines) if line.strip()]


def has_stray_quotes(text: bytes, delimiter: str | None) -> bool:
    """Whether cells that quotation marks enclose would hold whole rows: a mark begins a cell, and does not end it.

    Args:
        text: the first lines.
        delimiter: separates the cells; None for any.
    """
    if b'"' not in text:
        return False
    lines = rows_in(text[: text.rfind(b"\n") + 1 or None].decode("utf-8", "replace").splitlines())
    if not any(line.count('"') % 2 for line in lines):
        return False
    for mark in DELIMITERS if delimiter is None else (delimiter,):
        plain = split(lines, mark, quoted=False)
        fits = len(plain[0]) > 1 and len(set(map(len, plain))) == 1
        if fits and len(split(lines, mark)) < len(plain) and not _closes(lines, mark):
            return True
    return False


def _closes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether every quotation mark that begins a cell has one that ends it."""
    mark = "\t" if delimiter == SPACES else delimiter
    try:
        return bool(list(csv.reader([f"{line}\n" for line in lines], delimiter=mark, strict=True)))
    except csv.Error:
        return False
