"""Everything that can go wrong, as one tree.

    UnrolledError                  every error of this package; its text is meant for the user
     ├─ ConfigError                a recipe or an option that makes no sense
     │   └─ UnknownNameError       a name that does not exist
     ├─ DataError                  sequences that cannot be used
     │   ├─ ReadError              a file that cannot be read: path, line, column
     │   ├─ FetchError             a file that cannot be downloaded, or has other content than expected
     │   ├─ LengthError            a sequence with no steps, or a length beyond the data
     │   └─ MismatchError          data that do not fit the model: channels, classes, missing values
     ├─ ModelFolderError           a model folder that is damaged, or newer than this package
     ├─ ExportError                an exported model whose outputs differ from the model's
     ├─ UnsupportedError           something that this model cannot do, such as stream in both directions
     ├─ StudyError                 a search that is locked, damaged or about another recipe
     ├─ OutOfMemoryError           a computation that needs more memory than there is
     ├─ StorageError               a file that cannot be written: no space, no permission
     ├─ ServeError                 an address at which a server cannot listen
     └─ RunError                   a training run that cannot go on
         ├─ RunLockedError         another process is training in the run folder
         ├─ CheckpointError        there is no usable checkpoint
         ├─ DivergedError          the loss is not finite
         └─ InterruptedRunError    stopped by the user, after saving a checkpoint

    UnrolledWarning                every warning of this package
     ├─ TrainedOnWarning           figures of sequences that the model was trained on
     ├─ UnitWarning                values in another unit than those of the training, probably
     ├─ UnfinishedWarning          a model of a training that is not finished
     ├─ LayoutWarning              sequences of one step, whose axes are probably in another order
     └─ RenamedWarning             a former name of an option or a field

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
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

RENAMED = {
    "case": "number",
    "headline_cases": "headline_sequences",
    "output": "print_style",
    "folder": "output",
    "timeout": "time_limit",
    "streaming": "stream",
    "inference_threads": "threads",
}
"""Options and fields by their former names, which work for one more release."""


SYNONYMS = {
    other: name
    for name, others in {
        "learning_rate": "lr",
        "max_epochs": "epochs num_epochs n_epochs nb_epoch",
        "max_steps": "steps iterations",
        "batch_size": "batch",
        "hidden_size": "units hidden hidden_units hidden_dim num_units n_hidden",
        "num_layers": "layers n_layers",
        "cell": "cell_type rnn_type",
        "dropout": "dropout_rate",
        "optimizer": "optimiser",
        "weight_decay": "l2 wd decay",
        "clip_norm": "clip clipnorm grad_clip gradient_clip max_grad_norm",
        "average_decay": "ema ema_decay",
        "seed": "random_state random_seed",
        "schedule": "scheduler lr_schedule",
        "patience": "early_stopping_patience",
        "validation_fraction": "validation_split val_split val_fraction",
        "test_fraction": "test_split test_size",
        "normalisation": "normalization",
        "initializer": "initialiser",
        "output_initializer": "output_initialiser",
        "delimiter": "sep separator",
        "label": "target label_column",
        "id": "id_column",
        "time": "time_column",
    }.items()
    for other in others.split()
}
"""What other packages call an option or a field, which is understood where nothing else has that name."""


_TYPED: ContextVar[Mapping[str, str] | None] = ContextVar("typed", default=None)


@contextmanager
def naming_options(typed: Mapping[str, str]) -> Iterator[None]:
    """Within the block, messages name options as the command line does.

    Args:
        typed: the flags of options whose flag is not their name, or was written otherwise; it may grow meanwhile.
    """
    before = _TYPED.set(typed)
    try:
        yield
    finally:
        _TYPED.reset(before)


def option(name: str, value: object = None) -> str:
    """An option, and perhaps its value, as the user writes it: in Python by its name, at a command line by its flag.

    Args:
        name: the name of the field.
        value: its value; None for the option alone.
    """
    typed = _TYPED.get()
    if typed is None:
        return name if value is None else f"{name} = {value!r}"
    flag = typed.get(name, f"--{name.replace('_', '-')}")
    if value is False:
        return f"--no-{flag.removeprefix('--')}"
    text = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return flag if value is None or value is True else f"{flag} {text}"


def present_name(name: str) -> str:
    """The name of an option or a field; a former name is answered with a `RenamedWarning`, a synonym is not."""
    if name not in RENAMED:
        return SYNONYMS.get(name, name)
    former, present = option(name), option(RENAMED[name])
    warnings.warn(f"{former} is now called {present}; the next release takes the new name only.", RenamedWarning, 3)
    return RENAMED[name]


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most like ``name``; None if none is like it."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)


def shortened(text: str, most: int = 40) -> str:
    """A text cut to ``most`` characters, with an ellipsis at the end if it was longer."""
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(text: str) -> str:
    """A text in quotes, shortened and on one line."""
    return repr(shortened(text))


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names on one line; of more than ``most``, the first ones and the total number."""
    every = list(names)
    shown = ", ".join(name if name.isprintable() else repr(name) for name in every[:most])
    return f"{shown}, … ({len(every)} in all)" if len(every) > most else shown


class UnrolledError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(UnrolledError):
    """A recipe or an option that makes no sense."""


class UnknownNameError(ConfigError):
    """A name that does not exist; the message offers the nearest one that does.

    Args:
        kind: what the name should stand for, such as ``"recipe"``.
        name: the name that was found.
        known: the names that exist.
        advice: a sentence on how to list them all.
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
        line: line number, counted from 1.
        column: position in the line, counted from 1.
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
    """A file that cannot be downloaded, or has other content than expected."""


class LengthError(DataError):
    """A sequence with no steps, or a length beyond the data."""


class MismatchError(DataError):
    """Data that do not fit the model: other channels, classes or missing values."""


class ModelFolderError(UnrolledError):
    """A model folder that is damaged, or newer than this package."""


class ExportError(UnrolledError):
    """An exported model whose outputs differ from the model's."""


class UnsupportedError(UnrolledError):
    """Something that this model cannot do, such as stream in both directions."""


class StudyError(UnrolledError):
    """A search whose trials are locked, damaged or about another recipe."""


class OutOfMemoryError(UnrolledError):
    """A computation that needs more memory than there is."""


class StorageError(UnrolledError):
    """A file that cannot be written."""


class ServeError(UnrolledError):
    """An address at which a server cannot listen."""


class RunError(UnrolledError):
    """A training run that cannot go on."""


class RunLockedError(RunError):
    """Another process is training in the run folder."""


class CheckpointError(RunError):
    """There is no usable checkpoint."""


class DivergedError(RunError):
    """The loss is not finite."""


class WorkerLostError(RunError):
    """A worker of a training on several processes ended, did not arrive, or does not fit the others."""


class InterruptedRunError(RunError):
    """Stopped by the user, after saving a checkpoint."""


class UnrolledWarning(UserWarning):
    """Base of every warning of this package."""


class TrainedOnWarning(UnrolledWarning):
    """Figures of sequences that the model was trained on."""


class UnitWarning(UnrolledWarning):
    """Values that are probably in another unit than those of the training."""


class LayoutWarning(UnrolledWarning):
    """Sequences of one step and several channels, whose axes are probably in another order."""


class UnfinishedWarning(UnrolledWarning):
    """A model of a training that is not finished."""


class RenamedWarning(UnrolledWarning):
    """A former name of an option or a field, which works for one more release."""
