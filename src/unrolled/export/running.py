"""Running an exported model in ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions

from unrolled.data.batches import Batch, Batcher
from unrolled.network import MAX_BATCH, STEPS_PER_BATCH

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.model import Probabilities

Array = npt.NDArray[Any]


def open_session(content: bytes) -> InferenceSession:
    """An exported model, ready to run on the CPU."""
    options = SessionOptions()
    options.log_severity_level = 3  # errors only
    return InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_session(session: InferenceSession, inputs: dict[str, Array]) -> dict[str, Array]:
    """All outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def padded_inputs(sequences: Sequences, batch: Batch) -> dict[str, Array]:
    """The exported model's inputs; the padding holds NaN or a token, neither of which may matter."""
    values, lengths = batch.inputs.numpy(), batch.lengths.numpy()
    padding = np.arange(values.shape[1]) >= lengths[:, None]
    if sequences.symbols is None:
        values = in_real_unit(sequences, values)
        values[padding] = np.nan
        return {"sequences": values, "lengths": lengths}
    tokens = as_tokens(sequences, values)
    tokens[padding] = sequences.symbols[-1]
    return {"tokens": tokens, "lengths": lengths}


def in_real_unit(sequences: Sequences, values: Array) -> Array:
    """Values, [..., F], as the exported model reads them: with what was taken off, in double precision."""
    return values if sequences.offsets is None else values + sequences.offsets


def as_tokens(sequences: Sequences, codes: Array) -> Array:
    """The tokens of a text's codes, [..., 1] → [...]."""
    return np.array(sequences.symbols, object)[codes[..., 0].astype(np.int64)]


def predict_in_runtime(
    session: InferenceSession, sequences: Sequences, batch_size: int | None = None
) -> tuple[npt.NDArray[np.str_], Probabilities]:
    """Labels [N] and probabilities [N, C] of whole sequences, in the stored order."""
    size = batch_size or max(1, min(MAX_BATCH, STEPS_PER_BATCH // int(sequences.lengths.max())))
    batches = Batcher(sequences).in_order(size)
    answers = [(indices, run_session(session, padded_inputs(sequences, batch))) for indices, batch in batches]
    back = np.argsort(np.concatenate([indices for indices, _ in answers]))
    labels = np.concatenate([found["labels"] for _, found in answers])[back]
    return labels.astype(np.str_), np.concatenate([found["probabilities"] for _, found in answers])[back]
