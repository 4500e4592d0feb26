"""Recurrent sequence classifiers: train, measure honestly, ship.

Importing this package is cheap: torch and the rest are imported when a name that needs them is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unrolled.comparison import Comparison as Comparison
    from unrolled.comparison import ReferenceClassifier as ReferenceClassifier
    from unrolled.comparison import Rival as Rival
    from unrolled.comparison import compare as compare
    from unrolled.comparison import compare_settings as compare_settings
    from unrolled.config import Recipe as Recipe
    from unrolled.data import Sequences as Sequences
    from unrolled.data.formats import read as read
    from unrolled.errors import UnrolledError as UnrolledError
    from unrolled.estimator import SequenceClassifier as SequenceClassifier
    from unrolled.evaluation import Evaluation as Evaluation
    from unrolled.evaluation import evaluate as evaluate
    from unrolled.model import Model as Model
    from unrolled.model import load as load
    from unrolled.runs import Run as Run
    from unrolled.runs import report as report
    from unrolled.runs import resume as resume
    from unrolled.runs import train as train
    from unrolled.tuning import Tuning as Tuning
    from unrolled.tuning import tune as tune

    __version__: str

_HOMES = {
    "Comparison": "unrolled.comparison.comparison",
    "Evaluation": "unrolled.evaluation.evaluation",
    "Model": "unrolled.model.model",
    "Recipe": "unrolled.config",
    "ReferenceClassifier": "unrolled.comparison.references",
    "Rival": "unrolled.comparison.references",
    "Run": "unrolled.runs.run",
    "SequenceClassifier": "unrolled.estimator",
    "Sequences": "unrolled.data.sequences",
    "Tuning": "unrolled.tuning.search",
    "UnrolledError": "unrolled.errors",
    "compare": "unrolled.comparison.comparison",
    "compare_settings": "unrolled.comparison.settings",
    "evaluate": "unrolled.evaluation.evaluation",
    "load": "unrolled.model.model",
    "read": "unrolled.data.formats",
    "report": "unrolled.runs.reporting",
    "resume": "unrolled.runs.run",
    "train": "unrolled.runs.run",
    "tune": "unrolled.tuning.search",
}

__all__ = [
    "Comparison",
    "Evaluation",
    "Model",
    "Recipe",
    "ReferenceClassifier",
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
