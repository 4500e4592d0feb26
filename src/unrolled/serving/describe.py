"""What ``GET /v1/model`` says of a model."""

from __future__ import annotations

from unrolled.model import Model
from unrolled.serving.form import Form
from unrolled.serving.registry import Served
from unrolled.serving.schemas import Kind, Limits, ModelDescription
from unrolled.serving.settings import ServerSettings


def describe_model(served: Served, settings: ServerSettings, runtime: str | None = None) -> ModelDescription:
    """A model for those who are about to ask it.

    Args:
        served: the model.
        settings: the limits.
        runtime: where this server hands onnxruntime-web out; None if it does not.
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
        missing=Form.of(served.model, settings).missing,
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
        limits=Limits(
            max_body_bytes=settings.max_body_bytes,
            max_sequences=settings.max_sequences,
            max_steps=settings.max_steps,
            deadline_ms=settings.deadline_ms,
        ),
    )


def kind_of(model: Model) -> Kind:
    """What a model's sequences are: pictures read row by row, strings of bits, texts, or series of numbers."""
    if model.facts.pictures:
        return "picture"
    if model.facts.vocabulary is not None:
        return "bits" if set(model.facts.vocabulary) == {"0", "1"} else "text"
    if len(model.channels) > 1:
        return "series"
    values = {step[0] for example in model.examples for step in example.sequence}
    return "bits" if model.channels == ("bit",) or (values and values <= {0.0, 1.0}) else "series"


def common_length(model: Model) -> int | None:
    """The steps that all stored examples have; None where they differ, or there are none."""
    lengths = {len(example.sequence) for example in model.examples}
    return lengths.pop() if len(lengths) == 1 else None
