"""The models of a server by name, and how they are reloaded while it runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from unrolled.errors import ConfigError, ModelFolderError
from unrolled.model import Model, load
from unrolled.serving.problems import HTTPProblem

LEAST_STEP_FLOP = 100_000
"""What a step counts at least: a small network's step takes some microseconds, whatever its arithmetic."""


@dataclass(frozen=True)
class Served:
    """One model and its name.

    Attributes:
        name: its name in requests.
        path: its folder.
        model: the loaded model.
        loaded: time of loading.
        step_flop: work of the network for a step, in floating-point operations.
    """

    name: str
    path: Path
    model: Model
    loaded: datetime
    step_flop: int


class Registry:
    """The models of a server.

    Args:
        paths: model or run folders by name; the first is the default.
    Raises:
        ModelFolderError: for a folder without a model that computes.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        if not paths:
            raise ConfigError("there is no model to serve; name at least one folder.")
        self._served = {name: read_checked(name, path) for name, path in paths.items()}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names, in the order of the command line."""
        return list(self._served)

    def get(self, name: str | None = None) -> Served:
        """The model with a name, or the first.

        Raises:
            HTTPProblem: 404 for an unknown name.
        """
        if name is None:
            return next(iter(self._served.values()))
        if name not in self._served:
            known = ", ".join(self._served)
            raise HTTPProblem(404, "unknown_model", f"there is no model {name[:80]!r}; this server has {known}.")
        return self._served[name]

    def reload(self) -> dict[str, str | None]:
        """Loads every model again; the old one stays until the new one has passed its check.

        Returns:
            For each name the error, or None.
        """
        found: dict[str, str | None] = {}
        with self._lock:
            for name, old in list(self._served.items()):
                try:
                    self._served[name] = read_checked(name, old.path)
                    found[name] = None
                except Exception as error:  # of whatever kind: the other models are still to be loaded
                    found[name] = str(error) or type(error).__name__
        return found


def read_checked(name: str, path: Path) -> Served:
    """Loads a model and computes one answer.

    Raises:
        ModelFolderError: if it is damaged, or the answer is not finite.
    """
    model = load(path)
    try:
        values = model.probabilities(model.logits([probe(model)]))
    except Exception as error:
        raise ModelFolderError(f"{path}: the model does not compute: {error}") from error
    if values.shape != (1, len(model.classes)) or not np.isfinite(values).all():
        raise ModelFolderError(f"{path}: the model's probabilities are not finite; train it anew.")
    step_flop = max(model.network.flop_per_step(), LEAST_STEP_FLOP)
    return Served(name, path, model, datetime.now(UTC), step_flop)


def probe(model: Model) -> list[list[float]] | list[str]:
    """A sequence for the check: two steps of zeros, or the same token twice."""
    if model.facts.vocabulary is not None:
        return 2 * list(model.facts.vocabulary[:1] or "a")
    return [[0.0] * len(model.channels)] * 2
