"""How a file is opened, unpacked and read in bounded memory, whatever its format."""

from unrolled.data.files.chunks import Chunk, read_chunks
from unrolled.data.files.observer import SILENT, Notes, Observer
from unrolled.data.files.opening import (
    MAX_EXPANSION,
    check_file,
    naming,
    open_file,
    open_unpacked,
    read_bytes,
    reading,
    size_of,
)
from unrolled.data.files.request import STANDARD_INPUT, Request

__all__ = [
    "MAX_EXPANSION",
    "SILENT",
    "STANDARD_INPUT",
    "Chunk",
    "Notes",
    "Observer",
    "Request",
    "check_file",
    "naming",
    "open_file",
    "open_unpacked",
    "read_bytes",
    "read_chunks",
    "reading",
    "size_of",
]
