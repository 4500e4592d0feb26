"""The origin of a model: the facts of its run as a table, and the command that repeats the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from unrolled.config import LENGTHS, Recipe, default_recipe, fields, find_recipe
from unrolled.model import Model
from unrolled.training import EpochLog, why_idle


def command_to_repeat(recipe: Recipe, *, text: bool = False, start: str | None = None) -> str:
    """The command that repeats the training, or the Python call if no command can.

    Args:
        recipe: the run's recipe.
        text: whether its sequences are text.
        start: the model that it started from, whose network it has.
    """
    base, argument = find_recipe(recipe.name), recipe.name
    if base is None or not recipe.data.source:
        base, argument = default_recipe(recipe.name).with_options({"source": recipe.data.source}), recipe.data.source
    changed = {
        name: getattr(getattr(recipe, section), name)
        for section, name, _ in fields()
        if getattr(getattr(recipe, section), name) != getattr(getattr(base, section), name)
        and why_idle(recipe, name, text=text) is None
        and not (start is not None and (section == "model" or name in ("tokens", "max_length", "keep_steps")))
    }
    if any(name in changed for name in LENGTHS):  # a new length replaces the others
        changed = {name: value for name, value in changed.items() if name not in LENGTHS or value is not None}
    changed.pop("source", None)
    if not argument:
        changed = {**({} if start is None else {"start": start}), **changed}
        return _call(f"unrolled.Recipe(name={recipe.name!r})", {"data": _Name("sequences"), **changed})
    if any(value is None for value in changed.values()):
        return _call(repr(argument), {**({} if start is None else {"start": start}), **changed})
    origin = [] if start is None else ["--from", shlex.quote(start)]
    return " ".join(["unrolled train", shlex.quote(argument), *origin, *(_option(*item) for item in changed.items())])


def lines(facts: Mapping[str, Any], model: Model, history: list[EpochLog], tested: str) -> list[tuple[str, str]]:
    """The facts of a run, as pairs of name and text; ``tested`` says which sequences were tested."""
    data = facts.get("data", {})
    weights = sum(parameter.numel() for parameter in model.network.parameters())
    held = f"{data.get('train', 0):,} to train, {data.get('validation', 0):,} for validation, {tested}"
    found = [
        ("Data", str(data.get("note", "not recorded"))),
        ("Sequences", held),
        ("Training data, SHA-256", str(data.get("fingerprint", "not recorded"))),
        ("Channels", _some(model.channels)),
        ("Classes", _some(model.classes)),
        ("Network", f"{model.network.in_words()}, {weights:,} weights"),
        ("Method", model.facts.method_in_words),
    ]
    if history:
        last = history[-1]
        training = model.facts.training
        kept = f"; the weights are those after epoch {training['best_epoch']}" if training.get("best_epoch") else ""
        if model.facts.method == "fitted":
            kept = "; the closed-form start was kept, as no epoch was significantly better"
        found.append(("Training", f"{last.epoch:,} epochs, {last.step:,} updates, {last.seconds:,.1f} s{kept}"))
        if ended := training.get("ended"):
            found.append(("End", f"the training {ended['words']}"))
    if start := facts.get("start"):
        found.append(("Started from", f"{start['path']}, a model of {start['data'] or 'unnamed data'}"))
    for longer in facts.get("extended", ()):
        options = ", ".join(f"{name} = {value}" for name, value in longer["options"].items())
        found.append(("Extended", "; ".join([f"after update {longer['after_step']:,}: {options}", *longer["notes"]])))
    found += [
        ("Device", str(facts.get("device", "not recorded"))),
        ("Versions", ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())),
    ]
    return found


def about(recipe: Recipe, facts: Mapping[str, Any], model: Model, history: list[EpochLog]) -> str:
    """Network, method and data in one line."""
    config, data = recipe.model, facts.get("data", {})
    layers = "" if config.num_layers == 1 else f"{config.num_layers} layers of "
    way = ", reading both ways" if config.bidirectional else ""
    fitted = model.facts.method == "fitted"
    parts = [f"{config.cell}, {layers}{config.hidden_size} units{way}"]
    parts.append("readout fitted in closed form" if fitted else "trained by gradients")
    if data.get("train"):
        parts.append(f"{data['train']:,} sequences to train")
    if history:
        epochs = f"{history[-1].epoch:,} epoch{'s' if history[-1].epoch > 1 else ''}"
        parts.append(f"{epochs} in {history[-1].seconds:,.0f} s{', not better' if fitted else ''}")
    return " · ".join(parts)


class _Name(str):
    """A name in a Python call, written without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _call(first: str, options: Mapping[str, Any]) -> str:
    return f"unrolled.train({', '.join([first, *(f'{name}={value!r}' for name, value in options.items())])})"


def _option(name: str, value: Any) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    if isinstance(value, tuple):
        value = ",".join(str(part) for part in value)
    return f"--{flag} {shlex.quote(str(value))}"


def _some(names: tuple[str, ...], most: int = 30) -> str:
    shown = ", ".join(names[:most])
    return f"{len(names):,}: {shown}{', …' if len(names) > most else ''}"
