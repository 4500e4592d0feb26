"""A trained network with all that its answers need: its folder, its card, predictions and streams."""

from unrolled.model.examples import choose_examples
from unrolled.model.model import Model, ModelFacts, Probabilities, find_model, load, restore_network
from unrolled.model.stream import check_streams_are_possible, decides

__all__ = [
    "Model",
    "ModelFacts",
    "Probabilities",
    "check_streams_are_possible",
    "choose_examples",
    "decides",
    "find_model",
    "load",
    "restore_network",
]
