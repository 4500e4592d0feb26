"""The dialect of a text table, from its first lines.

`sniff` looks at the raw lines once, before anything else is guessed. Options come before what is seen, and what is seen
in a training file holds for later files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unrolled.data.files import Chunk, Request
from unrolled.data.formats.blocks import are_labelled, blocks_of, find_mark
from unrolled.data.formats.decimals import found_notation
from unrolled.data.formats.delimiters import chosen_delimiter, found_delimiter, ragged_rows
from unrolled.data.formats.dialect import Dialect
from unrolled.data.formats.first_lines import first_lines, preamble, tidied_lines
from unrolled.data.formats.headers import with_names
from unrolled.data.formats.ragged import Ragged
from unrolled.data.formats.rows import SPACES, Cells, lines_before, modal_width, split
from unrolled.errors import ReadError, shortened
from unrolled.errors import quoted as quote

_CONTINUING = 0.05


def sniff(chunk: Chunk, request: Request, default: str | None, *, quoted: bool = True) -> Dialect:
    """The dialect of a text table, from its first lines.

    Args:
        chunk: the beginning of the file.
        request: names the file; its options come before what is seen.
        default: the delimiter that the file's name announces; None if it announces none.
        quoted: whether quotation marks may enclose cells.
    Raises:
        ReadError: for commas in numbers that could be decimal commas or not.
        ConfigError: for a delimiter of more than one character.
    """
    head = first_lines(chunk)
    lines = tidied_lines(head)
    front = preamble(lines)
    given = chosen_delimiter(request.config) or front.delimiter
    body = front.without(lines)
    if not any(map(str.strip, body)):
        raise ReadError(request.path, "it holds comments and no rows; expected lines of numbers or text below them.")
    dialect = Dialect(
        given or default or ",", quoted=quoted, comment=front.mark, skipped=front.skipped, tidied=lines != head
    )
    dialect, body = _with_blocks(dialect, body, request)
    body = [line for line in body if line.strip()]
    if not dialect.blocks and (found := ragged_rows(body, request.config, request.like, given, quoted=quoted)):
        return _with_ragged(dialect, found, body, request)
    dialect = replace(dialect, delimiter=given or found_delimiter(body, request, default, quoted=quoted))
    rows = split(body, dialect.delimiter, quoted)
    above = 0 if given is not None else lines_before(rows, modal_width(rows))
    if above:
        request.note(f"the first {above} lines are no rows of the table ({shortened(body[0])}); they are skipped")
        dialect = replace(dialect, skipped=lines.index(body[above], dialect.skipped))
    dialect, rows, width = _without_edges(dialect, rows[above:])
    dialect = replace(dialect, numbers=found_notation(rows, request, dialect.delimiter))
    return with_names(dialect, rows, width, front.comments, request)


def _with_ragged(dialect: Dialect, found: Ragged, lines: Sequence[str], request: Request) -> Dialect:
    """The dialect of rows of unequal length."""
    request.note(
        f"the rows have {found.shortest} to {found.longest} cells: each is a sequence, "
        + {"first": "after its label", "last": "before its label", "none": "without a label"}[found.side]
    )
    numbers = found_notation(split(lines, found.delimiter, dialect.quoted), request, found.delimiter)
    return replace(dialect, delimiter=found.delimiter, numbers=numbers, ragged=found, header=False)


def _without_edges(dialect: Dialect, rows: list[Cells]) -> tuple[Dialect, list[Cells], int]:
    """The dialect, and rows of a width, without the empty cells that delimiters in front and at the end make."""
    width = modal_width(rows)
    if width > 1 and all(len(row) < width or not row[0].strip() for row in rows) and dialect.delimiter != SPACES:
        dialect, width = replace(dialect, leading=True), width - 1
        rows = [row if row[0].strip() else row[1:] for row in rows]
    if _ends_empty(rows, width):
        dialect, width = replace(dialect, trailing=True), width - 1
        rows = [row[:-1] if len(row) > width else row for row in rows]
    return dialect, rows, width


def _ends_empty(rows: Sequence[Cells], width: int) -> bool:
    """Whether a delimiter stands behind the last cell of every row, and the first row has no name for what follows."""
    ends = [row for row in rows[1:] if len(row) == width]
    unnamed = len(rows[0]) == width - 1 or (len(rows[0]) == width and not rows[0][-1].strip())
    return width > 1 and bool(ends) and unnamed and all(not row[-1].strip() for row in ends)


def _with_blocks(dialect: Dialect, lines: list[str], request: Request) -> tuple[Dialect, list[str]]:
    """The dialect, and the lines that are rows, of a file in which blank lines or marks may part the sequences."""
    asked = request.config.sequences_by
    mark = find_mark(lines) if asked == "marks" else ""
    blocks = blocks_of(lines, mark)
    labelled = are_labelled(blocks)
    if asked not in ("blank-lines", "marks") and not (labelled and asked is None):
        if asked is None:
            _offer_blocks(lines, blocks, request)
        return dialect, lines
    if labelled:
        request.note("blank lines part the sequences, and the line in front of each is its label")
        blocks = [block[1:] for block in blocks]
    if asked == "marks" and not mark:
        raise ReadError(request.path, "no line parts the sequences: expected one, such as ---, behind each of them.")
    dialect = replace(dialect, blocks=True, labelled=labelled, mark=mark)
    return dialect, [line for block in blocks for line in block]


def _offer_blocks(lines: Sequence[str], blocks: list[list[str]], request: Request) -> None:
    """Says what may part the sequences."""
    if sum(len(block) > 1 for block in blocks) > 1:
        request.note("blank lines stand between the rows; if they part sequences, say --sequences-by blank-lines")
    elif mark := find_mark(lines):
        request.note(f"the line {quote(mark)} stands between the rows; if it parts sequences, say --sequences-by marks")


def dialect_of_texts(chunk: Chunk, request: Request, default: str, *, quoted: bool, header: bool) -> Dialect:
    """The dialect of a file with a text a line, with or without a label beside it."""
    dialect = Dialect(chosen_delimiter(request.config) or default, quoted=quoted, header=header)
    lines = [line for line in first_lines(chunk) if line.strip()]
    alone = [line for line in lines if dialect.delimiter not in line]
    if alone and lines[0] not in alone and len(alone) < _CONTINUING * len(lines):
        request.note(f"lines without a label continue the one before, such as {quote(alone[0])}")
        return replace(dialect, continued=True)
    return dialect
