"""The report's sentences, for readers who do not know the field."""

from __future__ import annotations

from unrolled.evaluation import Evaluation
from unrolled.statistics import Difference, Figure, Proportion, counted, holm, p_text, verdict


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


def tested(found: Evaluation | None) -> str:
    """The number of test sequences, and of their groups."""
    if found is None or found.groups is None:
        return f"{found.cases if found else 0:,}"
    return f"{found.cases:,} (in {found.groups:,} groups)"


def headline(found: Evaluation) -> str:
    """The accuracy with its interval, in words."""
    right, cases = found.accuracy.count, found.cases
    text = f"Of {counted(cases, found.groups)} that it had not seen, the network classified {right:,} correctly: "
    text += f"{per_cent(found.accuracy.value, cases)}. "
    if min(cases, found.groups or cases) < 10:
        text += f"So few {'sequences' if found.groups is None else 'groups'} say little. "
    low, high = per_cent(found.accuracy.low, cases), per_cent(found.accuracy.high, cases)
    text += f"The 95 % interval of the accuracy on all sequences of this kind is {low} to {high}"
    return f"{text}{'' if found.groups is None else ', where those of one group are not independent'}."


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
    """A sentence for each verdict on the network and the baselines, by the rule that `compare` uses too.

    The p values are corrected for the number of baselines, as those of `compare` for its pairs.
    """
    sentences = {
        "worse": "The network is worse than {}: the simpler classifier is the better choice.",
        "not shown": "These sequences do not show that the network is better than {}.",
        "better": "The network is better than {}.",
    }
    found = []
    corrected = dict(zip(over, holm([one.p for one in over.values()]), strict=True))
    for kind, sentence in sentences.items():
        names = [
            f"{name} ({one.test}: {p_text(corrected[name])})"
            for name, one in over.items()
            if verdict(one, corrected[name]) == kind
        ]
        if names:
            found.append(sentence.format(" and ".join(names)))
    return found


def promised(found: Evaluation) -> str:
    """The confidence that keeps a promised error, or what is missing for one."""
    kept = [one for one in found.early if one.promise is not None]
    if not found.early:
        return ""
    if not kept:
        return "There were too few validation sequences to promise a share of wrong decisions."
    parts = [f"at most {100 * (one.promise or 0):g} % by --decide {one.confidence:g}" for one in kept]
    return f"On validation sequences the share of wrong decisions was kept to {', '.join(parts)}."


def early_rows(found: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Confidence, share decided, share of these that are right, its interval, and the mean number of steps."""
    rows = []
    for one in found.early:
        wanted = "" if one.promise is None else f" (for at most {100 * one.promise:g} % wrong)"
        decided, right, ends = per_cent(one.decided.value, one.decided.cases), "–", ""
        if one.right is not None:
            right, ends = per_cent(one.right.value, one.right.cases), interval(one.right, one.right.cases)
        rows.append((f"{one.confidence:g}{wanted}", decided, right, ends, number(one.steps, 1)))
    return rows


SEEN = {
    "flattened": "all values",
    "summary": "summaries of the channels",
    "tokens": "the count of each token",
}
"""The input of the logistic regression, in words."""

METHODS = {
    "wilson": "Wilson",
    "wilson-groups": "Wilson, by groups",
    "wilson-effective": "Wilson, effective",
    "student-mistakes": "Student",
    "simulated-gaps": "simulated",
    "bootstrap-percentile": "bootstrap",
    "bootstrap-basic": "bootstrap, mirrored",
    "delong": "DeLong",
}
