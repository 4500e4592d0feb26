"""Which sequences the page shows: the most confident mistakes and some typical right answers, with their beliefs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrolled.data import Integers, Sequences
from unrolled.drawing import draw_belief, shown_sequence
from unrolled.evaluation import Outcomes
from unrolled.model import Model, Probabilities
from unrolled.reports.pictures import Album, Picture

MISTAKES, RIGHT = 8, 4

MOST_READ_ANEW = 60
"""Steps after which a network is asked that has to read every part anew."""

MOST_STEPS = 2_000
"""Steps after which any other is asked."""

MOST_TOKENS = 600
"""Of a text that are shown."""


@dataclass(frozen=True)
class Card:
    """One sequence on the page.

    Attributes:
        title: what it is and what the network took it for.
        text: what happened on the way, in a sentence.
        picture: the sequence and the belief over its steps.
        tokens: of a text, its steps; None of anything else.
        words: whether these are words, between which blanks stand.
        cut: steps of the text that are not shown.
    """

    title: str
    text: str
    picture: Picture
    tokens: list[str] | None
    words: bool
    cut: int


def most_confident_mistakes(outcomes: Outcomes, count: int = MISTAKES) -> Integers:
    """Wrong cases, the surest first."""
    wrong = np.flatnonzero(outcomes.predictions != outcomes.targets)
    order = np.argsort(-outcomes.confidences[wrong], kind="stable")
    return wrong[order][:count]


def typical_right_answers(outcomes: Outcomes, count: int = RIGHT) -> Integers:
    """Right cases of different classes, each as sure as the middle one of its class."""
    right = np.flatnonzero(outcomes.predictions == outcomes.targets)
    classes = np.unique(outcomes.targets[right])
    if not len(classes):
        return right
    chosen = classes[np.linspace(0, len(classes) - 1, min(count, len(classes))).round().astype(int)]
    found = []
    for label in chosen:
        members = right[outcomes.targets[right] == label]
        order = np.argsort(outcomes.confidences[members], kind="stable")
        found.append(members[order[len(members) // 2]])
    return np.array(found, np.int64)


def belief_of(model: Model, sequence: Sequences) -> tuple[Integers, Probabilities]:
    """The probabilities after some or all steps of one sequence: the steps, [K], and [K, C]."""
    accepted = model.accept(sequence)  # which may cut it
    length = int(accepted.lengths[0])
    most = MOST_STEPS if model.network.reads_forward else MOST_READ_ANEW
    ends = np.unique(np.linspace(1, length, min(length, most)).round().astype(np.int64))
    return ends, model.probabilities(model.logits_at(accepted, ends[None])[0])


def card(model: Model, sequences: Sequences, case: int, album: Album) -> Card:
    """A sequence with its belief, as the page shows it."""
    sequence = sequences.take(slice(case, case + 1))
    steps, belief = belief_of(model, sequence)
    said = int(belief[-1].argmax())
    true = int(model.targets(sequence)[0])
    name, label = model.classes[said], model.classes[true]
    shape = shown_sequence(model, sequence)
    figure = draw_belief(shape, steps, belief, model.classes, true)
    place = f"Case {case:,}" if sequence.ids is None else f"Case {case:,}, {sequence.ids[0]}"
    if said == true:
        title = f"{place}: “{label}”, rightly named"
        sure = f"The network is {100 * belief[-1, said]:.1f} % sure."
    else:
        title = f"{place}: “{label}” taken for “{name}”"
        sure = f"In the end {100 * belief[-1, said]:.1f} % for “{name}”, {100 * belief[-1, true]:.1f} % for “{label}”."
    text = f"{sure} {_settled(steps, belief, name)}"
    kind = "picture" if sequence.pictures else "text" if shape.tokens is not None else "series"
    alt = f"A {kind} of {int(sequence.lengths[0])} steps of the class {label}, and the probabilities over them. {text}"
    tokens = sequence.tokens(0)
    shown, cut = (None, 0) if tokens is None else (tokens[:MOST_TOKENS], max(0, len(tokens) - MOST_TOKENS))
    return Card(title, text, album.add(figure, alt), shown, model.facts.tokens == "words", cut)


def _settled(steps: Integers, belief: Probabilities, name: str) -> str:
    """Since when the answer has been what it is."""
    answers = belief.argmax(1)
    other = np.flatnonzero(answers != answers[-1])
    since = 0 if not len(other) else int(other[-1]) + 1
    if since == 0:
        return f"It says “{name}” from the first step on."
    return f"It says “{name}” since step {int(steps[since])} of {int(steps[-1])}."
