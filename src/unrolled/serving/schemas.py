"""The schemas of requests and answers, for the OpenAPI document.

The two endpoints for predictions read their bodies by `parsing`, which is several times faster than pydantic, and
write their answers as they are; these schemas describe them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from unrolled.serving.inputs import InputSpec

Kind = Literal["picture", "bits", "text", "series"]


class Limits(BaseModel):
    """Limits of one request."""

    max_body_bytes: int
    max_sequences: int
    max_steps: int
    deadline_ms: int


class ModelDescription(BaseModel):
    """A model that is served."""

    name: str
    classes: list[str] = Field(description="in the order of the probabilities")
    channels: list[str] = Field(description="in the order of a step's numbers")
    layout: Literal["time-first"] = Field(description="a sequence is a list of steps, a step a list of channels")
    kind: Kind = Field(description="kind of sequences, which decides how the page shows them")
    length: int | None = Field(
        description="number of steps, if all stored examples have the same; sequences may have any length"
    )
    missing: bool = Field(description="whether null stands for a missing value")
    tokens: str | None = Field(description="steps of a text: characters or words; null for numbers")
    vocabulary: list[str] | None = Field(description="tokens of the training data; null for numbers")
    frame_steps: int = Field(description="consecutive steps that the network reads as one frame")
    max_length: int | None = Field(description="steps that the model reads of a longer sequence; null for all")
    keep_steps: str = Field(description="which of them: first or last")
    window: int | None = Field(description="steps of the windows of recordings that it was trained on; null for none")
    stride: int | None = Field(description="steps from one of these windows to the next")
    cell: str
    cell_title: str = Field(description="common name of a network with such cells")
    cell_account: str = Field(description="what the cell does, in words")
    remarks: str = Field(description="sentences about the network for people who watch it at work")
    hidden_size: int
    num_layers: int
    bidirectional: bool
    pooling: str
    method: Literal["fitted", "trained"] = Field(
        description="fitted: the recurrence is untrained, the readout fitted in closed form; trained: by gradients"
    )
    novelty_rate: float | None = Field(
        description="familiarity up to which a sequence counts as none of the classes, which is the share of false "
        "alarms; null for a model that cannot tell"
    )
    accuracy: float | None = Field(None, description="accuracy on the test sequences")
    accuracy_low: float | None = Field(None, description="lower end of its 95 % interval")
    accuracy_high: float | None = None
    cases: int | None = Field(None, description="number of test sequences")
    unrolled: str = Field(description="version of the package that trained the model")
    weights_sha256: str
    loaded: datetime
    runtime: str | None = Field(description="path of onnxruntime-web on this server; null if there is none")
    limits: Limits


class StoredExample(BaseModel):
    """A sequence that the model folder keeps."""

    label: str | None = Field(description="its label")
    part: str | None = Field(
        description="its part in the training: held out, validation or trained on; null if unknown"
    )
    sequence: list[list[float | None]] | list[str]


class Examples(BaseModel):
    """The stored examples; empty if the model folder keeps none."""

    examples: list[StoredExample]


class Models(BaseModel):
    """The models of this server; the first is the default."""

    models: list[str]


class Health(BaseModel):
    """``ok``, or the reason for another state."""

    status: str


class Problem(BaseModel):
    """An error."""

    code: str
    message: str = Field(description="what was found, what was expected, what to do")
    limit: str | None = Field(None, description="name of the limit that the request exceeds")
    allowed: float | None = Field(None, description="value of the limit")


class ProblemAnswer(BaseModel):
    """The answer to a request that the server does not serve."""

    error: Problem


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemAnswer, "description": text}
    for status, text in {
        400: "Not JSON.",
        401: "No token, or a wrong one.",
        404: "No model with this name.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        415: "The body's type is not application/json.",
        422: "The sequences do not fit the model or the limits.",
        429: "Too many requests are waiting; see Retry-After.",
        504: "No answer within the deadline.",
    }.items()
}


class Prediction(BaseModel):
    """The answer for one sequence."""

    label: str = Field(description="the most probable class")
    probability: float = Field(description="of the label")
    probabilities: dict[str, float] = Field(description="by class")
    familiarity: float | None = Field(
        None, description="share of validation sequences that are at least as unlike the training data, if asked for"
    )


class Predictions(BaseModel):
    """The answers for the sequences of a request."""

    model: str
    predictions: list[Prediction]


class StepValues(BaseModel):
    """Labels, probabilities and hidden state after each step."""

    labels: list[str] = Field(description="after each step")
    probabilities: list[list[float]] = Field(description="after each step, [steps][classes]")
    hidden: list[list[float]] | None = Field(None, description="the last layer's outputs, [steps][units]")


class StepPrediction(Prediction):
    """The answer for one sequence, and for each of its prefixes."""

    final_from_step: int = Field(description="the step, from 1, after which the label did not change")
    steps: StepValues


class StepPredictions(BaseModel):
    """The answers for the sequences of a request, with those after each step."""

    model: str
    predictions: list[StepPrediction]


class WindowPrediction(Prediction):
    """The answer for one window of a recording."""

    start: int = Field(description="its first step, counted from 1")
    end: int = Field(description="its last step")


class Recording(BaseModel):
    """The answers for the windows of one recording."""

    windows: list[WindowPrediction]


class WindowPredictions(BaseModel):
    """The answers for the windows of the recordings of a request."""

    model: str
    predictions: list[Recording]


Number = {"type": "number", "minimum": -3.4e38, "maximum": 3.4e38}


def request_schema(spec: InputSpec, example: Any) -> dict[str, Any]:
    """The body of a prediction, for the OpenAPI document.

    Args:
        spec: of the first model.
        example: a sequence that fits.
    """
    schema = {
        "type": "object",
        "required": ["sequences"],
        "additionalProperties": False,
        "properties": {
            "sequences": {
                "type": "array",
                "items": _sequence_schema(spec),
                "minItems": 1,
                "maxItems": spec.max_sequences,
                "description": "sequences of any lengths",
            }
        },
    }
    content = {"schema": schema, "examples": {"one sequence": {"value": {"sequences": [example]}}}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _sequence_schema(spec: InputSpec) -> dict[str, Any]:
    """One sequence: [steps][F numbers], or a text, or its tokens."""
    bounds = {"minItems": 1, "maxItems": spec.max_steps}
    if spec.text:
        token = {"type": "string", "minLength": 1}
        return {"anyOf": [token, {"type": "array", "items": token, **bounds}]}
    number: dict[str, Any] = {"anyOf": [Number, {"type": "null"}]} if spec.missing else Number
    step = {"type": "array", "items": number, "minItems": spec.channels, "maxItems": spec.channels}
    return {"type": "array", "items": step, **bounds}
