"""A column of texts into sequences of characters or words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unrolled.config import TokenKind
from unrolled.data.files import Request
from unrolled.data.numbers import parse_number
from unrolled.data.sequences import Sequences, coded_texts
from unrolled.data.tables.columns import Roles
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import ColumnKind, Table
from unrolled.data.tokens import Coder, guess_kind
from unrolled.errors import ReadError, quoted


def read_texts(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences in a table's column of text.

    Raises:
        ReadError: for a row without text, and as `SequenceColumns`.
    """
    column = str(roles.text)
    _refuse_numbers(column, table.samples[column].values, request)
    per_sequence, coder = SequenceColumns(roles), Coder(choose_tokens(table.samples[column].values, request))
    kinds: dict[str, ColumnKind] = {column: "text"}
    for block in table.blocks(kinds | per_sequence.kinds()):
        texts = block.texts(column)
        empty = next((row for row, text in enumerate(texts) if not text.strip()), None)
        if empty is not None:
            raise block.error(empty, f"column {column!r} is empty; a sequence needs at least one step.")
        coder.add(texts)
        per_sequence.add(block)
    return per_sequence.describe(coded_texts(coder), request)


def _refuse_numbers(column: str, sample: Sequence[str], request: Request) -> None:
    """Refuses lists of numbers that are written as texts, unless the options call them texts."""
    lists = [text for text in sample if _is_list(text)]
    if request.config.tokens is None and 2 * len(lists) > len(sample):
        raise ReadError(
            request.path,
            f"column {column!r} holds lists of numbers written as text, such as {quoted(lists[0])}; expected numbers. "
            'Write JSON Lines with lists ({"sequence": [1, 2, 3]}) or a column for each step; if they are texts all '
            "the same, say --tokens words.",
        )


def _is_list(text: str) -> bool:
    """Whether a text is numbers between brackets, or several numbers of which one has a point."""
    inner = text.strip()
    bracketed = inner[:1] in ("[", "(") and inner[-1:] in ("]", ")")
    parts = [part for part in re.split(r"[\s,;]+", inner[1:-1] if bracketed else inner) if part]
    numbers = bool(parts) and all(parse_number(part) is not None for part in parts)
    return numbers and (bracketed or (len(parts) > 1 and any("." in part for part in parts)))


def choose_tokens(sample: Sequence[str], request: Request) -> TokenKind:
    """Characters or words: from the options, as in an earlier file, or else from the texts."""
    known: TokenKind | None = request.config.tokens or request.like.get("tokens")
    if known is not None:
        return known
    kind = guess_kind(sample)
    request.note(f"the texts are read as {kind} (--tokens)")
    return kind
