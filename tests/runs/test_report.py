"""The report of a run: whole, offline, safe, and usable by everyone, in a real browser."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from commands import call
from unrolled.config import CellName, ModelConfig, Recipe
from unrolled.data.load import load_dataset
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ModelFolderError, RunError
from unrolled.evaluation.evaluation import evaluate
from unrolled.evaluation.outcomes import Outcomes
from unrolled.evaluation.scoring import predictions_of
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.reports.cases import card, most_confident_mistakes, typical_right_answers
from unrolled.reports.inside import look_inside
from unrolled.reports.origin import command_to_repeat
from unrolled.reports.page import Material, Shown, render
from unrolled.reports.pictures import Album
from unrolled.runs.reporting import read_history, report
from unrolled.runs.run import Run, recipe_for, train

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "$\\frac{&amp;", "日本語 '--'")


def material(classes: tuple[str, ...] = EVIL, *, cases: int = 60, ragged: bool = True, **options: Any) -> Material:
    """A report's material from an untrained network and random series."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 9, cases) if ragged else np.full(cases, 6)
    arrays = [rng.normal(size=(int(length), 2)).astype(np.float32) for length in lengths]
    labels = [classes[index % len(classes)] for index in range(cases)]
    test = Sequences.from_list(arrays, labels, classes=classes, channels=("<b>x", "y"))
    config = ModelConfig(hidden_size=4, **options)
    network = Network(config, 2, len(classes)).eval()
    model = Model(network, ModelFacts(classes=classes, channels=("<b>x", "y"), model=config))
    predictions = predictions_of(model, test)
    return Material(
        title="<i>own</i>/1",
        recipe=Recipe(name="own", model=config),
        facts={},
        history=[],
        model=model,
        evaluation=evaluate(model, test, predictions=predictions),
        shown=Shown(test, Outcomes.of(predictions.targets, predictions.probabilities)),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Browser, path: Path, **options: Any) -> tuple[Page, list[str]]:
    """The page, and everything that a page must not do: console messages, errors, requests."""
    page = browser.new_page(**options)
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.on("request", lambda request: None if request.url == path.as_uri() else seen.append(request.url[:100]))
    page.goto(path.as_uri())
    return page, [entry for entry in seen if not entry.startswith("data:")]


@pytest.mark.browser
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 740}}])
def test_the_report_opens_without_errors_and_requests_for_everyone(
    browser: Browser, digits_run: Run, options: dict[str, Any]
) -> None:
    context = browser.new_context(**options)
    page, seen = opened(context, digits_run.folder.report)  # type: ignore[arg-type]
    assert seen == []
    pictures = page.locator("svg, img").all()
    assert len(pictures) > 15
    for picture in pictures:
        name = picture.get_attribute("aria-label") or picture.get_attribute("alt") or ""
        assert len(name) > 20
        assert picture.bounding_box()["width"] > 100  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    levels = [int(tag[1]) for tag in page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(e => e.tagName)")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    found = Axe().run(page)
    serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == [], found.generate_report()
    context.close()


@pytest.mark.browser
def test_the_report_can_be_printed_and_walked_through_by_keyboard(browser: Browser, digits_run: Run) -> None:
    page, _ = opened(browser, digits_run.folder.report)
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the figures"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#figures")
    page.close()


@pytest.mark.slow
@pytest.mark.browser
def test_names_from_the_data_stay_text(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(material()), encoding="utf-8")
    page, seen = opened(browser, path)
    assert seen == []
    assert page.locator("script").count() == 0
    assert page.locator("img[onerror]").count() == 0
    assert page.locator("h1").inner_text() == "<i>own</i>/1"
    headers = page.locator("details tbody th").all_inner_texts()
    assert headers == list(EVIL)
    assert "<script>…/script>" in page.locator("svg text").all_text_contents()  # in the confusion matrix too
    page.close()


