"""Who sees how several trainings go on."""

from __future__ import annotations


class Watcher:
    """Does nothing at every event; the others say what they do at theirs.

    Example:
        >>> class Count(unrolled.Watcher):
        ...     def begin(self, total, done):
        ...         print(total, "trainings")
        >>> grid = {"cell": ["gru", "lstm"]}
        >>> result = unrolled.compare_settings(run.recipe, grid, data=dataset, max_epochs=1, jobs=1, watcher=Count())
        2 trainings
    """

    def begin(self, total: int, done: int) -> None:
        """Before the first: how many there are, and how many of them were done before."""

    def moved(self, place: int, share: float) -> None:
        """The training of this number, from 0, is so far on, 0 to 1."""

    def finished(self, place: int, line: str) -> None:
        """The training of this number has ended; the line says how."""

    def end(self) -> None:
        """After the last, for whatever reason."""
