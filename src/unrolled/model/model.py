"""`Model`: a trained network with all that its answers need, in memory and as one folder.

    model.safetensors      weights, preparation, the simple baselines
    model.json             classes, channels, configuration, data's fingerprint, figures
    sequences.safetensors  which sequences were trained on, held out for validation and for the test: a hash of each
    examples.json          a few sequences to try it on
    README.md              the model card, for people

Nothing in the folder is code: loading a stranger's model runs nothing of theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unrolled.baselines import Baselines, Features
from unrolled.config import KeptSteps, ModelConfig, TokenKind
from unrolled.data import (
    DatasetRecord,
    Integers,
    Sequences,
    SequencesLike,
    as_sequences,
    check_channels,
    check_kind,
    doubt_unit,
    from_texts,
    parse_literal,
    refuse_values,
)
from unrolled.data.batches import Batcher
from unrolled.errors import ConfigError, MismatchError, ModelFolderError
from unrolled.model.card import write_card
from unrolled.model.examples import Example, dump_examples, parse_examples
from unrolled.model.stream import Stream, StreamState
from unrolled.network import Network, all_logits, all_outputs, all_prefix_logits
from unrolled.preparation import Intake, late_windows, truncated
from unrolled.storage import former_folder, replace_folder
from unrolled.version import VERSION

FORMAT_VERSION = 6
"""2: the network prepares its input in more ways than one, and may read text. 3: the range of the training values
is recorded. 4: segments past the recurrence, eight statistics. 5: steps with their neighbours.
6: the sequences of the training are recorded. Older ones are still
read, but for networks that pool the four statistics of before 4."""

Probabilities = npt.NDArray[np.float32]


class BaselineFacts(BaseModel):
    """What is not a tensor of `Baselines`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    majority: int
    features: Features
    length: int
    cases: int


