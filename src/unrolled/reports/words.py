"""The report's sentences, for readers who do not know the field."""

from __future__ import annotations

from unrolled.evaluation import Evaluation
from unrolled.statistics import Difference, Figure, Proportion, p_text, verdict


def per_cent(value: float | None, cases: int) -> str:
    """A share in per cent, with as many digits as the number of sequences justifies."""
    if value is None:
        return "–"
    digits = 1 if cases < 2_000 else 2 if cases < 200_000 else 4
    return f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 4) -> str:
    """A figure other than a share."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(found: Proportion | Figure, cases: int | None = None, digits: int = 4) -> str:
    """Both ends of an interval; in per cent if the number of sequences is given."""
    if found.low is None or found.high is None:
        return "–"
    if cases is None:
        return f"{number(found.low, digits)} to {number(found.high, digits)}"
    return f"{per_cent(found.low, cases).removesuffix(' %')} to {per_cent(found.high, cases)}"


def headline(found: Evaluation) -> str:
    """The accuracy with its interval, in words."""
    right, cases = found.accuracy.count, found.cases
    text = f"Of {cases:,} sequences that it had not seen, the network classified {right:,} correctly: "
    text += f"{per_cent(found.accuracy.value, cases)}. "
    if cases < 10:
        text += "So few sequences say little. "
    low, high = per_cent(found.accuracy.low, cases), per_cent(found.accuracy.high, cases)
    return f"{text}The 95 % interval of the accuracy on all sequences of this kind is {low} to {high}."


def beside(found: Evaluation) -> str:
    """The accuracies of the baselines on the same sequences, and whether the network is better."""
    always = f"always predicting {found.majority_class!r}"
    baselines = [
        ("the logistic regression", "a logistic regression without recurrence", found.logistic, found.over_logistic),
        (always, f"{always}, the most frequent class,", found.majority, found.over_majority),
    ]
    parts = [f"{text} gets {per_cent(one.value, found.cases)}" for _, text, one, _ in baselines if one is not None]
    if not parts:
        return ""
    over = {name: difference for name, _, _, difference in baselines if difference is not None}
    return " ".join([f"On the same sequences {' and '.join(parts)}.", *_verdicts(over)])


def _verdicts(over: dict[str, Difference]) -> list[str]:
    """A sentence for each verdict on the network and the baselines, by the rule that `compare` uses too."""
    sentences = {
        "worse": "The network is worse than {}: the simpler classifier is the better choice.",
        "not shown": "These sequences do not show that the network is better than {}.",
        "better": "The network is better than {}.",
    }
    found = []
    for kind, sentence in sentences.items():
        names = [f"{name} ({one.test}: {p_text(one.p)})" for name, one in over.items() if verdict(one) == kind]
        if names:
            found.append(sentence.format(" and ".join(names)))
    return found


SEEN = {
    "flattened": "all values",
    "summary": "summaries of the channels",
    "tokens": "the count of each token",
}
"""The input of the logistic regression, in words."""

METHODS = {
    "wilson": "Wilson",
    "bootstrap-percentile": "bootstrap",
    "bootstrap-basic": "bootstrap, mirrored",
    "delong": "DeLong",
}
