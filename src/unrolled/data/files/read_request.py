"""The request to a reader: a file, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.config import WINDOWS, DataConfig
from unrolled.data.files.notes import SILENT, Observer

STANDARD_INPUT = Path("-")


@dataclass(frozen=True)
class Request:
    """A file, and what is known about it.

    Attributes:
        path: the file or folder; `STANDARD_INPUT` for the process's own input.
        config: options, such as the names of columns.
        observer: receives what the reader finds out, and its progress.
        labels_needed: whether a named label column must hold a label for each sequence; predictions need none.
        like: what was found out about an earlier file, like which this one is read as far as it has the same form.
        found: what the reader finds out about this file; see `Sequences`.
    """

    path: Path
    config: DataConfig = field(default_factory=DataConfig)
    observer: Observer = SILENT
    labels_needed: bool = True
    like: Mapping[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def in_windows(self) -> bool:
        """Whether the file holds recordings, which are cut into windows."""
        return any(getattr(self.config, name) is not None for name in WINDOWS) or "window" in self.like

    def note(self, text: str) -> None:
        """Passes a note about the file to the observer."""
        self.observer.note(f"{self.path.name}: {text}")
