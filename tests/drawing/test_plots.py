"""Pictures can be drawn of whatever a run can give, and are the same for the same figures."""

from __future__ import annotations

import numpy as np
import pytest

from unrolled.config import ModelConfig
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.drawing.plots import draw_belief, draw_confusion, draw_curves, to_pixels, to_png
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run
from unrolled.training.state import EpochLog

PNG = b"\x89PNG\r\n\x1a\n"


def log(epoch: int, loss: float = 0.5, validated: bool = True) -> EpochLog:
    return EpochLog(
        epoch, epoch, epoch, loss, 0.5, loss, 0.6 if validated else None, 0.4 if validated else None, True, 0.1, 1.0
    )


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves_show_each_epoch_on_training_and_validation_data(epochs: int, validated: bool) -> None:
    figure = draw_curves([log(n + 1, validated=validated) for n in range(epochs)], "a title")
    for axes in figure.axes:
        assert [len(line.get_xdata()) for line in axes.lines] == [epochs] * (2 if validated else 1)
    assert to_png(figure).startswith(PNG)


def test_curves_of_a_loss_of_zero_can_be_drawn() -> None:
    assert to_png(draw_curves([log(1, 0.0), log(2, 0.0)])).startswith(PNG)


def test_the_belief_beside_a_picture_ends_at_the_prediction(digits_run: Run) -> None:
    test = load_dataset(digits_run.recipe.data).test
    assert test is not None
    figure = draw_belief(digits_run.model, test.take(slice(1)))
    ends = sorted(float(line.get_xdata()[-1]) for line in figure.axes[1].lines)
    assert ends == pytest.approx(sorted(digits_run.model.predict_proba(test.take(slice(1)))[0].tolist()), abs=1e-5)
    assert to_png(figure) == to_png(draw_belief(digits_run.model, test.take(slice(1))))


@pytest.mark.parametrize("channels", [1, 3, 12])
def test_the_belief_below_a_series_has_a_line_a_class(channels: int) -> None:
    config = ModelConfig(hidden_size=3)
    names = tuple(f"<b>{n}" for n in range(channels))
    model = Model(Network(config, channels, 2), ModelFacts(classes=("$a$", "$\\frac"), channels=names, model=config))
    values = np.random.default_rng(0).normal(size=(9, channels)).astype(np.float32)
    figure = draw_belief(
        model.__class__(model.network.eval(), model.facts), Sequences.from_list([values], channels=names)
    )
    assert len(figure.axes[1].lines) == 2
    assert to_png(figure).startswith(PNG)


@pytest.mark.parametrize("classes", [2, 10, 40])
def test_the_confusion_matrix_becomes_pixels(classes: int) -> None:
    matrix = np.random.default_rng(0).integers(0, 9, (classes, classes))
    pixels = to_pixels(draw_confusion(matrix, [f"class {n}" for n in range(classes)]))
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.min() < pixels.max()
