"""The forms of requests and answers, for the OpenAPI document and for those who read it.

The two endpoints that predict read their bodies by `parsing`, which is several times faster than a model of each
step; these forms describe them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from unrolled.serving.form import Form

Kind = Literal["picture", "bits", "text", "series"]


class Limits(BaseModel):
    """What one request may hold."""

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
    kind: Kind = Field(description="what the sequences are, for showing them")
    length: int | None = Field(description="steps of every stored example, where they agree; any length is taken")
    missing: bool = Field(description="whether null is taken for a missing value")
    tokens: str | None = Field(description="of text, what a step is: characters or words; null for numbers")
    vocabulary: list[str] | None = Field(description="of text, the tokens that training knew; null for numbers")
    frame_steps: int = Field(description="steps that the network reads as one")
    max_length: int | None = Field(description="steps that are read of a longer sequence; null for all")
    keep_steps: str = Field(description="which of them: first or last")
    cell: str
    cell_title: str = Field(description="what a person calls a network of such cells")
    cell_account: str = Field(description="what the cell does, in words")
    remarks: str = Field(description="what somebody who watches the network read should know of it, in sentences")
    hidden_size: int
    num_layers: int
    bidirectional: bool
    pooling: str
    method: Literal["fitted", "trained"] = Field(
        description="fitted: the recurrence is untrained, the output layer fitted in closed form; trained: by gradients"
    )
    accuracy: float | None = Field(description="share of right answers on the test data")
    accuracy_low: float | None = Field(description="lower end of its 95 % interval")
    accuracy_high: float | None
    cases: int | None = Field(description="test sequences")
    unrolled: str = Field(description="version of the package that made it")
    weights_sha256: str
    loaded: datetime
    runtime: str | None = Field(description="where this server hands onnxruntime-web out; null if it does not")
    limits: Limits


class StoredExample(BaseModel):
    """A sequence that travels with the model."""

    label: str | None = Field(description="its true class")
    sequence: list[list[float | None]] | list[str]


class Examples(BaseModel):
    """The stored examples; empty where the model keeps none."""

    examples: list[StoredExample]


class Models(BaseModel):
    """The models of this server; the first is meant where none is named."""

    models: list[str]


class Health(BaseModel):
    """``ok``, or why not."""

    status: str


Number = {"type": "number", "minimum": -3.4e38, "maximum": 3.4e38}

REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "what was found, what was expected, what to do"},
                "limit": {"type": "string", "description": "the limit's name, where one was reached"},
                "allowed": {"type": "number"},
            },
        }
    },
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": REFUSAL}}}
    for status, text in {
        400: "Not JSON.",
        401: "No token, or a wrong one.",
        404: "No model of this name.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        415: "The body's type is not application/json.",
        422: "The sequences do not fit the model or the limits.",
        429: "Too many requests are waiting; see Retry-After.",
        504: "No answer within the deadline.",
    }.items()
}


def request_schema(form: Form, example: Any) -> dict[str, Any]:
    """The body of a prediction, for the OpenAPI document.

    Args:
        form: what the first model takes.
        example: a sequence that fits.
    """
    schema = {
        "type": "object",
        "required": ["sequences"],
        "additionalProperties": False,
        "properties": {
            "sequences": {
                "type": "array",
                "items": _sequence_schema(form),
                "minItems": 1,
                "maxItems": form.max_sequences,
                "description": "sequences of any lengths",
            }
        },
    }
    content = {"schema": schema, "examples": {"one sequence": {"value": {"sequences": [example]}}}}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _sequence_schema(form: Form) -> dict[str, Any]:
    """One sequence: [steps][F numbers], or a text, or its tokens."""
    bounds = {"minItems": 1, "maxItems": form.max_steps}
    if form.text:
        token = {"type": "string", "minLength": 1}
        return {"anyOf": [token, {"type": "array", "items": token, **bounds}]}
    number: dict[str, Any] = {"anyOf": [Number, {"type": "null"}]} if form.missing else Number
    step = {"type": "array", "items": number, "minItems": form.channels, "maxItems": form.channels}
    return {"type": "array", "items": step, **bounds}


MODEL_PARAMETER = {
    "name": "model",
    "in": "query",
    "schema": {"type": "string"},
    "description": "a name from /v1/models; by default the first",
}
HIDDEN_PARAMETER = {
    "name": "hidden",
    "in": "query",
    "schema": {"type": "string", "enum": ["true", "false"], "default": "true"},
    "description": "whether the hidden state is in the answer",
}

_PREDICTION = {
    "label": {"type": "string", "description": "the most probable class"},
    "probability": {"type": "number", "description": "of the label"},
    "probabilities": {"type": "object", "additionalProperties": {"type": "number"}, "description": "by class"},
}
_ARRAY = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}


def _answer(prediction: dict[str, Any]) -> dict[str, Any]:
    one = {"type": "object", "required": list(prediction), "properties": prediction}
    return {
        "type": "object",
        "required": ["model", "predictions"],
        "properties": {"model": {"type": "string"}, "predictions": {"type": "array", "items": one}},
    }


PREDICTIONS = _answer(_PREDICTION)
READINGS = _answer(
    {
        **_PREDICTION,
        "final_from_step": {"type": "integer", "description": "the step, from 1, after which the label did not change"},
        "steps": {
            "type": "object",
            "required": ["labels", "probabilities"],
            "properties": {
                "labels": {"type": "array", "items": {"type": "string"}, "description": "after each step"},
                "probabilities": {**_ARRAY, "description": "after each step, [steps][classes]"},
                "hidden": {**_ARRAY, "description": "the last layer's outputs, [steps][units]"},
            },
        },
    }
)
