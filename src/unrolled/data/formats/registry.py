"""Files of labelled sequences: one reader a format, chosen by the file's name or by ``format``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unrolled.config import DataConfig, FormatName, Layout
from unrolled.data.files import SILENT, STANDARD_INPUT, Observer, Request, check_file, reading
from unrolled.data.formats.arff import read_arff
from unrolled.data.formats.folders import PICTURES, TABLES, holds, read_csv_folder, read_png_folder
from unrolled.data.formats.idx import is_idx_name, read_pictures
from unrolled.data.formats.json_lines import read_json_lines
from unrolled.data.formats.npy import read_npy
from unrolled.data.formats.npz import read_npz
from unrolled.data.formats.table_files import read_csv, read_parquet, read_tsv
from unrolled.data.formats.text_lines import read_text_lines
from unrolled.data.formats.ts import read_ts
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ReadError

_ROW_IS_CASE = ("id", "label", "group", "channels", "text", "tokens")
_TABLE = ("table", "time", *_ROW_IS_CASE)
_OPTIONS = ("layout", "delimiter", *_TABLE)
"""Options that only some formats have a meaning for."""


@dataclass(frozen=True)
class Reader:
    """One format.

    Attributes:
        name: what the format is called in options.
        title: what it is, for people to read.
        endings: how the names of its files end, for people to read; empty for folders.
        fits: whether a path, by its name, is of this format.
        read: reads a file.
        options: fields of `DataConfig` that it takes.
    """

    name: FormatName
    title: str
    endings: str
    fits: Callable[[Path], bool]
    read: Callable[[Request], Sequences]
    options: tuple[str, ...] = ()

    @property
    def of_folders(self) -> bool:
        """Whether it reads folders, not files."""
        return self.name.endswith("-folder")


def _ends(*endings: str) -> Callable[[Path], bool]:
    return lambda path: path.name.lower().endswith(endings)


READERS = (
    Reader(
        "csv",
        "CSV",
        ".csv",
        lambda path: _ends(".csv", ".csv.gz")(path) or path == STANDARD_INPUT,
        read_csv,
        ("delimiter", *_TABLE),
    ),
    Reader("tsv", "TSV", ".tsv", _ends(".tsv", ".tsv.gz", ".tab"), read_tsv, ("delimiter", *_TABLE)),
    Reader("parquet", "Parquet", ".parquet", _ends(".parquet", ".pq"), read_parquet, ("layout", *_TABLE)),
    Reader(
        "jsonl",
        "JSON Lines",
        ".jsonl",
        _ends(".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
        read_json_lines,
        ("layout", *_TABLE),
    ),
    Reader("arff", ".arff", ".arff", _ends(".arff"), read_arff),
    Reader("ts", ".ts", ".ts", _ends(".ts"), lambda request: read_ts(request.path)),
    Reader(
        "npz",
        ".npz",
        ".npz",
        _ends(".npz"),
        lambda request: read_npz(request.path, layout=request.config.layout),
        ("layout",),
    ),
    Reader("npy", ".npy", ".npy", _ends(".npy"), read_npy, ("layout",)),
    Reader("text", "text", ".txt", _ends(".txt", ".txt.gz"), read_text_lines, ("delimiter", "tokens")),
    Reader(
        "csv-folder",
        "folder of CSV",
        "",
        lambda path: holds(path, TABLES),
        read_csv_folder,
        ("delimiter", "time", "channels"),
    ),
    Reader("png-folder", "folder of PNG", "", lambda path: holds(path, PICTURES), read_png_folder),
    Reader(
        "idx",
        "IDX",
        "-idx3-ubyte, .idx3-ubyte, -ubyte or .idx",
        lambda path: is_idx_name(path.name),
        lambda request: read_pictures(request.path),
    ),
)


def read(
    path: str | Path,
    config: DataConfig | None = None,
    *,
    layout: Layout | None = None,
    observer: Observer = SILENT,
    labels_needed: bool = True,
) -> Sequences:
    """The sequences in a file; the reader is chosen by the file's name.

    Args:
        path: the file or folder; ``-`` for standard input, which is read as CSV.
        config: what is known of the file: its format, the names of its columns and so on; ``source`` is not
            looked at. By default all is found out.
        layout: axes of a 3-D array in an ``.npz`` file, in the place of the config's.
        observer: is told what was found without being named, and how far the reading is.
        labels_needed: whether a label column that is named must be there, and hold a label for each sequence.
    Raises:
        ReadError: for a file that is missing, empty, of no known format, or wrong inside; with line
            and column where there are such.
        ConfigError: for options that the format does not take.

    Example:
        >>> np.savetxt("long.csv", ["id,time,x,label", "a,0,0.1,up", "a,1,0.2,up", "b,0,0.9,down"], fmt="%s")
        >>> own = unrolled.read("long.csv")
        >>> own.ids.tolist(), own.lengths.tolist(), own.classes
        (['a', 'b'], [2, 1], ('down', 'up'))
    """
    path = Path(path)
    options = config or DataConfig()
    if layout is not None:
        options = options.model_copy(update={"layout": layout})
    reader = reader_of(path, options.format)
    wrong = [name for name in _OPTIONS if getattr(options, name) is not None and name not in reader.options]
    if wrong:
        takes = f"takes {', '.join(reader.options)}" if reader.options else "takes none of these"
        raise ConfigError(f"{wrong[0]} is no option of {reader.title} files such as {path}; that format {takes}.")
    found = reader.read(Request(path, options, observer, labels_needed))
    if not len(found):  # a damaged Parquet file may say that it has rows, and have none
        raise ReadError(path, "there are no sequences in it; expected at least one.")
    return found


def reader_of(path: str | Path, name: FormatName | None = None) -> Reader:
    """The reader for a file.

    Args:
        path: the file or folder.
        name: of the format; by default it is told by the file's name.
    Raises:
        ReadError: for a file that is missing or empty, a folder, or a name of no known format.
    """
    path = Path(path)
    if name is not None:
        return next(reader for reader in READERS if reader.name == name)
    with reading(path):
        is_folder = path.is_dir()
    if is_folder:
        return _reader_of_folder(path)
    if path != STANDARD_INPUT:
        check_file(path)
    for reader in READERS:
        if not reader.of_folders and reader.fits(path):
            return reader
    packed = " Unpack it first." if path.suffix.lower() in {".gz", ".zip", ".bz2", ".xz", ".zst"} else ""
    known = ", ".join(reader.endings for reader in READERS if reader.endings)
    raise ReadError(
        path,
        f"no reader for names like {path.name!r}.{packed} Known endings: {known}. Say which it is with --format, or "
        "convert it.",
    )


def _reader_of_folder(path: Path) -> Reader:
    fitting = [reader for reader in READERS if reader.of_folders and reader.fits(path)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " or ".join(f"--format {reader.name}" for reader in fitting)
        raise ReadError(path, f"this folder holds files of several formats; say which are meant: {names}.")
    raise ReadError(
        path,
        "this is a folder; expected a file, or a folder that holds a folder for each class with a file for each "
        "sequence: FOLDER/CLASS/*.csv or FOLDER/CLASS/*.png.",
    )
