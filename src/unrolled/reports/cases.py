"""The sequences on the page: the most confident mistakes and some typical right predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unrolled.data import Integers, Sequences
from unrolled.drawing import draw_probabilities, shown_sequence
from unrolled.evaluation import Outcomes
from unrolled.model import Model, Probabilities
from unrolled.reports.pictures import Album, Picture

MISTAKES, RIGHT = 8, 4

MOST_READ_ANEW = 60
"""Most steps with probabilities, for a network that has to read every prefix again."""

MOST_STEPS = 2_000
"""Most steps with probabilities, for any other network."""

MOST_TOKENS = 600
"""Most tokens of a text that are shown."""


@dataclass(frozen=True)
class Card:
    """One sequence on the page.

    Attributes:
        title: number, label and predicted class.
        text: the final probabilities, and the step from which on the prediction stays the same.
        picture: the sequence and its running probabilities.
        tokens: the tokens of a text; None otherwise.
        words: whether the tokens are words, which are separated by blanks.
        cut: number of tokens that are not shown.
    """

    title: str
    text: str
    picture: Picture
    tokens: list[str] | None
    words: bool
    cut: int


def most_confident_mistakes(outcomes: Outcomes, count: int = MISTAKES) -> Integers:
    """The sequences with wrong predictions, the most confident first."""
    wrong = np.flatnonzero(outcomes.predictions != outcomes.targets)
    order = np.argsort(-outcomes.confidences[wrong], kind="stable")
    return wrong[order][:count]


def typical_right_answers(outcomes: Outcomes, count: int = RIGHT) -> Integers:
    """Sequences with right predictions, one for each of some classes: that with the median confidence."""
    right = np.flatnonzero(outcomes.predictions == outcomes.targets)
    classes = np.unique(outcomes.targets[right])
    chosen = classes[np.linspace(0, len(classes) - 1, min(count, len(classes))).round().astype(int)]
    found = []
    for label in chosen:
        members = right[outcomes.targets[right] == label]
        order = np.argsort(outcomes.confidences[members], kind="stable")
        found.append(members[order[len(members) // 2]])
    return np.array(found, np.int64)


def running_probabilities(model: Model, sequence: Sequences) -> tuple[Integers, Probabilities]:
    """The probabilities after some or all steps of one sequence: the steps, [K], and the probabilities, [K, C]."""
    accepted = model.accept(sequence)  # accepting may cut it
    length = int(accepted.lengths[0])
    most = MOST_STEPS if model.network.reads_forward else MOST_READ_ANEW
    ends = np.unique(np.linspace(1, length, min(length, most)).round().astype(np.int64))
    return ends, model.probabilities(model.logits_at(accepted, ends[None])[0])


def card(model: Model, sequences: Sequences, case: int, album: Album) -> Card:
    """A sequence with its running probabilities, as the page shows it."""
    sequence = sequences.take(slice(case, case + 1))
    steps, probabilities = running_probabilities(model, sequence)
    predicted = int(probabilities[-1].argmax())
    true = int(model.targets(sequence)[0])
    name, label = model.classes[predicted], model.classes[true]
    drawn = shown_sequence(model, sequence)
    figure = draw_probabilities(drawn, steps, probabilities, model.classes, true)
    place = f"Sequence {case:,}" if sequence.ids is None else f"Sequence {case:,}, {sequence.ids[0]}"
    final = f"{100 * probabilities[-1, predicted]:.1f} % for “{name}”"
    if predicted == true:
        title, text = f"{place}: “{label}”, predicted correctly", f"Final probability: {final}."
    else:
        title = f"{place}: “{label}”, predicted as “{name}”"
        text = f"Final probabilities: {final}, {100 * probabilities[-1, true]:.1f} % for “{label}”."
    text = f"{text} {_settled(steps, probabilities, name)}"
    kind = "picture" if sequence.pictures else "text" if drawn.tokens is not None else "sequence"
    alt = f"A {kind} of {int(sequence.lengths[0])} steps of the class {label}, and its running probabilities. {text}"
    tokens = sequence.tokens(0)
    shown, cut = (None, 0) if tokens is None else (tokens[:MOST_TOKENS], max(0, len(tokens) - MOST_TOKENS))
    return Card(title, text, album.add(figure, alt), shown, model.facts.tokens != "characters", cut)


def _settled(steps: Integers, probabilities: Probabilities, name: str) -> str:
    """The step from which on the prediction stays the same, in words."""
    predictions = probabilities.argmax(1)
    other = np.flatnonzero(predictions != predictions[-1])
    if not len(other):
        return f"The network predicts “{name}” from the first step on."
    return f"The network predicts “{name}” from step {steps[other[-1] + 1]} of {steps[-1]} on."
