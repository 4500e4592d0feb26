"""Pictures can be drawn of whatever a run can give, and are the same for the same figures."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from pictures import assert_drawn
from unrolled.comparison.comparison import compare_entries
from unrolled.comparison.entries import Entry, Results
from unrolled.config import ModelConfig
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.drawing.accuracies import draw_by_length
from unrolled.drawing.comparison import draw_comparison
from unrolled.drawing.confusion import draw_confusion
from unrolled.drawing.curves import draw_curves
from unrolled.drawing.inside import draw_attribution
from unrolled.drawing.probabilities import draw_prediction, draw_probabilities
from unrolled.drawing.search import draw_search
from unrolled.drawing.sequences import ShownSequence
from unrolled.drawing.style import colours, to_pixels, to_png
from unrolled.evaluation.evaluation import LengthGroup
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run
from unrolled.statistics.shares import proportion
from unrolled.training.state import EpochLog, StepLog


def log(epoch: int, loss: float = 0.5, validated: bool = True) -> EpochLog:
    return EpochLog(
        epoch, epoch, epoch, loss, 0.5, loss, 0.6 if validated else None, 0.4 if validated else None, True, 0.1, 1.0
    )


@pytest.mark.slow
@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves_show_each_epoch_on_training_and_validation_data(epochs: int, validated: bool) -> None:
    figure = draw_curves([log(n + 1, validated=validated) for n in range(epochs)], "a title")
    for axes in figure.axes:
        assert [len(line.get_xdata()) for line in axes.lines] == [epochs] * (2 if validated else 1)
    assert_drawn(to_png(figure))


def test_curves_of_a_loss_of_zero_can_be_drawn() -> None:
    assert_drawn(to_png(draw_curves([log(1, 0.0), log(2, 0.0)])))


def test_the_belief_beside_a_picture_ends_at_the_prediction(digits_run: Run) -> None:
    test = load_dataset(digits_run.recipe.data).test
    assert test is not None
    figure = draw_prediction(digits_run.model, test.take(slice(1)))
    ends = sorted(float(line.get_xdata()[-1]) for line in figure.axes[1].lines)
    assert ends == pytest.approx(sorted(digits_run.model.predict_proba(test.take(slice(1)))[0].tolist()), abs=1e-5)
    assert to_png(figure) == to_png(draw_prediction(digits_run.model, test.take(slice(1))))


@pytest.mark.parametrize("channels", [1, 3, 12])
def test_the_belief_below_a_series_has_a_line_a_class(channels: int) -> None:
    config = ModelConfig(hidden_size=3)
    names = tuple(f"<b>{n}" for n in range(channels))
    model = Model(Network(config, channels, 2), ModelFacts(classes=("$a$", "$\\frac"), channels=names, model=config))
    values = np.random.default_rng(0).normal(size=(9, channels)).astype(np.float32)
    figure = draw_prediction(
        model.__class__(model.network.eval(), model.facts), Sequences.from_list([values], channels=names)
    )
    assert len(figure.axes[1].lines) == 2
    assert_drawn(to_png(figure))


@pytest.mark.parametrize("classes", [2, 10, 40])
def test_the_confusion_matrix_becomes_pixels(classes: int) -> None:
    matrix = np.random.default_rng(0).integers(0, 9, (classes, classes))
    pixels = to_pixels(draw_confusion(matrix, [f"class {n}" for n in range(classes)]))
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.min() < pixels.max()


@pytest.mark.parametrize("classes", [12, 50, 51, 300])
def test_a_confusion_matrix_of_many_classes_stays_a_picture_of_some_inches(classes: int) -> None:
    figure = draw_confusion(np.eye(classes, dtype=int), [f"class {n}" for n in range(classes)])
    assert max(figure.get_size_inches()) < 20
    assert len(figure.axes[0].texts) == (classes if classes <= 50 else 0)


@pytest.mark.parametrize("picture", [True, False])
def test_a_belief_names_what_was_said_what_is_true_and_what_was_believed_on_the_way(picture: bool) -> None:
    values = np.zeros((3, 4), np.float32)
    sequence = ShownSequence(3, values, ["a", "b", "c", "d"], picture)
    belief = np.array([[0.1, 0.0, 0.9, 0.0], [0.3, 0.6, 0.05, 0.05], [0.9, 0.0, 0.05, 0.05]], np.float32)
    figure = draw_probabilities(sequence, np.arange(1, 4), belief, ["p", "$q", "r" * 30, "s"], 1, others=2)
    legend = figure.axes[1].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["predicted: p", r"true: \$q", "r" * 6 + "…" + "r" * 6]


@pytest.mark.parametrize("count", [1, 2, 6, 7, 24])
def test_every_channel_has_a_name_and_a_colour_or_a_row_of_its_own(count: int) -> None:
    names = [f"c{index}" for index in range(count)]
    values = np.random.default_rng(0).normal(size=(9, count)).astype(np.float32)
    sequence = ShownSequence(9, values, names, False)
    belief = np.full((9, 2), 0.5, np.float32)
    drawn = draw_probabilities(sequence, np.arange(1, 10), belief, ["a", "b"], None).axes[0]
    legend = drawn.get_legend()
    if count == 1:
        assert drawn.get_ylabel() == "c0"
    elif count <= 6:
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == names
        assert len({line.get_color() for line in drawn.lines}) == count
    else:
        assert [label.get_text() for label in drawn.get_yticklabels()] == names
    figure = draw_attribution(values, sequence)
    rows = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes[2:]]
    assert rows == ([] if count == 1 else [names])
    np.testing.assert_allclose([bar.get_height() for bar in figure.axes[1].patches], values.sum(1), rtol=1e-5)


def test_many_colours_are_all_different() -> None:
    for count in (1, 8, 9, 40):
        assert len(set(colours(count))) == count


@pytest.mark.parametrize("tokens", [["ab", "c"], ["word"] * 30, ["word"] * 90])
@pytest.mark.parametrize("width", [4.5, 8.0])
def test_what_is_read_stands_below_the_belief_as_far_as_it_fits(tokens: list[str], width: float) -> None:
    sequence = ShownSequence(len(tokens), None, [], False, tokens)
    belief = np.full((len(tokens), 2), 0.5, np.float32)
    figure = draw_probabilities(sequence, np.arange(1, len(tokens) + 1), belief, ["a", "b"], None, width=width)
    figure.draw_without_rendering()
    named = [label for label in figure.axes[0].get_xticklabels() if label.get_text() in tokens]
    assert len(named) == (len(tokens) if len(tokens) == 2 or (len(tokens) == 30 and width == 8) else 0)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [label.get_window_extent(renderer) for label in named]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert all(box.y0 > 0 for box in boxes)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
@pytest.mark.parametrize(("count", "importance"), [(1, {}), (40, {"hidden_size": 0.7, "learning_rate": 0.3})])
def test_a_search_shows_every_trial_and_the_best_so_far(monitor: str, count: int, importance: dict[str, float]) -> None:
    values = np.random.default_rng(0).uniform(0.05, 0.6, 2 * count)
    complete = {2 * n: float(values[n]) for n in range(count)}
    pruned = {2 * n + 1: float(values[count + n]) for n in range(count - 1)}
    figure = draw_search(complete, pruned, monitor, importance)
    *trials, best, ringed = figure.axes[0].lines
    assert sum(len(line.get_xdata()) for line in trials) == 2 * count - 1
    first = (max if monitor == "accuracy" else min)(complete.values())
    assert best.get_ydata()[-1] == ringed.get_ydata()[0] == first
    assert len(figure.axes[1].patches) == len(importance)
    assert_drawn(to_png(figure))


@pytest.mark.parametrize("seconds", [None, 0.5, 900.0])
def test_a_comparison_draws_each_row_and_leaves_out_costs_that_are_not_known(seconds: float | None) -> None:
    right = np.arange(50)[None] < [[44], [46], [35]]
    best = [Results(f"best {seed}", "f", one, None, (), None, seconds, 0.1) for seed, one in enumerate(right[:2])]
    other = Results("other", "f", right[2], None, (), None, None, 0.1)
    comparison = compare_entries([Entry("best", tuple(best)), Entry("other", (other,))])
    figure = draw_comparison(comparison)
    assert [len(axes.lines) for axes in figure.axes] == [5, 4, 0 if seconds is None else 1]
    assert to_png(figure) == to_png(draw_comparison(comparison))


def test_letters_that_the_font_has_not_are_no_warning() -> None:
    matrix = np.eye(2, dtype=int)
    assert_drawn(to_png(draw_confusion(matrix, ["好", "안"])))
    assert to_pixels(draw_confusion(matrix, ["好", "안"])).size


def test_matplotlib_is_imported_only_when_something_is_drawn() -> None:
    code = (
        "import sys, unrolled.runs, unrolled.reports, unrolled.comparison; "
        "assert 'matplotlib' not in sys.modules; "
        "from unrolled.drawing import draw_confusion; import numpy as np; draw_confusion(np.eye(2, dtype=int), 'ab'); "
        "assert 'matplotlib' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_curves_of_few_epochs_are_drawn_by_update() -> None:
    steps = [StepLog(step, 1, 8 * step, 1 / step, 0.5, 0.1, 1.0) for step in range(1, 21)]
    few, many = draw_curves([log(1, 0.5)], steps=steps), draw_curves([log(n + 1, 0.5) for n in range(9)], steps=steps)
    assert [axes.get_xlabel() for axes in few.axes] == ["update"] * 2
    assert [axes.get_xlabel() for axes in many.axes] == ["epoch"] * 2
    line = few.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), range(1, 21))
    np.testing.assert_allclose(line.get_ydata(), [1 / step for step in range(1, 21)])


def texts_of(figure: Any) -> list[Bbox]:
    """The boxes of the words in a figure that lie on it, without the ticks beyond an axis."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
        if not min(axis.get_view_interval()) <= place <= max(axis.get_view_interval())
    }
    words = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip() and one not in ticks]
    return [one.get_window_extent(canvas.get_renderer()) for one in words]


