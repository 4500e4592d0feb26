"""A column of texts into sequences of characters or words."""

from __future__ import annotations

from collections.abc import Sequence

from unrolled.config import TokenKind
from unrolled.data.files import Request
from unrolled.data.sequences import Sequences, coded_texts
from unrolled.data.tables.roles import Roles
from unrolled.data.tables.sequence_columns import SequenceColumns
from unrolled.data.tables.table import ColumnKind, Table
from unrolled.data.tokens import Coder, guess_kind


def read_texts(table: Table, roles: Roles, request: Request) -> Sequences:
    """The sequences in a table's column of text.

    Raises:
        ReadError: for a row without text, and as `SequenceColumns`.
    """
    column = str(roles.text)
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


def choose_tokens(sample: Sequence[str], request: Request) -> TokenKind:
    """Characters or words: from the options, as in an earlier file, or else from the texts."""
    known: TokenKind | None = request.config.tokens or request.like.get("tokens")
    if known is not None:
        return known
    kind = guess_kind(sample)
    request.note(f"the texts are read as {kind.replace('-', ' ')} (--tokens)")
    return kind
