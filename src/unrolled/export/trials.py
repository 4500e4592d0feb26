"""Sequences on which an export is compared with its model, and how far the two may be apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences, from_texts

if TYPE_CHECKING:
    from unrolled.model import Model, Probabilities

TOLERANCE = 1e-5
"""Largest difference of two probabilities."""

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


def allowed_differences(model: Model, sequences: Sequences, expected: Probabilities) -> npt.NDArray[np.float64]:
    """The allowed difference of each sequence's probabilities, [N]; infinite where they are not finite.

    It is larger for a network that amplifies the last bit of its inputs beyond the tolerance.
    """
    if sequences.symbols is not None:
        return np.full(len(sequences), TOLERANCE)
    nudged = replace(sequences, values=np.nextafter(sequences.values, np.float32(np.inf)))
    change = np.abs(model.predict_proba(nudged) - expected).max(1)
    return np.where(np.isfinite(change), TOLERANCE + 10 * change, np.inf)
