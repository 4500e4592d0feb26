"""The report's sentences: what the figures say, for anyone."""

from __future__ import annotations

from unrolled.evaluation import Evaluation
from unrolled.statistics import Figure, Proportion


def per_cent(value: float | None, cases: int) -> str:
    """A share with as many digits as so many cases can tell."""
    if value is None:
        return "–"
    digits = 1 if cases < 2_000 else 2 if cases < 200_000 else 4
    return f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 4) -> str:
    """A figure that is no share."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(found: Proportion | Figure, cases: int | None = None, digits: int = 4) -> str:
    """Both ends; as shares of so many cases, where those are given."""
    if found.low is None or found.high is None:
        return "–"
    if cases is None:
        return f"{number(found.low, digits)} to {number(found.high, digits)}"
    return f"{per_cent(found.low, cases).removesuffix(' %')} to {per_cent(found.high, cases)}"


def headline(found: Evaluation) -> str:
    """How good the model is, in a sentence or two."""
    right, cases = found.accuracy.count, found.cases
    said = f"Of {cases:,} sequences that it had not seen, the network gave {right:,} the right label: "
    said += f"{per_cent(found.accuracy.value, cases)}. "
    if cases < 10:
        said += "So few cases say little: "
    low, high = per_cent(found.accuracy.low, cases), per_cent(found.accuracy.high, cases)
    return f"{said}For all sequences of this kind the share lies, as far as these can tell, between {low} and {high}."


def beside(found: Evaluation) -> str:
    """What the simple classifiers make of the same sequences, and what that means."""
    parts = []
    if found.logistic is not None:
        share = per_cent(found.logistic.value, found.cases)
        parts.append(f"a logistic regression without recurrence gets {share}")
    if found.majority is not None:
        share = per_cent(found.majority.value, found.cases)
        parts.append(f"always answering {found.majority_class!r}, the most frequent class, gets {share}")
    if not parts:
        return ""
    said = f"On the same sequences {' and '.join(parts)}."
    simple = max((p for p in (found.logistic, found.majority) if p), key=lambda p: p.value)
    if found.accuracy.low > simple.high:
        return said + " The network is clearly better than both." if len(parts) == 2 else said
    if found.accuracy.high < simple.low:
        return said + " The network is clearly worse than that: something simple would serve better."
    if found.accuracy.value > simple.value:
        return said + " The intervals overlap: these cases alone do not show that the network is worth its cost."
    return said + " The network is no better than something simple on these cases."


SEEN = {
    "flattened": "all values",
    "summary": "summaries of the channels",
    "tokens": "the numbers of each token",
}
"""What the logistic regression was given of a sequence."""

METHODS = {
    "wilson": "Wilson",
    "bootstrap-percentile": "bootstrap",
    "bootstrap-basic": "bootstrap, mirrored",
    "delong": "DeLong",
}
