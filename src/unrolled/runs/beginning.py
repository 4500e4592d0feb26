"""A run that begins: its folder, the record of its conditions, and its first update."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unrolled.config import Recipe
from unrolled.data import Dataset, Sequences
from unrolled.runs.completing import Surroundings, complete
from unrolled.runs.datasets import data_facts, write_held_out
from unrolled.runs.finished import Run
from unrolled.runs.folder import RunFolder
from unrolled.runs.preparing import prepare
from unrolled.runs.starting import Start
from unrolled.runtime import StopRequest, choose_device, using_threads
from unrolled.training import check_settings


def begin(
    chosen: Recipe,
    dataset: Dataset,
    *,
    start: Start | None = None,
    runs: str | Path,
    name: str | None = None,
    whole: Sequences | None = None,
    around: Surroundings | None = None,
) -> Run:
    """Trains a recipe on sequences that are already there, as `dataset_for` returned them.

    Args:
        chosen: the recipe.
        dataset: what the model is trained on.
        start: what the weights start from; None for new ones.
        runs, name: see `train`.
        whole: all sequences, for a cross-validation.
        around: who follows the training.
    """
    device = choose_device(chosen.train.device)
    check_settings(chosen.train, chosen.augment, dataset.train, dataset.validation, device)
    folder = RunFolder.create(Path(runs), chosen.name, name)
    with folder.locked(), folder.undone_by_early_errors(), using_threads(None):
        if start is not None:
            replace(start.model, examples=(), baselines=None).save(folder.start)
        prepared = prepare(folder, chosen, dataset, whole, start)
        plan = {"plan": prepared.length(), **({} if start is None else {"start": start.facts()})}
        folder.write_config(chosen, {"data": data_facts(dataset), **plan, **prepared.conditions()})
        write_held_out(folder, dataset)
        return complete(prepared, around or Surroundings(), StopRequest(folder.finish_request.exists))
