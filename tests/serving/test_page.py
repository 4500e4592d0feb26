"""The page in a real browser: drawn on, flipped, dropped on; nothing from elsewhere, no errors, for everybody."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from commands import call
from unrolled.runs.run import Run, train

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
Points = list[tuple[float, float]]

THREE: list[Points] = [
    [(0.30, 0.25), (0.45, 0.15), (0.62, 0.20), (0.66, 0.34), (0.52, 0.46), (0.42, 0.48)],
    [(0.42, 0.48), (0.60, 0.50), (0.70, 0.64), (0.60, 0.80), (0.42, 0.84), (0.28, 0.74)],
]
SEVEN: list[Points] = [[(0.28, 0.20), (0.72, 0.20), (0.58, 0.50), (0.46, 0.85)]]
ZERO: list[Points] = [
    [(0.5, 0.15), (0.35, 0.25), (0.3, 0.5), (0.35, 0.75), (0.5, 0.85)],
    [(0.5, 0.85), (0.65, 0.75), (0.7, 0.5), (0.65, 0.25), (0.5, 0.15)],
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pictures_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network that really reads digits: MNIST's where they are, otherwise scikit-learn's."""
    runs = tmp_path_factory.mktemp("runs")
    if os.environ.get("UNROLLED_DATA"):
        return train("mnist-rows-quick", runs=runs, max_sequences=50_000, hidden_size=64, report=False)
    return train("digits", runs=runs, report=False)


@pytest.fixture(scope="module")
def series_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two channels, two classes: the sign of their mean."""
    import numpy as np

    from unrolled.config import ModelConfig, Recipe, TrainConfig
    from unrolled.data.sequences import Sequences

    rng = np.random.default_rng(0)
    arrays = [rng.normal(i % 2 - 0.5, 0.5, (6 + i % 5, 2)) for i in range(80)]
    data = Sequences.from_list(arrays, ["low" if i % 2 == 0 else "high" for i in range(80)], channels=["x", "y"])
    runs = tmp_path_factory.mktemp("runs")
    recipe = Recipe(name="walk", model=ModelConfig(), train=TrainConfig())
    return train(recipe, data=data, runs=runs, hidden_size=8, max_epochs=40, batch_size=8, report=False)


@pytest.fixture(scope="module")
def frames_run(series_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same problem, read both ways, several steps as one, and cut."""
    import numpy as np

    from unrolled.config import ModelConfig, Recipe, TrainConfig
    from unrolled.data.sequences import Sequences

    rng = np.random.default_rng(1)
    arrays = [rng.normal(i % 2 - 0.5, 0.5, (6 + i % 5, 2)) for i in range(40)]
    data = Sequences.from_list(arrays, ["low" if i % 2 == 0 else "high" for i in range(40)], channels=["x", "y"])
    options = {"bidirectional": True, "frame_steps": 3, "max_length": 7, "keep_steps": "last"}
    runs = tmp_path_factory.mktemp("runs")
    recipe = Recipe(name="frames", model=ModelConfig(), train=TrainConfig())
    return train(recipe, data=data, runs=runs, hidden_size=4, max_epochs=2, report=False, **options)


@pytest.fixture(scope="module")
def named(pictures_run: Run, bits_run: Run, series_run: Run, words_run: Run, frames_run: Run) -> dict[str, Run]:
    """A model of every kind."""
    return {"pictures": pictures_run, "bits": bits_run, "walk": series_run, "words": words_run, "frames": frames_run}


@pytest.fixture(scope="module")
def served(serve: Serve, named: dict[str, Run]) -> Any:
    """All kinds of models under one address."""
    return serve(*(f"{name}={run.folder.path}" for name, run in named.items()))


@pytest.fixture(scope="module")
def computing(serve: Serve, named: dict[str, Run], node_folder: Path) -> Any:
    """The same, and the page computes by itself."""
    runtime = node_folder / "node_modules" / "onnxruntime-web"
    paths = [f"{name}={run.folder.path}" for name, run in named.items()]
    return serve(*paths, "--onnxruntime-web", runtime)


@pytest.fixture
def open_on(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a server's page on a model; at its end nothing may have gone wrong and nobody else been asked."""
    problems: list[str] = []
    contexts = []

    def open_page(server: Any, model: str, allowed: tuple[str, ...] = (), **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()

        def watch_console(message: Any) -> None:
            if message.type in ("error", "warning") and not any(text in message.text for text in allowed):
                problems.append(message.text)

        page.on("console", watch_console)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith(server.url) or problems.append(request.url))
        page.goto(f"{server.url}/#{model}")
        expect(page.locator("#about")).to_contain_text(f"({model}")
        expect(page.locator("#stage")).to_be_visible(timeout=30_000)  # it reads an example by itself
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def opened(open_on: Callable[..., Page], served: Any) -> Callable[..., Page]:
    """The page of the server that computes."""
    return partial(open_on, served)


def draw(page: Page, strokes: list[Points]) -> None:
    """With the mouse."""
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        page.mouse.up()


def drop(page: Page, name: str, text: str) -> None:
    """A file onto the page."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], name));
            return transfer;
        }""",
        [name, text],
    )
    page.dispatch_event("#input", "drop", {"dataTransfer": transfer})