class ModelFacts(BaseModel):
    """What ``model.json`` holds.

    Attributes:
        format_version: of the folder.
        unrolled: the version of the package that wrote it.
        classes: names, in the order of the probabilities.
        channels: names, in the order of a step's values.
        scale: what one unit of bytes is worth; see `Sequences`.
        value_range: least and largest value of the training data; None for text, or where it was not recorded.
        pictures: whether the sequences are pictures, read row by row.
        vocabulary: of text, the tokens that training knew, in the order of their codes from 1; None for numbers.
        tokens: of text, what a token is.
        max_length: steps that are read of a longer sequence; None for all.
        keep_steps: which ones.
        model: the network's configuration.
        data: source, options and fingerprint of the training data.
        training: length and settings of the training.
        figures: what the evaluation after training gave.
        temperature: what logits are divided by before they become probabilities.
        baseline: of the simple classifiers, what is not a tensor.
        weights_sha256: of ``model.safetensors``.
        examples_sha256: of ``examples.json``; empty where there is none.
        sequences_sha256: of ``sequences.safetensors``; empty where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format_version: int = FORMAT_VERSION
    unrolled: str = VERSION
    classes: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    scale: float = 1.0
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
        """Whether the output layer was fitted in closed form and nothing else learned, or all weights by gradients."""
        recorded: Literal["fitted", "trained"] | None = self.training.get("method")
        if recorded is not None:
            return recorded
        # version 0.1.0 recorded only what it follows from
        keeps_best = self.training.get("config", {}).get("keep") == "best"
        begins = not self.training.get("goes_on") and self.training.get("best_epoch") == 0
        return "fitted" if self.model.output_initializer == "ridge" and keeps_best and begins else "trained"

    @property
    def method_in_words(self) -> str:
        """The same for a person, as part of a sentence."""
        if self.method == "fitted":
            return "its recurrence untrained, its output layer fitted in closed form (ridge regression)"
        return "trained by gradients"

    @property
    def intake(self) -> Intake:
        """What becomes of sequences before they are batched, as in the training."""
        return Intake(self.max_length, self.keep_steps, self.vocabulary)


@dataclass(frozen=True)
class Model:
    """A trained classifier of sequences.

    Attributes:
        network: the weights.
        facts: everything else that is saved.
        baselines: the majority class and the logistic regression of the same training data.
        examples: a few sequences to try it on.
        record: which sequences were trained on and held out; None where that is not known.
    """

    network: Network
    facts: ModelFacts
    baselines: Baselines | None = None
    examples: tuple[Example, ...] = ()
    record: DatasetRecord | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of the probabilities."""
        return self.facts.classes

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' names, in the order of a step's values."""
        return self.facts.channels

    def predict(self, values: SequencesLike) -> npt.NDArray[np.str_]:
        """The most probable class of each sequence, by name, [N].

        Args:
            values: see `SequencesLike`. Bytes are taken for stored units where the model learned
                from bytes (pixels); anything else is taken as it is.
        Raises:
            MismatchError: for other channels than the model's, or missing values.
        """
        names: npt.NDArray[np.str_] = np.array(self.classes)[self._answers(values).argmax(-1).numpy()]
        return names

    def predict_proba(self, values: SequencesLike) -> Probabilities:
        """The probability of each class, [N, C], in the order of ``classes``."""
        return self.probabilities(self._answers(values))

    def predict_steps(self, values: SequencesLike) -> list[Probabilities]:
        """The probabilities after every step, [T_i, C] for each sequence: the belief as it is read.

        Row t is what `predict_proba` gives for the first t + 1 steps. `prefix_steps` says what that costs: a network
        that does not read forward reads every prefix anew.
        """
        intake, device = self.facts.intake, self.network.output.weight.device
        whole = replace(intake, max_length=None)(self._fitting(values))
        begun = truncated(whole, intake.max_length, "first")
        rows = all_prefix_logits(self.network, Batcher(begun, device))
        if begun is not whole and intake.max_length is not None:
            beyond: Sequence[int] = (whole.lengths - begun.lengths).tolist()
            if intake.keep_steps == "first":  # nothing that comes later is read
                late = [row[-1:].expand(count, -1) for row, count in zip(rows, beyond, strict=True)]
            else:
                windows = late_windows(whole, intake.max_length)
                late = list(all_logits(self.network, Batcher(windows, device)).split(beyond))
            rows = [torch.cat(parts) for parts in zip(rows, late, strict=True)]
        return [self.probabilities(logits) for logits in rows]

    def prefix_steps(self, length: int) -> int:
        """Steps that the network reads for `predict_steps` of a sequence of so many steps."""
        most = self.facts.max_length
        if most is None or length <= most:
            return self.network.prefix_steps(length)
        late = (length - most) * most if self.facts.keep_steps == "last" else 0  # each window is read by itself
        return self.network.prefix_steps(most) + late

    def parse(self, text: str) -> Sequences:
        """One sequence from how a person types it: of text, the text itself; otherwise see `parse_literal`.

        Raises:
            DataError: naming what is wrong in it.
        """
        if self.facts.vocabulary is not None:
            return from_texts([text], self.facts.tokens, self.facts.vocabulary)
        return parse_literal(text, len(self.channels))

    def stream(self, count: int | None = None, state: StreamState | str | Path | None = None) -> Stream:
        """Reads sequences as they come, a few steps at a time; see `Stream`.

        Args:
            count: sequences that are read side by side, S; None for a single one.
            state: what `Stream.state` gave, or the file that `Stream.save` wrote: goes on from there.
        Raises:
            UnsupportedError: for a network that has to see a sequence's end before its beginning.
            MismatchError: for a state of another model or of another number of streams.
        """
        return Stream(self, count, state)

    def hidden_steps(self, values: SequencesLike) -> list[npt.NDArray[np.float32]]:
        """The last layer's outputs at every step, [T_i, H] for each sequence: what the network keeps in mind.

        A bidirectional network's are [T_i, 2·H], the backward direction's behind, and each step's
        depend on the whole sequence. Steps that are read as one have the same; of a sequence that is cut, later
        steps have the last that was read, and earlier ones have zeros.
        """
        whole = replace(self.facts.intake, max_length=None)(self._fitting(values))
        batcher = Batcher(self.accept(whole), self.network.output.weight.device)
        size, first = self.network.frame_steps, self.facts.keep_steps == "first"
        found = []
        for outputs, length, read in zip(
            all_outputs(self.network, batcher), whole.lengths, batcher.lengths, strict=True
        ):
            rows = np.repeat(outputs.numpy(), size, axis=0)[: int(read)]
            missing = int(length) - int(read)
            found.append(
                np.pad(rows, ((0, missing), (0, 0)), "edge") if first else np.pad(rows, ((missing, 0), (0, 0)))
            )
        return found

    def logits(self, values: SequencesLike) -> Tensor:
        """Logits, [N, C], on the CPU; the probabilities are those of logits / temperature."""
        return self._logits(self.accept(values))

    def _logits(self, accepted: Sequences) -> Tensor:
        return all_logits(self.network, Batcher(accepted, self.network.output.weight.device))

    def _answers(self, values: SequencesLike) -> Tensor:
        """`logits` for a person, who is warned of another unit."""
        accepted = self.accept(values)
        self.doubt(accepted)
        return self._logits(accepted)

    def probabilities(self, logits: Tensor) -> Probabilities:
        """The probabilities that logits mean, [..., C], in the order of ``classes``."""
        values: Probabilities = (logits.double() / self.facts.temperature).softmax(-1).float().cpu().numpy()
        return values

    def accept(self, values: SequencesLike) -> Sequences:
        """The values as `Sequences` that fit this model, cut and coded as those it learned from.

        Raises:
            MismatchError: saying what does not fit.
        """
        return self.facts.intake(self._fitting(values))

    def doubt(self, accepted: Sequences) -> None:
        """Warns (`UnitWarning`) of values that are probably in another unit than those of the training.

        `predict`, `predict_proba` and evaluations do; a server does not, since its clients would fill its log.
        """
        if self.facts.value_range is not None:
            doubt_unit(accepted, self.facts.value_range)

    def _fitting(self, values: SequencesLike) -> Sequences:
        """The values as `Sequences`, checked, otherwise as they are."""
        sequences = self._as_learned(values)
        check_kind(sequences, self.facts.vocabulary is not None, "given")
        if self.facts.vocabulary is None:
            check_channels(sequences, self.channels)
            refuse_values(sequences, "given", self.facts.model.missing)
        return sequences

    def targets(self, sequences: Sequences) -> Integers:
        """The labels of sequences as indices of this model's classes, [N].

        Raises:
            MismatchError: for a label that the model does not know.
        """
        positions = {name: index for index, name in enumerate(self.classes)}
        used = np.flatnonzero(sequences.class_counts())
        unknown = [sequences.classes[index] for index in used if sequences.classes[index] not in positions]
        if unknown:
            raise MismatchError(
                f"the data have the label {unknown[0]!r}, which the model does not know; it was trained on "
                f"{', '.join(self.classes)}. Remove those sequences, or train with them."
            )
        table = np.array([positions.get(name, -1) for name in sequences.classes], np.int64)
        mapped: Integers = table[sequences.targets]
        return mapped

    def save(self, path: str | Path) -> Path:
        """Writes the model folder, in one step; what was there before is replaced.

        Raises:
            StorageError: if it cannot be written.
        """
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        facts = self.facts
        if self.baselines is not None:
            tensors |= _baseline_tensors(self.baselines)
            facts = facts.model_copy(update={"baseline": _baseline_facts(self.baselines)})
        weights = save_tensors(tensors)
        examples = {"examples.json": dump_examples(self.examples)} if self.examples else {}
        record = {} if self.record is None else {_RECORD: save_arrays(self.record.arrays())}
        sums = {
            "weights_sha256": _digest(weights),
            "examples_sha256": _digest(*examples.values()),
            "sequences_sha256": _digest(*record.values()),
        }
        facts = facts.model_copy(update={"format_version": FORMAT_VERSION, **sums})
        content = facts.model_dump(mode="json")
        text = json.dumps(content | {"facts_sha256": _facts_digest(content)}, indent=2, ensure_ascii=False)
        files = {
            "model.safetensors": weights,
            "model.json": text.encode(),
            **examples,
            **record,
            "README.md": write_card(facts.model_dump(), self.network.in_words(), facts.method_in_words).encode(),
        }
        replace_folder(Path(path), files)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Reads a model folder, or the model of a run folder.

        Raises:
            ModelFolderError: if there is none, or it is damaged, or newer than this package.
        """
        folder = find_model(Path(path))
        facts = _read_facts(folder / "model.json")
        try:
            content = (folder / "model.safetensors").read_bytes()
        except OSError as error:
            raise _unreadable(folder / "model.safetensors", error) from None
        if _digest(content) != facts.weights_sha256:
            raise ModelFolderError(
                f"{folder / 'model.safetensors'} is cut short or damaged: its checksum is not the one in model.json. "
                "Copy the folder anew."
            )
        try:
            tensors = load_tensors(content)
            baselines = _baselines(facts.baseline, tensors)
            network = restore_network(facts, {k: v for k, v in tensors.items() if not k.startswith(_BASELINE)})
        except (SafetensorError, RuntimeError, KeyError, ConfigError) as error:
            raise ModelFolderError(f"{folder}: weights and model.json do not belong together: {error}") from None
        return cls(network, facts, baselines, _read_examples(folder, facts), _read_record(folder, facts))

    def to(self, device: torch.device | str) -> Model:
        """The same model, computing on another device."""
        return replace(self, network=self.network.to(device))

    def _as_learned(self, values: SequencesLike | Iterator[Any]) -> Sequences:
        """Texts as tokens where the model learned from text; bytes as stored units where it learned from bytes."""
        if isinstance(values, Iterator):
            values = list(values)  # it is looked at twice
        if self.facts.vocabulary is not None and not isinstance(values, Sequences):
            return from_texts(values, self.facts.tokens, self.facts.vocabulary)
        sequences = as_sequences(values)
        if self.facts.scale != 1.0 and _are_bytes(values):
            return replace(sequences, scale=self.facts.scale)
        return sequences


