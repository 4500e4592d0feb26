"""Which sequences are held out of a model's training: the one owner of this question.

Sequences are recognised by their content, for any file name, working directory and order. Models of versions that did
not record the content know only the fingerprints of the whole training and validation data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unrolled.config import DataConfig
from unrolled.data import (
    Dataset,
    DatasetRecord,
    Sequences,
    content_hashes,
    label_indices,
    load_dataset,
    load_sequences,
)
from unrolled.data.files import SILENT, STANDARD_INPUT, Observer
from unrolled.errors import ConfigError, DataError
from unrolled.model import Model

_FINGERPRINTS = {"training": "fingerprint", "validation": "validation_fingerprint", "test": "test_fingerprint"}

Wanted = Literal["held-out", "train", "validation", "test", "new", "all"]
"""Names of the sequences that are asked for: ``held-out`` are those of the test, and new ones."""

_UNRECORDED = "this model does not record the sequences that it was trained on, so {}"
_OTHER = "the sequences of {} are not those of the training"


class Part(IntEnum):
    """The part of a model's data to which a sequence belongs."""

    TRAINED_ON = 0
    VALIDATION = 1
    TEST = 2
    NEW = 3

    def __str__(self) -> str:
        return ("trained on", "validation", "held out", "new")[self]


Parts = npt.NDArray[np.int8]

_WANTED: dict[Wanted, tuple[Part, ...]] = {
    "held-out": (Part.TEST, Part.NEW),
    "train": (Part.TRAINED_ON,),
    "validation": (Part.VALIDATION,),
    "test": (Part.TEST,),
    "new": (Part.NEW,),
    "all": tuple(Part),
}


@dataclass(frozen=True)
class Chosen:
    """Sequences to evaluate a model on.

    Attributes:
        sequences: those that were asked for; all, if the model does not record its data.
        note: a reservation that a reader of the figures must know, or None.
    """

    sequences: Sequences
    note: str | None = None


def fingerprints(dataset: Dataset) -> dict[str, str | None]:
    """The fingerprint of each part of a data set, as runs and models record them."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return {
        key: None if part is None else part.fingerprint for key, part in zip(_FINGERPRINTS.values(), parts, strict=True)
    }


def changed_part(dataset: Dataset, recorded: Mapping[str, Any]) -> str | None:
    """The first part of a data set, such as ``training``, that differs from the recorded one; None if none differs.

    Args:
        dataset: the current data.
        recorded: recorded `fingerprints`; a part without a record counts as equal.
    """
    found = fingerprints(dataset)
    return next((role for role, key in _FINGERPRINTS.items() if key in recorded and found[key] != recorded[key]), None)


def parts_of(model: Model, sequences: Sequences) -> Parts | None:
    """The `Part` of each sequence, [N]; None if the model does not record its data.

    Args:
        model: the model.
        sequences: sequences as they were read, with or without labels.
    """
    if model.record is not None:
        return _parts_by_content(model.record, sequences, model.classes)
    for part, key in ((Part.TRAINED_ON, "fingerprint"), (Part.VALIDATION, "validation_fingerprint")):
        if model.facts.data.get(key) == sequences.fingerprint:
            return np.full(len(sequences), part, np.int8)
    return None


def part_counts(parts: Parts) -> dict[str, int]:
    """The number of sequences of each part that has some, by its name: ``trained on``, ``held out``, …"""
    counts = np.bincount(parts, minlength=len(Part)).tolist()
    return {str(part): counts[part] for part in Part if counts[part]}


def choose(model: Model, sequences: Sequences, origin: str, wanted: Wanted = "held-out") -> Chosen:
    """The sequences of one or several parts of a model's data.

    Args:
        model: the model.
        sequences: sequences as they were read.
        origin: their source, for messages.
        wanted: the sequences that are asked for.
    Raises:
        DataError: if there are none of these, or the model does not record which they are.
    """
    parts = parts_of(model, sequences)
    if parts is None:
        if wanted not in ("held-out", "all"):
            raise DataError(_UNRECORDED.format(f"those asked for ({wanted}) cannot be told; leave out --part."))
        return Chosen(sequences, _UNRECORDED.format(f"{origin} may hold some of them"))
    inside = np.flatnonzero(np.isin(parts, _WANTED[wanted]))
    note = None if (parts == Part.NEW).all() else _in_words(parts, origin)
    if not len(inside):
        raise DataError(f"{note or f'all sequences of {origin} are new to the model'}; {_nothing(wanted)}")
    if note is not None and names_source(model, origin) and not _is_whole(model, parts):
        note = f"{_OTHER.format(origin)}: {note}"
    if note is not None and len(inside) < len(parts):
        note += f"; the figures are of {len(inside):,}"
    return Chosen(sequences.take(inside), note)


def _nothing(wanted: Wanted) -> str:
    if wanted == "held-out":
        return "nothing is held out. Name other data, or ask for these by name: --part train, validation or all."
    return f"expected some of --part {wanted}."


def learned(model: Model, sequences: Sequences) -> npt.NDArray[np.bool_]:
    """Whether the content of each sequence is in the training or validation data, [N]; unknown counts as not."""
    if model.record is None:
        return np.zeros(len(sequences), bool)
    return np.isin(content_hashes(sequences), model.record.learned)


def names_source(model: Model, data: str) -> bool:
    """Whether ``data`` names the source of the model's training data: the same name, or the same file."""
    source = _options(model).source
    here, there = Path(data), Path(source)
    return bool(source) and (data == source or (here.exists() and there.exists() and here.samefile(there)))


