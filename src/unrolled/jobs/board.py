"""Messages between jobs and the process that waits for them: a folder of small files, which any worker can reach.

    go        exists while the jobs may go on; once it is gone, they stop
    NUMBER    progress of the job of this number, 0 to 1

The whole folder can be removed at any moment, which also means stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Board:
    """A folder of messages.

    Attributes:
        folder: a folder on a disk that all workers can reach.
    """

    folder: Path

    def open(self) -> None:
        """Lets jobs run."""
        (self.folder / "go").touch()

    def stop(self) -> None:
        """Asks all jobs to stop."""
        (self.folder / "go").unlink(missing_ok=True)

    def says_stop(self) -> bool:
        """Whether the jobs should stop, because they were asked to or because nobody waits for them any more."""
        return not (self.folder / "go").exists()

    def tell(self, number: int, share: float) -> None:
        """Writes the progress of a job."""
        with suppress(OSError):  # the folder is gone: nobody waits any more
            (self.folder / str(number)).write_text(f"{share:.4f}")

    def forget(self, number: int) -> None:
        """Removes the progress of a job that has ended."""
        (self.folder / str(number)).unlink(missing_ok=True)

    def shares(self) -> Iterator[tuple[int, float]]:
        """Yields the number and the progress of each running job."""
        for path in self.folder.glob("[0-9]*"):
            with suppress(OSError, ValueError):  # the job has just ended, or its file is being written
                yield int(path.name), float(path.read_text())
