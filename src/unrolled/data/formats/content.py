"""What the first bytes of a file show: that it is no data, or its format where the name does not say it."""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path

from unrolled.config import DataConfig, FormatName
from unrolled.data.files import open_file, open_unpacked, utf16_of
from unrolled.data.formats.blocks import are_labelled, blocks_of
from unrolled.data.formats.delimiters import candidates, chosen_delimiter, ragged_rows
from unrolled.data.formats.first_lines import preamble, rows_in
from unrolled.data.numbers import parse_number
from unrolled.errors import ReadError, shortened

_HEAD_BYTES, _MOST_DIGITS = 1 << 16, 9
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
_MOST_CONTROL_SHARE, _LEAST_BINARY = 0.02, 64
_NO_DATA: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive", "Unpack it, and name a file or folder in it."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save the sheet as CSV UTF-8."),
    (b"%PDF", "a PDF document", "Look for the data that it describes."),
    (b"\x89HDF", "an HDF5 file", "Save its arrays with numpy.savez(path, X=…, y=…)."),
    (b"MATLAB 5.0", "a MATLAB file", "Save its arrays with numpy.savez(path, X=…, y=…): scipy.io.loadmat reads them."),
    (b"ARROW1", "an Arrow file", "Write the table as Parquet."),
    (b"FEA1", "a Feather file", "Write the table as Parquet."),
    (b"SQLite format 3", "an SQLite database", "Write the table as CSV or Parquet."),
    (b"RIFF", "a sound or film (RIFF)", "Write its values as .npz or CSV."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it, and name a file or folder in it."),
    (b"Rar!", "a RAR archive", "Unpack it, and name a file or folder in it."),
    (b"BZh", "a file packed by bzip2", "Unpack it first."),
    (b"\xfd7zXZ", "a file packed by xz", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a file packed by Zstandard", "Unpack it first."),
    (b"\x7fELF", "a program", "Check the path."),
    (b"version https://git-lfs", "a Git LFS pointer", "The file itself is not here: run `git lfs pull`."),
)
_OWN: tuple[tuple[bytes, FormatName], ...] = ((b"PAR1", "parquet"), (b"\x93NUMPY", "npy"))
"""Formats that are known by their first bytes."""
PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_PAGE = re.compile(rb"\s*<(?:!doctype html|html|head|body|script)\b", re.IGNORECASE)
_SPARSE = re.compile(rb"\s*[+-]?\d+(?:\.\d*)?(?:\s+(?:qid|\d+):\S+)+\s*(?:#.*)?")
_FASTA = re.compile(rb"\s*>[^\r\n]*\r?\n[A-Za-z*-]+\s")
_TEXT_FORMATS = {"csv", "tsv", "text", "jsonl", "ts", "arff"}


def first_bytes(path: Path) -> bytes:
    """The beginning of a file, unpacked, and as UTF-8 if it is UTF-16."""
    with open_unpacked(path) as (file, _most):
        head = file.read(_HEAD_BYTES)
    encoding = utf16_of(head)
    if encoding is not None:
        return head[: len(head) // 2 * 2].decode(encoding, "replace").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def is_packed(path: Path) -> bool:
    """Whether a file is packed by gzip."""
    with open_file(path) as file:
        return file.read(2) == b"\x1f\x8b"


def refuse_no_data(path: Path, head: bytes, format_: FormatName) -> None:
    """Refuses a file that is none of the kinds that hold sequences, or not of its format, by its name.

    Args:
        path: the file.
        head: its first bytes.
        format_: in which it is about to be read.
    Raises:
        ReadError: with what it is, and what to do.
    """
    own = format_of_bytes(head)
    if own == format_ or (format_ == "npz" and head.startswith(b"PK")):
        return
    found, advice = _kind(head)
    if found is None and format_ in _TEXT_FORMATS:
        if own is not None:
            found, advice = f"a file of the format {own}", f"Say --format {own}, or give it the ending .{own}."
        elif head.startswith(PICTURE_STARTS):
            found, advice = "a picture", "For a training, put pictures into a folder for each class."
        elif len(head) > _LEAST_BINARY and _share_of_control(head) > _MOST_CONTROL_SHARE:
            found, advice = (
                "a binary file",
                "Expected text. If it is an array, save it with numpy.savez(path, X=…, y=…).",
            )
        elif format_ in ("csv", "tsv", "text") and _is_json(head):
            found, advice = (
                f"JSON ({shortened(head.decode('utf-8', 'replace').split(chr(10))[0])})",
                "Say --format jsonl.",
            )
            if not _is_json_lines(head) or b"[" not in head:
                advice = (
                    'Expected an object a line, such as {"sequence": [1, 2], "label": "a"}. A list of objects becomes '
                    "so by pandas.read_json(path).to_json(new, orient='records', lines=True)."
                )
    if found is not None:
        raise ReadError(path, f"this is {found}, not a file of sequences. {advice}")


def format_of_bytes(head: bytes) -> FormatName | None:
    """The format that the first bytes announce; None for text and all else."""
    if head.startswith(b"PK\x03\x04") and b".npy" in head[:200]:
        return "npz"
    return next((name for start, name in _OWN if head.startswith(start)), None)


def format_of_text(head: bytes, config: DataConfig, *, texts: bool) -> FormatName:
    """The format of a text whose name does not say it.

    Args:
        head: the first bytes.
        config: the options, of which some speak of a table.
        texts: whether the name promises texts, such as strings of digits.
    """
    text = _whole_lines(head).decode("utf-8", "replace")
    rows = rows_in(text.splitlines())
    first = rows[0].strip().lower() if rows else ""
    if first.startswith("@"):
        return "arff" if first.startswith(("@relation", "@attribute")) else "ts"
    if _is_json_lines(head):
        return "jsonl"
    numbers = bool(rows) and all(parse_number(row.strip()) is not None for row in rows)
    numbers = numbers and not (texts and any(_is_code(row.strip()) for row in rows))
    return "csv" if numbers or _is_table(rows, text, config) else "text"


def _is_code(text: str) -> bool:
    """Whether a number is rather a string of digits, such as 0110."""
    return text.isdecimal() and (len(text) > _MOST_DIGITS or (text[0] == "0" and len(text) > 1))


def _is_table(rows: list[str], text: str, config: DataConfig) -> bool:
    """Whether lines are the rows of a table, and not texts, with or without a label."""
    table_options = (config.id, config.time, config.channels, config.table, config.decimal, config.sequences_by)
    if any(option is not None for option in table_options) or _is_labelled_by_blocks(text.splitlines()):
        return True
    given = chosen_delimiter(config)
    found = candidates(rows, given)
    if not found and ragged_rows(rows, config, given=given):
        return True
    if not found:
        numbers = [parse_number(row.strip()) is not None for row in rows]
        return 2 * sum(numbers) > len(numbers) and any("." in row for row in rows)
    best = max(found, key=lambda each: each.share)
    if best.names_columns or best.width > 2:
        return True
    values = [row[index] for row in best.rows for index, share in enumerate(best.shares) if share > 0.5]
    return any(re.search(r"[.,]\d|\d[eE]", value) for value in values) and not best.has_lists


def _is_labelled_by_blocks(lines: list[str]) -> bool:
    """Whether blank lines part blocks of rows, each below a line with its label."""
    return are_labelled(blocks_of(lines[preamble(lines).skipped :]))


def _kind(head: bytes) -> tuple[str | None, str]:
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or b"[Content_Types].xml" in head[:200]):
        return "an Excel workbook", "Save the sheet as CSV UTF-8."
    if _PICKLE.match(head):
        return "a pickle, which is not read, since that could run code from the file", (
            "Save the values as .npz or Parquet."
        )
    if _PAGE.match(head):
        return "an HTML page", "A server sent it in the place of the file: download the raw file again."
    if _SPARSE.fullmatch(head.partition(b"\n")[0]):
        return "an SVMlight file, of features without an order", (
            "If they are steps, read it with sklearn.datasets.load_svmlight_file, and save the array with "
            "numpy.savez(path, X=X.toarray(), y=y)."
        )
    if _FASTA.match(head):
        return "FASTA", "Write a line a sequence, with its label in front: label, a tab, and the letters."
    if head.lstrip().startswith(b"<?xml"):
        return "XML", "Convert it to CSV."
    return next(((what, advice) for start, what, advice in _NO_DATA if head.startswith(start)), (None, ""))


def _share_of_control(head: bytes) -> float:
    return (len(head) - len(head.translate(None, _CONTROL))) / max(len(head), 1)


def _is_json(head: bytes) -> bool:
    return (
        head.lstrip()[:1] in (b"{", b"[")
        and re.match(rb'\s*[{\[]\s*["{\[\d}\]-]', head) is not None
        and b'"' in head[:200]
    )


def _is_json_lines(head: bytes) -> bool:
    lines = [line for line in _whole_lines(head).decode("utf-8", "replace").splitlines() if line.strip()]
    try:
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines[:5]) and len(lines[0]) > 2
    except ValueError:
        return False


def _whole_lines(head: bytes) -> bytes:
    return head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1]
