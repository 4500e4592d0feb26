"""Writing and reading the folder of a model; `unrolled.model.model` lists its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from unrolled.baselines import Baselines, Regression
from unrolled.data import DatasetRecord
from unrolled.errors import ModelFolderError, StorageError
from unrolled.model.card import write_card
from unrolled.model.examples import Example, dump_examples, parse_examples
from unrolled.model.facts import FORMAT_VERSION, BaselineFacts, ModelFacts, RegressionFacts
from unrolled.model.novelty import Novelty
from unrolled.network import Network
from unrolled.storage import as_utf8, former_folder, replace_folder

Contents = tuple[Network, ModelFacts, Baselines | None, tuple[Example, ...], DatasetRecord | None, Novelty | None]
"""The content of a folder."""

T = TypeVar("T")


def write_model(path: Path, contents: Contents) -> None:
    """Writes a model folder in one step and replaces a former one.

    Raises:
        StorageError: if it cannot be written, or something else than a model stands there.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not (path / "model.json").is_file()):
        raise StorageError(f"{path} holds something else than a model, which would be lost; choose another folder.")
    network, facts, baselines, examples, record, novelty = contents
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if baselines is not None:
        tensors |= _baseline_tensors(baselines)
    if novelty is not None:
        tensors |= {f"{_NOVELTY}{name}": torch.from_numpy(array) for name, array in novelty.arrays().items()}
    facts = facts.model_copy(update={"baseline": None if baselines is None else _baseline_facts(baselines)})
    weights = save_tensors(tensors)
    shown = {"examples.json": dump_examples(examples)} if examples else {}
    recorded = {} if record is None else {_RECORD: save_arrays(record.arrays())}
    sums = {
        "weights_sha256": _digest(weights),
        "examples_sha256": _digest(*shown.values()),
        "sequences_sha256": _digest(*recorded.values()),
    }
    facts = facts.model_copy(update={"format_version": FORMAT_VERSION, **sums})
    content = facts.model_dump(mode="json")
    text = json.dumps(content | {"facts_sha256": _facts_digest(content)}, indent=2, ensure_ascii=False)
    files = {
        "model.safetensors": weights,
        "model.json": as_utf8(text),
        **shown,
        **recorded,
        "README.md": as_utf8(write_card(facts.model_dump(), network.in_words(), facts.method_in_words)),
    }
    replace_folder(path, files)


def read_model(path: Path) -> Contents:
    """Reads a model folder, or the model of a run folder.

    Raises:
        ModelFolderError: for a folder that is missing, damaged, or newer than this package.
    """
    folder = find_model(path)
    facts = _read_facts(folder / "model.json")
    try:
        content = (folder / "model.safetensors").read_bytes()
    except OSError as error:
        raise _unreadable(folder / "model.safetensors", error) from None
    if _digest(content) != facts.weights_sha256:
        raise ModelFolderError(
            f"{folder / 'model.safetensors'} is cut short or damaged: its checksum is not the one in model.json. "
            "Copy the folder anew."
        )
    try:
        tensors = load_tensors(content)
        baselines = _baselines(facts.baseline, tensors)
        novelty = _novelty(tensors)
        network = restore_network(facts, {k: v for k, v in tensors.items() if not k.startswith((_BASELINE, _NOVELTY))})
    except Exception as error:  # whatever a stranger's numbers lead to
        raise ModelFolderError(f"{folder}: weights and model.json do not belong together: {_cause(error)}") from None
    examples = _read_optional(folder / "examples.json", facts.examples_sha256, parse_examples)
    record = _read_optional(
        folder / _RECORD, facts.sequences_sha256, lambda content: DatasetRecord.from_arrays(load_arrays(content))
    )
    return network, facts, baselines, examples or (), record, novelty


def restore_network(facts: ModelFacts, weights: dict[str, Tensor]) -> Network:
    """The network that a model's facts describe, with these weights, which are not copied.

    Raises:
        RuntimeError: for weights of other names, shapes or types.
    """
    symbols = None if facts.vocabulary is None else len(facts.vocabulary) + 1
    network = Network(facts.model, len(facts.channels), len(facts.classes), seed=None, symbols=symbols)
    types = {name: value.dtype for name, value in network.state_dict().items()}
    network.load_state_dict(weights, assign=True)
    for name, value in network.state_dict().items():
        if value.dtype != types[name]:
            raise RuntimeError(f"{name} holds values of the type {value.dtype}; expected {types[name]}.")
    return network.eval()


