"""What a reader is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unrolled.config import DataConfig
from unrolled.data.files.notes import SILENT, Observer

STANDARD_INPUT = Path("-")


@dataclass(frozen=True)
class Request:
    """A file, and what is known of it.

    Attributes:
        path: the file or folder; `STANDARD_INPUT` for the process's own input.
        config: names of columns and the like, where they are given.
        observer: is told what is found without being named, and how far the reading is.
        labels_needed: whether sequences without labels are refused where a label column is named; to predict,
            none are needed.
    """

    path: Path
    config: DataConfig = field(default_factory=DataConfig)
    observer: Observer = SILENT
    labels_needed: bool = True

    def note(self, text: str) -> None:
        """Tells what was found without being named."""
        self.observer.note(f"{self.path.name}: {text}")
