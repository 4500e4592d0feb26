"""The report's sentences, for readers who do not know the field."""

from __future__ import annotations

from unrolled.data import in_folds
from unrolled.evaluation import SEEN, CrossValidation, Evaluation, RegressionFigures, WindowFigures
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
    """The sequences that were tested, in a few words."""
    if found is None:
        return "0 for the test"
    if found.cross_validation is not None:
        return f"all of them {found.cross_validation}"
    return f"{found.cases:,} for the test" + ("" if found.groups is None else f" (in {found.groups:,} groups)")


def headline(found: Evaluation) -> str:
    """The accuracy with its interval, in words."""
    right, cases, crossed = found.accuracy.count, found.cases, found.cross_validation
    share = per_cent(found.accuracy.value, cases)
    if crossed is None:
        which = f"{counted(cases, found.groups)}{_seen(found)}"
        text = f"Of {which}, the network classified {right:,} correctly: {share}. "
    else:
        text = f"{held_out_in_turn(crossed)}. Of their {cases:,} answers {right:,} were right: {share}. "
    if found.unlearned is not None:
        rest = found.unlearned
        text += (
            f"Of the {rest.cases:,} whose content it had not learned, {per_cent(rest.value, rest.cases)} are right. "
        )
    if min(cases, found.groups or cases) < 10:
        text += f"So few {'sequences' if found.groups is None else 'groups'} say little. "
    low, high = per_cent(found.accuracy.low, cases), per_cent(found.accuracy.high, cases)
    text += f"The 95 % interval of the accuracy on all sequences of this kind is {low} to {high}"
    text += "." if found.groups is None else ", where those of one group are not independent."
    return text if crossed is None else f"{text} {UNTESTED}"


def _seen(found: Evaluation) -> str:
    """Whether the network had seen the sequences."""
    learned = {part: count for part, count in (found.parts or {}).items() if part in ("trained on", "validation")}
    if not learned:
        return " that it had not seen"
    return f" ({', '.join(f'{count:,} {part}' for part, count in (found.parts or {}).items())})"


def held_out_in_turn(crossed: CrossValidation) -> str:
    """How the sequences of a cross-validation were held out, in words."""
    times = "once" if crossed.repeats == 1 else f"{crossed.repeats} times"
    which = in_folds(crossed.folds, crossed.repeats)
    return (
        f"Cross-validated, {which}: each of {crossed.sequences:,} sequences was held out {times}, from networks that "
        "learned from the others"
    )


UNTESTED = "This network itself learned from all of them; it was not tested."
"""What the figures of a cross-validation do not say."""


def beside(found: Evaluation) -> str:
    """The accuracies of the baselines on the same sequences, and whether the network is better."""
    always = f"always predicting {found.majority_class!r}"
    parts, over = [], {}
    for number, one in enumerate(found.regressions):
        some = f", on the {one.accuracy.cases:,} that it can judge," if one.accuracy.cases < found.cases else ""
        name = f"one on {SEEN[one.features]}" if number else f"a {regression(one)}"
        parts.append(f"{name}{some} gets {per_cent(one.accuracy.value, one.accuracy.cases)}")
        over[f"the one on {SEEN[one.features]}" if number else "the logistic regression"] = one.over
    if found.majority is not None:
        parts.append(f"{always}, the most frequent class, gets {per_cent(found.majority.value, found.cases)}")
        over[always] = found.over_majority
    if not parts:
        return ""
    known = {name: difference for name, difference in over.items() if difference is not None}
    return " ".join([f"On the same sequences {listed(parts)}.", *_verdicts(known)])


def regression(one: RegressionFigures) -> str:
    """The name of a logistic regression, with its input."""
    return f"logistic regression on {SEEN[one.features]}"


def listed(parts: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


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
            found.append(sentence.format(listed(names)))
    return found


def promised(found: Evaluation) -> str:
    """The confidence that keeps a promised error, or what is missing for one."""
    kept = [one for one in found.early if one.promise is not None]
    if not found.early:
        return ""
    if not kept:
        return "No probability was shown by validation sequences to keep the share of wrong decisions to 10 % or less."
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


def changes_in_words(found: WindowFigures) -> str:
    """How many changes of the label were found while the recordings went on, and how late."""
    one = found.changes
    if one is None:
        return "The label does not change within a recording."
    label = "change" if one.changes == 1 else "changes"
    text = f"Of {one.changes:,} {label} of the label {one.found:,} were found before the next one"
    if one.median is not None:
        seconds = "" if one.seconds is None else f" ({one.seconds:.3g} s)"
        text += (
            f", {one.median:g} steps{seconds} after they happened in the median ({one.least:,} to {one.most:,} steps)"
        )
    return f"{text}; {one.missed:,} were missed, and the answer changed {one.false:,} times without reason."


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
