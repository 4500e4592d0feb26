"""The entries of a classifier in its model folder and its pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_arrays
from torch import Tensor

from unrolled.config import FOUND_OUT
from unrolled.errors import ModelFolderError
from unrolled.estimator.parameters import OWN, plain
from unrolled.model import Model, ModelFacts, find_model, restore_network
from unrolled.storage import write_bytes


def fitted_facts(
    classes: npt.NDArray[Any], parameters: Mapping[str, Any], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """The part of a classifier that its model does not have, for JSON.

    Args:
        classes: the labels, [C].
        parameters: of the classifier; a generator as ``random_state`` is not kept.
        attributes: fitted attributes that JSON can hold.
    """
    own = {name: parameters[name] for name in (*OWN, *FOUND_OUT, "tokens")}  # the model has the result of "auto"
    if isinstance(own["class_weight"], Mapping):  # pairs, since keys in JSON are texts
        own["class_weight"] = [[plain(label), float(weight)] for label, weight in own["class_weight"].items()]
    seed = own["random_state"]
    own["random_state"] = int(seed) if isinstance(seed, int | np.integer) else None
    return {"labels": classes.dtype.str, "parameters": own, **attributes}


def recorded_classes(names: tuple[str, ...], recorded: Mapping[str, Any]) -> npt.NDArray[Any]:
    """The labels in the dtype of the user's labels, [C]; texts if no dtype is recorded."""
    dtype = np.dtype(recorded.get("labels", "U"))
    return np.array(names) == "True" if dtype.kind == "b" else np.array(names).astype(dtype)


def recorded_parameters(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the model's configuration does not have."""
    own = dict(recorded.get("parameters", {}))
    if isinstance(own.get("class_weight"), list):
        own["class_weight"] = dict(own["class_weight"])
    return own


def write_memory(folder: Path, memory: Mapping[str, npt.NDArray[Any]]) -> None:
    """Writes the optimizer's memory into a model folder, for a `partial_fit` that goes on.

    Raises:
        StorageError: if it cannot be written.
    """
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    write_bytes(folder / _MEMORY, save_arrays(dict(memory), {_WEIGHTS: weights}))


def read_memory(path: Path, model: Model) -> dict[str, npt.NDArray[Any]] | None:
    """What `write_memory` wrote for this model; None where there is nothing.

    Raises:
        ModelFolderError: for a damaged file.
    """
    file = find_model(path) / _MEMORY
    if not file.is_file():
        return None
    try:
        with safe_open(file, "np") as content:
            if (content.metadata() or {}).get(_WEIGHTS) != model.facts.weights_sha256:
                return None
            return {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118  # it is no dict
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{file} is damaged: {error}. Copy the folder anew, or remove the file.") from None


_MEMORY, _WEIGHTS = "optimizer.safetensors", "weights_sha256"


def to_arrays(model: Model) -> dict[str, Any]:
    """A model as text and NumPy arrays, so that a pickle, or a memory map of joblib, needs no class of torch."""
    weights = {name: value.detach().cpu().numpy() for name, value in model.network.state_dict().items()}
    return {"facts": model.facts.model_dump_json(), "weights": weights}


def from_arrays(content: Mapping[str, Any]) -> Model:
    """The model from the result of `to_arrays`. The arrays are copied, since they may be read-only."""
    facts = ModelFacts.model_validate(json.loads(content["facts"]))
    tensors: dict[str, Tensor] = {name: torch.from_numpy(np.array(value)) for name, value in content["weights"].items()}
    return Model(restore_network(facts, tensors), facts)
