"""The answer of ``GET /v1/model``."""

from __future__ import annotations

from unrolled.model import Model
from unrolled.serving.inputs import InputSpec
from unrolled.serving.registry import Served
from unrolled.serving.schemas import Kind, Limits, ModelDescription
from unrolled.serving.settings import ServerSettings


def describe_model(served: Served, settings: ServerSettings, runtime: str | None = None) -> ModelDescription:
    """The description of a model for its clients.

    Args:
        served: the model.
        settings: the limits.
        runtime: path of onnxruntime-web on this server; None if there is none.
    """
    facts, config = served.model.facts, served.model.facts.model
    figures = facts.figures
    return ModelDescription(
        name=served.name,
        classes=list(facts.classes),
        channels=list(facts.channels),
        layout="time-first",
        kind=kind_of(served.model),
        length=common_length(served.model),
        missing=InputSpec.of(served.model, settings).missing,
        tokens=None if facts.vocabulary is None else facts.tokens,
        vocabulary=None if facts.vocabulary is None else list(facts.vocabulary),
        frame_steps=served.model.network.frame_steps,
        max_length=facts.max_length,
        keep_steps=facts.keep_steps,
        cell=config.cell,
        cell_title=served.model.network.cell.title,
        cell_account=served.model.network.cell.account,
        remarks=served.model.network.remarks(),
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        bidirectional=config.bidirectional,
        pooling=config.pooling,
        method=facts.method,
        accuracy=figures.get("accuracy"),
        accuracy_low=figures.get("accuracy_low"),
        accuracy_high=figures.get("accuracy_high"),
        cases=figures.get("cases"),
        unrolled=facts.unrolled,
        weights_sha256=facts.weights_sha256,
        loaded=served.loaded,
        runtime=runtime,
        limits=Limits.model_validate(settings, from_attributes=True),
    )


def kind_of(model: Model) -> Kind:
    """The kind of a model's sequences: pictures, strings of bits, texts, or sequences of numbers."""
    if model.facts.pictures:
        return "picture"
    if model.facts.vocabulary is not None:
        return "bits" if set(model.facts.vocabulary) == {"0", "1"} else "text"
    if len(model.channels) > 1:
        return "series"
    values = {step[0] for example in model.examples for step in example.sequence}
    return "bits" if model.channels == ("bit",) or (values and values <= {0.0, 1.0}) else "series"


def common_length(model: Model) -> int | None:
    """The number of steps of all stored examples; None if it differs, or there are none."""
    lengths = {len(example.sequence) for example in model.examples}
    return lengths.pop() if len(lengths) == 1 else None
