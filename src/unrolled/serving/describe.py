"""The answer of ``GET /v1/model``."""

from __future__ import annotations

from unrolled.model import Model
from unrolled.serving.inputs import InputSpec
from unrolled.serving.registry import Served
from unrolled.serving.schemas import Kind, ModelDescription
from unrolled.serving.settings import ServerSettings


def describe_model(served: Served, settings: ServerSettings, runtime: str | None = None) -> ModelDescription:
    """The description of a model for its clients.

    Args:
        served: the model.
        settings: the limits.
        runtime: path of onnxruntime-web on this server; None if there is none.
    """
    model, facts = served.model, served.model.facts
    own = {
        "name": served.name,
        "layout": "time-first",
        "kind": kind_of(model),
        "length": common_length(model),
        "missing": InputSpec.of(model, settings).missing,
        "tokens": None if facts.vocabulary is None else facts.tokens,
        "window": None if facts.window is None else facts.window.steps,
        "stride": None if facts.window is None else facts.window.stride,
        "frame_steps": model.network.frame_steps,
        "cell_title": model.network.cell.title,
        "cell_account": model.network.cell.account,
        "remarks": model.network.remarks(),
        "method": facts.method,
        "novelty_rate": None if model.novelty is None else model.novelty.rate,
        "loaded": served.loaded,
        "runtime": runtime,
        "limits": vars(settings),
    }
    return ModelDescription.model_validate({**vars(facts.model), **facts.figures, **vars(facts), **own})


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
