"""Sets of files with tables, lists or texts: a file a sequence, a file a class, or parts of one data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.arrays import Values, as_names
from unrolled.data.files import Notes, Request, read_chunks
from unrolled.data.formats.delimited import open_delimited
from unrolled.data.formats.file_sets import FileSet, find_files, label_by_names, labelled
from unrolled.data.formats.table_files import announced_delimiter
from unrolled.data.sequences import Sequences, coded_texts
from unrolled.data.tables import Growing, UndecidedError, choose_tokens, find_roles, joined_step_labels, read_long
from unrolled.data.tokens import Coder
from unrolled.errors import ReadError

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".tab")
PARTS = (".parquet", ".pq"), (".jsonl", ".ndjson", ".jsonl.gz"), (".ts", ".arff"), (".npz",)
TEXTS = (".txt", ".txt.gz", ".dat", ".data", ".asc", ".log")
ALL = (*TABLES, *(ending for each in PARTS for ending in each), *TEXTS)

Read = Callable[[Request], Sequences]
"""Reads one file, whatever its format."""


@dataclass(frozen=True)
class ManyFiles:
    """Reads sets of files.

    Attributes:
        read_one: reads one file.
        format_of: the format of one file.
        alternatives: endings of files; see `find_files`.
    """

    read_one: Read
    format_of: Callable[[Path, DataConfig], str]
    alternatives: tuple[tuple[str, ...], ...]

    def __call__(self, request: Request) -> Sequences:
        """The sequences in a set of files.

        Raises:
            ReadError: for a folder without such files, and for a file that does not fit the others, with its line.
        """
        files = find_files(request, *self.alternatives)
        format_ = self.format_of(files.paths[0], request.config)
        if format_ == "text" and files.labels is not None:
            return files.label(_whole_texts(files, request), request)
        several = request.config.id is not None or request.config.text is not None  # in a file
        one = format_ in ("csv", "tsv") and not several
        if one and (files.labels is not None or self._is_one(files.paths[0], request)):
            return _a_file_a_sequence(files, request)
        if format_ == "parquet" and self._is_one(files.paths[0], request):
            return self._each_one(files, request)
        return self._parts(files, request, by_class=format_ == "text")

    def _is_one(self, file: Path, request: Request) -> bool:
        """Whether a file is a table with a row a step and without ids, so that it is one sequence."""
        if request.config.id is not None:
            return False
        try:
            first = self.read_one(_own(request, file, labels_needed=False))
        except UndecidedError:
            return True
        found = first.reading or {}
        return found.get("form") == "long" and found.get("id") is None and request.config.sequences_by is None

    def _each_one(self, files: FileSet, request: Request) -> Sequences:
        own = request.config.model_copy(update={"table": "long"})
        label = request.config.label is not None
        one = self._parts(files, replace(request, config=own), by_class=False)
        one = replace(one, ids=as_names(files.ids))
        if files.labels is not None:
            return files.label(one, request)
        names = None if label or one.labels is not None else label_by_names(files, request)
        return one if names is None else labelled(one, names)

    def _parts(self, files: FileSet, request: Request, *, by_class: bool) -> Sequences:
        """The sequences of all files, one file after the other."""
        parts: list[Sequences] = []
        for done, file in enumerate(files.paths):
            parts.append(self.read_one(_own(request, file, dict(parts[0].reading or {}) if parts else None)))
            request.observer.progress(done, len(files.paths))
        request.observer.progress(1, 1)
        request.found.update(parts[0].reading or {})
        whole = _concatenated(parts, files)
        counts = list(map(len, parts))
        if files.labels is not None:
            return labelled(
                whole, [label for label, count in zip(files.labels, counts, strict=True) for _ in range(count)]
            )
        if by_class and whole.labels is None and len(parts) > 1 and "label_from" not in request.like:
            request.note("each file is a class, whose name is the file's; a line is a text (--label-from file)")
            return labelled(whole, _repeated([path.name.split(".")[0] for path in files.paths], parts))
        return whole


def _own(request: Request, file: Path, like: dict[str, Any] | None = None, **changes: Any) -> Request:
    """The request for one file of a set."""
    observer = Notes(lambda text: request.note(text.partition(": ")[2]))  # each note once, with the folder's name
    config = request.config.model_copy(update={"format": None, "label_from": None})
    return replace(request, path=file, config=config, observer=observer, like=like or request.like, found={}, **changes)


def _a_file_a_sequence(files: FileSet, request: Request) -> Sequences:
    """Tables with a row a step; all need the same column names."""
    first = _read_table(request, files.paths[0], files)
    channels, values = first.channels, Growing(len(first.channels))
    lengths: list[int] = []
    times: list[float] = []
    labels: list[str] = []
    groups: list[str] = []
    parts: list[Sequences] = []
    for done, file in enumerate(files.paths):
        one = _read_table(request, file, files) if done else first
        values.more(one.num_steps)[:] = _in_order(one, first, file, files.paths[0])
        lengths.append(one.num_steps)
        times += [np.nan] if one.times is None else one.times.tolist()
        labels += [] if one.labels is None else [one.classes[one.labels[0]]]
        groups += [] if one.groups is None else one.groups.tolist()
        parts.append(replace(one, values=one.values[:0]))  # what belongs to its steps besides the values
        request.observer.progress(done, len(files.paths))
    request.observer.progress(1, 1)
    moments = None if np.isnan(times).any() else times
    sequences = Sequences.from_steps(
        values.whole(), lengths, channels=channels, ids=files.ids, groups=groups or None, times=moments
    )
    sequences = _with_steps(replace(sequences, offsets=first.offsets), parts)
    _offer_time(sequences, request)
    if files.labels is not None and not labels:
        return files.label(sequences, request)
    names = labels if len(labels) == len(files.paths) else label_by_names(files, request)
    if names is not None and names is not labels:
        request.found["label_from"] = "file"
    return sequences if names is None else labelled(sequences, names)


def _with_steps(recordings: Sequences, parts: list[Sequences]) -> Sequences:
    """The recordings with the times and the labels of the steps of all their parts, where all have them."""
    times = [part.step_times for part in parts if part.step_times is not None]
    labels, classes = joined_step_labels(parts)
    recordings = replace(recordings, step_times=np.concatenate(times) if len(times) == len(parts) else None)
    return recordings if labels is None else replace(recordings, step_labels=labels, classes=classes)


def _offer_time(sequences: Sequences, request: Request) -> None:
    """Says which nameless column rises alike in all files."""
    named = sequences.channels != tuple(map(str, range(len(sequences.channels))))
    if named or len(sequences) < 2 or len(sequences.channels) < 2:
        return
    first = sequences[0]
    for column, name in enumerate(sequences.channels):
        start = first[: int(sequences.lengths.min()), column]
        alike = all(np.array_equal(one[: len(start), column], start) for one in sequences)
        if len(start) > 2 and alike and (np.diff(start) > 0).all():
            request.note(f"column {name!r} rises alike in all files; if it is the time, say --time {name}")


def _read_table(request: Request, file: Path, files: FileSet) -> Sequences:
    """One file, as a long table of one sequence."""
    label = request.config.label or ("-" if files.labels is not None else None)
    update = {"table": "long", "label": label, "sequences_by": None}
    config = request.config.model_copy(update=update)
    own = replace(_own(request, file), config=config, found=request.found)
    table = open_delimited(own, announced_delimiter(file))
    if not table.named and config.channels is None:  # only numbers, with a column for each channel
        columns = tuple(name for name in table.samples if name not in (config.time, config.label, config.group))
        own = replace(own, config=config.model_copy(update={"channels": columns}))
    return read_long(table, find_roles(table, own), own)


def _in_order(one: Sequences, like: Sequences, file: Path, first: Path) -> Values:
    """The steps of a file, [T, F], with the channels and offsets of the first file."""
    if sorted(one.channels) != sorted(like.channels):
        raise ReadError(
            file,
            f"this file has the channels {', '.join(one.channels[:8])}, where {first.name} has "
            f"{', '.join(like.channels[:8])}; every file needs the same.",
        )
    order = [one.channels.index(name) for name in like.channels]
    offsets = None if one.offsets is None else one.offsets[order]
    values = one.values if one.channels == like.channels else one.values[:, order]
    return replace(one, values=values, channels=like.channels, offsets=offsets).with_offsets(like.offsets).values


def _whole_texts(files: FileSet, request: Request) -> Sequences:
    """Files of which each is one text."""
    texts = []
    for file in files.paths:
        chunks = read_chunks(_own(request, file), quoted=False)
        texts.append(" ".join(b"".join(chunk.text for chunk in chunks).decode().split()))
    coder = Coder(choose_tokens(texts[:1000], request))
    coder.add(texts)
    return replace(coded_texts(coder), ids=as_names(files.ids))


def _concatenated(parts: list[Sequences], files: FileSet) -> Sequences:
    """The sequences of several files, one after the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for part, path in zip(parts, files.paths, strict=True):
        if (part.symbols is None) != (first.symbols is None) or (part.labels is None) != (first.labels is None):
            raise ReadError(path, f"it has another form than {files.paths[0].name}; every file needs the same.")
    symbols = sorted({symbol for part in parts for symbol in part.symbols or ()}) if first.symbols is not None else None
    values: list[Values] = []
    for part, path in zip(parts, files.paths, strict=True):
        if symbols is None:
            values.append(_in_order(part, first, path, files.paths[0]))
        else:
            place = np.searchsorted(symbols, list(part.symbols or ())).astype(np.int32)
            values.append(place[part.values])
    times = [part.times for part in parts if part.times is not None]
    steps: Values = np.concatenate(values)  # type: ignore[assignment]  # all of one type
    whole = Sequences.from_steps(
        steps,
        np.concatenate([part.lengths for part in parts]),
        channels=first.channels,
        scale=first.scale,
        symbols=symbols,
        ids=_joined(parts, "ids", files),
        groups=_joined(parts, "groups", files),
        times=None if len(times) < len(parts) else np.concatenate(times),
    )
    whole = _with_steps(replace(whole, reading=first.reading, offsets=first.offsets), parts)
    if first.labels is None:
        return whole
    return labelled(whole, [part.classes[label] for part in parts for label in part.targets.tolist()])


def _repeated(names: list[str], parts: list[Sequences]) -> list[str]:
    """The name of each file, for each of its sequences."""
    return [name for name, part in zip(names, parts, strict=True) for _ in range(len(part))]


def _joined(parts: list[Sequences], name: str, files: FileSet) -> list[str] | None:
    columns = [getattr(part, name) for part in parts]
    if any(column is None for column in columns):
        return None
    texts = [text for column in columns for text in column.tolist()]
    if name == "ids" and len(set(texts)) < len(texts):  # unique within a file
        owners = _repeated([path.name for path in files.paths], parts)
        return [f"{owner}/{text}" for owner, text in zip(owners, texts, strict=True)]
    return texts
