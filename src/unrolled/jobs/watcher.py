"""The listener to the progress of several trainings."""

from __future__ import annotations


class Watcher:
    """Listens to the progress of several trainings. This base class does nothing at every event.

    Example:
        >>> class Count(unrolled.Watcher):
        ...     def begin(self, total, done):
        ...         print(total, "trainings")
        >>> grid = {"cell": ["gru", "lstm"]}
        >>> result = unrolled.compare_settings(run.recipe, grid, data=dataset, max_epochs=1, jobs=1, watcher=Count())
        2 trainings
    """

    def begin(self, total: int, done: int) -> None:
        """Called before the first training, with the number of all and of those that were finished earlier."""

    def moved(self, place: int, share: float) -> None:
        """The training of this number, from 0, has made this share, 0 to 1, of its updates."""

    def finished(self, place: int, line: str) -> None:
        """The training of this number has ended; the line gives its result."""

    def end(self) -> None:
        """Called after the last training, also when an error or a stop ended them."""
