"""A look inside the network while it reads one sequence."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from unrolled.data import Sequences
from unrolled.data.batches import Batcher
from unrolled.drawing import ShownSequence, channel_name, draw_attribution, draw_gates, shown_sequence
from unrolled.evaluation import Attribution, integrated_gradients
from unrolled.model import Model
from unrolled.network import Network, Trace, trace
from unrolled.reports.pictures import Album, Picture

MOST_STEPS = 20_000
"""Most steps, times layers and directions, for a look inside; more would take minutes."""

MOST_MAPS = 6
"""Most layers and directions that are drawn."""


@dataclass(frozen=True)
class Inside:
    """The look inside at one sequence, for the page.

    Attributes:
        case: the sequence's number.
        predicted: the predicted class.
        maps: gates and states of each layer and direction.
        left_out: number of layers and directions that are not drawn.
        steps: picture of the contribution of each step.
        attribution: the contributions.
        strongest: the steps with the largest contributions, counted from 1, with the token or the strongest channel.
        frame: steps that the network reads as one.
    """

    case: int
    predicted: str
    maps: list[Picture]
    left_out: int
    steps: Picture
    attribution: Attribution
    strongest: list[str]
    frame: int


def look_inside(model: Model, sequences: Sequences, case: int, album: Album) -> Inside | None:
    """Gates, states and attributions of one sequence; None if it is too long."""
    sequence = sequences.take(slice(case, case + 1))
    config = model.network.config
    directions = config.num_layers * (2 if config.bidirectional else 1)
    accepted = model.accept(sequence)  # accepting may cut it
    if int(accepted.lengths[0]) * directions > MOST_STEPS:
        return None
    network = copy.deepcopy(model.network).cpu().eval()
    batch = Batcher(accepted).batch([0])  # type: ignore[arg-type]
    with torch.no_grad():
        predicted = int(network(batch.inputs, batch.lengths)[0].argmax())
    traces = trace(network, batch.inputs)
    found = integrated_gradients(network, batch.inputs, predicted)
    shape = shown_sequence(model, sequence)
    strongest = [int(step) + 1 for step in abs(found.steps).argsort()[::-1][:3]]
    named = [_named(step, shape, found) for step in strongest]
    alt = (
        f"What each step adds to the score of {model.classes[predicted]}; the strongest "
        f"{'is step' if len(named) == 1 else 'are the steps'} {', '.join(named)}."
    )
    return Inside(
        case=case,
        predicted=model.classes[predicted],
        maps=[picture for one in traces[:MOST_MAPS] for picture in _maps(one, network, album)],
        left_out=max(0, len(traces) - MOST_MAPS),
        steps=album.add(draw_attribution(found.channels, shape), alt),
        attribution=found,
        strongest=named,
        frame=network.frame_steps,
    )


def _named(step: int, shape: ShownSequence, found: Attribution) -> str:
    """A step, counted from 1, with its token, or with the channel that adds most to it."""
    if shape.tokens is not None:
        return f"{step} (“{shape.tokens[step - 1]}”)"
    if shape.picture or len(shape.channels) == 1:
        return str(step)
    return f"{step} ({channel_name(shape.channels[abs(found.channels[step - 1]).argmax()])})"


def _maps(traced: Trace, network: Network, album: Album) -> list[Picture]:
    """Pictures of the gates, if the cell has any, and of the states."""
    direction = "" if not network.config.bidirectional else ", backward" if traced.backward else ", forward"
    steps, units = traced.states["h"].shape
    found = []
    for kind, values in (("gates", traced.gates), ("states", traced.states)):
        if values:
            caption = f"Layer {traced.layer}{direction}: {kind}"
            parts = ", ".join(traced.letters.get(name, name).split(":")[0] for name in values)
            alt = f"{caption} of the {units} units over {steps} steps, as heat maps: {parts}."
            found.append(album.add(draw_gates(values, traced, network.frame_steps), alt, caption))
    return found
