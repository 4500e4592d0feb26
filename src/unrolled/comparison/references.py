"""Reference classifiers: scikit-learn's by name, or any object with ``fit`` and ``predict``.

They are fitted to the training and the validation sequences together, since they do not need the latter to choose
weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

from unrolled.baselines import padded, summaries, token_counts
from unrolled.comparison.entries import Entry, Results, judge
from unrolled.config import DataConfig
from unrolled.data import Dataset, Sequences
from unrolled.errors import ConfigError, DataError, UnknownNameError, option
from unrolled.preparation import learn_preprocessor
from unrolled.statistics import Groups

PREFIX = "sklearn:"
MAX_FEATURES = 10_000
"""Most values of a sequence for which ``auto`` takes flattened features."""

MAX_TOKENS = 2_000
"""Most different tokens that are counted."""

FeatureName = Literal["auto", "flattened", "summary", "tokens", "padded", "channels-first"]
FeatureMaker = Callable[[Sequences], Any]


@dataclass(frozen=True)
class ReferenceClassifier:
    """A reference classifier that is not fitted yet.

    Attributes:
        name: the name in tables and plots.
        classifier: has ``fit(X, y)`` and ``predict(X)``; labels are the classes' names. With ``predict_proba`` and
            ``classes_`` its log loss is computed too. With ``get_params`` and a ``random_state`` it is fitted once for
            each seed, otherwise once.
        features: its input. ``flattened`` [N, T·F] and ``padded`` [N, T, F] are filled up with zeros behind the last
            step of short sequences, where T is the longest training length, and longer sequences are cut;
            ``channels-first`` [N, F, T] is the form of aeon and sktime; ``summary`` has each channel's mean, standard
            deviation, smallest, largest, first and last value, and the length; ``tokens`` [N, V] counts the
            `MAX_TOKENS` most frequent tokens of a text; ``auto`` is tokens for text, flattened for sequences of one
            length that are not too long, and summary otherwise. Or a function from `Sequences` to the input.

    Example:
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> neighbours = unrolled.ReferenceClassifier("3 neighbours", KNeighborsClassifier(3), features="summary")
        >>> found = unrolled.compare(["runs/levels/1"], against=[neighbours], data=dataset)
        >>> "3 neighbours" in [row.name for row in found.rows]
        True
    """

    name: str
    classifier: Any
    features: FeatureName | FeatureMaker = "auto"


Rival = ReferenceClassifier
"""The name in version 0.1.0; the next release removes it."""


def named_reference(text: str, features: FeatureName = "auto") -> ReferenceClassifier:
    """The reference classifier that ``sklearn:NAME`` or ``sklearn:NAME,parameter=value,…`` means.

    Only classifiers that scikit-learn itself lists are known; nothing else is imported, and nothing is evaluated.
    Values are read as JSON, or as text if they are not JSON.

    Raises:
        ConfigError: for another form, an unknown classifier or parameter, or a classifier that needs other classifiers.
    """
    if not text.startswith(PREFIX):
        raise ConfigError(f"{option('against', text)}: expected sklearn:NAME, such as sklearn:RandomForestClassifier.")
    name, *settings = text.removeprefix(PREFIX).split(",")
    known = dict(all_estimators(type_filter="classifier"))
    if name not in known:
        raise UnknownNameError("classifier of scikit-learn", name, known)
    parameters = dict(_setting(setting, text) for setting in settings)
    try:
        classifier = known[name]()
    except TypeError:
        raise ConfigError(
            f"{name} is made of other classifiers and cannot be made by name; build it in Python."
        ) from None
    unknown = [key for key in parameters if key not in classifier.get_params()]
    if unknown:
        raise UnknownNameError(f"parameter of {name}", unknown[0], classifier.get_params())
    pipeline = make_pipeline(StandardScaler(), classifier.set_params(**parameters))
    return ReferenceClassifier(" ".join([name, *settings]), pipeline, features)


def _setting(text: str, whole: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"{option('against', whole)}: {text!r} is no parameter; expected parameter=value.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


def fit_reference(reference: ReferenceClassifier, dataset: Dataset, seeds: Sequence[int] = (0,)) -> Entry:
    """Fits a reference classifier, once or for each seed, and tests it.

    Args:
        reference: the classifier.
        dataset: it is fitted to the training and validation sequences and tested on the test sequences.
        seeds: values of ``random_state``, if the classifier has one.
    Raises:
        DataError: if there are no test sequences.
        ConfigError: if scikit-learn refuses the data or the parameters.
    """
    if dataset.test is None:
        raise DataError(f"nothing of {dataset.name} is held out for the test, so {reference.name} cannot be compared.")
    # text becomes indices into the training data's vocabulary
    preprocessor = learn_preprocessor(dataset.train, DataConfig())
    parts = [preprocessor(part) for part in (dataset.train, dataset.validation) if part is not None]
    make = _maker(reference, parts)
    learned = [make(part) for part in parts]
    X = np.concatenate(learned) if len(learned) > 1 and isinstance(learned[0], np.ndarray) else _joined(learned)
    y = np.concatenate([np.array(part.classes)[part.targets] for part in parts])
    X_test = make(preprocessor(dataset.test))
    results = []
    for classifier in _seeded(reference.classifier, seeds):
        try:
            results.append(_fit_and_test(reference.name, classifier, X, y, X_test, dataset.test))
        except (ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(f"{reference.name} cannot be fitted to {dataset.name}: {reason}") from error
    return Entry(reference.name, tuple(results))


def _joined(parts: Sequence[Any]) -> Any:
    """Lists of sequences as one list."""
    return parts[0] if len(parts) == 1 else [item for part in parts for item in part]


def _maker(reference: ReferenceClassifier, parts: Sequence[Sequences]) -> FeatureMaker:
    """The function from sequences to the classifier's input."""
    features = reference.features
    if callable(features):
        return features
    symbols = parts[0].symbols
    if features == "tokens" and symbols is None:
        raise ConfigError("tokens are counted of text, and these sequences are numbers; leave --features out.")
    length = max(int(part.lengths.max()) for part in parts)
    if features == "auto" and symbols is not None:
        features = "tokens"
    elif features == "auto":
        equal = len({part.equal_length for part in parts}) == 1 and parts[0].equal_length
        features = "flattened" if equal and length * len(parts[0].channels) <= MAX_FEATURES else "summary"
    makers: dict[str, FeatureMaker] = {
        "flattened": lambda part: padded(part, length).reshape(len(part), -1),
        "summary": summaries,
        "tokens": lambda part: np.concatenate(list(token_counts(part, min(len(symbols or ()), MAX_TOKENS)))),
        "padded": lambda part: padded(part, length),
        "channels-first": lambda part: np.ascontiguousarray(padded(part, length).transpose(0, 2, 1)),
    }
    if features not in makers:
        raise UnknownNameError("kind of features", str(features), [*makers, "auto"])
    return makers[features]


