"""Writing and reading small tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unrolled.config import DataConfig
from unrolled.data.files.notes import Notes
from unrolled.data.formats import read
from unrolled.data.sequences import Sequences
from unrolled.errors import UnrolledError


def read_with(path: Path, **options: Any) -> tuple[Sequences, str]:
    """The sequences in a file, and the reader's notes."""
    notes: list[str] = []
    return read(path, DataConfig(**options), observer=Notes(notes.append)), "\n".join(notes)


def read_text(folder: Path, content: str | bytes, name: str = "some.csv", **options: Any) -> Sequences:
    """The sequences in a file of this text."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, DataConfig(**options))


def refused(folder: Path, text: str | bytes, problem: str, name: str = "some.csv", **options: Any) -> None:
    """Makes sure that this text is refused in one line that holds some words."""
    with pytest.raises(UnrolledError, match=problem) as caught:
        read_text(folder, text, name, **options)
    assert "\n" not in str(caught.value)