def test_drawn_digits_are_told_apart(opened: Callable[..., Page]) -> None:
    page = opened("pictures", reduced_motion="reduce")
    for strokes, label in ((THREE, "3"), (SEVEN, "7"), (ZERO, "0")):
        page.locator("#clear").click()
        with page.expect_response("**/v1/predict/steps*") as answer:
            draw(page, strokes)
        assert answer.value.status == 200
        expect(page.locator("#label")).to_have_text(label, timeout=30_000)
    expect(page.locator("#final")).to_contain_text(re.compile("did not change any more|never changed"))
    expect(page.locator("#bars li")).to_have_count(10)


def test_the_reading_can_be_paused_scrubbed_and_played_by_keyboard(opened: Callable[..., Page]) -> None:
    page = opened("pictures", reduced_motion="reduce")  # which reads an example of itself
    expect(page.locator("#step-name")).to_contain_text(re.compile(r"step (\d+) of \1 "))
    steps = page.locator("#scrub").get_attribute("max")
    page.locator("#scrub").press("Home")
    expect(page.locator("#step-name")).to_contain_text(f"step 1 of {steps}")
    expect(page.locator("#final")).to_have_text("Not its final answer yet.")
    page.locator("#forward").press("Enter")
    expect(page.locator("#step-name")).to_contain_text(f"step 2 of {steps}")
    page.locator("#reading").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#step-name")).to_contain_text(f"step 3 of {steps}")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")


def test_bits_can_be_flipped(opened: Callable[..., Page], bits_run: Run) -> None:
    import numpy as np

    page = opened("bits", reduced_motion="reduce")
    bits = page.locator("#bits button")
    expect(bits).to_have_count(6)
    bits.nth(1).click()
    page.locator("#longer").click()
    expect(bits).to_have_count(7)
    expect(page.locator("#step-name")).to_contain_text("step 7 of 7")
    values = np.array([[float(text)] for text in bits.all_inner_texts()])
    assert page.locator("#label").inner_text() == bits_run.model.predict([values])[0]


def test_a_file_is_dropped_and_a_bad_one_refused_in_words(opened: Callable[..., Page]) -> None:
    page = opened("walk", allowed=("422",), reduced_motion="reduce")
    drop(page, "up.csv", "x,y\n0.9,0.4\n0.5,0.8\n0.7,0.6\n")
    expect(page.locator("#step-name")).to_contain_text("step 3 of 3")
    expect(page.locator("#label")).to_have_text("high")
    problem = page.locator("#problem")
    for name, text, said in (
        ("short.csv", "0.9,0.4\n0.5\n", "short.csv: Line 2 has 1 number; the network reads 2 a step."),
        ("words.csv", "0.9,0.4\n0.5,hello\n", "words.csv: Line 2: “hello” is not a number."),
        ("empty.csv", "", "There is nothing in it"),
        ("torn.json", "[[1, 2], ", "This is not JSON"),
        ("wide.json", "[[1, 2, 3]]", "step 0 has 3 numbers; the model was trained on 2 channels"),
        ("missing.csv", "0.9,0.4\n0.5,?\n", "takes no missing values"),
    ):
        drop(page, name, text)
        expect(problem).to_contain_text(said)
    page.locator("#values").fill("-0.9 -0.4\n-0.5 -0.8\n-0.9 -0.9")
    page.locator("#use-values").click()
    expect(problem).to_be_hidden()
    expect(page.locator("#label")).to_have_text("low")