@pytest.mark.parametrize("most", [9, 99, 1234, 99_999])
def test_lengths_do_not_touch_each_other(most: int) -> None:
    groups = [LengthGroup(most * n, most * (n + 1) - 1, proportion(3, 4)) for n in range(8)]
    axes = draw_by_length(groups).axes[0]
    FigureCanvasAgg(axes.figure).draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


@pytest.mark.parametrize("tokens", [["extraordinarily", "complicated", "it", "is"], ["a"] * 20, ["word"] * 9, ["one"]])
@pytest.mark.parametrize("width", [4.5, 8.0])
def test_words_below_the_steps_do_not_touch_each_other(tokens: list[str], width: float) -> None:
    shown = ShownSequence(len(tokens), None, (), False, tokens)
    steps = np.arange(1, len(tokens) + 1)
    probabilities = np.full((len(tokens), 3), 1 / 3, np.float32)
    names = ["Saccharomyces cerevisiae", "Schizosaccharomyces pombe", "Escherichia coli"]
    figure = draw_probabilities(shown, steps, probabilities, names, 1, width=width, others=3)
    boxes = texts_of(figure)
    for number, one in enumerate(boxes):
        assert one.x0 > -1
        assert one.x1 < figure.bbox.width + 1
        for other in boxes[number + 1 :]:
            wide, high = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
            assert wide <= 1 or high <= 1


def test_long_names_of_channels_differ_at_their_ends() -> None:
    shown = ShownSequence(9, np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32),
                          [f"accelerometer_left_{n}" for n in range(8)], False)  # fmt: skip
    figure = draw_probabilities(shown, np.arange(1, 10), np.full((9, 2), 0.5, np.float32), "ab", 0)
    assert len({label.get_text() for label in figure.axes[0].get_yticklabels()}) == 8
    assert min(box.x0 for box in texts_of(figure)) > -1