def restore_network(facts: ModelFacts, weights: dict[str, Tensor]) -> Network:
    """The network that a model's facts describe, with these weights, which are not copied.

    Raises:
        RuntimeError: for weights of other names or shapes.
    """
    symbols = None if facts.vocabulary is None else len(facts.vocabulary) + 1
    with torch.device("meta"):  # sizes are checked before memory is taken for them
        network = Network(facts.model, len(facts.channels), len(facts.classes), seed=None, symbols=symbols)
    network.load_state_dict(weights, assign=True)
    return network.eval()


def find_model(path: Path) -> Path:
    """The model folder that a path means: itself, or a run's; the former one where a kill amid saving left no other.

    Raises:
        ModelFolderError: with what is there instead.
    """
    folders = (path, path / "model")
    for folder in (*folders, *map(former_folder, folders)):
        try:
            if (folder / "model.json").is_file():
                return folder
        except PermissionError as error:
            raise _unreadable(folder / "model.json", error) from None
    if not path.exists():
        raise ModelFolderError(f"{path}: there is no such folder; expected a model folder or a run folder.")
    if (path / "checkpoints").is_dir():
        raise ModelFolderError(
            f"{path}: this run is not finished and has no model yet; go on with `unrolled train --resume {path}`."
        )
    raise ModelFolderError(f"{path}: neither a model folder (with model.json) nor a run folder (with model/).")