def _seeded(classifier: Any, seeds: Sequence[int]) -> list[Any]:
    """A copy of the classifier for each seed; the classifier itself if it has no ``random_state``."""
    settings = classifier.get_params() if hasattr(classifier, "get_params") else {}
    places = [name for name in settings if name.split("__")[-1] == "random_state"]
    if not places:
        return [classifier]
    return [clone(classifier).set_params(**dict.fromkeys(places, seed)) for seed in seeds]


def _fit_and_test(name: str, classifier: Any, X: Any, y: npt.NDArray[np.str_], X_test: Any, test: Sequences) -> Results:
    started = time.perf_counter()
    classifier.fit(X, y)
    fitted = time.perf_counter()
    predicted = np.asarray(classifier.predict(X_test))
    tested = time.perf_counter()
    classes = list(dict.fromkeys([*test.classes, *(str(label) for label in np.unique(predicted))]))
    place = {label: index for index, label in enumerate(classes)}
    if len(predicted) != len(test):
        raise ConfigError(f"{name} gave {len(predicted)} answers on {len(test)} test sequences; expected one for each.")
    return judge(
        name,
        test.fingerprint,
        test.targets,
        np.array([place[str(label)] for label in predicted], np.int64),
        _likelihoods(classifier, X_test, test),
        classes,
        parameters=None,
        training_seconds=fitted - started,
        test_seconds=tested - fitted,
        groups=Groups.of(test.groups, len(test)),
    )


def _likelihoods(classifier: Any, X_test: Any, test: Sequences) -> npt.NDArray[np.floating] | None:
    """The probability of each sequence's true class, [N]; None if the classifier gives none."""
    if not hasattr(classifier, "predict_proba") or not hasattr(classifier, "classes_"):
        return None
    given = np.asarray(classifier.predict_proba(X_test), np.float64)
    columns = {str(label): index for index, label in enumerate(classifier.classes_)}
    true = np.array([columns.get(name, -1) for name in test.classes])[test.targets]
    return np.where(true >= 0, given[np.arange(len(given)), true], 0.0)
