"""Compares classifiers on the same test sequences: figures, differences with intervals and tests, sentences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.comparison.entries import Entry, Results, entries_of_runs, fewest
from unrolled.comparison.references import ReferenceClassifier, fit_reference, named_reference
from unrolled.data import Dataset, load_dataset
from unrolled.errors import ConfigError, MismatchError
from unrolled.evaluation import changed_part
from unrolled.notebook import lines, shares, titled
from unrolled.runs import RunFolder
from unrolled.statistics import Difference, Groups, difference, holm, mean_share, p_text, verdict, wide_share, widened

SCHEMA_VERSION = 1

_MAX_NAMED = 5


@dataclass(frozen=True)
class ComparisonRow:
    """An entry's figures; means over its runs.

    Attributes:
        name: the entry's name.
        runs: the runs' folders or names, in the order of ``accuracies``.
        cases: number of test sequences.
        accuracy: share of right predictions.
        low, high: its 95 % interval; see `unrolled.statistics.mean_share`.
        accuracies: accuracy of each run.
        deviation: standard deviation of these; None for one run.
        log_loss: None if there are no probabilities, or if the mean is not finite (a note says so).
        parameters: number of learned parameters.
        training_seconds, milliseconds: see `Results`.
        groups: number of groups of the test sequences, which are what the interval counts as independent; None without
            groups.

    Example:
        >>> found = unrolled.compare(["runs/levels/1"], against=["sklearn:GaussianNB"], data=dataset)
        >>> found.rows[0].cases, round(found.rows[0].low, 4)
        (10, 0.7152)
    """

    name: str
    runs: tuple[str, ...]
    cases: int
    accuracy: float
    low: float
    high: float
    accuracies: tuple[float, ...]
    deviation: float | None
    log_loss: float | None
    parameters: float | None
    training_seconds: float | None
    milliseconds: float
    groups: int | None = None


@dataclass(frozen=True)
class ComparisonPair:
    """Two entries and whether one is better.

    Attributes:
        first, second: names; the first has the higher accuracy.
        difference: the first's accuracy less the second's, with interval and test.
        p_corrected: the test's p value, corrected by Holm's method for all pairs of the comparison.
        by_seed: p values, not corrected, of the exact test between the first runs, the second runs, …; empty if
            the numbers of runs or the test sequences differ.
        sentence: the result in words.

    Example:
        >>> found = unrolled.compare(["runs/levels/1"], against=["sklearn:GaussianNB"], data=dataset)
        >>> found.pairs[0].shown
        False
    """

    first: str
    second: str
    difference: Difference
    p_corrected: float
    by_seed: tuple[float, ...]
    sentence: str

    @property
    def shown(self) -> bool:
        """Whether the data show a difference."""
        return verdict(self.difference, self.p_corrected) != "not shown"


@dataclass(frozen=True)
class Comparison:
    """Entries, the best first, and every pair of them.

    Attributes:
        paired: whether all were tested on the same sequences.
        fingerprints: fingerprints of the test sequences; a single one if ``paired``.
        rows: one for each entry.
        pairs: all pairs of entries.
        verdict: the result in one sentence.
        notes: reservations that a reader must know.

    Example:
        >>> found = unrolled.compare(["runs/levels/1"], against=["sklearn:GaussianNB"], data=dataset)
        >>> found.paired, len(found.rows), found.verdict.split(":")[0]
        (True, 2, 'No difference is shown')
    """

    paired: bool
    fingerprints: tuple[str, ...]
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[ComparisonPair, ...]
    verdict: str
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        """For a notebook: the accuracies, the verdict, and the notes."""
        rows = {row.name: (row.accuracy, row.low, row.high) for row in self.rows}
        return titled("Comparison", shares(rows), lines("\n".join([self.verdict, *self.notes])))

    def to_dict(self) -> dict[str, Any]:
        """The content of ``comparison.json``."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def against_best(self) -> list[ComparisonPair]:
        """The pairs of the best entry with the others, in the order of their rows."""
        place = {row.name: index for index, row in enumerate(self.rows)}
        best = self.rows[0].name
        return sorted((pair for pair in self.pairs if pair.first == best), key=lambda pair: place[pair.second])