def _read_facts(path: Path) -> ModelFacts:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format_version"]
        if isinstance(version, int | float) and version > FORMAT_VERSION:
            raise ModelFolderError(
                f"{path}: the folder's format version is {version}, this package reads up to {FORMAT_VERSION}; "
                "update unrolled (`python -m pip install --upgrade unrolled`)."
            )
        digest = content.pop("facts_sha256", None)
        if digest not in (None, _facts_digest(content)):  # None: a model that was saved before there was one
            raise ModelFolderError(f"{path} is damaged or was changed: its checksum differs. Copy the folder anew.")
        return ModelFacts.model_validate(content)
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFolderError(f"{path} is damaged or not a model's: {_cause(error)}. Copy the folder anew.") from None


def _read_examples(folder: Path, facts: ModelFacts) -> tuple[Example, ...]:
    path = folder / "examples.json"
    if not facts.examples_sha256:
        return ()
    try:
        content = path.read_bytes()
        if _digest(content) != facts.examples_sha256:
            raise ValueError("its checksum is not the one in model.json")
        return parse_examples(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}. Copy the folder anew.") from None


def _read_record(folder: Path, facts: ModelFacts) -> DatasetRecord | None:
    path = folder / _RECORD
    if not facts.sequences_sha256:
        return None
    try:
        content = path.read_bytes()
        if _digest(content) != facts.sequences_sha256:
            raise ValueError("its checksum is not the one in model.json")
        return DatasetRecord.from_arrays(load_arrays(content))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}. Copy the folder anew.") from None


def _digest(*contents: bytes) -> str:
    """SHA-256 of a file's content; empty for no file."""
    return hashlib.sha256(contents[0]).hexdigest() if contents else ""


def _facts_digest(content: dict[str, Any]) -> str:
    """SHA-256 of what a ``model.json`` holds besides this."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unreadable(path: Path, error: OSError) -> ModelFolderError:
    """The error for a file that the system does not give."""
    if isinstance(error, PermissionError):
        return ModelFolderError(f"{path}: no permission to read it. Change its permissions, or those of its folder.")
    return ModelFolderError(f"{path}: {error.strerror or error}; copy the whole folder.")


def _cause(error: Exception) -> str:
    """What was wrong with a ``model.json``, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _are_bytes(values: SequencesLike) -> bool:
    """Whether plain arrays hold bytes; `Sequences` know their own scale."""
    if isinstance(values, Sequences):
        return False
    parts = [values] if isinstance(values, np.ndarray) else list(values)
    return all(isinstance(part, np.ndarray) and part.dtype == np.uint8 for part in parts)


_RECORD = "sequences.safetensors"
_BASELINE = "baseline/"
_BASELINE_ARRAYS = ("mean", "deviation", "weights", "bias")


def _baseline_tensors(baselines: Baselines) -> dict[str, Tensor]:
    return {f"{_BASELINE}{name}": torch.from_numpy(getattr(baselines, name)) for name in _BASELINE_ARRAYS}


def _baseline_facts(baselines: Baselines) -> BaselineFacts:
    return BaselineFacts(**{name: getattr(baselines, name) for name in BaselineFacts.model_fields})


def _baselines(facts: BaselineFacts | None, tensors: dict[str, Tensor]) -> Baselines | None:
    if facts is None:
        return None
    mean, deviation, weights, bias = (tensors[f"{_BASELINE}{name}"].numpy() for name in _BASELINE_ARRAYS)
    return Baselines(facts.majority, facts.features, facts.length, facts.cases, mean, deviation, weights, bias)


def load(path: str | Path) -> Model:
    """Reads a model folder, or the model of a run folder; see `Model.load`."""
    return Model.load(path)