def test_a_report_is_written_after_training_unless_it_is_not_wanted(digits_run: Run, tmp_path: Path) -> None:
    text = digits_run.folder.report.read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text
    bare = train("digits", runs=tmp_path, max_epochs=1, hidden_size=4, report=False)
    assert not bare.folder.report.exists()


def test_the_report_says_what_was_measured_and_how_to_repeat_it(digits_run: Run) -> None:
    text = digits_run.folder.report.read_text(encoding="utf-8")
    assert digits_run.evaluation is not None
    share = digits_run.evaluation.accuracy
    assert f"Of 359 sequences that it had not seen, the network classified {share.count} correctly" in text
    assert f"{100 * share.low:.1f} %" in text
    assert digits_run.model.facts.data["fingerprint"] in text
    assert "unrolled train digits --hidden-size 16 --max-epochs 4" in text
    for part in (
        "Regression on all values",
        "Calibration error",
        "confident mistakes",
        "right predictions",
        "A look inside",
    ):
        assert part in text
    assert "they agree, as they must" in text


@pytest.mark.slow
def test_the_same_run_gives_the_same_page(digits_run: Run, tmp_path: Path) -> None:
    first = report(digits_run.folder.path, output=tmp_path / "a.html")
    assert first.read_text() == digits_run.folder.report.read_text()


@pytest.mark.slow
def test_a_case_can_be_chosen_to_look_inside_at(digits_run: Run, tmp_path: Path) -> None:
    answer = call("report", digits_run.folder.path, "--number", 5, "--output", tmp_path / "a.html")
    assert (answer.code, answer.out) == (0, f"wrote {tmp_path / 'a.html'}\n")
    assert "A look inside: sequence 5" in (tmp_path / "a.html").read_text()
    with pytest.raises(ConfigError, match="numbered from 0 to 358"):
        report(digits_run.folder.path, case=359)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"num_layers": 2, "bidirectional": True}, {"pooling": "mean"}])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_every_network_can_be_looked_into(cell: Any, options: dict[str, Any]) -> None:
    text = render(replace(material(("a", "b"), cases=12, cell=cell, **options), inside=3))
    assert text.count("of the 4 units over") == (1 if cell.startswith("rnn") else 2) * (4 if len(options) == 2 else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "cells"), [(2, True), (30, True), (50, True), (1000, False)])
def test_any_number_of_classes_has_its_page(count: int, cells: bool) -> None:
    text = render(replace(material(tuple(f"class {n}" for n in range(count)), cases=1200), inside=0))
    assert ("Sequences by true and predicted class" in text) == cells
    assert "The most frequent mistakes" in text
    assert ("800 classes with fewer errors are left out" in text) == (count == 1000)
    assert len(text) < 3_000_000


def test_one_case_has_its_page() -> None:
    text = render(material(("a", "b"), cases=1))
    assert "So few sequences say little" in text
    assert "one sequence, or one group of sequences, gives no interval" in text


def test_text_is_shown_as_text_and_escaped() -> None:
    base = material(("no", "yes"), cases=8, ragged=False)
    symbols = ("<b>", "&", "word")
    codes = np.random.default_rng(0).integers(0, 3, (48, 1)).astype(np.int32)
    text = Sequences.from_steps(codes.astype(np.float32), [6] * 8, [0, 1] * 4, classes=("0", "1"))
    texts = replace(text, values=codes, classes=("no", "yes"), symbols=symbols)
    config = ModelConfig(hidden_size=4)
    facts = ModelFacts(classes=("no", "yes"), channels=("0",), model=config, vocabulary=symbols)
    model = Model(Network(config, 1, 2, symbols=4).eval(), facts)
    predictions = predictions_of(model, texts)
    outcomes = Outcomes.of(predictions.targets, predictions.probabilities)
    page = render(replace(base, model=model, shown=Shown(texts, outcomes), inside=0))
    assert "<span>&lt;b&gt;</span>" in page
    assert "<b>" not in page


