"""`Model`: a trained network with everything that its predictions need, in memory and as one folder.

    model.safetensors      weights, preparation, the simple baselines, distances of novelty
    model.json             classes, channels, configuration, fingerprint of the data, figures
    sequences.safetensors  hashes of the training, validation and test sequences
    examples.json          a few sequences to try the model on
    README.md              the model card, for people

The folder holds no code, so that loading a stranger's model runs none.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.baselines import Baselines
from unrolled.config import HOW_TO_READ, DataConfig
from unrolled.data import (
    DatasetRecord,
    Integers,
    Sequences,
    SequencesLike,
    as_learned,
    as_sequences,
    check_channels,
    check_kind,
    cut,
    is_frame,
    plausible_range,
    refuse_values,
    step_means,
    targets_among,
    warn_if_out_of_range,
)
from unrolled.data.batches import Batcher
from unrolled.data.formats import frame_is_like, read
from unrolled.errors import UnfinishedWarning, UnsupportedError, listed, option
from unrolled.model.examples import Example
from unrolled.model.facts import ModelFacts
from unrolled.model.folder import read_model, write_model
from unrolled.model.novelty import MOST_TRAINING, MOST_VALIDATION, Novelty
from unrolled.model.stream import Stream, StreamState
from unrolled.network import (
    Network,
    all_features,
    all_logits,
    all_logits_at,
    all_outputs,
    all_prefix_logits,
    quick_answers,
)
from unrolled.nn import Answerer, Limits
from unrolled.notebook import lines, shares, titled
from unrolled.preparation import Preprocessor, late_windows, truncated
from unrolled.runtime import check_memory

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """A trained classifier of sequences.

    The command line, `SequenceClassifier`, the server, reports and evaluations all predict with it: `accept` checks and
    prepares sequences, the network reads them in float32, and `probabilities` makes probabilities of its logits.

    Attributes:
        network: the network with its weights.
        facts: everything else that is saved.
        baselines: the majority class and the logistic regression of the same training data.
        examples: a few sequences to try the model on.
        record: the training, validation and test sequences, as hashes; None where they are not known.
        novelty: by which a sequence is told that is unlike all training data; None where there were no validation
            sequences, or in folders of older versions.

    Example:
        >>> model.classes, model.channels
        (('high', 'low'), ('0', '1'))
        >>> model.predict_proba(arrays[:3]).shape  # three sequences of different lengths
        (3, 2)
    """

    network: Network
    facts: ModelFacts
    baselines: Baselines | None = None
    examples: tuple[Example, ...] = ()
    record: DatasetRecord | None = None
    novelty: Novelty | None = None

    def __repr__(self) -> str:
        """Input, output, network and accuracy, in a few lines."""
        facts, figures = self.facts, self.facts.figures
        text = facts.vocabulary is not None
        takes = f"texts, as {facts.tokens}" if text else f"sequences of {len(self.channels):,} channels"
        named = "" if text else f" ({listed(self.channels)})"
        weights = sum(parameter.numel() for parameter in self.network.parameters())
        lines = [
            f"Model: {takes}{named} → {len(self.classes):,} classes ({listed(self.classes)})",
            f"{self.network.in_words()}, {weights:,} weights; {facts.method_in_words}",
        ]
        if figures:
            low, high = 100 * figures["accuracy_low"], 100 * figures["accuracy_high"]
            right = f"{100 * figures['accuracy']:.2f} % (95 % interval {low:.2f} to {high:.2f})"
            lines.append(f"{right} of {figures['cases']:,} test sequences are right")
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        title, *described = repr(self).splitlines()
        figures, parts = self.facts.figures, [lines("\n".join(described))]
        if figures:
            parts.append(shares({"accuracy": tuple(figures[f"accuracy{end}"] for end in ("", "_low", "_high"))}))
        return titled(title, *parts)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of the probabilities."""
        return self.facts.classes

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' names, in the order of a step's values."""
        return self.facts.channels

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """The preparation of sequences before they are batched, as in the training."""
        return self.facts.preprocessor

    def predict(self, values: SequencesLike) -> npt.NDArray[np.str_]:
        """The most probable class of each sequence, by name, [N].

        Args:
            values: see `SequencesLike`. The first axis of an array counts the sequences: one sequence of T steps of one
                channel is [1, T], or a list of one array; an array [T, 1] is T sequences of one step. Where the model
                learned from bytes (pixels), bytes are scaled as in the training.
        Raises:
            MismatchError: for other channels than the model's, or missing values that it does not take.

        Example:
            >>> model.predict(arrays[:2])  # a list: lengths may differ
            array(['low', 'high'], dtype='<U4')
            >>> model.predict(np.full((1, 6, 2), -2.0))  # an array: one sequence of 6 steps of 2 channels
            array(['low'], dtype='<U4')
        """
        names: npt.NDArray[np.str_] = self._class_names[self.predict_index(values)]
        return names

    def predict_index(self, values: SequencesLike) -> Integers:
        """As `predict`, with the class as an index into ``classes``, [N]."""
        quick = self._quick_answer(values)
        if quick is not None:
            return np.array([quick[0].argmax()], np.int64)
        indices: Integers = self._answers(values).argmax(-1).numpy()
        return indices

    def predict_proba(self, values: SequencesLike) -> Probabilities:
        """The probability of each class, [N, C], in the order of ``classes``; for ``values`` see `predict`."""
        quick = self._quick_answer(values)
        return self.probabilities(self._answers(values)) if quick is None else quick[1][None]

    def familiarity(self, values: SequencesLike) -> npt.NDArray[np.float64]:
        """How much each sequence is like the training data, [N], in (0, 1]; see `Novelty`.

        The answer is the share of validation sequences that are at least as unlike the training data, so that at
        most 5 % of such sequences get a number of at most 0.05. Whoever takes every sequence with such a number for
        none of the classes makes that share of false alarms.

        Args:
            values: see `predict`.
        Raises:
            UnsupportedError: for a model that was made without validation sequences, or by an older version.

        Example:
            >>> model.familiarity([np.full((6, 2), 9.0)]).round(3)  # none of 10 validation sequences is as unlike
            array([0.091])
        """
        return self._known_novelty().familiarity(self.features(values))

    def check_novelty(self, rate: float) -> None:
        """Refuses a share of false alarms that the validation sequences are too few to show.

        Raises:
            ConfigError: naming the least one.
            UnsupportedError: as `familiarity` does.
        """
        self._known_novelty().check(rate)

    def _known_novelty(self) -> Novelty:
        if self.novelty is None:
            raise UnsupportedError(
                "this model cannot tell what is unlike its training data: it was made without validation sequences, or "
                "by an older version. Train it with validation sequences, or give it some: "
                "unrolled.learn_novelty(model, train, validation)."
            )
        return self.novelty

    def features(self, values: SequencesLike) -> npt.NDArray[np.float64]:
        """The input of the output layer for each sequence, [N, D]; for ``values`` see `predict`."""
        return all_features(self.network, self._batcher(self.accept(values))).double().numpy()

    def predict_steps(self, values: SequencesLike) -> list[Probabilities]:
        """The running probabilities, after every step, [T_i, C] for each sequence.

        Row t is what `predict_proba` gives for the first t + 1 steps. A network that does not read forward reads every
        prefix anew; `prefix_steps` gives the cost.

        Example:
            >>> beliefs = model.predict_steps(arrays[:2])
            >>> [len(belief) for belief in beliefs] == [len(array) for array in arrays[:2]]
            True
        """
        max_length, keep_steps = self.facts.max_length, self.facts.keep_steps
        whole = self.accept_uncut(values)
        begun = truncated(whole, max_length, "first")
        rows = all_prefix_logits(self.network, self._batcher(begun))
        if begun is not whole and max_length is not None:
            beyond: Sequence[int] = (whole.lengths - begun.lengths).tolist()
            if keep_steps == "first":  # later steps are not read
                late = [row[-1:].expand(count, -1) for row, count in zip(rows, beyond, strict=True)]
            else:
                room = 4 * len(whole.channels) * max_length * sum(beyond)
                check_memory(room, f"for a window of {max_length:,} steps after each of {sum(beyond):,} steps")
                late = list(all_logits(self.network, self._batcher(late_windows(whole, max_length))).split(beyond))
            rows = [torch.cat(parts) for parts in zip(rows, late, strict=True)]
        return [self.probabilities(logits) for logits in rows]

    def windows(self, recordings: SequencesLike) -> Sequences:
        """The windows of recordings, cut like those of the training; every step is in one.

        `Sequences.cut` holds where each stands. Arrays have no times: theirs count as having the steps of the training.

        Args:
            recordings: see `SequencesLike`. Windows stay as they are.
        Raises:
            UnsupportedError: for a model that was not trained on windows.
        """
        rule, sequences = self.facts.window, self._as_learned(recordings)
        if rule is None:
            raise UnsupportedError(
                "this model was trained on whole sequences, not on windows of recordings; train one with "
                f"{option('window', 256)}, or see `predict_steps`."
            )
        return sequences if sequences.cut is not None else cut(sequences, rule, to_predict=True)

    def predict_recordings(self, recordings: SequencesLike) -> list[Probabilities]:
        """The probability of each class at each step of recordings, [T_i, C]: the mean over the windows that cover it.

        Args:
            recordings: see `windows`.
        Raises:
            UnsupportedError: for a model that was not trained on windows.
        """
        windows = self.windows(recordings)
        assert windows.cut is not None  # noqa: S101
        return [means.astype(np.float32) for _, means in step_means(windows.cut, self.predict_proba(windows))]

    def prefix_steps(self, length: int) -> int:
        """Steps that the network reads for `predict_steps` of a sequence of ``length`` steps."""
        most = self.facts.max_length
        if most is None or length <= most:
            return self.network.prefix_steps(length)
        late = (length - most) * most if self.facts.keep_steps == "last" else 0  # each window is read by itself
        return self.network.prefix_steps(most) + late

    def parse(self, text: str) -> Sequences:
        """One sequence from typed text: of a model of text the text itself; otherwise see `parse_literal`.

        Raises:
            DataError: naming the mistake.
        """
        return self.preprocessor.parse(text, len(self.channels))

    def stream(
        self,
        count: int | None = None,
        state: StreamState | str | Path | None = None,
        *,
        window: int | None = None,
        reset_every: int | None = None,
    ) -> Stream:
        """A stream that reads sequences as they come, a few steps at a time; see `Stream`.

        Args:
            count: sequences that are read side by side, S; None for a single one.
            state: the state to go on from: from `Stream.state`, or the file that `Stream.save` wrote.
            window: read the last so many steps anew for each answer, with any model, so that what was before is
                forgotten; by default as many as the windows of the training had, if there were any.
            reset_every: begin anew after so many steps.
        Raises:
            UnsupportedError: for a network that does not read forward, without a window.
            MismatchError: for a state of another model or of another number of streams.

        Example:
            >>> steps = np.concatenate([arrays[0], arrays[1]])  # low, then high
            >>> model.classes[model.stream(window=5).push(steps).argmax()]
            'high'
        """
        return Stream(self, count, state, window=window, reset_every=reset_every)

    def hidden_steps(self, values: SequencesLike) -> list[npt.NDArray[np.float32]]:
        """The last layer's outputs at every step, [T_i, H] for each sequence.

        Those of a bidirectional network are [T_i, 2·H], the forward direction first, and depend on the whole sequence.
        Steps of one frame have the same outputs. Of a cut sequence, steps after the last one that is read have its
        outputs, and steps before the first have zeros.
        """
        whole = self.accept_uncut(values)
        batcher = self._batcher(self.preprocessor(whole))
        size, first = self.network.frame_steps, self.facts.keep_steps == "first"
        found = []
        for outputs, length, known in zip(
            all_outputs(self.network, batcher), whole.lengths, batcher.lengths, strict=True
        ):
            rows = np.repeat(outputs.numpy(), size, axis=0)[: int(known)]
            missing = int(length) - int(known)
            found.append(
                np.pad(rows, ((0, missing), (0, 0)), "edge") if first else np.pad(rows, ((missing, 0), (0, 0)))
            )
        return found

    def logits(self, values: SequencesLike) -> Tensor:
        """Logits, [N, C], on the CPU; `probabilities` turns them into probabilities."""
        return all_logits(self.network, self._batcher(self.accept(values)))

    def logits_at(self, values: SequencesLike, ends: Integers) -> Tensor:
        """The logits as if each sequence ended at some of its steps, [N, K, C], on the CPU.

        Args:
            values: see `predict`.
            ends: numbers of steps to read of each sequence that `accept` returns, [N, K], each in 1..length.
        """
        return all_logits_at(self.network, self._batcher(self.accept(values)), ends)

    def probabilities(self, logits: Tensor) -> Probabilities:
        """The probabilities of logits, softmax(logits / temperature), [..., C], in the order of ``classes``."""
        values: Probabilities = (logits.double() / self.facts.temperature).softmax(-1).float().cpu().numpy()
        return values

    def accept(self, values: SequencesLike) -> Sequences:
        """The values as checked `Sequences`, cut and coded as those in the training.

        Raises:
            MismatchError: for values that do not fit the model.
        """
        return self.preprocessor(self._fitting(values))

    def warn_if_out_of_range(self, accepted: Sequences) -> None:
        """Warns (`UnitWarning`) of values that are probably in another unit than those of the training.

        `predict`, `predict_proba` and evaluations call it; a server does not, since its clients would fill the log.
        """
        if self.facts.value_range is not None:
            warn_if_out_of_range(accepted, self.facts.value_range)

    @cached_property
    def _class_names(self) -> npt.NDArray[np.str_]:
        return np.array(self.classes)

    def _quick_answer(self, values: SequencesLike) -> tuple[Probabilities, Probabilities] | None:
        """The logits and probabilities of one sequence, [C] each, if it is what a server or a device sends.

        None for anything else, which `_answers` checks in full: other types, missing values, values of another unit,
        one step, more steps than are read, and networks that `quick_answers` does not know.
        """
        array = values[0] if isinstance(values, list | np.ndarray) and len(values) == 1 else None
        if type(array) is not np.ndarray or array.ndim != 2 or type(values) not in (list, np.ndarray):
            return None
        steps, channels = array.shape
        facts = self.facts
        if (
            facts.offsets is not None
            or channels != len(facts.channels)
            or steps < 2
            or steps > (facts.max_length or steps)
        ):
            return None
        answerer = self._answerer()
        return None if answerer is None else answerer(array)

    def _answerer(self) -> Answerer | None:
        known = _answerers.get(self.network)
        if known is None or known[0] is not self.facts or (known[1] is not None and not known[1].fresh):
            made = None if self.facts.vocabulary is not None else quick_answers(self.network, self._limits())
            known = _answerers[self.network] = (self.facts, made)
        return known[1]

    def _limits(self) -> Limits:
        facts = self.facts
        if facts.value_range is None or facts.value_range[0] == facts.value_range[1]:
            return Limits(facts.scale, temperature=facts.temperature)
        return Limits(facts.scale, *plausible_range(facts.value_range), facts.temperature)

    def _answers(self, values: SequencesLike) -> Tensor:
        """`logits`, with a warning of another unit."""
        accepted = self.accept(values)
        self.warn_if_out_of_range(accepted)
        return all_logits(self.network, self._batcher(accepted))

    def _batcher(self, accepted: Sequences) -> Batcher:
        return Batcher(accepted, self.network.output.weight.device)

    def accept_uncut(self, values: SequencesLike) -> Sequences:
        """As `accept`, with all steps."""
        return replace(self.preprocessor, max_length=None)(self._fitting(values))

    def _fitting(self, values: SequencesLike) -> Sequences:
        """The values as `Sequences`, checked and not yet prepared."""
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
        return targets_among(sequences, self.classes)

    def save(self, path: str | Path) -> Path:
        """Writes the model folder in one step and replaces a former one.

        Raises:
            StorageError: if it cannot be written.

        Example:
            >>> unrolled.load(model.save("copy")).classes
            ('high', 'low')
        """
        write_model(Path(path), (self.network, self.facts, self.baselines, self.examples, self.record, self.novelty))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Reads a model folder, or the model of a run folder; of an unfinished run, with a warning, its best one.

        Raises:
            ModelFolderError: for a folder that is missing, damaged, or newer than this package.
        """
        model = cls(*read_model(Path(path)))
        ended = model.facts.training.get("ended") or {}
        if ended.get("reason") == "unfinished":
            warnings.warn(f"{path}: the training {ended.get('words')}.", UnfinishedWarning, 2)
        return model

    def to(self, device: torch.device | str) -> Model:
        """The same model, computing on another device."""
        return replace(self, network=self.network.to(device))

    def _as_learned(self, values: SequencesLike) -> Sequences:
        """Texts as tokens where the model learned from text; channels and bytes as in the training."""
        if is_frame(values) and frame_is_like(values, self.facts.reading or {}):
            return self.read(values)
        if self.facts.vocabulary is not None and not isinstance(values, Sequences):
            return self.preprocessor.from_texts(values)
        return as_learned(as_sequences(values), self.facts)

    def read(self, data: Any, *, labels_needed: bool = False) -> Sequences:
        """The sequences in a file or a data frame, read as those of the training were.

        Args:
            data: a path, or a data frame.
            labels_needed: whether each sequence needs a label.
        Raises:
            ReadError: as for `unrolled.read`.

        Example:
            >>> np.savetxt("new.csv", [[0.1, 0.3, 0.5], [0.9, 0.2, 0.1]], delimiter=",")
            >>> model.read("new.csv").lengths.tolist()
            [3, 3]
        """
        recorded = self.facts.data.get("options", {})
        config = DataConfig(**{name: recorded[name] for name in HOW_TO_READ if recorded.get(name) is not None})
        found = read(data, config, labels_needed=labels_needed, like=self.facts.reading)
        return as_learned(found, self.facts)


