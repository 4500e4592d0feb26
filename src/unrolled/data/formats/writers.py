"""What programs write into numbers and lines: marks between groups of digits, at the end, and behind a clock time."""

from __future__ import annotations

import re

from unrolled.data.formats.rows import DELIMITERS, SPACES

_GROUPS = re.compile(rb"(?<=[0-9])(?:'|\xe2\x80\x99|\xc2\xa0|\xe2\x80\xaf|\xe2\x80\x89)(?=[0-9]{3}(?![0-9]))")
"""An apostrophe, or a space that no line breaks at, between groups of digits."""
_CLOCK = re.compile(rb"(?m)^([ \t]*\d\d:\d\d:\d\d\.\d{3}) -> ?([^\r\n]*)")
"""The time at which Arduino's serial monitor received a line."""
_END = re.compile(rb"(?m)^([^;\r\n]*\d);[ \t]*(?=\r?$)")
"""A semicolon that ends a line of numbers, and is no delimiter."""


def tidied(text: bytes) -> bytes:
    """The text with digits together, a delimiter behind the clock time in front of a line, and no mark at its end."""
    return _END.sub(rb"\1", _CLOCK.sub(_parted, _GROUPS.sub(b"", text)))


def _parted(match: re.Match[bytes]) -> bytes:
    clock, rest = match.groups()
    return clock + next((mark for mark in map(str.encode, DELIMITERS) if mark in rest), SPACES.encode()) + rest
