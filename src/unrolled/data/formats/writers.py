"""What programs write into numbers and lines: groups of digits between marks, and a clock time in front of a line."""

from __future__ import annotations

import re

_GROUPS = re.compile(rb"(?<=[0-9])(?:'|\xe2\x80\x99|\xc2\xa0|\xe2\x80\xaf|\xe2\x80\x89)(?=[0-9]{3}(?![0-9]))")
"""An apostrophe, or a space that no line breaks at, between groups of digits."""
_CLOCK = re.compile(rb"(?m)^([ \t]*\d\d:\d\d:\d\d\.\d{3}) -> ?([^\r\n]*)")
"""The time at which Arduino's serial monitor received a line."""
_DELIMITERS = (b"\t", b";", b",", b"|")


def tidied(text: bytes) -> bytes:
    """The text with digits together, and a delimiter behind the clock time in front of a line."""
    return _CLOCK.sub(_parted, _GROUPS.sub(b"", text))


def _parted(match: re.Match[bytes]) -> bytes:
    clock, rest = match.groups()
    return clock + next((mark for mark in _DELIMITERS if mark in rest), b" ") + rest
