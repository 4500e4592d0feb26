"""Atomic writing: a file is written and synced under another name, then renamed.

A kill or a full disk at any moment leaves either the old content or the new, never a part of it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unrolled.errors import StorageError

_CAUSES = {
    errno.ENOSPC: "there is no space left on the disk; free some",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file would be larger than this system allows",
    errno.EROFS: "the file system is read-only; choose a folder elsewhere",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EEXIST: "a file of that name stands where a folder is needed; choose another path",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the block, which writes ``path``, into a `StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, str(error))
        raise StorageError(f"Cannot write {path}: {cause}. What was there before is unchanged.") from error


def make_folder(path: Path) -> Path:
    """Makes a folder and its parents; an existing one stays as it is."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file's content in one atomic step.

    Raises:
        StorageError: if it cannot be written; the old content is then still there.
    """
    beside = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            _write_synced(beside, content)
            beside.replace(path)
            _sync_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text, as UTF-8."""
    write_bytes(path, as_utf8(text))


def as_utf8(text: str) -> bytes:
    r"""Text as UTF-8; the bytes of a file's name that are no text are escaped, in a way that JSON reads.

    Example:
        >>> as_utf8(os.fsdecode(b"caf\xe9.csv"))
        b'caf\\udce9.csv'
    """
    return text.encode(errors="backslashreplace")


def write_json(path: Path, value: Any) -> None:
    """`write_text` for a value as indented JSON. NaN and infinity raise ValueError: they are not JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def replace_folder(path: Path, files: Mapping[str, bytes], *, keep: Path | None = None) -> None:
    """Replaces a folder by one that holds ``files`` and nothing else.

    The new folder is complete and synced before it is renamed. Not every system can exchange two folders in one
    step, so a kill between the two renames leaves no ``path``; the complete old folder is then at ``keep``, or at
    `former_folder`.

    Args:
        path: the folder.
        files: the content of each file, by name.
        keep: new place of the old folder; None to delete it.
    """
    beside = path.with_name(f".{path.name}.partial")
    former = keep or former_folder(path)
    with writing(path):
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            for name, content in files.items():
                _write_synced(beside / name, content)
            _sync_folder(beside)
            if path.exists():
                shutil.rmtree(former, ignore_errors=True)
                path.rename(former)
            beside.rename(path)
            _sync_folder(path.parent)
        except OSError:
            if not path.exists() and former.exists():
                former.rename(path)
            raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        if keep is None:
            shutil.rmtree(former, ignore_errors=True)


def former_folder(path: Path) -> Path:
    """The place of the old folder while `replace_folder` renames the new one."""
    path = path.absolute()  # the working directory has a name, too
    return path.parent / f".{path.name}.former"


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Makes a rename durable; Windows has no handles of folders and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