def find_model(path: Path) -> Path:
    """The model folder at a path: the path itself, or the model of a run folder; of an unfinished run its best one.

    Where a process was killed while it saved and left no new folder, it is the former one.

    Raises:
        ModelFolderError: naming what was found instead.
    """
    folders = (path, path / "model", path / "checkpoints" / "best")
    for folder in chain.from_iterable((place, former_folder(place)) for place in folders):
        try:
            if (folder / "model.json").is_file():
                return folder
        except PermissionError as error:
            raise _unreadable(folder / "model.json", error) from None
    if not path.exists():
        raise ModelFolderError(f"{path}: there is no such folder; expected a model folder or a run folder.")
    if (path / "checkpoints").is_dir() or (path / "config.json").is_file():
        raise ModelFolderError(
            f"{path}: this run is not finished and has no model yet; go on with `unrolled train --resume {path}`."
        )
    raise ModelFolderError(f"{path}: neither a model folder (with model.json) nor a run folder (with model/).")


def _read_facts(path: Path) -> ModelFacts:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format_version"]
        if isinstance(version, int | float) and version > FORMAT_VERSION:
            raise ModelFolderError(
                f"{path}: the folder's format version is {version}, this package reads up to {FORMAT_VERSION}; "
                "update unrolled (`python -m pip install --upgrade unrolled`)."
            )
        digest = content.pop("facts_sha256", None)
        if digest not in (None, _facts_digest(content)):  # None: a model that was saved before there was one
            raise ModelFolderError(f"{path} is damaged or was changed: its checksum differs. Copy the folder anew.")
        return ModelFacts.model_validate(content)
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFolderError(f"{path} is damaged or not a model's: {_cause(error)}. Copy the folder anew.") from None


def _read_optional(path: Path, digest: str, parse: Callable[[bytes], T]) -> T | None:
    """The content of a file that only some folders have; None where ``model.json`` records no digest of it."""
    if not digest:
        return None
    try:
        content = path.read_bytes()
        if _digest(content) != digest:
            raise ValueError("its checksum is not the one in model.json")
        return parse(content)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}. Copy the folder anew.") from None


def _digest(*contents: bytes) -> str:
    """SHA-256 of a file's content; empty for no file."""
    return hashlib.sha256(contents[0]).hexdigest() if contents else ""


def _facts_digest(content: dict[str, Any]) -> str:
    """SHA-256 of the other fields of ``model.json``."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unreadable(path: Path, error: OSError) -> ModelFolderError:
    """The error for a file that cannot be read."""
    if isinstance(error, PermissionError):
        return ModelFolderError(f"{path}: no permission to read it. Change its permissions, or those of its folder.")
    return ModelFolderError(f"{path}: {error.strerror or error}; copy the whole folder.")


def _cause(error: Exception) -> str:
    """The error in a ``model.json``, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


_RECORD = "sequences.safetensors"
_BASELINE = "baseline/"
_NOVELTY = "novelty/"
_ARRAYS = ("mean", "deviation", "weights", "bias")


def _place(number: int) -> str:
    """The prefix of the names of a regression's tensors."""
    return _BASELINE if number == 0 else f"{_BASELINE}{number}/"


def _novelty(tensors: dict[str, Tensor]) -> Novelty | None:
    """What a folder holds about novelty; older ones, and those without validation sequences, hold nothing."""
    arrays = {k.removeprefix(_NOVELTY): v.numpy() for k, v in tensors.items() if k.startswith(_NOVELTY)}
    return Novelty.from_arrays(arrays) if arrays else None


def _baseline_tensors(baselines: Baselines) -> dict[str, Tensor]:
    return {
        f"{_place(number)}{name}": torch.from_numpy(getattr(regression, name))
        for number, regression in enumerate(baselines.regressions)
        for name in _ARRAYS
    }


def _baseline_facts(baselines: Baselines) -> BaselineFacts:
    first, *others = (
        {name: getattr(one, name) for name in RegressionFacts.model_fields} for one in baselines.regressions
    )
    return BaselineFacts(majority=baselines.majority, others=tuple(RegressionFacts(**one) for one in others), **first)


def _baselines(facts: BaselineFacts | None, tensors: dict[str, Tensor]) -> Baselines | None:
    if facts is None:
        return None
    found = []
    for number, one in enumerate(facts.regressions):
        arrays = {name: tensors[f"{_place(number)}{name}"].numpy() for name in _ARRAYS}
        found.append(Regression(one.features, one.length, one.cases, **arrays))
    return Baselines(facts.majority, tuple(found))
