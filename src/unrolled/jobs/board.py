"""What a job and whoever waits for it tell each other: a folder of small files, which any kind of worker can reach.

    go        is there as long as the jobs are to go on; once it is gone, they stop
    NUMBER    how far the job of this number is, 0 to 1

The whole folder can be removed at any moment: that, too, says stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Board:
    """The folder.

    Attributes:
        folder: on a disk that all the workers can reach.
    """

    folder: Path

    def open(self) -> None:
        """From now on the jobs go on."""
        (self.folder / "go").touch()

    def stop(self) -> None:
        """Asks all jobs to stop."""
        (self.folder / "go").unlink(missing_ok=True)

    def says_stop(self) -> bool:
        """Whether they were asked, or nobody waits for them any more."""
        return not (self.folder / "go").exists()

    def tell(self, number: int, share: float) -> None:
        """How far a job is."""
        with suppress(OSError):  # nobody is there any more to read it
            (self.folder / str(number)).write_text(f"{share:.4f}")

    def forget(self, number: int) -> None:
        """A job has ended."""
        (self.folder / str(number)).unlink(missing_ok=True)

    def shares(self) -> Iterator[tuple[int, float]]:
        """Each running job's number, and how far it is."""
        for path in self.folder.glob("[0-9]*"):
            with suppress(OSError, ValueError):  # it has just ended, or is being written
                yield int(path.name), float(path.read_text())