def test_mistakes_come_the_surest_first_and_right_answers_from_several_classes() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9]], np.float32)
    targets = np.array([1, 1, 0, 0, 0])
    outcomes = Outcomes.of(targets, probabilities)
    assert most_confident_mistakes(outcomes).tolist() == [0, 4, 2]
    assert typical_right_answers(outcomes).tolist() == [3, 1]
    assert typical_right_answers(Outcomes.of(targets[:1], probabilities[:1])).tolist() == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_steps": 7, "cell": "gru", "bidirectional": True},
        {"learning_rate": 0.5, "class_weight": "balanced", "report": False},
        {"class_weight": (1.0, 2.0)},
    ],
)
@pytest.mark.parametrize("name", ["digits", "mnist-rows-quick", "some file.ts"])
def test_the_command_gives_the_same_recipe_again(name: str, options: dict[str, Any]) -> None:
    recipe = recipe_for(name).with_options(options)
    words = shlex.split(command_to_repeat(recipe))
    assert words[:2] == ["unrolled", "train"]
    again: dict[str, Any] = {}
    rest = iter(words[3:])
    for flag in rest:
        key = flag[2:].replace("-", "_")
        if key.startswith("no_"):
            again[key[3:]] = False
        elif key == "bidirectional":
            again[key] = True
        else:
            value: Any = next(rest)
            again[key] = tuple(map(float, value.split(","))) if re.match(r"[\d.]+,", value) else value
    rebuilt = recipe_for(words[2]).with_options(again)
    assert rebuilt.model == recipe.model
    assert rebuilt.train == recipe.train
    assert rebuilt.data == recipe.data


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--no-bidirectional", "--context-steps", "0", "--skip-segments", "0"],  # back to what a bare recipe has
        ["--pooling", "last", "--initializer", "orthogonal", "--learning-rate", "0.003"],
        ["--cell", "rnn", "--memory-steps", "9"],
    ],
)
def test_the_command_in_a_report_trains_the_same_weights(words: list[str], fresh: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(fresh / "own.npz", X=rng.normal(size=(60, 5)), y=["a", "b"] * 30)
    recipe = fresh / "own.toml"  # a recipe may hold a field without an effect, which a command must not repeat
    if "--memory-steps" in words:
        recipe.write_text(recipe_for("own.npz").with_options({"cell": "rnn", "memory_steps": 9}).to_toml())
        words = []
    call("train", recipe.name if not words else "own.npz", *words, "--max-epochs", 2, "--hidden-size", 4)
    first = Path("runs/own/1")
    page = (first / "report.html").read_text()
    command = re.search(r"unrolled train own[^<]+", page)
    assert command is not None
    call(*shlex.split(command.group(0))[1:])
    second = Path("runs/own/2")
    assert (second / "model/model.safetensors").read_bytes() == (first / "model/model.safetensors").read_bytes()


def test_a_recipe_that_the_command_line_cannot_say_is_said_in_python() -> None:
    recipe = recipe_for("japanese-vowels")
    assert recipe.data.source
    memory = Recipe(name="own").with_options({"max_epochs": 3})
    assert command_to_repeat(memory) == "unrolled.train(unrolled.Recipe(name='own'), data=sequences, max_epochs=3)"


def copied(run: Run, place: Path) -> Path:
    return Path(shutil.copytree(run.folder.path, place / "digits" / "1"))


@pytest.mark.slow
def test_figures_that_are_missing_or_old_are_computed_again(digits_run: Run, tmp_path: Path) -> None:
    folder = copied(digits_run, tmp_path)
    (folder / "evaluation.json").write_text('{"schema_version": 1}')
    (folder / "predictions.npz").write_bytes(b"no archive")
    report(folder)
    assert json.loads((folder / "evaluation.json").read_text())["schema_version"] == 2
    (folder / "predictions.npz").write_bytes(b"no archive")
    report(folder)
    assert (folder / "report.html").is_file()


def test_data_that_changed_since_are_not_drawn_and_it_is_said(digits_run: Run, tmp_path: Path) -> None:
    folder = copied(digits_run, tmp_path)
    test = load_dataset(digits_run.recipe.data).test
    assert test is not None
    report(folder, test=test.take(slice(100)))
    text = (folder / "report.html").read_text()
    assert "the test data have changed" in text
    assert "confident mistakes" not in text


@pytest.mark.slow
def test_a_run_on_sequences_in_memory_has_its_report_and_later_one_without_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    own = Sequences.from_list([rng.normal(i % 2, 1, (3 + i % 4, 2)) for i in range(40)], [i % 2 for i in range(40)])
    run = train(Recipe(name="own"), data=own, runs=tmp_path, max_epochs=2, hidden_size=4)
    assert "Accuracy by length of the sequence" in run.folder.report.read_text()
    report(run.folder.path)
    assert "the sequences were in memory and are not stored" in run.folder.report.read_text()


@pytest.mark.slow
def test_data_with_holes_are_read_again_as_they_were_trained_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 6)) + np.arange(40)[:, None] % 2
    values[::3, 2] = np.nan
    file = tmp_path / "holes.npz"
    np.savez(file, X=values, y=np.arange(40) % 2)
    run = train(str(file), runs=tmp_path, max_epochs=2, hidden_size=4, missing="forward-fill", report=False)
    report(run.folder.path)
    assert "cannot be read any more" not in run.folder.report.read_text()


