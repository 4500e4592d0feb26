"""Recurrent sequence classifiers: train, measure honestly, ship.

Importing this package is cheap: torch and the rest are imported when a name that needs them is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unrolled.config import Recipe as Recipe
    from unrolled.data.readers import read as read
    from unrolled.data.sequences import Sequences as Sequences
    from unrolled.errors import UnrolledError as UnrolledError
    from unrolled.estimator import SequenceClassifier as SequenceClassifier
    from unrolled.evaluation.evaluate import Evaluation as Evaluation
    from unrolled.evaluation.evaluate import evaluate as evaluate
    from unrolled.evaluation.report.run import report as report
    from unrolled.experiment import Run as Run
    from unrolled.experiment import resume as resume
    from unrolled.experiment import train as train
    from unrolled.model import Model as Model
    from unrolled.model import load as load

    __version__: str

_HOMES = {
    "Evaluation": "unrolled.evaluation.evaluate",
    "Model": "unrolled.model",
    "Recipe": "unrolled.config",
    "Run": "unrolled.experiment",
    "SequenceClassifier": "unrolled.estimator",
    "Sequences": "unrolled.data.sequences",
    "UnrolledError": "unrolled.errors",
    "evaluate": "unrolled.evaluation.evaluate",
    "load": "unrolled.model",
    "read": "unrolled.data.readers",
    "report": "unrolled.evaluation.report.run",
    "resume": "unrolled.experiment",
    "train": "unrolled.experiment",
}

__all__ = [
    "Evaluation",
    "Model",
    "Recipe",
    "Run",
    "SequenceClassifier",
    "Sequences",
    "UnrolledError",
    "__version__",
    "evaluate",
    "load",
    "read",
    "report",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("unrolled.version").VERSION
    if name not in _HOMES:
        raise AttributeError(f"module 'unrolled' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
