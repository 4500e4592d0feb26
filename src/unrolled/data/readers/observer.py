"""What a reader tells while it reads: what it found without being told, and how far it is."""

from __future__ import annotations

from collections.abc import Callable


class Observer:
    """Takes what a reader tells; this one takes no notice of it."""

    def note(self, text: str) -> None:
        """What was found without being named, as a sentence: columns, a delimiter, wide or long."""

    def progress(self, done: int, total: int) -> None:
        """Bytes that are read so far, and bytes of the file; called often."""


class Notes(Observer):
    """Hands each note to a function, once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def note(self, text: str) -> None:
        """Says what was not said before: a training file and its test file find the same."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)


SILENT = Observer()
