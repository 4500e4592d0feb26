"""Folders with a file for each sequence, in a folder for each class: ``root/<label>/*.csv`` or ``*.png``.

Files in the root itself have no labels; they can be predicted. The id of a sequence is the name of its file. Hidden
files are skipped, and other files with a note.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unrolled.data.files import Notes, Request, reading
from unrolled.data.formats.delimited import open_delimited
from unrolled.data.formats.pictures import read_picture
from unrolled.data.formats.table_files import announced_delimiter
from unrolled.data.sequences import Sequences, Values, missing_labels
from unrolled.data.tables import Growing, all_known, find_roles, ordered, read_long
from unrolled.errors import ReadError

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PICTURES = (".png",)


def holds(root: Path, endings: tuple[str, ...]) -> bool:
    """Whether a folder or one of its folders holds a file with one of these endings."""
    if not root.is_dir():
        return False
    with reading(root):
        entries = list(root.iterdir())
        inner = (file for entry in entries if _is_class(entry) for file in entry.iterdir())
        return any(_fits(entry, endings) for entry in entries) or any(_fits(file, endings) for file in inner)


def read_csv_folder(request: Request) -> Sequences:
    """The sequences in a folder of tables with a row a step; all need the same column names.

    Raises:
        ReadError: for a folder without such files, and for a file that does not fit the others, with its line.
    """
    files = _files(request, TABLES)
    first = _read_table(request, files.paths[0])
    channels, values = first.channels, Growing(len(first.channels))
    lengths: list[int] = []
    times: list[float] = []
    for done, file in enumerate(files.paths):
        one = _read_table(request, file) if done else first
        values.more(one.num_steps)[:] = _in_order(one, channels, file, files.paths[0])
        lengths.append(one.num_steps)
        times += [np.nan] if one.times is None else one.times.tolist()
        request.observer.progress(done, len(files.paths))
    request.observer.progress(1, 1)
    moments = None if np.isnan(times).any() else times
    sequences = Sequences.from_steps(values.whole(), lengths, channels=channels, ids=files.ids, times=moments)
    return files.label(sequences, request)


def read_png_folder(request: Request) -> Sequences:
    """The pictures in a folder, in shades of grey and of one size, each row a step.

    Raises:
        ReadError: for a folder without such files, a damaged picture, and one of another size.
    """
    files = _files(request, PICTURES)
    first = read_picture(files.paths[0], request)
    rows, columns = first.shape
    pixels: npt.NDArray[np.uint8] = np.empty((len(files.paths), rows, columns), np.uint8)
    for index, file in enumerate(files.paths):
        picture = read_picture(file, request) if index else first
        if picture.shape != first.shape:
            raise ReadError(
                file,
                f"this picture has {picture.shape[0]} rows of {picture.shape[1]} pixels where {files.paths[0].name} "
                f"has {rows} of {columns}; every picture needs the same size. Resize it.",
            )
        pixels[index] = picture
        request.observer.progress(index, len(files.paths))
    request.observer.progress(1, 1)
    sequences = Sequences.from_steps(
        pixels.reshape(-1, columns), np.full(len(pixels), rows), scale=1 / 255, pictures=True, ids=files.ids
    )
    return files.label(sequences, request)


@dataclass(frozen=True)
class _Files:
    """The files of a folder, the id of each, and the label of each; None for labels if they have none."""

    paths: list[Path]
    ids: list[str]
    labels: list[str] | None

    def label(self, sequences: Sequences, request: Request) -> Sequences:
        """The sequences with the folders' names as labels."""
        if self.labels is None or not all_known(missing_labels(np.array(self.labels)), request):
            return sequences
        indices, classes = ordered(self.labels)
        return replace(sequences, labels=np.array(indices, np.int64), classes=classes)


def _files(request: Request, endings: tuple[str, ...]) -> _Files:
    root = request.path
    with reading(root):
        inside = sorted(root.iterdir())
        folders = [entry for entry in inside if _is_class(entry)]
        files = [(folder.name, file) for folder in folders for file in sorted(folder.iterdir())]
    loose = [entry for entry in inside if _fits(entry, endings)]
    chosen = [(label, file) for label, file in files if _fits(file, endings)]
    what = endings[0]
    if chosen and loose:
        raise ReadError(
            root, f"{loose[0].name} is beside the folders of the classes; expected every {what} file in one of them."
        )
    if not chosen and not loose:
        raise ReadError(root, f"there is no {what} file in it; expected FOLDER/CLASS/*{what}.")
    empty = [folder.name for folder in folders if chosen and folder.name not in {label for label, _ in chosen}]
    if empty:
        request.note(f"the folder {empty[0]!r} holds no {what} file, so it is not a class")
    others = sum(not _fits(file, endings) and not file.name.startswith(".") for _, file in files)
    if others:
        request.note(f"{others:,} files that are not {what} files are skipped")
    if loose:
        return _Files(loose, [file.name for file in loose], None)
    ids = [f"{label}/{file.name}" for label, file in chosen]
    return _Files([file for _, file in chosen], ids, [label for label, _ in chosen])


def _is_class(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _fits(entry: Path, endings: tuple[str, ...]) -> bool:
    return entry.name.lower().endswith(endings) and not entry.name.startswith(".") and entry.is_file()


def _read_table(request: Request, file: Path) -> Sequences:
    """One file, as a long table of one sequence."""
    config = request.config.model_copy(update={"table": "long", "label": "-", "id": None, "group": None, "text": None})
    # notes name the folder, so that a note about every file is shown once
    observer = Notes(lambda text: request.note(text.partition(": ")[2]))
    own = Request(file, config, observer, like=request.like, found=request.found)
    table = open_delimited(own, announced_delimiter(file))
    if not table.named:  # only numbers, with a column for each channel
        own = replace(own, config=config.model_copy(update={"channels": tuple(table.samples)}))
    return read_long(table, find_roles(table, own), own)


def _in_order(one: Sequences, channels: tuple[str, ...], file: Path, first: Path) -> Values:
    """The steps of a file, [T, F], with the channels in the order of the first file."""
    if one.channels == channels:
        return one.values
    if sorted(one.channels) != sorted(channels):
        raise ReadError(
            file,
            f"this file has the channels {', '.join(one.channels[:8])}, where {first.name} has "
            f"{', '.join(channels[:8])}; every file needs the same.",
        )
    return one.values[:, [one.channels.index(name) for name in channels]]
