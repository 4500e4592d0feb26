"""From the data section of a recipe to the sequences of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unrolled.config import DataConfig
from unrolled.data.dataset import Dataset
from unrolled.data.readers import read
from unrolled.data.readers.observer import SILENT, Observer
from unrolled.data.readers.request import STANDARD_INPUT
from unrolled.data.sequences import Sequences
from unrolled.data.sources import OPTIONS_OF_NAMED_DATA, SOURCES
from unrolled.data.splits import hold_out_test, hold_out_validation
from unrolled.errors import ConfigError, DataError, MismatchError, UnknownNameError


def load_dataset(config: DataConfig, observer: Observer = SILENT) -> Dataset:
    """The sequences that a recipe's data section asks for, split and checked.

    Args:
        config: the data section.
        observer: is told what the reader of a file finds, and how far it is.
    Raises:
        ConfigError: for an option that the source does not take.
        UnknownNameError: for a source that is neither a named data set nor a file.
        DataError: for sequences that cannot be trained on.
    """
    source = SOURCES.get(config.source)
    if source is not None:
        source.check_options(config)
        dataset = source.load(config)
    else:
        dataset = _from_file(config, observer)
    check_trainable(dataset.train)
    return dataset


def load_sequences(
    name: str, config: DataConfig, observer: Observer = SILENT, *, labels_needed: bool = True
) -> Sequences:
    """The sequences to predict or evaluate: a file's, or the test sequences of a named data set.

    Args:
        name: a file, or a named data set.
        config: options of that file or data set.
        observer: as for `load_dataset`.
        labels_needed: see `read`; to predict, none are.
    """
    if name not in SOURCES:
        return read(_existing(name), config, observer=observer, labels_needed=labels_needed)
    source = SOURCES[name]
    options = config.model_copy(update={"source": name})
    source.check_options(options)
    test = source.load(options).test
    if test is None:
        raise DataError(f"{name} has no test sequences with these options; raise --test-fraction.")
    return test


def check_trainable(sequences: Sequences) -> None:
    """Refuses labels that teach nothing and values that no network takes.

    Raises:
        DataError: saying which, where and what to do.
    """
    counts = sequences.class_counts()
    present = [name for name, count in zip(sequences.classes, counts, strict=True) if count]
    if len(present) < 2:
        raise DataError(
            f"every training sequence has the label {present[0]!r}; a classifier needs at least two classes."
        )
    refuse_missing(sequences, "training")


def check_test(test: Sequences, train: Sequences) -> None:
    """Refuses, before hours of training, test sequences on which the trained model could not be measured.

    Raises:
        DataError: for other channels or classes than the training sequences', no labels, or missing values.
    """
    if len(test.channels) != len(train.channels):
        raise MismatchError(
            f"the test data have {len(test.channels)} channels, the training data {len(train.channels)}; "
            "they need the same ones."
        )
    found = {test.classes[index] for index in np.flatnonzero(test.class_counts())}
    unknown = sorted(found - set(train.classes))
    if unknown:
        raise MismatchError(
            f"the test data have the label {unknown[0]!r}, which the training data do not have; those are "
            f"{', '.join(train.classes)}. Remove those sequences, or train with some of them."
        )
    refuse_missing(test, "test")


def refuse_missing(sequences: Sequences, role: str) -> None:
    """Refuses missing and infinite values.

    Raises:
        DataError: with how many there are and where the first stands.
    """
    places = sequences.missing()
    if places:
        sequence, step, channel = places[0]
        raise MismatchError(
            f"the {role} data hold {len(places)} missing or infinite values, the first in sequence {sequence}, "
            f"step {step}, channel {sequences.channels[channel]!r} (counted from 0); only finite numbers are taken. "
            "Fill them in, or remove those sequences."
        )


def split_dataset(
    sequences: Sequences, config: DataConfig, name: str, origin: str, observer: Observer = SILENT
) -> Dataset:
    """Labelled sequences as a data set: its test file, or a share of the sequences, held out; then validation.

    Args:
        sequences: all that may be trained on.
        config: the test file, or the shares and the seed.
        name: of the data set.
        origin: where the sequences come from, for the note.
        observer: as for `load_dataset`.
    Raises:
        DataError: for sequences that cannot be trained on, split, or tested on.
    """
    if sequences.labels is None:
        raise DataError(f"{origin} holds no labels; training needs one for each sequence.")
    check_trainable(sequences)
    parts = [f"{len(sequences):,} sequences from {origin}"]
    train, test = sequences, None
    if config.test:
        test = read(_existing(config.test), config, observer=observer)
        check_test(test, train)
        parts.append(f"test sequences from {config.test}")
    elif config.test_fraction:
        train, test = hold_out_test(sequences, config)
        parts.append(f"{config.test_fraction:.0%} held out for the test, by class, seed {config.split_seed}")
    train, validation = hold_out_validation(train, config)
    return Dataset(name, train, validation, test, "; ".join(parts))


def _from_file(config: DataConfig, observer: Observer) -> Dataset:
    path = _existing(config.source)
    extra = [name for name in OPTIONS_OF_NAMED_DATA if getattr(config, name) is not None]
    if extra:
        raise ConfigError(f"{extra[0]} is an option of a named data set, not of the file {path}; leave it out.")
    sequences = read(path, config, observer=observer)
    name = "data" if path == STANDARD_INPUT else path.name.split(".")[0]
    return split_dataset(sequences, config, name, str(path), observer)


def _existing(name: str) -> Path:
    """The path, if it could be one; a bare word that is no file is taken for a misspelt name."""
    path = Path(name)
    if path.exists() or len(path.parts) > 1 or path.suffix or path == STANDARD_INPUT:
        return path
    raise UnknownNameError("data set or file", name, SOURCES, "`unrolled datasets` lists the named ones.")
