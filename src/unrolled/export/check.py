"""Comparison of an exported model's outputs with the model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnxruntime import InferenceSession

from unrolled.errors import ExportError
from unrolled.export.exported import ExportCheck
from unrolled.export.running import Array, as_tokens, in_real_unit, predict_in_runtime, run_session
from unrolled.export.trials import allowed_differences, trial_sequences

if TYPE_CHECKING:
    from unrolled.model import Model, Probabilities

BATCH_SIZES = (1, 2, 5)


def check_whole(model: Model, session: InferenceSession) -> ExportCheck:
    """Compares a model of whole sequences at several batch sizes, lengths, and paddings.

    Raises:
        ExportError: if a probability differs by more than `TOLERANCE`, or a label does.
    """
    sequences = trial_sequences(model)
    expected = model.predict_proba(sequences)
    allowed = allowed_differences(model, sequences, expected)
    worst = 0.0
    for batch_size in BATCH_SIZES:
        labels, found = predict_in_runtime(session, sequences, batch_size)
        worst = max(worst, _compare(model, labels, found, expected, allowed))
    return ExportCheck(len(sequences), int(sequences.lengths.max()), worst)


def check_streaming(model: Model, session: InferenceSession) -> ExportCheck:
    """Compares a model of streams, push by push; see `check_whole`."""
    sequences = trial_sequences(model)
    allowed = allowed_differences(model, sequences, model.predict_proba(sequences))
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
