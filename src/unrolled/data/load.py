"""The sequences of a run, as the data section of a recipe asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.config import DataConfig, MissingName
from unrolled.data.checks import as_learned, check_test, check_trainable
from unrolled.data.dataset import Dataset
from unrolled.data.files import SILENT, STANDARD_INPUT, Observer
from unrolled.data.folds import in_folds
from unrolled.data.formats import is_pattern, read
from unrolled.data.options import refuse_options
from unrolled.data.sequences import Sequences
from unrolled.data.sources import OPTIONS_OF_NAMED_DATA, SOURCE_OPTIONS, SOURCES
from unrolled.data.splits import hold_out_test, hold_out_validation, split_rule
from unrolled.data.windows import on_one_side, windows_of
from unrolled.errors import DataError, UnknownNameError, option


def load_dataset(
    config: DataConfig,
    observer: Observer = SILENT,
    *,
    missing: MissingName = "none",
    like: Mapping[str, Any] | None = None,
) -> Dataset:
    """The sequences that a recipe's data section asks for, split and checked.

    Args:
        config: the data section.
        observer: receives what the reader of a file finds out, and its progress.
        missing: how missing values are handled; see `ModelConfig`.
        like: see `read`.
    Raises:
        ConfigError: for an option that does not apply to the source.
        UnknownNameError: for a source that is neither a named data set nor a file.
        DataError: for sequences that cannot be trained on.

    Example:
        >>> digits = unrolled.load_dataset(unrolled.recipe_for("digits").data)
        >>> digits.train.channels[:2], digits.train.equal_length
        (('0', '1'), 8)
    """
    dataset = _load_named(config) if config.source in SOURCES else _from_file(config, observer, missing, like)
    check_trainable(dataset.train, missing)
    return dataset


def load_sequences(
    name: str,
    config: DataConfig,
    observer: Observer = SILENT,
    *,
    labels_needed: bool = True,
    like: Mapping[str, Any] | None = None,
) -> Sequences:
    """The sequences to predict or evaluate: a file's, or the test sequences of a named data set.

    Args:
        name: a file, or a named data set.
        config: options of that file or data set.
        observer: as for `load_dataset`.
        labels_needed, like: see `read`; predictions need no labels.
    """
    if name not in SOURCES:
        return read(_existing(name), config, observer=observer, labels_needed=labels_needed, like=like)
    test = _load_named(config.model_copy(update={"source": name})).test
    if test is None:
        raise DataError(f"{name} has no test sequences with these options; raise --test-fraction.")
    return test


def split_dataset(
    sequences: Sequences,
    config: DataConfig,
    name: str,
    origin: str,
    observer: Observer = SILENT,
    *,
    missing: MissingName = "none",
) -> Dataset:
    """Splits labelled sequences; the test sequences are those of a test file, or a share of all.

    Args:
        sequences: to split.
        config: the test file, or the shares and the seed.
        name: of the data set.
        origin: where the sequences come from, for the note.
        observer: as for `load_dataset`.
        missing: as for `load_dataset`.
    Raises:
        DataError: for sequences that cannot be trained on, split or tested on.
    """
    sequences = in_windows(sequences, config, observer)
    if sequences.labels is None:
        raise DataError(
            f"{origin} holds no labels; training needs one for each sequence. Name their column (--label COLUMN), or "
            "say what else holds them: --label-from file or folder, or the number of sequences of each class if they "
            "stand in that order."
        )
    sequences = on_one_side(sequences, config, observer.note)
    check_trainable(sequences, missing)
    parts = [f"{len(sequences):,} {'sequences' if sequences.cut is None else 'windows'} from {origin}"]
    train, test = sequences, None
    if config.test:
        test = read(_existing(config.test), config, observer=observer, like=train.reading)
        test = as_learned(test, train)  # `check_test` comes before there is a `Dataset`
        check_test(test, train, missing)
        parts.append(f"test sequences from {config.test}")
    elif config.folds:
        parts.append(
            f"every one held out once in {in_folds(config.folds, config.repeats)}, {split_rule(sequences, config)}"
        )
    elif config.test_fraction:
        train, test = hold_out_test(sequences, config)
        share = config.test_fraction if test is None else len(test) / len(sequences)
        parts.append(f"{share:.0%} held out for the test, {split_rule(sequences, config)}")
    train, validation = hold_out_validation(train, config)
    if validation is None and config.validation_fraction is None:
        parts.append("too few are left to hold some out for validation")
    return Dataset(name, train, validation, test, "; ".join(parts))


def in_windows(sequences: Sequences, config: DataConfig, observer: Observer = SILENT) -> Sequences:
    """The windows of recordings in memory, if the options ask for windows; anything else as it is.

    Raises:
        DataError: for recordings with a label a step and no window.
    """
    if config.window is not None and sequences.cut is None:
        return windows_of(sequences, config, sequences.reading, observer.note)
    if sequences.step_labels is not None:
        raise DataError(
            "these recordings have a label a step; expected one for each sequence. Cut them into windows: "
            f"{option('window', 256)}."
        )
    return sequences


def _load_named(config: DataConfig) -> Dataset:
    source = SOURCES[config.source]
    refuse_options(config, SOURCE_OPTIONS, source.options, config.source)
    return source.load(config)


def _from_file(config: DataConfig, observer: Observer, missing: MissingName, like: Mapping[str, Any] | None) -> Dataset:
    path = _existing(config.source)
    refuse_options(config, OPTIONS_OF_NAMED_DATA, (), f"the file {path}")
    sequences = read(path, config, observer=observer, like=like)
    name = "data" if path == STANDARD_INPUT or is_pattern(path) else path.name.split(".")[0]
    return split_dataset(sequences, config, name, str(path), observer, missing=missing)


def _existing(name: str) -> Path:
    """The path, if it could be one; a bare word without such a file is a misspelt name."""
    path = Path(name)
    if path.exists() or len(path.parts) > 1 or path.suffix or path == STANDARD_INPUT or is_pattern(path):
        return path
    raise UnknownNameError("data set or file", name, SOURCES, "`unrolled datasets` lists the named ones.")