def held_out(model: Model, observer: Observer = SILENT) -> Chosen:
    """The test sequences of a model, read again from their source.

    Raises:
        ConfigError: if the model does not record the source of its data, or the source cannot be read again.
        DataError: if there were no test sequences, or none of them is left.
    """
    options = _readable_options(model)
    try:
        dataset = load_dataset(options, observer, missing=model.facts.model.missing, like=model.facts.reading)
    except DataError:
        if model.record is None:
            raise
        return _still_there(
            model, model.record, options
        )  # the remaining sequences may be too few for the original split
    if dataset.test is None:
        why = "; its run holds the figures of its cross-validation" if options.folds else ""
        raise DataError(f"nothing of {options.source} was held out from this model{why}. Name other data.")
    if model.record is None:
        doubt = f"some of these may be among them: {_OTHER.format(options.source)}"
        return Chosen(dataset.test, _UNRECORDED.format(doubt) if changed_part(dataset, model.facts.data) else None)
    if dataset.test.fingerprint == model.facts.data.get(_FINGERPRINTS["test"]):
        return Chosen(dataset.test)
    return _still_there(model, model.record, options)


def learned_part(model: Model, wanted: Wanted, observer: Observer = SILENT) -> Chosen:
    """The training or validation sequences of a model, read again from their source.

    Raises:
        ConfigError: as `held_out`.
        DataError: if there are none of them, or they have changed.
    """
    options = _readable_options(model)
    dataset = load_dataset(options, observer, missing=model.facts.model.missing)
    part = {"train": dataset.train, "validation": dataset.validation}.get(wanted)
    if part is None:
        raise DataError(f"the model's own data, {options.source}, have no part {wanted!r}; name other data.")
    if changed_part(dataset, model.facts.data) is not None:
        raise DataError(f"{_OTHER.format(options.source)}; restore them, or name the data to choose by content.")
    return Chosen(part)


def _still_there(model: Model, record: DatasetRecord, options: DataConfig) -> Chosen:
    """The test sequences that are left in data that have changed."""
    origin, count = options.test or options.source, len(record.test.hashes)
    whole = load_sequences(origin, options, like=model.facts.reading)
    kept = np.flatnonzero(parts_of(model, whole) == Part.TEST)
    if not len(kept):
        raise DataError(
            f"{_OTHER.format(origin)}: none of the {count:,} sequences that were held out for the test is there. "
            "Restore them, or name other data."
        )
    there = f"of the {count:,} sequences that were held out for the test {len(kept):,} are there"
    return Chosen(whole.take(kept), f"{_OTHER.format(origin)}: {there}")


def _readable_options(model: Model) -> DataConfig:
    """The data options of the model's training, if its source can be read again."""
    options = _options(model)
    if not options.source:
        raise ConfigError("this model does not record where its training data are; name the data.")
    if options.source == str(STANDARD_INPUT):
        raise ConfigError("this model was trained on standard input, which cannot be read again; name the data.")
    return options


def _options(model: Model) -> DataConfig:
    """The data options of the model's training."""
    return DataConfig.model_validate(model.facts.data.get("options", {}))


def _is_whole(model: Model, parts: Parts) -> bool:
    """Whether the sequences are exactly those that the training data consisted of."""
    record = model.record
    if record is None:
        return True
    counts = np.bincount(parts, minlength=len(Part))
    test = 0 if _options(model).test else len(record.test.hashes)
    return bool(counts.tolist() == [len(record.train.hashes), len(record.validation.hashes), test, 0])


def _parts_by_content(record: DatasetRecord, sequences: Sequences, classes: tuple[str, ...]) -> Parts:
    """The `Part` of each sequence by its content.

    If several parts had the same content, each part gets as many copies of it, for each label, as it had, so that the
    whole training file is divided as it was; any further copy counts as trained on.
    """
    hashes = content_hashes(sequences)
    known = (record.train, record.validation, record.test)
    parts = np.full(len(hashes), Part.NEW, np.int8)
    for part in (Part.TEST, Part.VALIDATION, Part.TRAINED_ON):
        parts[np.isin(hashes, known[part].hashes)] = part
    if sequences.labels is None:
        return parts
    places = np.concatenate([np.unique(one.hashes) for one in known])
    contents, counts = np.unique(places, return_counts=True)
    several = contents[counts > 1]
    left = {part: _copies(known[part].hashes, known[part].labels, several) for part in Part if part != Part.NEW}
    labels = label_indices(sequences, classes)
    for index in np.flatnonzero(np.isin(hashes, several)):
        copy = (int(hashes[index]), int(labels[index]))
        own = next((part for part, copies in left.items() if copies[copy] > 0), None)
        if own is not None:
            left[own][copy] -= 1
            parts[index] = own
    return parts


def _copies(
    hashes: npt.NDArray[np.uint64], labels: npt.NDArray[np.unsignedinteger], contents: npt.NDArray[np.uint64]
) -> Counter[tuple[int, int]]:
    """The number of copies of some contents, for each label."""
    inside = np.isin(hashes, contents)
    return Counter(zip(hashes[inside].tolist(), labels[inside].tolist(), strict=True))


def _in_words(parts: Parts, origin: str) -> str:
    """The number of sequences of each part, in words."""
    words = ("were trained on", "were used for validation", "were held out for the test", "are new")
    counts = np.bincount(parts, minlength=len(Part))
    texts = [f"{count:,} {word}" for count, word in zip(counts, words, strict=True) if count]
    return f"of the {len(parts):,} sequences of {origin} {', '.join(texts)}"
