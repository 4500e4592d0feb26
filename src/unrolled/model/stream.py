"""`Stream`: reads sequences as they come; see `unrolled.model.memory` for what it keeps between two steps."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.data.batches import Batcher
from unrolled.errors import DataError, LengthError, MismatchError, ReadError, UnsupportedError, option
from unrolled.model.memory import LastSteps, Memory, NetworkState
from unrolled.network import quick_steps
from unrolled.nn import Answerer, Limits, Obstacle
from unrolled.storage import write_bytes, write_json

if TYPE_CHECKING:
    from unrolled.model.model import Model, Probabilities

StreamState = Mapping[str, npt.ArrayLike]
"""The state of a stream, by name: ``steps`` [S], ``model`` (the SHA-256 of the weights, of a saved model), and the
states of the network's parts, each [S, ·]. Arrays, or lists as JSON has them."""


@dataclass(frozen=True)
class Decision:
    """The decision about a sequence, and its time.

    Attributes:
        label: the most probable class.
        probabilities: of each class, [C].
        steps: number of steps that had been read.
        confident: whether the confidence was reached before the steps ended.

    Example:
        >>> decision = model.stream().decide_when(arrays[0], confidence=0.6, at_least=3)
        >>> decision.label, decision.confident
        ('low', True)
    """

    label: str
    probabilities: Probabilities
    steps: int
    confident: bool


