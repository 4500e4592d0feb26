"""Streams that never end: a window of the last steps, read anew, forgets what was before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from closeness import closeness
from unrolled.errors import UnsupportedError
from unrolled.model import Model, ModelFacts, check_streams_are_possible
from unrolled.network import Network

STEPS = np.random.default_rng(0).normal(size=(3, 23, 2)).astype(np.float32)  # [S, n, F]
Made = Callable[..., Model]
close = closeness(torch.float32, 12, steps=STEPS.shape[1], layers=2)


@pytest.fixture
def made(make_network: Callable[..., Network]) -> Callable[..., Model]:
    """``made(**config)``: a model of two channels and three classes with random weights."""

    def make(**options: Any) -> Model:
        network = make_network(2, 3, **options)
        return Model(network, ModelFacts(classes=("a", "b", "c"), channels=("x", "y"), model=network.config))

    return make


def of_windows(model: Model, window: int) -> Model:
    """The model as one that was trained on windows."""
    return replace(model, facts=model.facts.model_copy(update={"max_length": window, "keep_steps": "last"}))


def expected(model: Model, steps: np.ndarray, window: int) -> np.ndarray:
    """What the model says of the last steps at each step, [n, C]: NumPy cuts them."""
    late = sliding_window_view(steps, window, axis=0).transpose(0, 2, 1)
    return model.predict_proba([*(steps[:end] for end in range(1, window)), *late])


@pytest.mark.parametrize("options", [{"pooling": "mean"}, {"bidirectional": True, "context_steps": 2}, {}])
@pytest.mark.parametrize("cuts", [(), (1, 2, 9), tuple(range(1, 23))])
def test_an_answer_is_that_for_the_last_steps(made: Made, options: dict[str, Any], cuts: tuple[int, ...]) -> None:
    model = made(**options)
    for stream in (model.stream(window=5), of_windows(model, 5).stream()):
        found = np.concatenate([stream.push_each(part) for part in np.split(STEPS[0], cuts)])
        np.testing.assert_allclose(found, expected(model, STEPS[0], 5), **close)
        assert stream.steps == 23


def test_a_model_of_windows_says_the_same_in_a_stream_and_of_every_prefix(made: Made) -> None:
    model = of_windows(made(pooling="max"), 4)
    np.testing.assert_allclose(model.stream().push_each(STEPS[1]), model.predict_steps(STEPS[1:2])[0], **close)
    np.testing.assert_allclose(model.stream().push(STEPS[1]), model.predict_proba(STEPS[1:2])[0], **close)


def test_streams_side_by_side_and_from_a_file_go_on_alike(made: Made, tmp_path: Path) -> None:
    model = of_windows(made(bidirectional=True), 6)
    stream = model.stream(count=3)
    stream.push(STEPS[:, :9])
    stream.reset(1)
    saved = model.stream(count=3, state=stream.save(tmp_path / "state.json"))
    for each in (stream, saved):
        found = each.push(STEPS[:, 9:12])
        for row, first in enumerate((6, 9, 6)):
            np.testing.assert_allclose(found[row], model.predict_proba([STEPS[row, first:12]])[0], **close)
        assert each.steps.tolist() == [12, 3, 12]


@pytest.mark.parametrize("cuts", [(), (3, 4, 15)])
def test_a_stream_begins_anew_after_so_many_steps(made: Made, cuts: tuple[int, ...]) -> None:
    model = made(pooling="mean")
    stream = model.stream(reset_every=7)
    found = np.concatenate([stream.push_each(part) for part in np.split(STEPS[2], cuts)])
    begins = [7 * (step // 7) for step in range(23)]
    alone = model.predict_proba([STEPS[2, begin : step + 1] for step, begin in enumerate(begins)])
    np.testing.assert_allclose(found, alone, **close)


def test_what_was_before_the_window_is_forgotten(made: Made) -> None:
    model = made(pooling="statistics")
    other = np.concatenate([100 + STEPS[0], STEPS[1]])
    np.testing.assert_array_equal(model.stream(window=9).push(other), model.stream(window=9).push(STEPS[1]))


def test_an_export_with_a_state_is_refused_with_the_way_round(made: Made) -> None:
    with pytest.raises(UnsupportedError, match="keep the last 5"):
        check_streams_are_possible(of_windows(made(), 5))
