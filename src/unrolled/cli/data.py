"""Which sequences a verb's arguments mean, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.config import HOW_TO_READ, DataConfig, parse_recipe
from unrolled.data import Sequences, load_sequences
from unrolled.data.files import SILENT, STANDARD_INPUT, Observer
from unrolled.data.formats import reader_of
from unrolled.data.sources import SOURCES
from unrolled.errors import ReadError
from unrolled.evaluation import Chosen, held_out, names_source, unseen
from unrolled.model import Model


def data_config(options: Mapping[str, Any]) -> DataConfig:
    """The data section with options of the command line.

    Raises:
        ConfigError: for a value that a field does not take.
    """
    return parse_recipe({"name": "data", "data": dict(options)}, "options").data


def sequences_for(
    model: Model,
    data: str | None,
    options: Mapping[str, Any] | None = None,
    observer: Observer = SILENT,
    *,
    labels_needed: bool = False,
) -> Sequences:
    """All sequences of a file, or the test sequences of a named data set or of the model's own training.

    The model's own data set is split as it was for its training, so that its test sequences are meant. A file is
    read as the training file was, as far as the options say nothing else.
    """
    own = DataConfig.model_validate(model.facts.data.get("options", {}))
    if data is None:
        chosen = held_out(model, observer)
        if chosen.note is not None:
            observer.note(chosen.note)
        return chosen.sequences
    if data not in SOURCES:
        if model.facts.vocabulary is not None:  # whatever the training file's texts were taken for
            own = own.model_copy(update={"tokens": model.facts.tokens})
        own = _read_alike(own, data, dict(options or {}))
    elif data != own.source:
        own = DataConfig()
    return load_sequences(data, own, observer, labels_needed=labels_needed)


def unseen_sequences_for(
    model: Model, data: str | None, options: Mapping[str, Any] | None = None, observer: Observer = SILENT
) -> Chosen:
    """As `sequences_for`, but only those that the model has not seen, as far as there are any and it can be told."""
    recorded = model.record is not None and data not in SOURCES
    if data is None or (not recorded and data != str(STANDARD_INPUT) and names_source(model, data)):
        return held_out(model, observer)
    return unseen(model, sequences_for(model, data, options, observer, labels_needed=True), data)


def _read_alike(own: DataConfig, data: str, given: dict[str, Any]) -> DataConfig:
    """How to read a file: as is said, else as the training file was, as far as its format has such options."""
    recorded = own.model_dump(include={*HOW_TO_READ}, exclude_none=True)
    if Path(data).suffix != Path(own.source).suffix:
        recorded.pop("format", None)
    checked = data_config({**recorded, **given})
    try:
        takes = {"format", *reader_of(data, checked.format).options}
    except ReadError:  # which is said when it is read
        return checked
    return data_config({**{name: value for name, value in recorded.items() if name in takes}, **given})
