"""Steps and changes of recordings, compared with a reading of the definition step by step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from unrolled.data import Sequences
from unrolled.data.windows import WindowRule, cut
from unrolled.evaluation.recordings import changes_found, window_figures


def read_on(truth: list[int], ends: list[int], answers: list[int]) -> tuple[int, int, list[int]]:
    """The same by going through the steps: what has been asked for, and when it was answered."""
    waiting: dict[str, int] | None = None
    count, delays, good, turns, last, started = 0, [], set(), [], None, -1
    for step in range(1, len(truth) + 1):
        at = step - 1
        if at and truth[at] != truth[at - 1]:
            waiting = None
            if truth[at] >= 0 and truth[at - 1] >= 0:
                count += 1
                waiting = {"since": at, "label": truth[at]}
        if step in ends:
            answer = answers[ends.index(step)]
            if last is not None and answer != last:
                turns.append(step)
            if answer != last:
                started = step
            last = answer
            if waiting and answer == waiting["label"]:
                delays.append(step - waiting["since"])
                good.add(started)
                waiting = None
    return count, len([turn for turn in turns if turn not in good]), delays


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.integers(-1, 2), min_size=1, max_size=40), st.data())
def test_changes_are_found_as_the_definition_says(truth: list[int], data: st.DataObject) -> None:
    ends = sorted(data.draw(st.sets(st.integers(1, len(truth)), min_size=1)))
    answers = data.draw(st.lists(st.integers(0, 2), min_size=len(ends), max_size=len(ends)))
    found = changes_found(np.array(truth), np.array(ends), np.array(answers))
    assert found == read_on(truth, ends, answers)


def test_steps_are_judged_by_the_mean_of_the_windows_over_them() -> None:
    rng = np.random.default_rng(0)
    labels = [rng.choice(["a", "b"], n).repeat(25).tolist() for n in (6, 9)]
    whole = Sequences.from_list([rng.normal(size=(len(own), 1)) for own in labels]).with_steps(
        labels, [np.arange(len(own)) / 10 for own in labels]
    )
    windows = cut(whole, WindowRule(20, 7, interval=0.1))
    answers = rng.dirichlet([1, 1], len(windows)).astype(np.float32)
    found = window_figures(windows, answers, ("b", "a"))
    assert found is not None
    assert windows.cut is not None
    truth, predicted = [], []
    for recording, own in enumerate(labels):
        for step, label in enumerate(own):
            over = (windows.cut.owners == recording) & (windows.cut.begins <= step) & (step < windows.cut.ends)
            truth.append(label)
            predicted.append("ba"[answers[over].mean(0).argmax()])
    assert found.confusion == confusion_matrix(truth, predicted, labels=["b", "a"]).tolist()
    assert (found.steps.cases, found.recordings, found.groups) == (375, 2, "recordings")
    assert found.changes is not None
    assert found.changes.changes == sum(a != b for own in labels for a, b in pairwise(own))
