"""`describe_installation`: what is installed, and which kernel computes each cell."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from joblib import cpu_count

from unrolled.config import CellName
from unrolled.data.sources import cache_folder, data_folder
from unrolled.errors import ConfigError, UnknownNameError
from unrolled.nn import CELLS, choose_kernel
from unrolled.nn.compiled import Library, load_library
from unrolled.version import VERSION

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pyarrow", "safetensors")
EXTRAS = {
    "export": ("onnx", "onnxruntime"),
    "serve": ("fastapi", "uvicorn"),
    "tensorboard": ("tensorboard",),
    "tune": ("optuna",),
}
VARIABLES = (
    "UNROLLED_KERNEL",
    "UNROLLED_KERNEL_LEVEL",
    "UNROLLED_DATA",
    "UNROLLED_CACHE",
    "OMP_NUM_THREADS",
    "GOMP_SPINCOUNT",
    "CUBLAS_WORKSPACE_CONFIG",
)


@dataclass(frozen=True)
class CellKernel:
    """The kernel that computes a cell on a device.

    Attributes:
        cell: its name, as in a recipe.
        device: cpu or cuda.
        kernel: compiled, torch or reference.
        reason: why, as the end of a sentence.
    """

    cell: str
    device: str
    kernel: str
    reason: str


@dataclass(frozen=True)
class Installation:
    """What `unrolled info` shows.

    Attributes:
        versions: versions of this package, Python and the packages it needs.
        extras: versions of the packages that each extra needs, by the extra's name; None for a missing package.
        devices: the processor, then each GPU.
        compiled_kernel: the library of the compiled kernel and its instructions, or why there is none.
        kernels: one row for each cell and kind of device.
        threads: ``pytorch``: used by PyTorch and the compiled kernel; ``cores``: those that the process may use.
        paths: the package, the cache of downloads, the folder of data (None if UNROLLED_DATA is not set).
        environment: variables that change any of this, if they are set.
    """

    versions: dict[str, str]
    extras: dict[str, dict[str, str | None]]
    devices: list[str]
    compiled_kernel: str
    kernels: list[CellKernel]
    threads: dict[str, int]
    paths: dict[str, str | None]
    environment: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def describe_installation() -> Installation:
    """Describes this installation; changes and fetches nothing.

    Raises:
        FetchError: if UNROLLED_DATA names no folder.
        ConfigError: if UNROLLED_KERNEL or UNROLLED_KERNEL_LEVEL has an unknown value.
    """
    data = data_folder()
    kinds = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return Installation(
        versions={
            "unrolled": VERSION,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
            **{name: found for name in PACKAGES if (found := _version(name))},
        },
        extras={extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
        devices=_devices(),
        compiled_kernel=_compiled_kernel(),
        kernels=[_kernel(name, device) for device in kinds for name in CELLS],
        threads={"pytorch": torch.get_num_threads(), "cores": int(cpu_count())},
        paths={
            "package": str(Path(__file__).parents[2]),
            "cache": str(cache_folder()),
            "data": None if data is None else str(data),
        },
        environment={name: os.environ[name] for name in VARIABLES if name in os.environ},
    )


def _kernel(name: CellName, device: str) -> CellKernel:
    """A cell's kernel; 'none' with the reason if UNROLLED_KERNEL asks for one that cannot compute this cell."""
    try:
        kernel = choose_kernel(CELLS[name](1, 1).to(device))
    except UnknownNameError:
        raise
    except ConfigError as refusal:
        return CellKernel(name, device, "none", str(refusal))
    return CellKernel(name, device, kernel.name, kernel.reason)


def _compiled_kernel() -> str:
    library = load_library()
    if isinstance(library, Library):
        return f"for {library.instructions}, {library.path}"
    return f"missing: {library.reason}"


def _devices() -> list[str]:
    cards = [f"cuda:{index}, {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
    return [f"cpu, {_processor()}", *cards]


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
