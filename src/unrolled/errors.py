"""Everything that can go wrong, as one tree.

    UnrolledError                  every error of this package; its text is meant for the user
     ├─ ConfigError                a recipe or an option that makes no sense
     │   └─ UnknownNameError       a name that is not one of those known
     ├─ DataError                  sequences that cannot be used
     │   ├─ ReadError              a file that cannot be read: path, line, column
     │   ├─ FetchError             a file that cannot be downloaded, or is not what it should be
     │   ├─ LengthError            a sequence with no steps, or a length beyond the data
     │   └─ MismatchError          data that do not fit the model: channels, classes, missing values
     ├─ ModelFolderError           a model folder that is damaged, or newer than this package
     ├─ ExportError                an exported model that does not say what the model says
     ├─ UnsupportedError           what this model cannot do: stream in both directions, be exported in a form
     ├─ StudyError                 a search that is locked, damaged or of something else
     ├─ StorageError               a file that cannot be written: no space, no permission
     ├─ ServeError                 a server that cannot listen where it should
     └─ RunError                   a training run that cannot go on
         ├─ RunLockedError         another process is training in the run folder
         ├─ CheckpointError        no checkpoint that can be used
         ├─ DivergedError          the loss is not finite
         └─ InterruptedRunError    stopped by the user, after saving a checkpoint

``UnitWarning``, a warning, is for answers that are given but should not be trusted.

A message says what was found, what was expected and what to do.

Example:
    >>> try:
    ...     unrolled.load("nowhere")
    ... except unrolled.UnrolledError as error:
    ...     print(type(error).__name__)
    ModelFolderError
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The name that was probably meant; None where none is near."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)


def shortened(text: str, most: int = 40) -> str:
    """A text of at most so many characters, the last of them an ellipsis where more were left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(text: str) -> str:
    """A text that was found somewhere, in quotes, short and on one line."""
    return repr(shortened(text))


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names that were found somewhere, on one line; of more than ``most`` only the first, and how many there are."""
    every = list(names)
    shown = ", ".join(name if name.isprintable() else repr(name) for name in every[:most])
    return f"{shown}, … ({len(every)} in all)" if len(every) > most else shown


class UnrolledError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(UnrolledError):
    """A recipe or an option that makes no sense."""


class UnknownNameError(ConfigError):
    """A name that is not one of those known; the message offers the nearest.

    Args:
        kind: what the name should have been, such as ``"recipe"``.
        name: the name that was found.
        known: the names that exist.
        advice: how to see them all, as a sentence.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        names = sorted(known)
        self.name, self.nearest = name, nearest(name, names)
        guess = f" Did you mean {self.nearest!r}?" if self.nearest else f" Known: {', '.join(names)}."
        super().__init__(f"There is no {kind} {name!r}.{guess}{' ' + advice if advice else ''}")


class DataError(UnrolledError):
    """Sequences that cannot be used."""


class ReadError(DataError):
    """A file that cannot be read.

    Args:
        path: the file.
        problem: what was found, what was expected, what to do.
        line: line number, counted from 1, where there is one.
        column: position in the line, counted from 1, where there is one.
    """

    def __init__(self, path: str | Path, problem: str, *, line: int | None = None, column: int | None = None) -> None:
        place = f"{path}"
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column {column}"
        super().__init__(f"{place}: {problem}")
        self.path, self.line, self.column = Path(path), line, column


class FetchError(DataError):
    """A file that cannot be downloaded, or is not what it should be."""


class LengthError(DataError):
    """A sequence with no steps, or a length beyond the data."""


class MismatchError(DataError):
    """Data that do not fit the model they are given to."""


class ModelFolderError(UnrolledError):
    """A model folder that is damaged, or newer than this package."""


class ExportError(UnrolledError):
    """An exported model that does not say what the model says."""


class UnsupportedError(UnrolledError):
    """Something that a model of this kind cannot do."""


class StudyError(UnrolledError):
    """A search whose trials are locked, damaged or of something else."""


class StorageError(UnrolledError):
    """A file that cannot be written."""


class ServeError(UnrolledError):
    """A server that cannot listen where it should."""


class RunError(UnrolledError):
    """A training run that cannot go on."""


class RunLockedError(RunError):
    """Another process is training in the run folder."""


class CheckpointError(RunError):
    """No checkpoint that can be used."""


class DivergedError(RunError):
    """The loss is not finite."""


class InterruptedRunError(RunError):
    """Stopped by the user, after saving a checkpoint."""


class UnitWarning(UserWarning):
    """Values that are probably in another unit than those that a model learned from."""