def test_a_run_without_test_data_says_that_nothing_was_measured(tmp_path: Path) -> None:
    run = train("digits", runs=tmp_path, max_epochs=1, hidden_size=4, test_fraction=0)
    assert "This model was not tested" in run.folder.report.read_text()


def test_what_is_no_finished_run_is_refused_with_what_to_do(digits_run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run's folder"):
        report(tmp_path)
    folder = copied(digits_run, tmp_path)
    shutil.rmtree(folder / "model")
    shutil.rmtree(folder / "checkpoints" / "best", ignore_errors=True)  # which a slow training writes
    with pytest.raises(ModelFolderError, match="go on with"):
        report(folder)
    answer = call("report", folder)
    assert answer.code == 1
    assert "this run is not finished" in answer.one_line()


def test_the_history_is_what_training_gave(digits_run: Run) -> None:
    epochs, steps = read_history(digits_run.folder.metrics)
    assert epochs == digits_run.history
    assert [log.step for log in steps] == list(range(50, epochs[-1].step + 1, 50))


def test_words_stand_apart_and_a_single_step_can_be_seen() -> None:
    """A line through one point is nothing; it is a dot, at a step named by its word."""
    symbols = ("close", "the", "door")
    texts = Sequences.from_steps(
        np.array([[0], [1], [2], [0]], np.float32), [3, 1], ["no", "yes"], classes=("no", "yes")
    )
    texts = replace(texts, values=texts.values.astype(np.int32), symbols=symbols)
    config = ModelConfig(hidden_size=4)
    facts = ModelFacts(classes=("no", "yes"), channels=("0",), model=config, vocabulary=symbols, tokens="words")
    model = Model(Network(config, 1, 2, symbols=4).eval(), facts)
    cards = [card(model, texts, case, Album()) for case in range(2)]
    assert [one.tokens for one in cards] == [["close", "the", "door"], ["close"]]
    assert all(one.words for one in cards)
    assert ">door<" in cards[0].picture.markup
    assert "<use " in cards[1].picture.markup.split('id="f1-line2d')[-1]


@pytest.mark.parametrize("steps", [5, 24])
def test_frames_are_drawn_over_the_steps_that_they_hold(steps: int) -> None:
    config = ModelConfig(hidden_size=4, frame_steps=4)
    rng = np.random.default_rng(0)
    test = Sequences.from_list([rng.normal(size=(steps, 2))], ["a"], classes=("a", "b"))
    model = Model(Network(config, 2, 2).eval(), ModelFacts(classes=("a", "b"), channels=("0", "1"), model=config))
    found = look_inside(model, test, 0, Album())
    assert found is not None
    assert found.frame == 4
    assert len(found.attribution.steps) == steps
