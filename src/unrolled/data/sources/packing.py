"""The content of a file that may be packed, checked while it is unpacked.

The content of a `.gz` file is what it unpacks to, of a `.zip` archive one of its members, and of any
other file the file itself. It comes in blocks, so no file is ever whole in memory.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from unrolled.errors import FetchError, ReadError

BLOCK_BYTES = 1 << 18

# what gzip and zipfile raise on damaged input; a damaged archive's offsets can make seek raise the last two
_DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile, struct.error, NotImplementedError, OSError, ValueError)
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class WrongContentError(FetchError):
    """A file whose content is not what it should be."""


@dataclass(frozen=True)
class Content:
    """What a file must hold, once unpacked.

    Args:
        name: the file's name, which is also the member's name in an archive.
        sha256: SHA-256 in hexadecimal digits.
        size_bytes: length.
    """

    name: str
    sha256: str
    size_bytes: int


def verified_blocks(path: Path, expected: Content, packing: str | None = None) -> Iterator[bytes]:
    """The content of a file in blocks. Only when all have come, without an error, is it the expected one.

    Args:
        path: the file.
        expected: what it must hold; never more than its size is unpacked.
        packing: ``".gz"``, ``".zip"`` or anything else for none; the path's suffix where this is None.
    Raises:
        WrongContentError: where the content is damaged or another.
        ReadError: where the file cannot be opened.
    """
    digest, size_bytes = hashlib.sha256(), 0
    with _opened(path) as raw:
        try:
            with _unpacking(raw, path.suffix if packing is None else packing, expected) as content:
                # one byte over the size is enough to see that there is more
                while block := content.read(min(BLOCK_BYTES, expected.size_bytes - size_bytes + 1)):
                    size_bytes += len(block)
                    if size_bytes > expected.size_bytes:
                        raise WrongContentError(
                            f"it holds more than the expected {expected.size_bytes:,} bytes of content"
                        )
                    digest.update(block)
                    yield block
        except _DAMAGE as error:
            cause = str(error) or type(error).__name__
            raise WrongContentError(f"it is damaged or cut short ({cause})") from error
    if digest.hexdigest() != expected.sha256:
        raise WrongContentError(
            f"it holds {size_bytes:,} bytes of content with SHA-256 {digest.hexdigest()}; "
            f"expected {expected.size_bytes:,} bytes with SHA-256 {expected.sha256}"
        )


def verify(path: Path, expected: Content) -> None:
    """Reads a file to its end, to see whether it holds what it should.

    Raises:
        WrongContentError: where the content is damaged or another.
        ReadError: where the file cannot be opened.
    """
    for _ in verified_blocks(path, expected):
        pass


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ReadError(path, f"cannot be read: {error.strerror}. Make it readable, or remove it.") from error
    with raw:
        yield raw


@contextmanager
def _unpacking(raw: IO[bytes], packing: str, expected: Content) -> Iterator[_Stream]:
    if packing == ".gz":
        with gzip.GzipFile(fileobj=raw, mode="rb") as content:
            yield content
    elif packing == ".zip":
        with zipfile.ZipFile(raw) as archive, archive.open(_member(archive, expected)) as member:
            yield member
    else:
        yield raw


def _member(archive: zipfile.ZipFile, expected: Content) -> zipfile.ZipInfo:
    """The one member of that name, in whatever folder of the archive it lies.

    A member's path only serves to find it: nothing is written to a path that an archive names.
    """
    named = [info for info in archive.infolist() if PurePosixPath(info.filename).name == expected.name]
    found = [info for info in named if not info.is_dir()]
    if len(found) != 1:
        raise WrongContentError(f"the archive holds {len(found)} files named {expected.name}, expected 1")
    info = found[0]
    if info.file_size != expected.size_bytes:
        raise WrongContentError(
            f"{info.filename} in the archive has {info.file_size:,} bytes, expected {expected.size_bytes:,}"
        )
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _ZIP_METHODS:
        raise WrongContentError(f"{info.filename} in the archive is encrypted or packed by an unusual method")
    return info
