"""The model card, as Markdown: what a person should know before using the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unrolled.data import in_folds
from unrolled.statistics import counted


def write_card(facts: Mapping[str, Any], network: str, method: str) -> str:
    """The card's text.

    Args:
        facts: the content of ``model.json``.
        network: the network in words.
        method: how the weights were learned, in words.
    """
    data, figures = facts["data"], facts["figures"]
    lines = [
        f"# A classifier of sequences: {data.get('name', 'unnamed data')}",
        "",
        f"A recurrent network ({network}), {method}. Made with unrolled {facts['unrolled']}.",
        "",
        f"- **Input**: {_input(facts)}.",
        f"- **Output**: one of {len(facts['classes'])} classes ({_some(facts['classes'])}) with probabilities.",
        f"- **Training data**: {data.get('note', 'not recorded')}; SHA-256 {data.get('fingerprint', 'not recorded')}.",
    ]
    if figures:
        lines += [_accuracy(figures)]
    lines += [
        "",
        "The figures hold for sequences like the test data. Other sensors, people or places need their own test.",
        "",
        "```python",
        "import unrolled",
        "",
        'model = unrolled.load("path/to/this/folder")',
        "model.predict([text])"
        if facts.get("vocabulary") is not None
        else "model.predict([sequence])  # sequence: [steps, channels]",
        "```",
    ]
    return "\n".join(lines) + "\n"


def _accuracy(figures: Mapping[str, Any]) -> str:
    """The accuracy with its interval, beside the baselines."""
    crossed = figures.get("cross_validation")
    where = f"on the test's {counted(figures['cases'], figures.get('groups'))}"
    if crossed:
        folds = in_folds(crossed["folds"], crossed["repeats"])
        where = f"cross-validated ({folds}, {crossed['sequences']:,} sequences)"
    text = f"- **Accuracy**, {where}: " if crossed else f"- **Accuracy** {where}: "
    text += f"{100 * figures['accuracy']:.2f} % (95 % interval {100 * figures['accuracy_low']:.2f} to "
    text += f"{100 * figures['accuracy_high']:.2f}); always saying the majority class gives "
    text += f"{100 * figures['majority']:.2f} %"
    if figures.get("logistic") is not None:
        text += f", the best logistic regression {100 * figures['logistic']:.2f} %"
    untested = " This model itself was then trained on all of these sequences, and was not tested." if crossed else ""
    return f"{text}.{untested}"


def _input(facts: Mapping[str, Any]) -> str:
    """The sequences that the model takes, and how many of their steps it reads."""
    length = "any length from 1 step"
    if facts.get("max_length"):
        length += f" (of which the {facts['keep_steps']} {facts['max_length']:,} are read)"
    if facts.get("vocabulary") is not None:
        return f"texts as {facts['tokens']}, {len(facts['vocabulary']):,} of them known, {length}"
    missing = facts["model"].get("missing", "none")
    holes = "no missing values" if missing == "none" else f"missing values as NaN (treated by {missing})"
    return f"sequences of {len(facts['channels'])} channels ({_some(facts['channels'])}), {length}, {holes}"


def _some(names: tuple[str, ...], most: int = 12) -> str:
    safe = [name.replace("`", "'").replace("\n", " ").replace("<", "&lt;") for name in names[:most]]
    return ", ".join(safe) + (", …" if len(names) > most else "")
