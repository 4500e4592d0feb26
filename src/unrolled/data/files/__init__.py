"""How a file is opened, unpacked and read in bounded memory, whatever its format.

opening       opening, unpacking, and errors that name the file
chunks        a text file in chunks of whole lines
lines         a text file line by line
read_request  `Request`: the file to read, and what the user said about it
notes         `Observer`: what a reader found without being told, and how far it is
"""

from unrolled.data.files.chunks import Chunk, read_chunks, utf16_of
from unrolled.data.files.lines import Line, read_lines
from unrolled.data.files.notes import SILENT, Notes, Observer
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
from unrolled.data.files.read_request import STANDARD_INPUT, Request

__all__ = [
    "MAX_EXPANSION",
    "SILENT",
    "STANDARD_INPUT",
    "Chunk",
    "Line",
    "Notes",
    "Observer",
    "Request",
    "check_file",
    "naming",
    "open_file",
    "open_unpacked",
    "read_bytes",
    "read_chunks",
    "read_lines",
    "reading",
    "size_of",
    "utf16_of",
]