def test_the_page_asks_for_the_token_where_the_server_does(
    browser: Browser, serve: Serve, bits_run: Run, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("sesame")
    server = serve(bits_run.folder.path, "--token-file", tmp_path / "token")
    page = browser.new_page()
    page.goto(server.url)
    page.locator("#token").fill("wrong")
    page.locator("#ask-token button").click()
    expect(page.locator("#problem")).to_contain_text("requires a token")
    page.locator("#token").fill("sesame")
    page.locator("#ask-token button").click()
    expect(page.locator("#bits button")).to_have_count(6)
    expect(page.locator("#ask-token")).to_be_hidden()
    page.close()


def serious(page: Page) -> list[Any]:
    """What axe finds that would keep somebody out."""
    return [found for found in Axe().run(page).response["violations"] if found["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("model", ["pictures", "bits", "walk", "words"])
def test_the_page_is_for_everybody(opened: Callable[..., Page], model: str, scheme: str) -> None:
    page = opened(model, ("422",), color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    page.locator("#examples button").first.click()
    assert serious(page) == []
    drop(page, "empty.txt", "")
    expect(page.locator("#problem")).to_be_visible()
    page.locator("#scrub").press("Home")
    assert serious(page) == []


def test_texts_are_read_as_they_are_typed(opened: Callable[..., Page], words_run: Run) -> None:
    page = opened("words", reduced_motion="reduce")
    page.locator("#text").fill("left and unheard then right then")
    expect(page.locator("#step-name")).to_contain_text("step 6 of 6")
    text = "left and unheard then right then"
    assert page.locator("#label").inner_text() == words_run.model.predict([text])[0]
    expect(page.locator("#unknown")).to_contain_text("never seen “unheard”")
    expect(page.locator("#tokens span")).to_have_text(text.split())
    page.locator("#tokens span").first.click()
    expect(page.locator("#step-name")).to_contain_text("step 1 of 6")
    drop(page, "note.txt", "right then\nleft")
    expect(page.locator("#step-name")).to_contain_text("step 2 of 2")
    expect(page.locator("#text")).to_have_value("right then")


def test_it_reads_an_example_by_itself_unless_something_else_is_given(opened: Callable[..., Page]) -> None:
    page = opened("walk")  # and moves while it does
    expect(page.locator("#examples [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#final")).to_contain_text("The true class is")


READ = """async ([name, sequence]) => {
    const api = await import("/static/api.js");
    const { LocalNetwork } = await import("/static/local.js");
    const model = await api.describe(name);
    return (await LocalNetwork.load(model, await api.file(name))).read(sequence);
}"""


@pytest.mark.parametrize("name", ["pictures", "bits", "walk", "words", "frames"])
def test_in_the_browser_the_network_says_what_the_model_says(
    open_on: Callable[..., Page], computing: Any, named: dict[str, Run], name: str
) -> None:
    import numpy as np

    model = named[name].model
    sequence = model.examples[0].sequence
    given = [sequence] if name == "words" else [np.array(sequence, np.float32)]
    page = open_on(computing, name, reduced_motion="reduce")
    expect(page.locator("#where")).to_contain_text("in this browser")
    found = page.evaluate(READ, [name, sequence])
    belief = model.predict_steps(given)[0]
    np.testing.assert_allclose(found["steps"]["probabilities"], belief, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found["steps"]["hidden"], model.hidden_steps(given)[0], rtol=0, atol=1e-4)
    labels = [model.classes[index] for index in belief.argmax(1)]
    assert found["steps"]["labels"] == labels
    final = found["final_from_step"]
    assert set(labels[final - 1 :]) == {found["label"]}
    assert final == 1 or labels[final - 2] != found["label"]


def test_what_is_drawn_does_not_leave_a_browser_that_computes(open_on: Callable[..., Page], computing: Any) -> None:
    page = open_on(computing, "pictures", reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    draw(page, SEVEN)
    expect(page.locator("#label")).to_have_text("7", timeout=30_000)
    assert asked == []


def test_long_and_bad_sequences_in_a_browser_that_computes(open_on: Callable[..., Page], computing: Any) -> None:
    page = open_on(computing, "walk", reduced_motion="reduce")
    drop(page, "long.csv", "0.5,0.5\n" * 400)
    expect(page.locator("#step-name")).to_contain_text("of 400")
    expect(page.locator("#where")).to_contain_text("the server read it")
    for name, text, said in (
        ("wide.json", "[[1, 2, 3]]", "Step 1 has 3 numbers; the model was trained on 2 channels"),
        ("missing.csv", "0.9,0.4\n0.5,?\n", "takes no missing values"),
        ("far.csv", "0.9,1e39\n", "not a number that a network can read"),
    ):
        drop(page, name, text)
        expect(page.locator("#problem")).to_contain_text(said)


@pytest.mark.usefixtures("fresh")
def test_the_readmes_third_section(open_on: Callable[..., Page], serve: Serve, fresh: Path) -> None:
    """Train, export, run the example, serve, draw."""
    assert call("train", "digits").code == 0
    assert call("export", "runs/digits/1").code == 0
    zero = (
        [[0, 0, 0.3, 0.8, 0.6, 0.1, 0, 0]]
        + [[0, 0.1, 0.9, 0.3, 0.3, 0.9, 0, 0]] * 6
        + [[0, 0, 0.3, 0.9, 0.7, 0.1, 0, 0]]
    )
    program = Path(__file__).parents[2] / "examples" / "onnx_predict.py"
    said = subprocess.run(
        [sys.executable, program, "digits.onnx", json.dumps([zero])], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("0 ")
    page = open_on(serve("runs/digits/1"), "digits", reduced_motion="reduce")
    draw(page, ZERO)
    expect(page.locator("#label")).to_have_text("0", timeout=30_000)


def test_a_phone_shows_all_of_it(opened: Callable[..., Page]) -> None:
    page = opened(
        "pictures", reduced_motion="reduce", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    draw(page, SEVEN)
    expect(page.locator("#peek")).to_contain_text("Watch it read")
    page.locator("#peek").click()
    expect(page.locator("#label")).to_have_text("7", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
