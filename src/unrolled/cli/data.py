"""Which sequences a verb's arguments mean."""

from __future__ import annotations

from unrolled.config import DataConfig, parse_recipe
from unrolled.data.load import load_sequences
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError
from unrolled.model import Model


def sequences_for(model: Model, data: str | None, layout: str | None = None) -> Sequences:
    """A file's sequences, or the test sequences of a named data set.

    The model's own data set is split as it was for its training, so that its test sequences are meant.
    """
    trained_on = DataConfig.model_validate(model.facts.data.get("options", {}))
    name = data or trained_on.source
    if not name:
        raise ConfigError("this model does not record what it was trained on; name the data.")
    if name == trained_on.source:
        return load_sequences(name, trained_on)
    content = {"name": "data", "data": {"layout": layout}}
    return load_sequences(name, parse_recipe(content, "--layout").data)
