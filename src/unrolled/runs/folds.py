"""What a cross-validated run is trained on, and where cross-validation is suggested."""

from __future__ import annotations

from dataclasses import replace

from unrolled.config import DataConfig, Recipe
from unrolled.data import Dataset, hold_out_validation
from unrolled.errors import ConfigError, option

FEWEST_SEQUENCES, FEWEST_GROUPS = 100, 20
"""Where fewer are held out for the test, cross-validation is suggested."""


def undivided(recipe: Recipe) -> Recipe:
    """The same recipe without validation sequences: what its folds divide."""
    return recipe.with_options({"validation_fraction": 0.0})


def for_the_model(whole: Dataset, config: DataConfig) -> Dataset:
    """What the model itself is trained on: all sequences, but those that choose among its weights.

    Raises:
        ConfigError: for sequences that are divided already.
    """
    if whole.test is not None or whole.validation is not None:
        part = "test" if whole.test is not None else "validation"
        raise ConfigError(
            f"{whole.name} has {part} sequences of its own, and folds divide all sequences themselves; leave out "
            f"{option('folds')}, or give the sequences in one file."
        )
    train, validation = hold_out_validation(whole.train, config)
    return replace(whole, train=train, validation=validation)


def suggestion(dataset: Dataset, config: DataConfig) -> str | None:
    """A line that suggests cross-validation where a random test part is too small to say much."""
    test = dataset.test
    if test is None or config.test or config.split != "stratified":
        return None
    groups = None if test.groups is None else len(set(test.groups))
    if len(test) >= FEWEST_SEQUENCES and (groups is None or groups >= FEWEST_GROUPS):
        return None
    few = f"{len(test)} sequences" if groups is None else f"{len(test)} sequences of {groups} groups"
    return (
        f"{few} are held out for the test, and others would give other figures: "
        f"{option('folds', 5)} with {option('repeats', 3)} tests on all"
    )
