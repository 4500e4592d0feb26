"""The sequences that a command's arguments stand for, and how their file is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.cli.console import print_note
from unrolled.cli.reading import noting
from unrolled.config import HOW_TO_READ, DataConfig, parse_recipe
from unrolled.data import Sequences, as_learned, load_sequences
from unrolled.data.files import STANDARD_INPUT, Observer
from unrolled.data.formats import reader_of
from unrolled.data.sources import SOURCES
from unrolled.errors import ReadError
from unrolled.evaluation import Chosen, Wanted, choose, held_out, learned_part, names_source
from unrolled.model import Model


def data_config(options: Mapping[str, Any]) -> DataConfig:
    """The data section with options of the command line.

    Raises:
        ConfigError: for a value that its field does not take.
    """
    return parse_recipe({"name": "data", "data": dict(options)}, None).data


def sequences_for(model: Model, data: str | None, options: Mapping[str, Any]) -> Sequences:
    """All sequences of a file, or the test sequences of a named data set or of the model's own training.

    The model's own data set is split as in its training, so its test sequences are the same. A file is read like the
    training file, except for what the options say.
    """
    with noting() as observer:
        chosen = held_out(model, observer) if data is None else Chosen(_load(model, data, options, observer))
    return _noted(chosen)


def chosen_sequences_for(
    model: Model, data: str | None, options: Mapping[str, Any], wanted: Wanted = "held-out"
) -> Sequences:
    """The labelled sequences of some parts of a model's data, among those of a file or of the model's own data."""
    with noting() as observer:
        recorded = model.record is not None and data not in SOURCES
        own = data is None or (not recorded and data != str(STANDARD_INPUT) and names_source(model, data))
        if own:
            read_again = held_out(model, observer) if wanted in ("held-out", "test") else None
            chosen = read_again or learned_part(model, wanted, observer)
        else:
            loaded = _load(model, str(data), options, observer, labels_needed=True)
            chosen = choose(model, loaded, str(data), wanted)
    return _noted(chosen)


def _noted(chosen: Chosen) -> Sequences:
    if chosen.note is not None:
        print_note(chosen.note)
    return chosen.sequences


def _load(
    model: Model, data: str, options: Mapping[str, Any], observer: Observer, *, labels_needed: bool = False
) -> Sequences:
    own = DataConfig.model_validate(model.facts.data.get("options", {}))
    if data not in SOURCES:
        own = _read_alike(own, data, options)
    elif data != own.source:
        own = DataConfig()
    like = model.facts.reading
    sequences = load_sequences(data, own, observer, labels_needed=labels_needed, like=like)
    return as_learned(sequences, model.facts)


def _read_alike(own: DataConfig, data: str, given: Mapping[str, Any]) -> DataConfig:
    """How to read a file: by the given options, otherwise like the training file if the format has such options."""
    recorded = own.model_dump(include={*HOW_TO_READ}, exclude_none=True)
    if Path(data).suffix != Path(own.source).suffix:
        recorded = {name: value for name, value in recorded.items() if name not in ("format", "delimiter", "header")}
    checked = data_config({**recorded, **given})
    try:
        takes = {"format", *reader_of(data, checked.format).options}
    except ReadError:  # the reading itself will raise it
        return checked
    return data_config({**{name: value for name, value in recorded.items() if name in takes}, **given})
