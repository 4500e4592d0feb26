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
    from unrolled.evaluation.compare import Comparison as Comparison
    from unrolled.evaluation.compare import compare as compare
    from unrolled.evaluation.evaluate import Evaluation as Evaluation
    from unrolled.evaluation.evaluate import evaluate as evaluate
    from unrolled.evaluation.report.run import report as report
    from unrolled.evaluation.rivals import Rival as Rival
    from unrolled.experiment import Run as Run
    from unrolled.experiment import resume as resume
    from unrolled.experiment import train as train
    from unrolled.grid import compare_settings as compare_settings
    from unrolled.model import Model as Model
    from unrolled.model import load as load
    from unrolled.tuning.tune import Tuning as Tuning
    from unrolled.tuning.tune import tune as tune

    __version__: str

_HOMES = {
    "Comparison": "unrolled.evaluation.compare",
    "Evaluation": "unrolled.evaluation.evaluate",
    "Model": "unrolled.model",
    "Recipe": "unrolled.config",
    "Rival": "unrolled.evaluation.rivals",
    "Run": "unrolled.experiment",
    "SequenceClassifier": "unrolled.estimator",
    "Sequences": "unrolled.data.sequences",
    "Tuning": "unrolled.tuning.tune",
    "UnrolledError": "unrolled.errors",
    "compare": "unrolled.evaluation.compare",
    "compare_settings": "unrolled.grid",
    "evaluate": "unrolled.evaluation.evaluate",
    "load": "unrolled.model",
    "read": "unrolled.data.readers",
    "report": "unrolled.evaluation.report.run",
    "resume": "unrolled.experiment",
    "train": "unrolled.experiment",
    "tune": "unrolled.tuning.tune",
}

__all__ = [
    "Comparison",
    "Evaluation",
    "Model",
    "Recipe",
    "Rival",
    "Run",
    "SequenceClassifier",
    "Sequences",
    "Tuning",
    "UnrolledError",
    "__version__",
    "compare",
    "compare_settings",
    "evaluate",
    "load",
    "read",
    "report",
    "resume",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("unrolled.version").VERSION
    if name not in _HOMES:
        raise AttributeError(f"module 'unrolled' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
