"""The expected content of a named file, verified while the file is read or unpacked.

The content of a `.gz` file is the unpacked file, of a `.zip` archive one of its members, and of any other file the file
itself. It is read in blocks and never beyond its known size. pooch's own unpacking has no such limit, and compares
hashes only of packed files, which differ between mirrors.
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
from pathlib import PurePosixPath
from typing import IO

from unrolled.errors import FetchError

BLOCK_BYTES = 1 << 18

# what gzip and zipfile raise on damaged input; a damaged archive's offsets can make seek raise the last two
_DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile, struct.error, NotImplementedError, OSError, ValueError)
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class WrongContentError(FetchError):
    """A file whose content is not the expected one."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that mirrors offer, and its expected content.

    Args:
        name: the name of the unpacked file, in the cache and in an archive.
        sha256: SHA-256 of the unpacked content, in hexadecimal digits.
        size_bytes: length of the unpacked content.
        urls: its mirrors, in the order in which they are tried. The suffix of an address says how the file is packed
            there: ``.gz``, ``.zip`` or, with any other suffix, not at all.
    """

    name: str
    sha256: str
    size_bytes: int
    urls: tuple[str, ...] = ()


def verified_blocks(packed: IO[bytes], suffix: str, expected: RemoteFile) -> Iterator[bytes]:
    """The content of a file in blocks; it is verified only when the last block has come.

    Args:
        packed: the open file.
        suffix: of its name, which says how it is packed.
        expected: the expected content.
    Raises:
        WrongContentError: for damaged or other content.
    """
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with _unpacked(packed, suffix, expected) as content:
            # one byte over the size is enough to see that there is more
            while block := content.read(min(BLOCK_BYTES, expected.size_bytes - size_bytes + 1)):
                size_bytes += len(block)
                if size_bytes > expected.size_bytes:
                    raise WrongContentError(f"it holds more than the expected {expected.size_bytes:,} bytes of content")
                digest.update(block)
                yield block
    except _DAMAGE as error:
        raise WrongContentError(f"it is damaged or cut short ({str(error) or type(error).__name__})") from error
    if digest.hexdigest() != expected.sha256:
        raise WrongContentError(
            f"it holds {size_bytes:,} bytes of content with SHA-256 {digest.hexdigest()}; "
            f"expected {expected.size_bytes:,} bytes with SHA-256 {expected.sha256}"
        )


@contextmanager
def _unpacked(packed: IO[bytes], suffix: str, expected: RemoteFile) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if suffix == ".gz":
        with gzip.GzipFile(fileobj=packed, mode="rb") as content:
            yield content
    elif suffix == ".zip":
        with zipfile.ZipFile(packed) as archive, archive.open(_member(archive, expected)) as member:
            yield member
    else:
        yield packed


def _member(archive: zipfile.ZipFile, expected: RemoteFile) -> zipfile.ZipInfo:
    """The one member of that name, in whatever folder of the archive it lies.

    The path of a member only serves to find it: no file is written to a path that an archive names.
    """
    found = [i for i in archive.infolist() if PurePosixPath(i.filename).name == expected.name and not i.is_dir()]
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
