"""Writes src/unrolled/estimator/classifier.py, with every parameter, from the configuration.

    python scripts/write_estimator.py

Editors and type checkers see the written constructor; a test compares the file with the output of this script.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from unrolled import config
from unrolled.config import SECTIONS
from unrolled.estimator.parameters import PARAMETERS, default_of

PATH = Path(__file__).parents[1] / "src" / "unrolled" / "estimator" / "classifier.py"

NAMED = {value: name for name, value in vars(config).items() if get_origin(value) is Literal}
"""The names of the configuration's types."""

OWN = [
    ("class_weight", "ClassWeight", None, "weight of each class by its label, 'balanced', or None for equal weights"),
    (
        "random_state",
        "int | np.random.RandomState | None",
        None,
        "seed of everything random: a number, a RandomState, or None for a new seed in each fit",
    ),
    ("warm_start", "bool", False, "whether fit goes on from the weights of the last fit"),
    ("verbose", "bool", False, "whether to print a line after each epoch"),
]
"""Name, type, default and description of the parameters that are not fields of the configuration."""

FILE = '''\
"""`SequenceClassifier`: a recurrent network wherever scikit-learn takes a classifier.

Written by scripts/write_estimator.py from the configuration; change it there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from unrolled.config import (
{names}
)
from unrolled.estimator.base import BaseSequenceClassifier
from unrolled.estimator.inputs import ClassWeight


class SequenceClassifier(BaseSequenceClassifier):
    """A recurrent classifier of sequences, with scikit-learn's interface.

    X may be a list with an array [T_i, F] or [T_i] for each sequence, an array [N, T, F], a table [N, T] (an array or a
    data frame with two axes, each row a sequence of one channel), a list of texts, or `Sequences`. The items of a list
    are sequences, even if all have the same length: after a fit on a table, arrays need the same number of columns,
    while the items of a list may have any length. Tensors and data frames count as arrays; a data frame may also have a
    row a step (an index of two levels, or columns ``id`` and ``time``) or a sequence in each cell. Steps of NaN at the
    end of an array's rows are padding. The parameters are fields of the configuration, with its meanings.

    The training reads each distinct sequence once per epoch, weighted by its number of repetitions: the order of the
    sequences does not matter, and an integer weight is exactly a repetition. With the default, a readout fitted in
    closed form, a quarter of the sequences (at most about 1,000) is set aside to test whether training is significantly
    better; if it is not, the model is the fitted start on all sequences. With ``method="fitted"`` there is no training;
    with ``method="trained"`` nothing is set aside. ``fit`` takes validation sequences, for the choice of the best
    weights, as ``validation``.

    Parameters
    ----------
{parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
        The labels, sorted, in the dtype of y.
    n_features_in_ : int
        Number of channels; for a table, number of columns.
    history_ : dict of str to list
        The figures of all epochs, a list for each figure, such as ``history_["train_loss"]``.
    model_ : Model
        The trained model, for everything outside scikit-learn's interface. All predictions are made by it.

    Examples
    --------
    >>> import numpy as np
    >>> from unrolled import SequenceClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> X = [rng.normal(2 * label, 1, (rng.integers(5, 20), 3)) for label in y]  # 5 to 19 steps of 3 channels
    >>> classifier = SequenceClassifier(hidden_size=8, max_steps=20, random_state=0).fit(X, y)
    >>> classifier.predict(X[:4])
    array([0, 1, 0, 1])
    """

    def __init__(
        self,
        *,
{signature}
    ) -> None:
{assignments}
'''


def spelled(annotation: Any) -> str:
    """The source text of a type, without pydantic's bounds."""
    if annotation in NAMED:
        return NAMED[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return spelled(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(map(spelled, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(quoted(value) for value in arguments)}]"
    return "None" if annotation is NoneType else str(annotation.__name__)


def quoted(value: Any) -> str:
    """The source text of a value, as ruff formats it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def parameters() -> list[tuple[str, str, Any, str]]:
    """Name, type, default and description of every parameter."""
    found = []
    for name, section in PARAMETERS.items():
        info = SECTIONS[section].model_fields[name]
        found.append((name, spelled(info.annotation), default_of(name), info.description or ""))
    return [*found, *OWN]


def render() -> str:
    """The content of the file."""
    own = parameters()
    wrap = textwrap.TextWrapper(112, initial_indent=" " * 8, subsequent_indent=" " * 8)
    described = [
        f"    {name} : {kind}, default={default!r}\n{wrap.fill(text[0].upper() + text[1:] + '.')}"
        for name, kind, default, text in own
    ]
    used = sorted(name for name in NAMED.values() if any(name in kind.split(" | ") for _, kind, _, _ in own))
    return FILE.format(
        names="\n".join(f"    {name}," for name in used),
        parameters="\n".join(described),
        signature="\n".join(f"        {name}: {kind} = {quoted(default)}," for name, kind, default, _ in own),
        assignments="\n".join(f"        self.{name} = {name}" for name, *_ in own),
    )


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
