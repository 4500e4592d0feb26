"""Files of labelled sequences: one reader a format, chosen by the file's name or by ``format``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from unrolled.config import DataConfig, FormatName, Layout
from unrolled.data.files import SILENT, STANDARD_INPUT, Observer, Request, check_file, reading
from unrolled.data.foreign import is_frame
from unrolled.data.formats.arff import read_arff
from unrolled.data.formats.content import first_bytes, format_of_bytes, format_of_text, is_packed, refuse_no_data
from unrolled.data.formats.data_frames import FRAME, read_frame
from unrolled.data.formats.file_sets import holds, is_pattern, labelled, labelled_by
from unrolled.data.formats.idx import read_pictures
from unrolled.data.formats.json_lines import read_json_lines
from unrolled.data.formats.many_files import ALL, PARTS, TABLES, TEXTS, ManyFiles
from unrolled.data.formats.npy import labels_beside, read_npy
from unrolled.data.formats.npz import read_npz
from unrolled.data.formats.picture_folders import read_one_picture, read_png_folder
from unrolled.data.formats.pictures import PICTURES
from unrolled.data.formats.table_files import read_csv, read_parquet
from unrolled.data.formats.text_lines import read_text_lines
from unrolled.data.formats.ts import read_ts
from unrolled.data.options import refuse_options
from unrolled.data.sequences import Sequences
from unrolled.data.windows import windows_of
from unrolled.errors import ReadError
from unrolled.runtime import check_memory

_TABLE = (
    "label_from",
    "table",
    "time",
    "id",
    "label",
    "group",
    "channels",
    "text",
    "tokens",
    "day_first",
    "sequences_by",
)
_DIALECT = ("delimiter", "decimal", "header")
_OF_TABLES = ("layout", "padded", *_DIALECT, *_TABLE)
_OPTIONS = (*_OF_TABLES, "picture_size")
"""Options that apply only to some formats."""


@dataclass(frozen=True)
class Reader:
    """One format.

    Attributes:
        name: the format's name in options.
        title: the format's name in messages.
        endings: how the names of its files end; for a folder, of the files in it.
        read: reads a file or folder.
        options: fields of `DataConfig` that apply to it.
    """

    name: FormatName
    title: str
    endings: tuple[str, ...]
    read: Callable[[Request], Sequences]
    options: tuple[str, ...] = ()

    @property
    def of_folders(self) -> bool:
        """Whether it reads folders, not files."""
        return self.name.endswith("-folder") or self.name == "files"

    def fits(self, path: Path) -> bool:
        """Whether a file, by its name, or a folder, by the files in it, has this format."""
        return holds(path, self.endings) if self.of_folders else path.name.lower().endswith(self.endings)


def _packed(*endings: str) -> tuple[str, ...]:
    """Endings of files that may also be packed by gzip."""
    return (*endings, *(f"{ending}.gz" for ending in endings))


_IDX = ("-idx3-ubyte", "-ubyte", *(f"{mark}idx{dimensions}" for mark in ".-" for dimensions in ("", 1, 2, 3)))


def _format_of(path: Path, config: DataConfig) -> FormatName:
    return reader_of(path, None, config).name


def _read_one(request: Request) -> Sequences:
    """One file of a set, in its own format."""
    return _read_whole(request)


READERS = (
    Reader("csv", "CSV", _packed(".csv"), read_csv, ("padded", *_DIALECT, *_TABLE)),
    Reader("tsv", "TSV", _packed(".tsv", ".tab"), read_csv, ("padded", *_DIALECT, *_TABLE)),
    Reader("parquet", "Parquet", (".parquet", ".pq"), read_parquet, ("layout", "padded", *_TABLE)),
    Reader("jsonl", "JSON Lines", _packed(".jsonl", ".ndjson"), read_json_lines, ("layout", "padded", *_TABLE)),
    Reader("arff", ".arff", _packed(".arff"), read_arff, ("padded",)),
    Reader("ts", ".ts", _packed(".ts"), read_ts, ("padded",)),
    Reader("npz", ".npz", (".npz",), read_npz, ("layout", "padded")),
    Reader("npy", ".npy", (".npy",), read_npy, ("layout", "padded")),
    Reader("text", "text", _packed(".txt"), read_text_lines, ("delimiter", "tokens", "label_from")),
    Reader("csv-folder", "folder of CSV", TABLES, ManyFiles(_read_one, _format_of, (TABLES,)), _OF_TABLES),
    Reader("png-folder", "folder of PNG", PICTURES, read_png_folder, ("label_from", "picture_size")),
    Reader("picture", "picture", PICTURES, read_one_picture, ("picture_size",)),
    Reader("files", "set of files", ALL, ManyFiles(_read_one, _format_of, (TABLES, *PARTS, TEXTS)), _OF_TABLES),
    Reader("idx", "IDX", _packed(*_IDX), read_pictures),
)


_READER = {reader.name: reader for reader in READERS}
_TEXTS = {"csv", "tsv", "jsonl", "arff", "ts", "text"}
_LABELS_BESIDE = {".txt", ".csv", ".tsv", ".dat", ".data"}
_CHARACTERS_A_BYTE = 8
"""Characters of a file for each byte of its values, at most: 32 for a number of four bytes."""


def read(
    path: str | Path | Any,
    config: DataConfig | None = None,
    *,
    layout: Layout | None = None,
    observer: Observer = SILENT,
    labels_needed: bool = True,
    like: Mapping[str, Any] | None = None,
) -> Sequences:
    """The sequences in a file; the reader is chosen by the file's name.

    Args:
        path: the file or folder; ``-`` for standard input, which is read as CSV; or a data frame of pandas, Polars or
            another library, which is read as the same table in a file.
        config: what is known about the file: its format, the names of its columns and so on; ``source`` is
            ignored. By default the reader finds these out.
        layout: axes of a 3-D array in an ``.npz`` file; comes before the config's.
        observer: receives what the reader finds out, and its progress.
        labels_needed: whether a named label column must exist and hold a label for each sequence.
        like: ``reading`` of the sequences of an earlier file, for this one to be read alike.
    Raises:
        ReadError: for a file that is missing, empty, of no known format, or wrong inside; with line
            and column where there are such.
        ConfigError: for options that do not apply to the format.

    Example:
        >>> np.savetxt("long.csv", ["id,time,x,label", "a,0,0.1,up", "a,1,0.2,up", "b,0,0.9,down"], fmt="%s")
        >>> own = unrolled.read("long.csv")
        >>> own.ids.tolist(), own.lengths.tolist(), own.classes
        (['a', 'b'], [2, 1], ('down', 'up'))
    """
    options = config or DataConfig()
    if layout is not None:
        options = options.model_copy(update={"layout": layout})
    request = Request(FRAME if is_frame(path) else Path(path), options, observer, labels_needed, like or {})
    whole = _finished(read_frame(path, request), request) if is_frame(path) else _read_whole(request)
    if not request.in_windows:
        return whole
    return windows_of(whole, options, request.like, request.note, to_predict=not labels_needed)


def read_recordings(path: str | Path, config: DataConfig, observer: Observer = SILENT) -> Sequences:
    """As `read`, with recordings as they are, before they are cut into windows; labels may be missing."""
    return _read_whole(Request(Path(path), config, observer, labels_needed=False))


def _read_whole(request: Request) -> Sequences:
    """The sequences in a file, or its recordings."""
    path, options = request.path, request.config
    reader = reader_of(path, options.format, options)
    if not reader.of_folders and path != STANDARD_INPUT:
        check_file(path)
        refuse_no_data(path, first_bytes(path), reader.name)
    refuse_options(options, _OPTIONS, reader.options, f"{reader.title} files such as {path}")
    if reader.name in _TEXTS and path.is_file():
        check_memory(path.stat().st_size / _CHARACTERS_A_BYTE, f"for the values in {path}")
    sequences = reader.read(request)
    if not reader.of_folders:
        sequences = _labelled_beside(labelled_by(sequences, request), request)
    return _finished(sequences, request)


def _labelled_beside(sequences: Sequences, request: Request) -> Sequences:
    """The sequences of a text file with the labels of another beside it: ``X_train.txt`` and ``y_train.txt``."""
    path = request.path
    if sequences.labels is not None or request.config.label is not None or path.suffix not in _LABELS_BESIDE:
        return sequences
    beside = labels_beside(path)
    labels = [] if beside is None else beside.read_text(encoding="utf-8").split("\n")
    labels = [label.strip() for label in labels if label.strip()]
    if beside is None or len(labels) != len(sequences):
        return sequences
    request.note(f"the labels are those in {beside.name}")
    return labelled(sequences, labels)


def _finished(sequences: Sequences, request: Request) -> Sequences:
    """The sequences without padding, and with what was found out about their table."""
    if not len(sequences):  # a damaged Parquet file may announce rows and have none
        raise ReadError(request.path, "there are no sequences in it; expected at least one.")
    sequences = _unpadded(sequences, request)
    reading = {**(sequences.reading or {}), **request.found}
    return replace(sequences, reading=reading) if reading else sequences


def _unpadded(sequences: Sequences, request: Request) -> Sequences:
    """The sequences without padding at their ends, unless it counts as missing values."""
    if request.config.padded is False:
        return sequences
    short = sequences.without_padding()
    count = int((short.lengths < sequences.lengths).sum())
    if count:
        request.note(
            f"{count:,} sequences are shorter: missing values at their ends are padding (--no-padded: missing)"
        )
    return short


def reader_of(path: str | Path, name: FormatName | None = None, config: DataConfig | None = None) -> Reader:
    """The reader for a file.

    Args:
        path: the file or folder.
        name: of the format; by default the file's name says it, or else its first bytes do.
        config: the options, of which some speak of a table.
    Raises:
        ReadError: for a file that is missing, empty or no data, and a folder of files of no known format.
    """
    path = Path(path)
    if name is not None:
        return _READER[name]
    if path == STANDARD_INPUT:
        return READERS[0]
    with reading(path):
        if path.is_dir():
            return _reader_of_folder(path)
    if is_pattern(path):
        return _READER["files"]
    check_file(path)
    known = next((reader for reader in READERS if not reader.of_folders and reader.fits(path)), None)
    if known is not None and known.name != "text":
        return known
    head = first_bytes(path)
    of_bytes = format_of_bytes(head)
    if of_bytes is not None and is_packed(path):
        raise ReadError(path, f"this is a file of the format {of_bytes}, packed by gzip. Unpack it first.")
    if of_bytes is None:
        refuse_no_data(path, head, "text")
    return _READER[of_bytes or format_of_text(head, config or DataConfig(), texts=known is not None)]


def _reader_of_folder(path: Path) -> Reader:
    fitting = [reader for reader in READERS if reader.name.endswith("-folder") and reader.fits(path)]
    if not fitting and _READER["files"].fits(path):
        return _READER["files"]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " or ".join(f"--format {reader.name}" for reader in fitting)
        raise ReadError(path, f"this folder holds files of several formats; choose one: {names}.")
    raise ReadError(
        path,
        "this is a folder; expected a file, or a folder that holds a folder for each class with a file for each "
        f"sequence: FOLDER/CLASS/*.csv or FOLDER/CLASS/*.png.{_advice_on_deeper(path)}",
    )


def _advice_on_deeper(root: Path) -> str:
    """A sentence on folders of classes, or files, that stand deeper in a folder; empty for none."""
    inside = {entry.name.lower(): entry for entry in root.iterdir() if any(each.fits(entry) for each in _OF_FOLDERS)}
    parts = [next((inside[name] for name in names if name in inside), None) for names in _PARTS_OF_A_SET]
    if all(parts):
        train, test = (shlex.quote(str(part)) for part in parts)
        return f" To train on one part and test on the other, say: unrolled train {train} --test {test}."
    for stars in ("*/*/*", "*/*/*/*"):
        for file in islice(root.glob(stars), _MOST_LOOKED_AT):
            ending = next((each for each in ALL if file.name.lower().endswith(each)), None)
            if ending is not None and file.is_file():
                pattern = shlex.quote(f"{root}/{stars}{file.name[-len(ending) :]}")
                return f" Files deeper inside, whose folders are their classes, are named by a pattern: {pattern}."
    return ""


_OF_FOLDERS = tuple(reader for reader in READERS if reader.of_folders)
_PARTS_OF_A_SET = ("train", "training"), ("test", "testing")
_MOST_LOOKED_AT = 1000
