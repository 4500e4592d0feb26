"""A trained network with everything that its predictions need: its folder, its card, predictions and streams.

model.py      `Model`: every prediction of a trained network
stream.py     predictions while the steps come
memory.py     what a stream remembers: a state, or its last steps
facts.py      the facts of a model beside its weights
folder.py     a model on disk
card.py       the model card, for people
novelty.py    whether a sequence is unlike all training data
examples.py   a few sequences that travel with it
"""

from unrolled.model.examples import Example, choose_examples
from unrolled.model.facts import BaselineFacts, ModelFacts, RegressionFacts, learned_facts
from unrolled.model.folder import find_model, restore_network
from unrolled.model.model import Model, Probabilities, learn_novelty, load
from unrolled.model.novelty import RATE, Novelty
from unrolled.model.stream import Decision, Stream, StreamState, check_streams_are_possible, decides

__all__ = [
    "RATE",
    "BaselineFacts",
    "Decision",
    "Example",
    "Model",
    "ModelFacts",
    "Novelty",
    "Probabilities",
    "RegressionFacts",
    "Stream",
    "StreamState",
    "check_streams_are_possible",
    "choose_examples",
    "decides",
    "find_model",
    "learn_novelty",
    "learned_facts",
    "load",
    "restore_network",
]
