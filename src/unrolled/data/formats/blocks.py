"""Blocks of lines, which blank lines or marks part: each is a sequence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from unrolled.data.formats.rows import DELIMITERS
from unrolled.data.numbers import notations, parse_number

_MOST_SPELLINGS, _LEAST_REPEATED = 3, 2


def blocks_of(lines: Sequence[str], mark: str = "") -> list[list[str]]:
    """The runs of lines between blank ones, and between lines that are a mark."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip() and not (mark and is_mark(line.strip(), mark)):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def are_labelled(blocks: Sequence[list[str]]) -> bool:
    """Whether a line with its label stands in front of each of several blocks; the last one may be cut off."""
    return len(blocks) > 1 and all(map(_is_labelled, blocks[:-1]))


def _is_labelled(block: list[str]) -> bool:
    """Whether the first line of a block is a word, and those below are rows of numbers."""
    if len(block) < 2 or any(delimiter in block[0].strip() for delimiter in DELIMITERS):
        return False
    return not notations(block[0].strip()) and all(map(notations, _parts(block[1])))


def is_mark(line: str, mark: str) -> bool:
    """Whether a line is a mark, or the same numbers in another spelling."""
    if line == mark:
        return True
    found, expected = _parts(line), _parts(mark)
    if len(found) != len(expected) or len(set(expected)) > 1 or len(set(found)) > _MOST_SPELLINGS:
        return False
    number = parse_number(expected[0])
    return number is not None and all(parse_number(part) == number for part in found)


def _parts(line: str) -> list[str]:
    return re.split(r"[\s,;|]+", line.strip(" \t,;|"))


def find_mark(lines: Sequence[str]) -> str:
    """The line of one repeated value or sign that stands alone behind each of several runs of rows; empty for none."""
    stripped = [line.strip() for line in lines if line.strip()]
    found = [text for text in stripped if _is_one_sign(text)]
    for text in dict.fromkeys(found):
        places = [place for place, line in enumerate(stripped) if is_mark(line, text)]
        if len(places) > 1 and all(after > before + 1 for before, after in pairwise(places)):
            return text
    return ""


def _is_one_sign(text: str) -> bool:
    """Whether a line is one number or sign, again and again."""
    parts = _parts(text)
    return len(set(parts)) == 1 and (len(parts) > _LEAST_REPEATED or not text.isalnum()) and not notations(text)
