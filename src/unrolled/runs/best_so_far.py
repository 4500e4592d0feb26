"""A model of the best weights so far beside each checkpoint, so that an unfinished run can be used."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unrolled.config import Recipe
from unrolled.model import Model
from unrolled.network import Network
from unrolled.training import Plan, TrainState, ending_for, training_facts
from unrolled.training.recorders import Recorder

ModelOf = Callable[[Network, Mapping[str, Any]], Model]
"""A model of a network and of the facts of its training."""


class BestSoFar(Recorder):
    """Writes a model folder before a checkpoint, if its weights are others than before.

    Args:
        path: the folder.
        recipe: of the run.
        model_of: makes the model.
    """

    def __init__(self, path: Path, recipe: Recipe, model_of: ModelOf) -> None:
        self.path, self.recipe, self.model_of = path, recipe, model_of
        self.written: tuple[int, int] | None = None

    def begin(self, state: TrainState, plan: Plan) -> None:
        """Removes what versions before 0.2 wrote here."""
        super().begin(state, plan)
        self.state = state
        if (self.path / "state.json").is_file():
            shutil.rmtree(self.path)

    def flush(self) -> None:
        """Writes the model."""
        state, selection = self.state, self.state.selection
        weights = (selection.best_epoch, 0) if selection.kept else (0, state.step)
        if state.ending is not None or not state.step or weights == self.written:
            return
        network = copy.deepcopy(state.shipped)
        if selection.kept:
            network.load_state_dict(selection.kept)
        begun = min(state.epoch + 1, self.plan.epochs)
        ending = ending_for("unfinished", self.recipe.train, self.plan, begun, selection.waited)
        facts = {**training_facts(state, self.recipe), "ended": ending.facts()}
        self.model_of(network.eval(), facts).save(self.path)
        self.written = weights
