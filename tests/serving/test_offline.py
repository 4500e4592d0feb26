"""The page as one file: opened from a disk with no network, it says what the model says, and asks nobody."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError
from unrolled.export.c import wasm
from unrolled.model.examples import choose_examples
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.runs.run import Run
from unrolled.serving.offline import bundle, export_html

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def compiler() -> None:
    try:
        wasm.find_compiler()
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def open_file() -> Iterator[Callable[[Path], Page]]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        asked: list[str] = []
        wrong: list[str] = []

        def open_file(file: Path) -> Page:
            page = browser.new_context(offline=True, reduced_motion="reduce").new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda message: wrong.append(message.text))
            page.goto(file.as_uri())
            return page

        yield open_file
        browser.close()
        assert all(url.startswith("file://") for url in asked)
        assert not wrong


def says_what_the_model_says(page: Page, model: Model, count: int = 3) -> None:
    """At every step of the first examples, the label and its probability."""
    for number, example in enumerate(model.examples[:count]):
        page.locator("#examples > *").nth(number).click()
        page.locator("#scrub").wait_for()
        text = model.facts.vocabulary is not None
        sequence: Any = example.sequence if text else np.array(example.sequence, np.float32)
        running = model.predict_steps([sequence])[0]
        expect(page.locator("#scrub")).to_have_attribute("max", str(len(running)))
        for step, shares in enumerate(running, 1):
            page.locator("#scrub").fill(str(step))
            expect(page.locator("#step-name")).to_have_text(f"After step {step} of {len(running)} it says")
            shown = page.locator("#label").inner_text()
            assert shares[model.classes.index(shown)] >= shares.max() - 1e-5
            percent = int(re.sub(r"\D", "", page.locator("#sure").inner_text()))
            assert abs(percent - 100 * shares.max()) <= 1.01


@pytest.mark.slow
def test_a_picture_read_step_by_step(open_file: Callable[[Path], Page], digits_run: Run, tmp_path: Path) -> None:
    exported = export_html(digits_run.model, tmp_path / "digits.html")
    weights = sum(4 * weight.numel() for weight in digits_run.model.network.parameters())
    assert exported.size_bytes <= 150_000 + 1.4 * weights  # in letters, of which four hold three bytes
    assert exported.max_steps is None
    says_what_the_model_says(open_file(exported.path), digits_run.model)


def test_bits_are_flipped_and_a_file_is_read(open_file: Callable[[Path], Page], bits_run: Run, tmp_path: Path) -> None:
    exported = export_html(bits_run.model, tmp_path / "bits.html")
    page = open_file(exported.path)
    says_what_the_model_says(page, bits_run.model, 1)
    (tmp_path / "own.txt").write_text("0110\n")
    page.locator("#file").set_input_files(tmp_path / "own.txt")
    expect(page.locator("#step-name")).to_contain_text("of 4")
    page.locator("#bits > *").first.click()
    expect(page.locator("#step-name")).to_contain_text("of 4")
    expect(page.locator("#problem")).to_be_hidden()


def test_a_network_that_reads_whole_sequences(
    open_file: Callable[[Path], Page], make_network: Any, tmp_path: Path
) -> None:
    network: Network = make_network(
        2, bidirectional=True, frame_steps=2, context_steps=1, skip_segments=2, pooling="statistics", missing="mask"
    )
    rng = np.random.default_rng(0)
    values = [np.where(rng.random((length, 2)) < 0.2, np.nan, rng.normal(size=(length, 2))) for length in (5, 8)]
    examples = choose_examples(Sequences.from_list(values, ["a", "b"]), 2)
    facts = ModelFacts(classes=("a", "b", "<c>"), channels=("x", "y"), model=network.config)
    model = Model(network, facts, examples=tuple(examples))
    exported = export_html(model, tmp_path / "whole.html", max_steps=10)
    assert exported.max_steps == 10
    page = open_file(exported.path)
    page.locator("#values").fill("\n".join(["1,2"] * 11))
    page.locator("#use-values").click()
    expect(page.locator("#problem")).to_have_text("This page reads up to 10 steps.")
    page.locator("#values").fill("\n".join(["1,2"] * 10))
    page.locator("#use-values").click()
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#step-name")).to_contain_text("of 10")


def test_the_script_has_no_module_outside() -> None:
    assert not re.search(r"^\s*(import|export)\b", bundle(), re.MULTILINE)


def test_without_a_compiler_the_page_is_refused(
    make_network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(wasm.importlib.util, "find_spec", lambda _: None)
    network = make_network(2)
    facts = ModelFacts(classes=("a", "b", "c"), channels=("x", "y"), model=network.config)
    with pytest.raises(ConfigError, match="clang and lld"):
        export_html(Model(network, facts), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