def learn_novelty(model: Model, train: Sequences, validation: Sequences) -> Model:
    """The model with what tells it that a sequence is unlike all training data; `train` does this already.

    Args:
        model: a trained model.
        train: its training sequences, with labels.
        validation: sequences like those that it will get, which it was not trained on.

    Example:
        >>> again = unrolled.learn_novelty(model, dataset.train, dataset.validation)
        >>> bool((again.familiarity(arrays) == model.familiarity(arrays)).all())
        True
    """
    train, validation = _some(train, MOST_TRAINING), _some(validation, MOST_VALIDATION)
    return replace(
        model,
        novelty=Novelty.learn(
            model.features(train), model.targets(train), len(model.classes), model.features(validation)
        ),
    )


def _some(sequences: Sequences, most: int) -> Sequences:
    """The sequences, of more than ``most`` a random choice."""
    if len(sequences) <= most:
        return sequences
    return sequences.take(np.sort(np.random.default_rng(0).choice(len(sequences), most, replace=False)))


_answerers: WeakKeyDictionary[Network, tuple[ModelFacts, Answerer | None]] = WeakKeyDictionary()
"""Quick answers of each network, and the facts that they were made for."""


def load(path: str | Path) -> Model:
    """Reads a model folder, or the model of a run folder; of an unfinished run, with a warning, the best one so far.

    No file in it is code and nothing is unpickled: loading a stranger's folder runs nothing of theirs.

    Args:
        path: the model's folder, or the run's.
    Returns:
        The model, on the CPU.
    Raises:
        ModelFolderError: if there is none, or it is damaged, or newer than this package.

    Example:
        >>> model = unrolled.load("runs/levels/1")
        >>> model.predict(arrays[:2])
        array(['low', 'high'], dtype='<U4')
    """
    return Model.load(path)