def compare(
    runs: Sequence[str | Path],
    *,
    against: Sequence[str | ReferenceClassifier] = (),
    data: Dataset | None = None,
    unpaired: bool = False,
    pool_seeds: bool = False,
) -> Comparison:
    """Compares finished runs and reference classifiers on their test sequences.

    What is compared is the share of right answers, and its unit is the sequence, or the group of sequences where the
    data have groups. Every pair has Newcombe's 95 %
    interval of the difference and a p value, corrected for all pairs by Holm's method: McNemar's exact test for single
    runs on the same sequences (a sign-flip test over the groups of grouped ones), Fisher's for different ones, and a
    test over seeds and sequences where an entry has several seeds.

    Args:
        runs: run folders.
        against: ``sklearn:NAME`` or `ReferenceClassifier`, fitted to the data of the first run.
        data: the data of the first run, if they were in memory.
        unpaired: allow different test sequences, which are then treated as independent samples.
        pool_seeds: whether runs that differ only in their seed become one entry, so that the spread over seeds counts.
    Returns:
        A row for each entry, the best first, every pair, and a verdict.
    Raises:
        RunError: for a run that does not exist, is not finished or is damaged.
        MismatchError: for different test sequences, unless ``unpaired``; for data that changed since the first run.
        ConfigError: for fewer than two classifiers, or an unknown one.

    Example:
        >>> found = unrolled.compare(["runs/levels/1"], against=["sklearn:GaussianNB"], data=dataset)
        >>> [row.accuracy for row in found.rows]
        [1.0, 1.0]
        >>> found.pairs[0].difference.p
        1.0
    """
    references = [named_reference(one) if isinstance(one, str) else one for one in against]
    entries = entries_of_runs(runs, pool_seeds=pool_seeds)
    if references:
        recipe, facts = RunFolder.open(Path(runs[0])).read_config()
        dataset = data or load_dataset(recipe.data, missing=recipe.model.missing)
        changed = changed_part(dataset, facts["data"])
        if changed is not None:
            raise MismatchError(
                f"the {changed} data are not those of {runs[0]} any more, so nothing else can be fitted on them; "
                "restore them, or train the run anew."
            )
        entries += [fit_reference(reference, dataset) for reference in references]
    return compare_entries(entries, unpaired=unpaired)


def compare_entries(entries: Sequence[Entry], *, unpaired: bool = False) -> Comparison:
    """Compares classifiers.

    Args:
        entries: at least two, with different names.
        unpaired: allow different test sequences, which are then treated as independent samples.
    Raises:
        MismatchError: for different test sequences, unless ``unpaired``.
        ConfigError: for fewer than two entries, or two of one name.
    """
    names = [entry.name for entry in entries]
    if len(entries) < 2:
        raise ConfigError("a comparison needs at least two classifiers; name another run, or one with --against.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two classifiers are called {twice!r}; give them different names.")
    paired = _same_data(entries, unpaired)
    groups = {entry.name: entry.groups for entry in entries}
    if paired:
        groups = dict.fromkeys(names, fewest(groups.values()))
    rows = {entry.name: _row(entry, groups[entry.name]) for entry in entries}
    order = sorted(entries, key=lambda one: -rows[one.name].accuracy)
    couples = list(itertools.combinations(order, 2))
    found = [_difference(a, b, groups, paired) for a, b in couples]
    corrected = holm([one.p for one in found])
    pairs = tuple(
        ComparisonPair(
            a.name,
            b.name,
            one,
            p,
            _by_seed(a, b, groups[a.name]) if paired else (),
            _sentence(a.name, b.name, one, p, len(couples)),
        )
        for (a, b), one, p in zip(couples, found, corrected, strict=True)
    )
    prints = dict.fromkeys(results.fingerprint for one in entries for results in one.results)
    ordered = tuple(rows[one.name] for one in order)
    return Comparison(paired, tuple(prints), ordered, pairs, _verdict(ordered, pairs), _notes(order, paired, prints))


def _difference(first: Entry, second: Entry, groups: Mapping[str, Groups], paired: bool) -> Difference:
    """The difference of two entries, with a wider interval in a cross-validation."""
    own, others = groups[first.name], groups[second.name]
    found = difference(first.right, second.right, paired=paired, groups=own, second_groups=others)
    return widened(found, max(first.inflation, second.inflation))


def _same_data(entries: Sequence[Entry], unpaired: bool) -> bool:
    """Whether all were tested on the same sequences; an error if they were not and ``unpaired`` is not set."""
    everyone = [(entry.name, results) for entry in entries for results in entry.results]
    for entry in entries:
        if len({results.fingerprint for results in entry.results}) > 1:
            raise MismatchError(f"the runs of {entry.name} were tested on different data; they are not one entry.")
    name, first = everyone[0]
    other = next((one for one in everyone if one[1].fingerprint != first.fingerprint), None)
    if other is not None and not unpaired:
        raise MismatchError(
            f"{name} and {other[0]} were tested on different data (SHA-256 {first.fingerprint[:12]}… and "
            f"{other[1].fingerprint[:12]}…). Test both on the same data, or add --unpaired to treat them "
            "as independent samples."
        )
    return other is None and not unpaired


