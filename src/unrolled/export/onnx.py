"""A model as one ONNX file: built, compared with the model in ONNX Runtime, and only then written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError
from unrolled.export.exported import ExportCheck, Exported
from unrolled.storage import write_bytes

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

    from unrolled.data import Sequences
    from unrolled.model import Model


def export_onnx(
    model: Model,
    path: str | Path,
    *,
    streaming: bool = False,
    int8_data: Sequences | None = None,
) -> Exported:
    """Writes a model as one ONNX file, if ONNX Runtime gives the predictions of the model.

    See `unrolled.export.network` for its inputs and outputs.

    Args:
        model: the trained model.
        path: the file.
        streaming: the step version, with the state as inputs and outputs.
        int8_data: labelled sequences; quantises the weights to 8 bits and measures the cost on these.
    Raises:
        ConfigError: if the packages of the extra ``export`` are not installed.
        UnsupportedError: for a model that has no such form.
        ExportError: if the outputs differ from the model's; nothing is written then.
        StorageError: if it cannot be written.

    Example:
        >>> exported = unrolled.export_onnx(model, "levels.onnx")
        >>> import onnxruntime
        >>> session = onnxruntime.InferenceSession("levels.onnx")
        >>> batch = {"sequences": np.full((1, 6, 2), 2.0, np.float32), "lengths": np.array([6])}
        >>> session.run(["labels"], batch)
        [array(['high'], dtype=object)]
    """
    if streaming and int8_data is not None:
        raise ConfigError("a streaming export keeps float32 weights: leave out either --stream or --quantize.")
    proto, session, check = checked_onnx(model, streaming=streaming)
    content, quantized = proto.SerializeToString(), None
    if int8_data is not None:
        from unrolled.export.quantize import quantize

        content, quantized = quantize(model, proto, int8_data)
    write_bytes(Path(path), content)
    inputs, outputs = (
        {v.name: tuple(map(str, v.shape)) for v in values} for values in (session.get_inputs(), session.get_outputs())
    )
    return Exported(Path(path), len(content), inputs, outputs, check, quantized)


def checked_onnx(
    model: Model, *, streaming: bool = False, hidden: bool = False
) -> tuple[ModelProto, InferenceSession, ExportCheck]:
    """A model as an ONNX graph that gives the model's predictions in ONNX Runtime; see `to_onnx`.

    Raises:
        ConfigError: if the packages of the extra ``export`` are not installed.
        UnsupportedError: for a model that has no such form.
        ExportError: if the outputs differ from the model's.
    """
    check_installed()
    from unrolled.export.check import check_streaming, check_whole
    from unrolled.export.network import to_onnx
    from unrolled.export.running import open_session

    proto = to_onnx(model, streaming=streaming, hidden=hidden)
    session = open_session(proto.SerializeToString())
    return proto, session, (check_streaming if streaming else check_whole)(model, session)


def check_installed() -> None:
    """Checks that the packages of the extra ``export`` are installed.

    Raises:
        ConfigError: naming the missing package.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed, which an export to ONNX needs; add it with "
            "`python -m pip install 'unrolled[export]'`."
        ) from None
