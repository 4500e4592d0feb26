"""A run that begins with the weights of another model (fine-tuning)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrolled.config import SECTIONS, Recipe
from unrolled.data import Dataset, DatasetRecord, PartRecord, as_learned, check_channels, check_kind, targets_among
from unrolled.errors import ConfigError, option
from unrolled.model import Model
from unrolled.network import Network
from unrolled.readout import start_readout
from unrolled.runs.folder import RunFolder

_FREE = ("dropout", "recurrent_dropout", "output_dropout", "recompute_gates")
"""Fields of the network that do not concern its weights."""
_READ_ALIKE = ("tokens", "max_length", "keep_steps")


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes:
        model: the model.
        path: its place, for the record.
    """

    model: Model
    path: str

    def facts(self) -> dict[str, Any]:
        """For the records of the run and of its model."""
        facts = self.model.facts
        return {"path": self.path, "weights_sha256": facts.weights_sha256, "data": facts.data.get("name")}


def start_of(folder: RunFolder, facts: Mapping[str, Any]) -> Start | None:
    """What a run started from, as its folder records it; None for new weights."""
    return Start(Model.load(folder.start), facts["start"]["path"]) if folder.start.exists() else None


def recipe_from(recipe: Recipe, start: Model, options: Mapping[str, Any]) -> Recipe:
    """The recipe with the start's network and its preparation, which take no other options.

    Raises:
        ConfigError: for an option that would make it another network.
    """
    model = {name: options[name] for name in _FREE if name in options}
    own = {name: getattr(start.facts, name) for name in _READ_ALIKE}
    if start.facts.vocabulary is None:
        own["tokens"] = None
    if (rule := start.facts.window) is not None:  # the windows are what is read
        own |= {"max_length": None, "keep_steps": "first"}
        own |= {"window": rule.steps, "stride": rule.stride} if recipe.data.window is None else {}
    network = start.facts.model.model_copy(update=model)
    found = {**recipe.model.model_dump(), **recipe.data.model_dump()}
    expected = {**network.model_dump(), **own}
    for name in options:
        if (name in SECTIONS["model"].model_fields or name in _READ_ALIKE) and found[name] != expected[name]:
            raise ConfigError(
                f"{option(name, found[name])} does not fit the model that the training starts from, which "
                f"has {expected[name]}; leave it out, or leave {option('start')} out to begin anew."
            )
    return recipe.model_copy(update={"model": network, "data": recipe.data.model_copy(update=own)})


def dataset_from(dataset: Dataset, start: Model) -> Dataset:
    """The data as the start's own were read: its channels and, where they are the same, its order of the classes.

    Raises:
        MismatchError: for other channels, or text where the start reads numbers.
    """
    facts = start.facts
    parts = [None if part is None else as_learned(part, facts) for part in _parts(dataset)]
    train = parts[0]
    assert train is not None  # noqa: S101
    check_kind(train, facts.vocabulary is not None, "the training data")
    if facts.vocabulary is None:
        check_channels(train, facts.channels, "the training data", "the model that it starts from was trained on")
    if set(train.classes) == set(facts.classes):
        train = replace(train, labels=targets_among(train, facts.classes), classes=facts.classes)
    return replace(dataset, train=train, validation=parts[1], test=parts[2])


def network_from(start: Model, ready: Dataset, recipe: Recipe) -> Network:
    """A copy of the start's network; for other classes with a new readout, fitted in closed form."""
    train, config = ready.train, recipe.model
    symbols = None if start.facts.vocabulary is None else len(start.facts.vocabulary) + 1
    network = Network(config, len(start.channels), len(train.classes), seed=recipe.train.seed, symbols=symbols)
    weights = copy.deepcopy(start.network.state_dict())
    if train.classes == start.classes:
        network.load_state_dict(weights)
        return network
    own = network.state_dict()  # what belongs to the former classes has other shapes, or is of the readout
    kept = {
        name: value
        for name, value in weights.items()
        if not name.startswith("output.") and name in own and value.shape == own[name].shape
    }
    network.load_state_dict(kept, strict=False)
    start_readout(network, train, None, recipe.train.seed)
    return network


def record_from(dataset: Dataset, start: Model) -> DatasetRecord:
    """The record of the data, with all that the start has learned among the training sequences."""
    record, before = dataset.record, start.record
    if before is None:
        return record
    place = {name: index for index, name in enumerate(dataset.train.classes)}
    codes = np.array([place.get(name, 0) for name in start.classes], record.train.labels.dtype)
    learned = [record.train, *(replace(part, labels=codes[part.labels]) for part in (before.train, before.validation))]
    hashes = np.concatenate([part.hashes for part in learned])
    labels = np.concatenate([part.labels for part in learned])
    order = np.lexsort((labels, hashes))
    return replace(record, train=PartRecord(hashes[order], labels[order]))


def notes_on(dataset: Dataset, start: Model) -> list[str]:
    """What a user should know before the training."""
    classes = "with its readout"
    if dataset.train.classes != start.classes:
        classes = f"with a new readout for other classes than its {len(start.classes):,}, fitted in closed form"
    lines = [f"starting from the weights of a model of {start.facts.data.get('name', 'unnamed data')}, {classes}"]
    if start.record is None:
        lines.append("note: that model does not record its training data; some test sequences may be among them")
    elif dataset.test is not None:
        known = int(np.isin(dataset.record.test.hashes, start.record.learned).sum())
        if known:
            lines.append(
                f"note: {known:,} of the {len(dataset.test):,} test sequences are in that model's training data"
            )
    return lines


def _parts(dataset: Dataset) -> tuple[Any, Any, Any]:
    return dataset.train, dataset.validation, dataset.test
