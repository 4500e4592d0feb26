"""Which sequences a verb's arguments mean."""

from __future__ import annotations

from unrolled.config import DataConfig, parse_recipe
from unrolled.data.load import load_dataset, load_sequences
from unrolled.data.sequences import Sequences
from unrolled.data.sources import SOURCES
from unrolled.errors import ConfigError, DataError
from unrolled.model import Model


def sequences_for(model: Model, data: str | None, layout: str | None = None) -> Sequences:
    """All sequences of a file, or the test sequences of a named data set or of the model's own training.

    The model's own data set is split as it was for its training, so that its test sequences are meant.
    """
    options = _options(model)
    if data is None:
        return _held_out(options)
    if data == options.source:
        return load_sequences(data, options)
    content = {"name": "data", "data": {"layout": layout}}
    return load_sequences(data, parse_recipe(content, "--layout").data)


def unseen_sequences_for(model: Model, data: str | None, layout: str | None = None) -> tuple[Sequences, str | None]:
    """As `sequences_for`, but of the file that the model was trained on only what was held out.

    Returns:
        The sequences, and a note where there is something to know about them.
    """
    options = _options(model)
    if data is not None and data == options.source and data not in SOURCES:
        return _held_out(options), f"only those sequences of {data} that were held out of the training"
    sequences = sequences_for(model, data, layout)
    if sequences.fingerprint == model.facts.data.get("fingerprint"):
        return sequences, "these are the sequences that the model was trained on; the figures flatter it"
    return sequences, None


def _options(model: Model) -> DataConfig:
    """Of the data that the model was trained on."""
    return DataConfig.model_validate(model.facts.data.get("options", {}))


def _held_out(options: DataConfig) -> Sequences:
    if not options.source:
        raise ConfigError("this model does not record where its training data are; name the data.")
    test = load_dataset(options).test
    if test is None:
        raise DataError(f"nothing of {options.source} was held out for the test; name other data.")
    return test
