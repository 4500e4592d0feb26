"""What README.md and docs/serving.md say of serving: the requests, as they stand there, are answered."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unrolled.runs.run import Run

ROOT = Path(__file__).parents[2]
THERE = "http://127.0.0.1:8000"


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def digits_server(serve: Callable[..., Any], digits_run: Run) -> Any:
    """What the documents suppose."""
    return serve(digits_run.folder.path)


@pytest.mark.parametrize("document", ["README.md", "docs/serving.md"])
def test_the_commands_for_curl_are_answered(digits_server: Any, document: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    commands = [block for block in blocks(document, "bash") if "curl" in block]
    assert commands
    for command in commands:
        said = subprocess.run(
            ["bash", "-c", command.replace(THERE, digits_server.url)], capture_output=True, text=True, check=True
        )
        assert '"label"' in said.stdout


def test_the_python_is_answered(digits_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks("docs/serving.md", "python"):
        text = block.replace(THERE, digits_server.url)
        exec(compile(text, "serving.md", "exec"), {})  # noqa: S102  # the project's own text
    assert "read as" in capsys.readouterr().out


def test_every_setting_in_the_document_is_an_option() -> None:
    from unrolled.serving.settings import ServerSettings

    text = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    own = {"--host", "--port", "--token-file", "--log-level", "--help"}
    known = own | {f"--{name.replace('_', '-')}" for name in ServerSettings.model_fields}
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert named <= known
