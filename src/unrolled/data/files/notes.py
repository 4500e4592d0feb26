"""What a reader tells while it reads: what it found without being told, and how far it is."""

from __future__ import annotations

from collections.abc import Callable


class Observer:
    """Takes what a reader tells; this one takes no notice of it.

    Example:
        >>> class Notes(unrolled.Observer):
        ...     def note(self, text):
        ...         print("found", "id" in text)
        >>> np.savetxt("long.csv", ["id,time,x,label", "a,0,0.1,up", "a,1,0.2,up", "b,0,0.9,down"], fmt="%s")
        >>> own = unrolled.read("long.csv", observer=Notes())
        found True
    """

    def note(self, text: str) -> None:
        """What was found without being named, as a sentence: columns, a delimiter, wide or long."""

    def progress(self, done: int, total: int) -> None:
        """Bytes that are read so far, and bytes of the file, 0 where that is not known; called often.

        When all is read, both are the same.
        """


class Notes(Observer):
    """Hands each note to a function, once, and the progress to another observer."""

    def __init__(self, say: Callable[[str], None], progress: Observer | None = None) -> None:
        self._say, self._progress = say, progress
        self._said: set[str] = set()

    def progress(self, done: int, total: int) -> None:
        """Passes it on."""
        if self._progress is not None:
            self._progress.progress(done, total)

    def note(self, text: str) -> None:
        """Says what was not said before: a training file and its test file find the same."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)


SILENT = Observer()
