"""The report's sentences: what the figures say, for anyone."""

from __future__ import annotations

from unrolled.evaluation import Evaluation
from unrolled.statistics import Difference, Figure, Proportion, p_text, verdict


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
    """The accuracies of the simple classifiers on the same sequences, and whether the network is better."""
    parts, over = [], {}
    if found.logistic is not None:
        share = per_cent(found.logistic.value, found.cases)
        parts.append(f"a logistic regression without recurrence gets {share}")
        over["the logistic regression"] = found.over_logistic
    if found.majority is not None:
        share = per_cent(found.majority.value, found.cases)
        parts.append(f"always answering {found.majority_class!r}, the most frequent class, gets {share}")
        over[f"always answering {found.majority_class!r}"] = found.over_majority
    if not parts:
        return ""
    known = {name: difference for name, difference in over.items() if difference is not None}
    return " ".join([f"On the same sequences {' and '.join(parts)}.", *_verdicts(known)])


def _verdicts(over: dict[str, Difference]) -> list[str]:
    """A sentence for each verdict on the network beside other classifiers, by the rule that `compare` has, too."""
    means = {
        "worse": "The network is worse than {}: something simple would serve better.",
        "not shown": "These sequences do not show that the network is better than {}.",
        "better": "The network is better than {}.",
    }
    said = []
    for kind, sentence in means.items():
        names = [f"{name} ({one.test}: {p_text(one.p)})" for name, one in over.items() if verdict(one) == kind]
        if names:
            said.append(sentence.format(" and ".join(names)))
    return said


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
