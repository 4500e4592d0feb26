"""Classifiers of another kind beside the networks: scikit-learn's by name, or any object with ``fit`` and ``predict``.

They are fitted on all sequences that are not held out for the test: what a network takes for its validation is
theirs to learn from.
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
from unrolled.comparison.entries import Answers, Entry, judge
from unrolled.config import DataConfig
from unrolled.data import Dataset, Sequences
from unrolled.errors import ConfigError, DataError, UnknownNameError
from unrolled.preparation import learn_preprocessor

PREFIX = "sklearn:"
MAX_FEATURES = 10_000
"""Sequences of one length with more values than these are summarised unless something else is asked for."""

MAX_TOKENS = 2_000
"""Different tokens of text that are counted."""

FeatureName = Literal["auto", "flattened", "summary", "tokens", "padded", "channels-first"]
FeatureMaker = Callable[[Sequences], Any]


@dataclass(frozen=True)
class ReferenceClassifier:
    """A classifier of another kind, not yet fitted.

    Attributes:
        name: as tables and plots have it.
        classifier: has ``fit(X, y)`` and ``predict(X)``; labels are the classes' names. Where it has
            ``predict_proba`` and ``classes_`` the log loss is given too. One with ``get_params`` and a
            ``random_state`` is fitted anew for each seed, any other once.
        features: what it is given: ``flattened`` [N, T·F] and ``padded`` [N, T, F] with zeros behind the last
            step of short sequences, T being the longest to learn from and longer ones cut; ``channels-first``
            [N, F, T], which aeon and sktime take; ``summary``, each channel's mean, deviation, least, largest,
            first and last value and the length; ``tokens`` [N, V], of text how often each of the most frequent
            `MAX_TOKENS` tokens occurs; ``auto``, tokens for text, flattened for sequences of one length that are
            not too long, otherwise summary. Or a function from `Sequences` to what the classifier takes.

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
"""The name of version 0.1.0, which goes with the next release."""


def named_reference(text: str, features: FeatureName = "auto") -> ReferenceClassifier:
    """The reference classifier that ``sklearn:NAME`` or ``sklearn:NAME,parameter=value,…`` means.

    Only the classifiers that scikit-learn itself lists are known: nothing else is imported, nothing is
    evaluated. Values are read as JSON, and as text where they are none.

    Raises:
        ConfigError: for another form, an unknown classifier or parameter, or one that cannot stand alone.
    """
    if not text.startswith(PREFIX):
        raise ConfigError(f"--against {text!r}: expected sklearn:NAME, such as sklearn:RandomForestClassifier.")
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
        raise ConfigError(f"--against {whole!r}: {text!r} is no parameter; expected parameter=value.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


def fit_reference(reference: ReferenceClassifier, dataset: Dataset, seeds: Sequence[int] = (0,)) -> Entry:
    """Fits a reference classifier, once or for each seed, and takes its answers on the test sequences.

    Args:
        reference: what to fit.
        dataset: its training and validation sequences are learned from.
        seeds: values for ``random_state``, where there is one.
    Raises:
        DataError: if there are no test sequences.
        ConfigError: if scikit-learn refuses the data or the parameters.
    """
    if dataset.test is None:
        raise DataError(f"nothing of {dataset.name} is held out for the test, so {reference.name} cannot be compared.")
    # the codes of text are those of the training data's vocabulary
    preprocessor = learn_preprocessor(dataset.train, DataConfig())
    parts = [preprocessor(part) for part in (dataset.train, dataset.validation) if part is not None]
    make = _maker(reference, parts)
    learned = [make(part) for part in parts]
    X = np.concatenate(learned) if len(learned) > 1 and isinstance(learned[0], np.ndarray) else _joined(learned)
    y = np.concatenate([np.array(part.classes)[part.targets] for part in parts])
    X_test = make(preprocessor(dataset.test))
    answers = []
    for classifier in _seeded(reference.classifier, seeds):
        try:
            answers.append(_fit_and_judge(reference.name, classifier, X, y, X_test, dataset.test))
        except (ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(f"{reference.name} cannot be fitted to {dataset.name}: {reason}") from error
    return Entry(reference.name, tuple(answers))


def _joined(parts: Sequence[Any]) -> Any:
    """Lists of sequences as one list."""
    return parts[0] if len(parts) == 1 else [item for part in parts for item in part]


def _maker(reference: ReferenceClassifier, parts: Sequence[Sequences]) -> FeatureMaker:
    """From sequences to what the classifier takes."""
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
    """The classifier anew for each seed where it has one, else as it is."""
    settings = classifier.get_params() if hasattr(classifier, "get_params") else {}
    places = [name for name in settings if name.split("__")[-1] == "random_state"]
    if not places:
        return [classifier]
    return [clone(classifier).set_params(**dict.fromkeys(places, seed)) for seed in seeds]


def _fit_and_judge(
    name: str, classifier: Any, X: Any, y: npt.NDArray[np.str_], X_test: Any, test: Sequences
) -> Answers:
    started = time.perf_counter()
    classifier.fit(X, y)
    fitted = time.perf_counter()
    said = np.asarray(classifier.predict(X_test))
    tested = time.perf_counter()
    classes = list(dict.fromkeys([*test.classes, *(str(label) for label in np.unique(said))]))
    place = {label: index for index, label in enumerate(classes)}
    if len(said) != len(test):
        raise ConfigError(f"{name} gave {len(said)} answers on {len(test)} test sequences; expected one for each.")
    return judge(
        name,
        test.fingerprint,
        test.targets,
        np.array([place[str(label)] for label in said], np.int64),
        _likelihoods(classifier, X_test, test),
        classes,
        parameters=None,
        training_seconds=fitted - started,
        test_seconds=tested - fitted,
    )


def _likelihoods(classifier: Any, X_test: Any, test: Sequences) -> npt.NDArray[np.floating] | None:
    """The probability of each case's true class, [N]; None where the classifier gives none."""
    if not hasattr(classifier, "predict_proba") or not hasattr(classifier, "classes_"):
        return None
    given = np.asarray(classifier.predict_proba(X_test), np.float64)
    columns = {str(label): index for index, label in enumerate(classifier.classes_)}
    true = np.array([columns.get(name, -1) for name in test.classes])[test.targets]
    return np.where(true >= 0, given[np.arange(len(given)), true], 0.0)
