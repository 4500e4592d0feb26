"""`ModelFacts`: the facts of a model beside its weights, which ``model.json`` holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unrolled.baselines import Features
from unrolled.config import KeptSteps, ModelConfig, TokenKind
from unrolled.data import Sequences, WindowRule, value_range
from unrolled.data.formats import picture_facts
from unrolled.preparation import Preprocessor
from unrolled.version import VERSION

FORMAT_VERSION = 7
"""2: several kinds of preparation, text. 3: the range of the training values. 4: segment means, eight statistics.
5: context. 6: a record of the sequences. 7: several regressions among the baselines. Older folders are still read,
except networks that pool the four statistics of versions before 4."""


class RegressionFacts(BaseModel):
    """The fields of a logistic regression that are not tensors.

    Example:
        >>> unrolled.load("runs/levels/1").facts.baseline.regressions[0].cases  # training sequences
        40
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    features: Features
    length: int
    cases: int


class BaselineFacts(RegressionFacts):
    """The fields of `Baselines` that are not tensors; its own features are those of the first regression.

    Example:
        >>> unrolled.load("runs/levels/1").facts.baseline.features  # what the first logistic regression sees
        'bands'
    """

    majority: int
    others: tuple[RegressionFacts, ...] = ()

    @property
    def regressions(self) -> tuple[RegressionFacts, ...]:
        """The fields of every regression."""
        return (self, *self.others)


class ModelFacts(BaseModel):
    """The content of ``model.json``.

    Attributes:
        format_version: of the folder.
        unrolled: the version of the package that wrote it.
        classes: names, in the order of the probabilities.
        channels: names, in the order of a step's values.
        scale: the value of one unit of bytes; see `Sequences`.
        offsets: what is taken off each channel in double precision, in the order of the channels; None for nothing.
        value_range: least and largest value of the training data; None for text, or where it is not recorded.
        pictures: whether the sequences are pictures, read row by row.
        vocabulary: of text, the tokens of the training data, in the order of their codes from 1; None for numbers.
        tokens: of text, the kind of token.
        max_length: steps that are read of a longer sequence; None for all.
        keep_steps: whether these are the first or the last.
        model: the network's configuration.
        data: source, options and fingerprint of the training data.
        training: length and settings of the training.
        figures: of the evaluation after the training.
        temperature: the divisor of the logits before the softmax.
        baseline: the fields of the baselines that are not tensors.
        weights_sha256: of ``model.safetensors``.
        examples_sha256: of ``examples.json``; empty where there is none.
        sequences_sha256: of ``sequences.safetensors``; empty where there is none.

    Example:
        >>> model.facts.method, model.facts.model.hidden_size, model.facts.temperature
        ('trained', 8, 1.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format_version: int = FORMAT_VERSION
    unrolled: str = VERSION
    classes: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    scale: float = 1.0
    offsets: tuple[float, ...] | None = None
    value_range: tuple[float, float] | None = None
    pictures: bool = False
    vocabulary: tuple[str, ...] | None = None
    tokens: TokenKind = "characters"
    max_length: int | None = None
    keep_steps: KeptSteps = "first"
    model: ModelConfig
    data: dict[str, Any] = {}
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    temperature: float = Field(default=1.0, gt=0)
    baseline: BaselineFacts | None = None
    weights_sha256: str = ""
    examples_sha256: str = ""
    sequences_sha256: str = ""

    @property
    def method(self) -> Literal["fitted", "trained"]:
        """``fitted`` if only the output layer was learned, in closed form; ``trained`` if all were, by gradients."""
        recorded: Literal["fitted", "trained"] | None = self.training.get("method")
        if recorded is not None:
            return recorded
        # version 0.1.0 did not record the method; it follows from these fields
        keeps_best = self.training.get("config", {}).get("keep") == "best"
        begins = not self.training.get("goes_on") and self.training.get("best_epoch") == 0
        return "fitted" if self.model.output_initializer == "ridge" and keeps_best and begins else "trained"

    @property
    def method_in_words(self) -> str:
        """`method` as part of a sentence."""
        if self.method == "fitted":
            return "its recurrence untrained, its output layer fitted in closed form (ridge regression)"
        return "trained by gradients"

    @property
    def reading(self) -> dict[str, Any]:
        """What was found out about the training file, like which later files are read; see `Sequences`."""
        found: dict[str, Any] = self.data.get("reading", {})
        return found if self.vocabulary is None else {**found, "tokens": self.tokens}

    @property
    def window(self) -> WindowRule | None:
        """How the recordings of the training were cut into windows; None for whole sequences."""
        found: dict[str, Any] | None = self.reading.get("window")
        return None if found is None else WindowRule(**found)

    @property
    def preprocessor(self) -> Preprocessor:
        """The preparation of sequences before they are batched, as in the training."""
        return Preprocessor(self.max_length, self.keep_steps, self.vocabulary, self.tokens)


def learned_facts(
    train: Sequences, preprocessor: Preprocessor, model: ModelConfig, *, data: dict[str, Any], training: dict[str, Any]
) -> ModelFacts:
    """The facts of a trained model; its figures, temperature and baselines come later.

    Args:
        train: the training sequences, before or after preprocessing.
        preprocessor: their preprocessing.
        model: the network's configuration.
        data, training: see `ModelFacts`.
    """
    found = {**(train.reading or {}), **picture_facts(train)}
    reading = {"reading": found} if found else {}
    return ModelFacts(
        classes=train.classes,
        channels=train.channels,
        scale=train.scale,
        offsets=None if train.offsets is None else tuple(train.offsets.tolist()),
        value_range=None if train.symbols is not None else value_range(train),
        pictures=train.pictures,
        **asdict(preprocessor),
        model=model,
        data={**data, **reading},
        training=training,
    )
