"""A look inside the network while it reads one sequence."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from unrolled.data import Sequences
from unrolled.data.batches import Batcher
from unrolled.drawing import draw_attribution, draw_gates, gates_height, shown_sequence
from unrolled.evaluation import Attribution, integrated_gradients
from unrolled.model import Model
from unrolled.network import Network, Trace, trace
from unrolled.reports.pictures import Album, Picture

MOST_STEPS = 20_000
"""Steps times layers and directions that are looked at; more would take minutes."""

MOST_MAPS = 6
"""Layers and directions that are drawn."""


@dataclass(frozen=True)
class Inside:
    """What the page shows of one sequence.

    Attributes:
        case: its number.
        said: the class that the network gave.
        maps: gates and states of each layer and direction.
        left_out: how many of those are not drawn.
        steps: which steps mattered.
        attribution: the figures behind that.
        strongest: the steps that mattered most, from 1, of a text with what is read there.
        frame: steps that the network reads as one.
    """

    case: int
    said: str
    maps: list[Picture]
    left_out: int
    steps: Picture
    attribution: Attribution
    strongest: list[str]
    frame: int


def look_inside(model: Model, sequences: Sequences, case: int, album: Album) -> Inside | None:
    """Gates, states and attributions of one sequence; None where it is too long for that."""
    sequence = sequences.take(slice(case, case + 1))
    config = model.network.config
    directions = config.num_layers * (2 if config.bidirectional else 1)
    accepted = model.accept(sequence)  # which may cut it
    if int(accepted.lengths[0]) * directions > MOST_STEPS:
        return None
    network = copy.deepcopy(model.network).cpu().eval()
    batch = Batcher(accepted).batch([0])  # type: ignore[arg-type]
    with torch.no_grad():
        said = int(network(batch.inputs, batch.lengths)[0].argmax())
    traces = trace(network, batch.inputs)
    found = integrated_gradients(network, batch.inputs, said)
    shape = shown_sequence(model, sequence)
    strongest = [int(step) + 1 for step in abs(found.steps).argsort()[::-1][:3]]
    named = [str(step) if shape.tokens is None else f"{step} (“{shape.tokens[step - 1]}”)" for step in strongest]
    alt = (
        f"What each step adds to the score of {model.classes[said]}; the strongest "
        f"{'is step' if len(named) == 1 else 'are the steps'} {', '.join(named)}."
    )
    return Inside(
        case=case,
        said=model.classes[said],
        maps=[picture for one in traces[:MOST_MAPS] for picture in _maps(one, network, album)],
        left_out=max(0, len(traces) - MOST_MAPS),
        steps=album.add(draw_attribution(found.steps, shape), alt),
        attribution=found,
        strongest=named,
        frame=network.frame_steps,
    )


def _maps(traced: Trace, network: Network, album: Album) -> list[Picture]:
    """The gates, where the cell has any, and the states, in pictures of one height."""
    direction = "" if not network.config.bidirectional else ", backward" if traced.backward else ", forward"
    steps, units = traced.states["h"].shape
    height = gates_height(max(len(traced.gates), len(traced.states)))
    found = []
    for kind, values in (("gates", traced.gates), ("states", traced.states)):
        if values:
            caption = f"Layer {traced.layer}{direction}: {kind}"
            parts = ", ".join(traced.letters.get(name, name).split(":")[0] for name in values)
            alt = f"{caption} of the {units} units over {steps} steps, as heat maps: {parts}."
            figure = draw_gates(
                values, traced.states["h"], traced.letters, height, network.frame_steps, traced.switches
            )
            found.append(album.add(figure, alt, caption))
    return found
