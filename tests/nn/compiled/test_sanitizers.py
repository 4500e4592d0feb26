"""The C under sanitizers: of addresses and undefined behaviour, on buffers without an inch to spare; of threads."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from unrolled.nn.compiled.library import FOLDER

pytestmark = pytest.mark.slow

COMPILER = shutil.which(os.environ.get("CC", "cc"))
FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all", "-pthread"]


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_no_cell_reads_or_writes_beside_its_buffers(level, tmp_path: Path) -> None:
    flags = ["-O0", "-fsanitize=address,undefined", *target(level)]
    program = build("driver.c", ["layer.c", "team.c"], flags, tmp_path)
    ran = subprocess.run([str(program)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) != 0


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_the_team_does_every_piece_once_whoever_asks(tmp_path: Path) -> None:
    flags = ["-O1", "-fsanitize=thread", "-DLOOKS=3"]  # they sleep soon, so that both ways of waiting are taken
    program = build("team_driver.c", ["team.c"], flags, tmp_path)
    environment = {**os.environ, "TSAN_OPTIONS": "die_after_fork=0"}
    ran = subprocess.run([str(program)], capture_output=True, text=True, env=environment)
    if "unexpected memory mapping" in ran.stderr:
        pytest.skip("the sanitizer of threads cannot run on this system")
    assert ran.returncode == 0, ran.stderr


def target(level: int) -> list[str]:
    return [f"-march=x86-64-v{level}"] if platform.machine().lower() in ("x86_64", "amd64") else []


def build(driver: str, parts: list[str], flags: list[str], folder: Path) -> Path:
    """Compiles a driver of this folder with parts of the library."""
    program = folder / "driver"
    sources = [str(Path(__file__).with_name(driver)), *(str(FOLDER / name) for name in parts)]
    command = [str(COMPILER), *FLAGS, *flags, f"-I{FOLDER}", *sources, "-o", str(program), "-lm"]
    built = subprocess.run(command, capture_output=True, text=True)
    if "cannot find" in built.stderr:
        pytest.skip("the compiler has no such sanitizer")
    assert built.returncode == 0, built.stderr
    return program
