"""Text with a sequence a line: ``label<tab>text``, ``text<tab>label``, or the text alone.

The side with fewer different texts is the label. Quotation marks have no meaning.
"""

from __future__ import annotations

from dataclasses import replace

from unrolled.data.files import Request, naming
from unrolled.data.formats.delimited import open_delimited
from unrolled.data.sequences import Sequences
from unrolled.data.tables import Channel, Roles, read_lists, read_texts
from unrolled.errors import ReadError

_TAB = "\t"


def read_text_lines(request: Request) -> Sequences:
    """The texts in a file.

    Raises:
        ReadError: for a line without text, or with another number of tabs than the first.
    """
    table = open_delimited(request, _TAB, quoted=False, header=False, nulls=("",))
    columns = list(table.samples)
    if len(columns) > 2:
        raise ReadError(
            request.path,
            f"found {len(columns) - 1} tabs in the first line; expected none, or one between label and text. If these "
            "are the columns of a table, say --format tsv.",
        )
    # text, not numbers: binary strings are read character by character, and NA is a text, not a missing value
    # but several numbers with spaces between are a sequence of numbers
    lists = [name for name, sample in table.samples.items() if sample.found == "list"]
    samples = {name: replace(sample, found="text") for name, sample in table.samples.items()}
    label = None
    if len(columns) == 2:
        distinct = {name: (len(set(samples[name].values)), sum(map(len, samples[name].values))) for name in columns}
        before = request.like.get("label")
        label = before if before in columns else min(columns, key=lambda name: distinct[name])
        request.found["label"] = label
        request.note(f"the {'first' if label == columns[0] else 'second'} part of a line is read as the label")
    text = next(name for name in columns if name != label)
    with naming(request.path):
        if text in lists and request.config.tokens is None:
            roles = Roles("lists", label=label, channels=(Channel("0", (text,)),))
            return read_lists(replace(table, samples=samples), roles, request)
        return read_texts(replace(table, samples=samples), Roles("text", label=label, text=text), request)
