"""Comparison of an exported model's outputs with the model's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from onnxruntime import InferenceSession

from unrolled.data import Sequences, from_texts
from unrolled.errors import ExportError
from unrolled.export.exported import ExportCheck
from unrolled.export.running import Array, as_tokens, in_real_unit, predict_in_runtime, run_session

if TYPE_CHECKING:
    from unrolled.model import Model, Probabilities

TOLERANCE = 1e-5
"""Largest difference of two probabilities."""

BATCH_SIZES = (1, 2, 5)
LENGTHS = (1, 2, 3, 7, 12)
LONGEST = 2_001
"""Steps of the longest sequence to compare on, at most."""


def trial_sequences(model: Model, seed: int = 0) -> Sequences:
    """Sequences to compare on: the examples in the model's folder, and noise like the training data.

    The lengths are 1, 2, odd numbers, and twice that of the longest example plus one.
    """
    rng = np.random.default_rng(seed)
    examples = [example.sequence for example in model.examples]
    longest = min(2 * max((len(steps) for steps in examples), default=48) + 1, LONGEST)
    vocabulary = model.facts.vocabulary
    if vocabulary is not None:
        tokens = np.array([*vocabulary, "\ufffd"])  # the last is unknown
        texts = [rng.choice(tokens, length).tolist() for length in (*LENGTHS, longest)]
        return from_texts([*examples, *texts], model.facts.tokens)
    normaliser = model.network.normaliser
    mean, deviation = normaliser.shift.cpu().numpy(), 1 / normaliser.factor.cpu().numpy()
    noise = [mean + deviation * rng.normal(size=(length, len(mean))) for length in (*LENGTHS, longest)]
    if model.facts.model.missing != "none":
        noise = [np.where(rng.random(values.shape) < 0.3, np.nan, values) for values in noise]
    offsets = model.facts.offsets
    if offsets is not None:
        noise = [values + np.array(offsets) for values in noise]
    kind = np.float32 if offsets is None else np.float64
    return model.accept(Sequences.from_list([*(np.array(steps, kind) for steps in examples), *noise]))


def check_whole(model: Model, session: InferenceSession) -> ExportCheck:
    """Compares a model of whole sequences at several batch sizes, lengths, and paddings.

    Raises:
        ExportError: if a probability differs by more than `TOLERANCE`, or a label does.
    """
    sequences = trial_sequences(model)
    expected = model.predict_proba(sequences)
    allowed = _allowed(model, sequences, expected)
    worst = 0.0
    for batch_size in BATCH_SIZES:
        labels, found = predict_in_runtime(session, sequences, batch_size)
        worst = max(worst, _compare(model, labels, found, expected, allowed))
    return ExportCheck(len(sequences), int(sequences.lengths.max()), worst)


def check_streaming(model: Model, session: InferenceSession) -> ExportCheck:
    """Compares a model of streams, push by push; see `check_whole`."""
    sequences = trial_sequences(model)
    allowed = _allowed(model, sequences, model.predict_proba(sequences))
    worst = 0.0
    for index, values in enumerate(sequences):
        numbers = sequences.symbols is None
        given = in_real_unit(sequences, values) if numbers else as_tokens(sequences, values)
        kind = "steps" if numbers else "tokens"
        running = model.predict_steps(sequences.take(slice(index, index + 1)))[0]
        for count in BATCH_SIZES:
            state = {name: value.cpu().numpy() for name, value in model.network.initial_state(count).items()}
            low = 0
            for end in sorted({1, (len(running) + 1) // 2, len(running)}):
                found = run_session(session, {kind: np.repeat(given[None, low:end], count, 0), **state})
                expected = np.repeat(running[None, end - 1], count, 0)
                limits = allowed[[index] * count]
                worst = max(worst, _compare(model, found["labels"], found["probabilities"], expected, limits))
                state, low = {name: found[f"{name}.next"] for name in state}, end
    return ExportCheck(len(sequences), int(sequences.lengths.max()), worst)


_BUG = "Nothing was written. This should not happen: please report it with the model's configuration."


def _allowed(model: Model, sequences: Sequences, expected: Probabilities) -> Array:
    """The allowed difference of each sequence's probabilities, [N]; infinite where they are not finite.

    It is larger for a network that amplifies the last bit of its inputs beyond the tolerance.
    """
    if sequences.symbols is not None:
        return np.full(len(sequences), TOLERANCE)
    nudged = replace(sequences, values=np.nextafter(sequences.values, np.float32(np.inf)))
    change = np.abs(model.predict_proba(nudged) - expected).max(1)
    return np.where(np.isfinite(change), TOLERANCE + 10 * change, np.inf)


def _compare(model: Model, labels: Array, found: Probabilities, expected: Probabilities, allowed: Array) -> float:
    """The largest difference of probabilities. Labels are equal, except where two classes have the same probability.

    Raises:
        ExportError: for a difference that is not allowed, or another label.
    """
    difference = np.abs(found - expected).max(1)
    finite = np.isfinite(allowed)
    if (~(difference <= allowed) & finite).any():
        raise ExportError(
            f"the exported model's probabilities differ from the model's by {difference.max():.1e}. {_BUG}"
        )
    right = np.array(model.classes)[expected.argmax(1)]
    highest = np.sort(expected, 1)[:, -2:]
    close = highest[:, -1] - highest[:, 0] <= 2 * allowed
    for index in np.flatnonzero((labels != right) & ~close):
        predicted, own = str(labels[index]), str(right[index])
        raise ExportError(f"the exported model predicts {predicted!r} where the model predicts {own!r}. {_BUG}")
    return float(difference[finite].max(initial=0.0))
