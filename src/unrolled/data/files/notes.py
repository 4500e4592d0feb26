"""Observers of a reader: they receive what it finds out, and its progress."""

from __future__ import annotations

from collections.abc import Callable


class Observer:
    """Receives the notes and the progress of a reader, and ignores them.

    Example:
        >>> class Notes(unrolled.Observer):
        ...     def note(self, text):
        ...         print("found", "id" in text)
        >>> np.savetxt("long.csv", ["id,time,x,label", "a,0,0.1,up", "a,1,0.2,up", "b,0,0.9,down"], fmt="%s")
        >>> own = unrolled.read("long.csv", observer=Notes())
        found True
    """

    def note(self, text: str) -> None:
        """Receives a sentence about what the reader found out: columns, a delimiter, wide or long."""

    def progress(self, done: int, total: int) -> None:
        """Receives the bytes read so far and the bytes of the file, 0 if unknown; called often.

        At the end both are equal.
        """


class Notes(Observer):
    """Passes each note to a function, once, and the progress to another observer."""

    def __init__(self, say: Callable[[str], None], progress: Observer | None = None) -> None:
        self._say, self._progress = say, progress
        self._seen: set[str] = set()

    def progress(self, done: int, total: int) -> None:
        """Passes the progress on."""
        if self._progress is not None:
            self._progress.progress(done, total)

    def note(self, text: str) -> None:
        """Passes on a note that is new: readers of a training file and its test file find the same."""
        if text not in self._seen:
            self._seen.add(text)
            self._say(text)


SILENT = Observer()
