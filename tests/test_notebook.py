"""What a notebook shows: well-formed, nothing fetched, no script, every name escaped."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from unrolled import Dataset, Model, Sequences, compare, notebook
from unrolled.runs import Run

NASTY = '<script>alert(1)</script> & "quotes" \''
VOID = {"br", "line", "circle", "polyline"}


class Strict(HTMLParser):
    """Collects text, and checks that every tag is closed and that nothing is fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "link", "iframe")
        assert not {name for name, _ in attrs if name in ("href", "src") or name.startswith("on")}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def read(shown: Any) -> str:
    found = Strict()
    found.feed(shown._repr_html_())
    found.close()
    assert not found.open
    return found.text


def test_results_show_their_figures_with_intervals(digits_run: Run) -> None:
    assert digits_run.evaluation is not None
    accuracy = digits_run.evaluation.accuracy
    for shown in (digits_run, digits_run.model, digits_run.evaluation):
        text = read(shown)
        assert f"{100 * accuracy.value:.2f} %" in text
        assert f"{100 * accuracy.low:.2f} to {100 * accuracy.high:.2f} %" in text
    assert "log loss" in read(digits_run)
    compared = read(compare([digits_run.folder.path], against=["sklearn:GaussianNB"]))
    assert "GaussianNB" in compared


def test_sequences_show_their_classes_and_escape_their_names(digits_run: Run) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(length, 2)) for length in (4, 6, 1, 9)]
    arrays[0][1] = np.nan
    numbers = Sequences.from_list(arrays, [NASTY, "b", NASTY, "b"])
    assert NASTY in read(numbers)
    assert NASTY in read(Dataset("own", numbers, None, None))
    facts = digits_run.model.facts.model_copy(update={"classes": (NASTY, *digits_run.model.classes[1:])})
    assert NASTY in read(Model(digits_run.model.network, facts))


@pytest.mark.parametrize("values", [[[]], [[1.0]], [[float("nan")]], [[2.0, 2.0], [float("inf"), 2.0]]])
def test_any_numbers_are_drawn(values: list[list[float]]) -> None:
    assert "nan" not in notebook.curve(values, "title").replace("title", "")
    assert "inf" not in notebook.curve(values, "title")
