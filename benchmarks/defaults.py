"""How good are the defaults on small problems that nobody's test data went into?

    python benchmarks/defaults.py
    python benchmarks/defaults.py --seeds 4 --families points beats
    python benchmarks/defaults.py --set context_steps=0 initializer=orthogonal

Each family of `families.py` draws a problem for each seed; `SequenceClassifier` is trained with its defaults, or with
what is set, and tested on 240 fresh cases, beside a logistic regression on the standardised values where all sequences
are equally long.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from families import FAMILIES, draw
from unrolled import SequenceClassifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="problems of each family (2)")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES), help="some of them (all)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="parameters other than the defaults")
    arguments = parser.parse_args()
    parameters = {name: _value(text) for name, _, text in (word.partition("=") for word in arguments.set)}
    print(f"{'family':22}{'right, %':>10}{'loss':>8}{'seconds':>9}{'logistic, %':>13}")
    rows = []
    for name in arguments.families:
        rows.append(np.mean([_measure(name, seed, parameters) for seed in range(arguments.seeds)], 0))
        _tell(name, rows[-1])
    _tell("mean", np.array([*np.mean([row[:3] for row in rows], 0), np.nan]))


def _measure(name: str, seed: int, parameters: dict[str, object]) -> tuple[float, float, float, float]:
    """Share right, cross-entropy, seconds of training, and the share right of the logistic regression."""
    train, labels, test, expected = draw(name, seed)
    begin = time.perf_counter()
    classifier = SequenceClassifier(random_state=seed, **parameters).fit(train, labels)
    seconds = time.perf_counter() - begin
    shares = classifier.predict_proba(test)
    loss = -np.log(shares[np.arange(len(test)), expected].clip(1e-9)).mean()
    return (shares.argmax(1) == expected).mean(), loss, seconds, _logistic(train, labels, test, expected)


def _logistic(train: list, labels: np.ndarray, test: list, expected: np.ndarray) -> float:
    if len({len(values) for values in train + test}) > 1:
        return np.nan
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    rows, others = (np.array([values.ravel() for values in part]) for part in (train, test))
    return model.fit(rows, labels).score(others, expected)


def _value(text: str) -> object:
    """A number, true or false, or else the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _tell(name: str, row: np.ndarray) -> None:
    right, loss, seconds, logistic = row
    other = "ragged" if np.isnan(logistic) and name != "mean" else "" if name == "mean" else f"{100 * logistic:.1f}"
    print(f"{name:22}{100 * right:10.1f}{loss:8.3f}{seconds:9.1f}{other:>13}", flush=True)


if __name__ == "__main__":
    main()