class Stream:
    """One sequence, or several side by side, read a few steps at a time.

    However the steps are divided among pushes, the probabilities are those of a prediction from all steps at once. A
    model that was trained on windows, or on the last steps of sequences, reads the last so many steps anew for each
    answer, and so follows a stream that never ends. Any other model keeps the state of its network, which is that of
    everything since the start; it can be told to read windows too, or to begin anew every so many steps.

    Of text, a push is a piece: whitespace at its ends is read where the model learned whitespace, since more may
    follow.

    Args:
        model: the trained model.
        count: sequences side by side, S; None for a single one, whose arrays have no axis for them.
        state: the state to go on from: from `state`, or the file that `save` wrote; by default no step has been read.
        window: steps of a sliding window; by default those of the model, and for other models none.
        reset_every: begin anew after so many steps, for a model without a window.
    Raises:
        UnsupportedError: for a network that does not read forward, without a window.
        MismatchError: for a state that does not fit.

    Example:
        >>> stream = model.stream()
        >>> for step in arrays[0]:
        ...     belief = stream.push(step)  # [C], after every step
        >>> bool(np.abs(belief - model.predict_proba(arrays[:1])[0]).max() < 1e-6)
        True
    """

    def __init__(
        self,
        model: Model,
        count: int | None = None,
        state: StreamState | str | Path | None = None,
        *,
        window: int | None = None,
        reset_every: int | None = None,
    ) -> None:
        window = window if window is not None else own_window(model)
        if window is None:
            check_streams_are_possible(model)
        for name, number in (("streams", count), ("steps of a window", window), ("steps between resets", reset_every)):
            if number is not None and number < 1:
                raise DataError(f"found {number} {name}; expected at least 1.")
        self.model, self.count, self.window = model, count, window
        self._rows = 1 if count is None else count
        self._memory: Memory = (
            NetworkState(model.network, self._rows)
            if window is None
            else LastSteps(model.network, self._rows, len(model.channels), window)
        )
        self._steps = np.zeros(self._rows, np.int64)
        self._reset_every = reset_every
        self._quick: tuple[dict[str, Tensor], Answerer | None] | None = None
        if state is not None:
            self._restore(read_state(Path(state)) if isinstance(state, str | Path) else state)

    def reset(self, *streams: int) -> None:
        """Begins new sequences; of several streams those with these numbers, by default all."""
        rows = list(streams) or slice(None)
        self._forget(rows)
        self._steps[rows] = 0
        self._quick = None

    def _forget(self, rows: list[int] | slice) -> None:
        """Puts some streams' memories back to their beginning."""
        for name, value in self._memory.fresh().items():
            carried = self._memory.state[name].clone()
            carried[rows] = value[rows]
            self._memory.state[name] = carried

    def cost(self, steps: int) -> int:
        """Steps that the network reads for a push of so many."""
        return self._memory.cost(steps)

    @property
    def steps(self) -> int | npt.NDArray[np.int64]:
        """Steps read so far; of several streams [S]."""
        return int(self._steps[0]) if self.count is None else self._steps.copy()

    def push(self, steps: npt.ArrayLike) -> Probabilities:
        """Reads further steps.

        Args:
            steps: [n, F], or [S, n, F] for S streams. A single step may come as [F] or [S, F], and the steps
                of a model of one channel as [n] or [S, n]. Of text, a text or a list of its next tokens, or S of
                them, each with as many tokens.
        Returns:
            The probability of each class after the last of them, [C], or [S, C].
        Raises:
            DataError: for other shapes, no steps, or values that the model does not take; the state stays as it was.
        """
        found = self._quick_step(steps)
        return self._answers(steps, each=False)[..., -1, :] if found is None else found

    def _quick_step(self, steps: npt.ArrayLike) -> Probabilities | None:
        """As `push`, of a single step of numbers, if the network is one of `quick_steps`; else None."""
        if self.count is not None or type(steps) is not np.ndarray or steps.shape != (len(self.model.channels),):
            return None
        answerer = None if self.window is not None or self._reset_every is not None else self._answerer()
        found = None if answerer is None else answerer(steps[None])
        if found is None:
            return None
        self._steps += 1
        return found[1]

    def _answerer(self) -> Answerer | None:
        """Quick answers that read into the present state, which a longer push replaces."""
        known, state = self._quick, self._memory.state
        if known is None or known[0] is not state or (known[1] is not None and not known[1].fresh):
            facts = self.model.facts
            limits = Limits(facts.scale, temperature=facts.temperature)
            numbers = facts.vocabulary is None and facts.offsets is None
            made = quick_steps(self.model.network, limits, state) if numbers else None
            known = self._quick = state, made
        return known[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_quick": None}

    def push_each(self, steps: npt.ArrayLike) -> Probabilities:
        """As `push`, with the probabilities after each of the steps, [n, C], or [S, n, C]."""
        return self._answers(steps, each=True)

    def _answers(self, steps: npt.ArrayLike, *, each: bool) -> Probabilities:
        inputs = self._inputs(steps)
        with torch.inference_mode():
            logits = torch.cat(list(self._read(inputs, each=each)), 1)
        probabilities = self.model.probabilities(logits)  # [S, n, C]
        return probabilities[0] if self.count is None else probabilities

    def _read(self, inputs: Tensor, *, each: bool) -> Iterator[Tensor]:
        """The logits after steps, in parts between which a stream may begin anew."""
        done, new = 0, inputs.shape[1]
        while done < new:
            upto = new
            if self._reset_every is not None:
                since = self._steps % self._reset_every
                if full := np.flatnonzero(since == 0).tolist():
                    self._forget(full)
                upto = min(new, done + int((self._reset_every - since).min()))
            yield self._memory.read(inputs[:, done:upto], each=each)
            self._steps += upto - done
            done = upto

    def decide_when(
        self, steps: Iterable[npt.ArrayLike], confidence: float = 0.95, at_least: int = 5
    ) -> Decision | list[Decision]:
        """Reads one step after another until the most probable class is probable enough.

        Nothing is read from ``steps`` after the decision. Several streams are read until each has decided; the first
        decision of each stream counts.

        Args:
            steps: one step at a time, [F], or [S, F]; of text, a token, or S tokens.
            confidence: the probability that suffices, in 0..1.
            at_least: steps of the sequence that must have been read first.
        Returns:
            The decision, or one for each stream; where the steps end first, the most probable class at the end.
        Raises:
            LengthError: if there is no step.
            DataError: for a confidence outside 0..1, or steps that `push` refuses.

        Example:
            >>> decision = model.stream().decide_when(arrays[1], confidence=0.6, at_least=3)
            >>> decision.label, decision.steps < len(arrays[1])
            ('high', True)
        """
        decided: dict[int, Decision] = {}
        running: Probabilities | None = None
        for step in steps:
            running = self.push(self._single(step)).reshape(self._rows, -1)
            for row, probabilities in enumerate(running):
                if row not in decided and decides(probabilities, int(self._steps[row]), confidence, at_least):
                    decided[row] = self._decision(running, row, confident=True)
            if len(decided) == self._rows:
                break
        if running is None:
            raise LengthError("there are no steps to decide upon; expected at least one.")
        found = [decided.get(row) or self._decision(running, row, confident=False) for row in range(self._rows)]
        return found[0] if self.count is None else found

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The state as arrays by name, from which `Model.stream` goes on; see `StreamState`."""
        arrays = {name: value.cpu().numpy().copy() for name, value in self._memory.state.items()}
        return {"model": np.array(self.model.facts.weights_sha256), "steps": self._steps.copy(), **arrays}

    def save(self, path: str | Path) -> Path:
        """Writes `state` to a file: ``.npz``, or ``.json`` for other languages; neither holds a pickle.

        Raises:
            StorageError: if it cannot be written.

        Example:
            >>> stream = model.stream()
            >>> belief = stream.push(arrays[0][:3])
            >>> later = model.stream(state=stream.save("state.json"))
            >>> later.steps
            3
        """
        path = Path(path)
        if path.suffix == ".json":
            write_json(path, {name: value.tolist() for name, value in self.state().items()})
        else:
            content = io.BytesIO()
            np.savez(content, allow_pickle=False, **self.state())
            write_bytes(path, content.getvalue())
        return path

    def _restore(self, state: StreamState) -> None:
        digest, own = str(np.asarray(state.get("model", ""))), self.model.facts.weights_sha256
        if digest and own and digest != own:
            raise MismatchError(
                f"the stream's state belongs to another model (weights {digest[:8]}…, here {own[:8]}…); "
                "go on with the model that it was made with."
            )
        self._memory.state = {name: _array(state, name, like) for name, like in self._memory.state.items()}
        self._steps = _array(state, "steps", torch.from_numpy(self._steps)).numpy()

    def _inputs(self, steps: npt.ArrayLike) -> Tensor:
        """The steps as the network reads them, [S, n, F]."""
        if self.model.facts.vocabulary is None:
            sequences = self.model.accept_uncut(list(self._shaped(steps)))
        else:
            sequences = self.model.preprocessor.from_texts(self._texts(steps), piece=True)
        if sequences.equal_length is None:
            raise DataError("the streams' texts have different numbers of tokens; expected as many for each.")
        device = self.model.network.output.weight.device
        return Batcher(sequences, device).batch(np.arange(self._rows)).inputs

    def _texts(self, steps: npt.ArrayLike) -> list[Any]:
        """The next tokens of each stream, as texts or lists, [S]."""
        texts = [steps] if self.count is None else list(steps)  # type: ignore[arg-type]
        if len(texts) != self._rows:
            raise MismatchError(f"found {len(texts)} texts; expected one for each of {self._rows} streams.")
        return texts

    def _shaped(self, steps: npt.ArrayLike) -> npt.NDArray[np.generic]:
        """The steps as [S, n, F]."""
        try:
            array = np.asarray(steps)
        except ValueError:
            raise DataError("the steps have different sizes; expected as many values in each.") from None
        channels, axes = len(self.model.channels), 2 if self.count is None else 3
        if array.ndim == axes - 1:  # steps of one channel, or one step of all of them
            array = array[..., None] if channels == 1 else array[..., None, :]
        fits = array.ndim == axes and array.shape[-1] == channels
        if self.count is not None:
            fits = fits and len(array) == self.count
        if not fits:
            expected = f"[n, {channels}]" if self.count is None else f"[{self.count}, n, {channels}]"
            raise MismatchError(f"the steps have the shape {list(np.shape(steps))}; expected {expected}.")
        if 0 in array.shape:
            raise LengthError("there are no steps to read; expected at least one.")
        return array.reshape(self._rows, -1, channels)

    def _single(self, step: npt.ArrayLike) -> npt.ArrayLike:
        """One step of each stream in an unambiguous shape for `push`, [1, F] or [S, 1, F]."""
        if self.model.facts.vocabulary is not None:
            return [step] if self.count is None else [[token] for token in self._texts(step)]  # type: ignore[return-value]
        array = np.asarray(step)
        channels = len(self.model.channels)
        shape = (1, channels) if self.count is None else (self.count, 1, channels)
        if array.size != self._rows * channels:
            expected = f"[{channels}]" if self.count is None else f"[{self.count}, {channels}]"
            raise MismatchError(f"a step has the shape {list(array.shape)}; expected {expected}.")
        return array.reshape(shape)

    def _decision(self, running: Probabilities, row: int, *, confident: bool) -> Decision:
        probabilities = running[row].copy()
        return Decision(
            self.model.classes[int(probabilities.argmax())], probabilities, int(self._steps[row]), confident
        )


def decides(probabilities: Probabilities, steps: int, confidence: float, at_least: int) -> bool:
    """Whether the probabilities after ``steps`` steps suffice to decide.

    Raises:
        DataError: for a confidence outside 0..1.
    """
    if not 0 <= confidence <= 1:
        raise DataError(f"the confidence is {confidence}; expected a probability, 0 to 1.")
    return steps >= at_least and bool(probabilities.max() >= confidence)


def read_state(path: Path) -> StreamState:
    """Reads a file that `Stream.save` wrote.

    Raises:
        ReadError: for a missing file, or one that does not hold the state of a stream.
    """
    try:
        if path.suffix == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(content, dict):
                return content
            raise ReadError(path, "not the state of a stream; expected what Stream.save wrote.")
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise ReadError(path, "there is no such file.") from None
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ReadError(path, f"not the state of a stream ({error}); expected what Stream.save wrote.") from None


def own_window(model: Model) -> int | None:
    """The steps of the window that a model reads: one that was trained on windows, or on the last steps."""
    return model.facts.max_length if model.facts.keep_steps == "last" else None


def check_streams_are_possible(model: Model) -> None:
    """Refuses a model that cannot read a sequence step by step, with a state.

    Raises:
        UnsupportedError: with every reason and every option to change.
    """
    obstacles = model.network.obstacles()
    if (window := own_window(model)) is not None:
        raise UnsupportedError(
            f"this model reads the last {window:,} steps anew for each answer, so it has no state to carry on. "
            f"Exported without {option('stream')} it takes those steps: keep the last {window:,} and give them each "
            "time."
        )
    if (most := model.facts.max_length) is not None:
        reason = f"reads only the {model.facts.keep_steps} {most} steps of a sequence"
        obstacles.append(Obstacle(reason, "without --max-length"))
    if obstacles:
        others = " ".join(obstacle.remedy for obstacle in obstacles).replace(" with ", " ")  # one "with" for all
        raise UnsupportedError(
            f"this model {_enumerated([obstacle.reason for obstacle in obstacles])}: it cannot be streamed. Predict "
            "with --steps, which reads every prefix anew, or stream with a window that is read anew at each step "
            f"(--stream-window 256, model.stream(window=256)), or train one {others}."
        )


def _enumerated(parts: Sequence[str]) -> str:
    """Joins items as in "one, two and three"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _array(state: StreamState, name: str, like: Tensor) -> Tensor:
    """One of a state's arrays, as a tensor of the expected type and shape."""
    if name not in state:
        raise MismatchError(f"the stream's state has no {name!r}; it belongs to another model.")
    try:
        value = torch.tensor(np.asarray(state[name]), dtype=like.dtype, device=like.device)
    except (TypeError, ValueError):
        raise MismatchError(f"{name!r} of the stream's state does not hold numbers.") from None
    if value.shape != like.shape:
        raise MismatchError(
            f"{name!r} of the stream's state has the shape {list(value.shape)}; expected {list(like.shape)}: "
            f"another model's, or another number of streams."
        )
    if not value.isfinite().all():
        raise MismatchError(f"{name!r} of the stream's state holds values that are not finite.")
    return value
