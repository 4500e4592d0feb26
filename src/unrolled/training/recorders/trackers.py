"""Trackers: recorders of other packages, such as MLflow, found by their registered names.

A package registers a function that makes a recorder, and a recipe names it in ``trackers``:

    [project.entry-points."unrolled.recorders"]
    mlflow = "my_package.tracking:make_recorder"
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from unrolled.config import Recipe
from unrolled.errors import ConfigError, UnknownNameError
from unrolled.training.recorders.recorder import Recorder

GROUP = "unrolled.recorders"


def make_tracker(name: str, folder: Path, recipe: Recipe) -> Recorder:
    """The recorder that an installed package registers under a name.

    Args:
        name: of the entry point, in the group ``unrolled.recorders``.
        folder: the run folder.
        recipe: the recipe of the run.
    Raises:
        UnknownNameError: if no installed package registers it.
        ConfigError: if it cannot be imported, or does not make a `Recorder`.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        advice = f"Packages register them in the entry point group {GROUP!r}."
        raise UnknownNameError("installed tracker", name, found or ["none"], advice)
    entry = found[name]
    try:
        maker = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the tracker {name!r} ({entry.value}) cannot be imported: {error}.") from error
    recorder: object = maker(folder, recipe)
    if not isinstance(recorder, Recorder):
        kind = type(recorder).__name__
        raise ConfigError(
            f"the tracker {name!r} ({entry.value}) made a {kind}; expected an unrolled.training.recorders.Recorder."
        )
    return recorder
