"""A run that is one of several jobs: of a comparison, or a fold of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.config import Recipe
from unrolled.data import Dataset
from unrolled.jobs import Progress, ProgressRecorder
from unrolled.runs.beginning import begin
from unrolled.runs.completing import Surroundings
from unrolled.runs.folder import RunFolder
from unrolled.runs.going_on import go_on


def train_one(
    recipe: Recipe,
    data: Dataset,
    runs: Path,
    folder: RunFolder | None,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress,
) -> tuple[Path, str]:
    """Trains one recipe of several, or goes on with it; a job.

    Args:
        recipe: the recipe.
        data: the sequences.
        runs: the folder for run folders.
        folder: the folder of an unfinished run to go on with; None: a new run.
        name: of a new run.
        options: a new length for the unfinished run.
        progress: called with the training's progress, 0 to 1.
    Returns:
        The run's folder, and a line for the user.
    """
    around = Surroundings([ProgressRecorder(progress)])
    if folder is not None:
        with folder.locked():
            run = go_on(folder, data, around, options=options)
    else:
        run = begin(recipe, data, runs=runs, name=name, around=around)
    accuracy = "" if run.evaluation is None else f"{100 * run.evaluation.accuracy.value:.2f} % "
    return run.folder.path, f"{accuracy}in {run.seconds:.1f} s, {run.folder.path}"
