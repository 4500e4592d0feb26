"""The sequences of a run: the caller's or the recipe's, read and divided, and what is recorded of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.config import Recipe
from unrolled.data import (
    Dataset,
    Frame,
    Sequences,
    check_held_out,
    check_test,
    check_trainable,
    content_hashes,
    in_windows,
    is_frame,
    load_dataset,
    split_dataset,
)
from unrolled.data.files import SILENT, Observer
from unrolled.data.formats import read as read_file
from unrolled.data.sources import OPTIONS_OF_NAMED_DATA
from unrolled.errors import ConfigError, DataError, RunError, listed, option
from unrolled.evaluation import changed_part, fingerprints
from unrolled.model import Model
from unrolled.runs.folder import RunFolder
from unrolled.runs.folds import for_the_model, undivided
from unrolled.runs.starting import dataset_from
from unrolled.storage import write_text


def read(
    recipe: Recipe, data: Sequences | Dataset | Frame | None, observer: Observer, start: Model | None
) -> tuple[Dataset, Sequences | None]:
    """What the model is trained on, and all sequences where they are divided into folds."""
    if recipe.data.folds is None:
        return dataset_for(recipe, data, observer, start), None
    if start is not None:
        raise ConfigError(
            f"{option('start')} is for one training, and {option('folds')} would begin each fold anew; leave one of "
            "them out."
        )
    whole = dataset_for(undivided(recipe), data, observer)
    return for_the_model(whole, recipe.data), whole.train


def in_memory(recipe: Recipe, data: Sequences | Dataset | Frame) -> Recipe:
    """The recipe for sequences in memory: the source of others would later be taken for theirs."""
    others = {"source": "", **dict.fromkeys(OPTIONS_OF_NAMED_DATA)}
    if isinstance(data, Dataset):
        others["test"] = None
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=others)})


def dataset_for(
    recipe: Recipe, data: Sequences | Dataset | Frame | None, observer: Observer = SILENT, start: Model | None = None
) -> Dataset:
    """The sequences that the caller gave, split if they need to be, or else the recipe's; read like those of a start.

    Raises:
        DataError: for sequences that cannot be trained or tested on, such as a test that was learned by heart.
    """
    dataset = _dataset_for(recipe, data, observer, None if start is None else start.facts.reading)
    if start is not None:
        dataset = dataset_from(dataset, start)
    trained_on = 0 if dataset.test is None else np.isin(dataset.record.test.hashes, dataset.record.train.hashes).sum()
    if dataset.test is not None and trained_on and len(_learned(dataset)) == len(dataset.test):
        raise DataError(
            f"all {len(dataset.test):,} test sequences also stand in the training data, so they cannot test what the "
            "model learned; name other --test data, or leave --test out to hold some sequences out."
        )
    return dataset


def _dataset_for(
    recipe: Recipe, data: Sequences | Dataset | Frame | None, observer: Observer, like: Mapping[str, Any] | None
) -> Dataset:
    missing = recipe.model.missing
    if isinstance(data, Dataset):
        data = data.each(lambda part: in_windows(part, recipe.data, observer))
        check_trainable(data.train, missing)
        if data.validation is not None:
            check_held_out(data.validation, data.train, "validation", missing)
        if data.test is not None:
            check_test(data.test, data.train, missing)
        return data
    if is_frame(data):
        data = read_file(data, recipe.data, observer=observer, like=like)
    if isinstance(data, Sequences):
        return split_dataset(data, recipe.data, recipe.name, "memory", observer, missing=missing)
    return load_dataset(recipe.data, observer, missing=missing, like=like)


def _learned(dataset: Dataset) -> npt.NDArray[np.intp]:
    """The indices of the test sequences whose content is also in the training or validation data."""
    record = dataset.record
    if dataset.test is None or not np.isin(record.test.hashes, record.learned).any():
        return np.arange(0)
    return np.flatnonzero(np.isin(content_hashes(dataset.test), record.learned))


def note_on_learned(dataset: Dataset) -> list[str]:
    """Names the test sequences whose content is also in the training or validation data, if there are any."""
    shared = _learned(dataset)
    if dataset.test is None or not len(shared):
        return []
    ids = dataset.test.ids
    names = [str(index) if ids is None else ids[index] for index in shared.tolist()]
    count = f"{len(shared):,} of the {len(dataset.test):,} test sequences"
    return [f"note: {count} also stand in the training or validation data: {listed(names)}"]


def write_held_out(folder: RunFolder, dataset: Dataset) -> None:
    """Writes the ids of the held-out sequences, where they have some."""
    parts = {"validation": dataset.validation, "test": dataset.test}
    named = {name: part.ids for name, part in parts.items() if part is not None and part.ids is not None}
    rows = [(name, one) for name, ids in named.items() for one in ids]
    if rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("part", "id"), *rows])
        write_text(folder.held_out, text.getvalue())


def check_same_data(folder: RunFolder, dataset: Dataset, recorded: dict[str, Any]) -> None:
    """Raises an error if the data have changed: the run would end with other weights."""
    changed = changed_part(dataset, recorded)
    if changed is not None:
        raise RunError(
            f"the {changed} data are not those that {folder.path} began with; restore them, or start a new run."
        )


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """Name, fingerprints and numbers of sequences, for the records of run and model."""
    return {
        "name": dataset.name,
        "note": dataset.note,
        **fingerprints(dataset),
        "train": len(dataset.train),
        "validation": len(dataset.validation) if dataset.validation else 0,
        "test": len(dataset.test) if dataset.test else 0,
    }
