"""Checkpoints: folders of tensors and facts, written atomically, verified, without pickle.

    last/  previous/     each: tensors.safetensors, state.json

``state.json`` holds the SHA-256 of the tensors and of its own content, so that a truncated file or a flipped byte is
noticed. ``last`` is replaced by two renames and the old one becomes ``previous``: whenever the process is killed, one
of the two is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from unrolled.errors import CheckpointError
from unrolled.storage import replace_folder, writing

FORMAT_VERSION = 1
_TO_GO_ON_FROM = ("last", "previous")


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint.

    Attributes:
        tensors: by name, on the CPU.
        facts: everything else, as plain JSON.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class _StateFile(BaseModel):
    """``state.json`` without its own checksum."""

    format_version: int
    tensors_sha256: str
    facts: dict[str, Any]


def save_checkpoint(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, keep: Path | None = None
) -> None:
    """Replaces the checkpoint at ``path`` and moves the former one to ``keep``.

    Raises:
        StorageError: if it cannot be written; the former checkpoint is then still there.
    """
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    state = {"format_version": FORMAT_VERSION, "tensors_sha256": _digest(content), "facts": dict(facts)}
    state["sha256"] = _digest(_canonical(state))
    files = {"tensors.safetensors": content, "state.json": json.dumps(state).encode()}
    replace_folder(path, files, keep=keep)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads and verifies a checkpoint.

    Raises:
        CheckpointError: saying what is wrong with it.
    """
    try:
        state = json.loads((path / "state.json").read_bytes())
        digest = state.pop("sha256", None)
        canonical = _canonical(state)
        content = (path / "tensors.safetensors").read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise CheckpointError(f"{path}: state.json is damaged.") from None
    if digest != _digest(canonical):
        raise CheckpointError(f"{path}: state.json is damaged, its checksum differs.")
    try:
        found = _StateFile.model_validate(state)
        if found.format_version > FORMAT_VERSION:
            raise CheckpointError(
                f"{path}: its format version is {found.format_version}, this package reads up to "
                f"{FORMAT_VERSION}; update unrolled."
            )
        if found.tensors_sha256 != _digest(content):
            raise CheckpointError(f"{path}: tensors.safetensors is cut short or damaged, its checksum differs.")
        return Checkpoint(load(content), found.facts)
    except (ValidationError, SafetensorError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of this package: {error}") from None


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of one run.

    Attributes:
        folder: its checkpoints folder.
    """

    folder: Path

    def save_last(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Writes the state to go on from, and keeps the one before it."""
        save_checkpoint(self.folder / "last", tensors, facts, keep=self.before_last)

    @property
    def before_last(self) -> Path:
        """The folder of the state before the last that was written."""
        return self.folder / "previous"

    def newest(self) -> Path | None:
        """The folder of the checkpoint to go on from, unverified; None where there is none yet."""
        return next((self.folder / name for name in _TO_GO_ON_FROM if (self.folder / name).exists()), None)

    def load_last(self) -> tuple[Checkpoint, str | None]:
        """The newest checkpoint that is not damaged.

        A damaged newer one is renamed to ``damaged``, so that the next save does not replace the good one.

        Returns:
            The checkpoint, and a sentence where a newer one was damaged.
        Raises:
            CheckpointError: if there is none.
        """
        problems = []
        for name in _TO_GO_ON_FROM:
            if not (self.folder / name).exists():
                continue
            try:
                checkpoint = load_checkpoint(self.folder / name)
            except CheckpointError as error:
                problems.append(str(error))
                continue
            if not problems:
                return checkpoint, None
            self._set_aside("last")
            step = checkpoint.facts.get("step")
            return checkpoint, f"{problems[0]} Going on from the checkpoint before it, step {step}."
        found = " ".join(problems) or f"{self.folder} holds none."
        raise CheckpointError(f"There is no checkpoint to go on from: {found} Start the training anew.")

    def _set_aside(self, name: str) -> None:
        damaged = self.folder / "damaged"
        with writing(damaged):
            shutil.rmtree(damaged, ignore_errors=True)
            (self.folder / name).rename(damaged)


def nested(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with ``prefix/`` before their names."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def part(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix/``, without it."""
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(state: Mapping[str, Any]) -> bytes:
    return json.dumps(state, sort_keys=True).encode()
