"""What a model folder and a pickle keep of a classifier, beside its parameters and weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.estimator.parameters import OWN
from unrolled.model import Model, ModelFacts, restore_network

_KINDS: dict[str, type] = {"i": int, "u": int, "f": float, "b": bool, "U": str, "O": str}
"""What a label's name is turned into again, by NumPy's letter for the labels' kind."""


def fitted_facts(
    classes: npt.NDArray[Any], parameters: Mapping[str, Any], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """What the classifier itself needs to be whole again, as JSON has it.

    Args:
        classes: the labels, [C].
        parameters: of the classifier; a generator given as ``random_state`` is not kept.
        attributes: the fitted ones that JSON has words for.
    """
    own = {name: parameters[name] for name in (*OWN, "frame_steps", "tokens")}  # the model has what "auto" became
    if isinstance(own["class_weight"], Mapping):  # pairs, since JSON's keys are texts
        own["class_weight"] = [[_plain(label), float(weight)] for label, weight in own["class_weight"].items()]
    seed = own["random_state"]
    own["random_state"] = int(seed) if isinstance(seed, int | np.integer) else None
    return {"labels": classes.dtype.str, "parameters": own, **attributes}


def recorded_classes(names: tuple[str, ...], recorded: Mapping[str, Any]) -> npt.NDArray[Any]:
    """The labels in the dtype that the user gave them in, [C]; texts where nothing is recorded."""
    dtype = np.dtype(recorded.get("labels", "U"))
    kind = _KINDS.get(dtype.kind, str)
    values = [name == "True" if kind is bool else kind(name) for name in names]
    return np.array(values, dtype)


def recorded_parameters(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a model's configuration does not tell."""
    own = dict(recorded.get("parameters", {}))
    if isinstance(own.get("class_weight"), list):
        own["class_weight"] = dict(own["class_weight"])
    return own


def to_arrays(model: Model) -> dict[str, Any]:
    """A model as text and arrays, which a pickle, or joblib's memory maps, hold without a class of torch's."""
    weights = {name: value.detach().cpu().numpy() for name, value in model.network.state_dict().items()}
    return {"facts": model.facts.model_dump_json(), "weights": weights}


def from_arrays(content: Mapping[str, Any]) -> Model:
    """The model that `to_arrays` was given. The arrays are copied: they may be read-only."""
    facts = ModelFacts.model_validate(json.loads(content["facts"]))
    tensors: dict[str, Tensor] = {name: torch.from_numpy(np.array(value)) for name, value in content["weights"].items()}
    return Model(restore_network(facts, tensors), facts)


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