def _row(entry: Entry, groups: Groups) -> ComparisonRow:
    right, results = entry.right, entry.results
    accuracies, mean = right.mean(1), mean_share(right, groups)
    loss, factor = _mean([one.log_loss for one in results]), entry.inflation
    low, high = (mean.low, mean.high) if factor == 1 else wide_share(mean.value, right.shape[1], factor)
    return ComparisonRow(
        name=entry.name,
        runs=tuple(one.origin for one in results),
        cases=right.shape[1],
        accuracy=mean.value,
        low=low,
        high=high,
        accuracies=tuple(float(value) for value in accuracies),
        deviation=float(accuracies.std(ddof=1)) if len(results) > 1 else None,
        log_loss=loss if loss is not None and math.isfinite(loss) else None,
        parameters=_mean([one.parameters for one in results]),
        training_seconds=_mean([one.training_seconds for one in results]),
        milliseconds=sum(one.milliseconds for one in results) / len(results),
        groups=groups.count,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _by_seed(first: Entry, second: Entry, groups: Groups) -> tuple[float, ...]:
    if len(first.results) < 2 or len(first.results) != len(second.results):
        return ()
    runs = zip(first.right, second.right, strict=True)
    return tuple(difference(a[None], b[None], groups=groups).p for a, b in runs)


def _sentence(first: str, second: str, found: Difference, p: float, comparisons: int) -> str:
    """The result of a pair in words."""
    correction = f", corrected for {comparisons} comparisons" if comparisons > 1 else ""
    evidence = f"95 % interval {_points(found.low)} to {_points(found.high)}; {found.test}: {p_text(p)}{correction}"
    if verdict(found, p) == "better":
        return f"{first} is better than {second} by {_points(found.value)} points ({evidence})."
    if found.value == 0:
        return f"{first} and {second} are equal on these sequences; a difference is not shown ({evidence})."
    return f"{first} is not shown to be better than {second}: {_points(found.value)} points ({evidence})."


def _verdict(rows: Sequence[ComparisonRow], pairs: Sequence[ComparisonPair]) -> str:
    best = rows[0].name
    beaten = [pair.second for pair in pairs if pair.first == best and pair.shown]
    open_ones = [pair.second for pair in pairs if pair.first == best and not pair.shown]
    if not open_ones:
        return f"{best} is better than {_listed(beaten, 'every other')}."
    if not beaten:
        tail = "it" if len(open_ones) == 1 else "any other"
        return f"No difference is shown: {best} has the highest accuracy, but is not shown to be better than {tail}."
    return (
        f"{best} has the highest accuracy; it is better than {_listed(beaten)}, and not shown to be better than "
        f"{_listed(open_ones)}."
    )


def _listed(names: Sequence[str], everything: str | None = None) -> str:
    if everything is not None and len(names) > 1:
        return everything
    shown = list(names[:_MAX_NAMED])
    rest = [f"{len(names) - _MAX_NAMED} others"] if len(names) > _MAX_NAMED else []
    parts = [*shown, *rest]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _notes(entries: Sequence[Entry], paired: bool, prints: dict[str, None]) -> tuple[str, ...]:
    notes = []
    if not paired:
        kind = "different test data" if len(prints) > 1 else "the same test data"
        notes.append(f"unpaired: {kind}, treated as independent samples")
    for entry in entries:
        notes += _notes_on(entry.name, entry.results)
    return tuple(notes)


def _notes_on(name: str, results: Sequence[Results]) -> list[str]:
    notes = []
    losses = [one.log_loss for one in results if one.log_loss is not None]
    if any(math.isnan(loss) for loss in losses):
        notes.append(f"{name}: the log loss is NaN, since some probabilities are")
    elif any(math.isinf(loss) for loss in losses):
        notes.append(f"{name}: the log loss is infinite, since a true class got probability 0")
    notes += [f"{name}: {note}" for note in dict.fromkeys(run.note for run in results) if note]
    missed = list(dict.fromkeys(one for run in results for one in run.never_predicted))
    if missed:
        several = "" if len(results) == 1 else " (some of its runs)"
        notes.append(f"{name}{several} never predicts {_listed([repr(one) for one in missed])}")
    return notes


def _points(share: float) -> str:
    """A difference in percentage points, with a true minus."""
    return f"{100 * share:.2f}".replace("-", "−")
