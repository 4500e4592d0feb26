"""Weights of 8 bits: a quarter of the file size, and the cost in accuracy."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from unrolled.errors import UnsupportedError
from unrolled.export.exported import Quantized
from unrolled.export.running import open_session, predict_in_runtime
from unrolled.statistics import Groups, share

if TYPE_CHECKING:
    from unrolled.data import Sequences
    from unrolled.model import Model


def quantize(model: Model, proto: ModelProto, sequences: Sequences) -> tuple[bytes, Quantized]:
    """The graph with 8-bit weights by ONNX Runtime's dynamic quantisation, which scales activations as they occur.

    Args:
        model: the model.
        proto: its export.
        sequences: labelled sequences for the measurement.
    Raises:
        UnsupportedError: for a cell whose operator ONNX Runtime cannot compute in 8 bits.
        DataError: for sequences that have no labels, or do not fit the model.
    """
    _check_it_can_be(model)
    sequences = model.accept(sequences)
    truth = np.array(model.classes)[model.targets(sequences)]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(proto, path, weight_type=QuantType.QInt8, extra_options={"EnableSubgraph": True})
        content = path.read_bytes()
    before = model.predict(sequences)
    after, _ = predict_in_runtime(open_session(content), sequences)

    groups = Groups.of(sequences.groups, len(sequences))
    original, int8, same = (share(right, groups) for right in (before == truth, after == truth, before == after))
    return content, Quantized(original, int8, same, proto.ByteSize(), groups.count)


def _check_it_can_be(model: Model) -> None:
    operator = model.network.cell.operator
    if operator is not None and operator.name != "LSTM":
        raise UnsupportedError(
            f"ONNX Runtime has no 8-bit {operator.name}, so the weights of {model.network.config.cell!r} would stay "
            "as they are. Export without --quantize, or train an LSTM (--cell lstm)."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses the quantiser's advice to run another tool first, which these graphs do not need.

    The advice goes to the root logger, which `logging.warning` would also give a handler where it has none.
    """
    logger, handler = logging.getLogger(), logging.NullHandler()
    logger.addHandler(handler)
    logger.addFilter(_is_no_advice)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_advice)
        logger.removeHandler(handler)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or "onnxruntime" not in record.pathname
