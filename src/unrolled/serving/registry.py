"""The models that a server answers with, by name; read anew without a pause."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from unrolled.errors import ConfigError, ModelFolderError, UnrolledError
from unrolled.model import Model, load
from unrolled.serving.refusals import Refusal


@dataclass(frozen=True)
class Served:
    """One model under its name.

    Attributes:
        name: in requests.
        path: of its folder.
        model: what was read from it.
        loaded: when.
    """

    name: str
    path: Path
    model: Model
    loaded: datetime


class Registry:
    """The models of a server.

    Args:
        paths: model or run folders by name; the first is the one that is meant where no name is given.
    Raises:
        ModelFolderError: for a folder that cannot be served.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        if not paths:
            raise ConfigError("there is no model to serve; name at least one folder.")
        self._served = {name: read_checked(name, path) for name, path in paths.items()}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """In the order they were given."""
        return list(self._served)

    def get(self, name: str | None = None) -> Served:
        """The model of a name, or the first.

        Raises:
            Refusal: 404 for a name that is not served.
        """
        if name is None:
            return next(iter(self._served.values()))
        if name not in self._served:
            known = ", ".join(self._served)
            raise Refusal(404, "unknown_model", f"there is no model {name[:80]!r}; this server has {known}.")
        return self._served[name]

    def reload(self) -> dict[str, str | None]:
        """Reads every model anew; the old one serves until, and unless, the new one has passed its check.

        Returns:
            For each name what was wrong, or None.
        """
        found: dict[str, str | None] = {}
        with self._lock:
            for name, old in list(self._served.items()):
                try:
                    self._served[name] = read_checked(name, old.path)
                    found[name] = None
                except UnrolledError as error:
                    found[name] = str(error)
        return found


def read_checked(name: str, path: Path) -> Served:
    """Reads a model and lets it answer once.

    Raises:
        ModelFolderError: if it is damaged or its answer is none.
    """
    model = load(path)
    try:
        values = model.probabilities(model.logits([probe(model)]))
    except (RuntimeError, ValueError) as error:
        raise ModelFolderError(f"{path}: the model does not compute: {error}") from error
    if values.shape != (1, len(model.classes)) or not np.isfinite(values).all():
        raise ModelFolderError(f"{path}: the model's probabilities are not finite; train it anew.")
    return Served(name, path, model, datetime.now(UTC))


def probe(model: Model) -> list[list[float]] | list[str]:
    """A sequence that the model takes: two steps of zeros, or a token twice."""
    if model.facts.vocabulary is not None:
        return 2 * list(model.facts.vocabulary[:1] or "a")
    return [[0.0] * len(model.channels)] * 2
