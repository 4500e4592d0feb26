"""The C under AddressSanitizer and UndefinedBehaviorSanitizer, on buffers without an inch to spare."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from unrolled.nn.compiled.library import FOLDER

COMPILER = shutil.which(os.environ.get("CC", "cc"))
FLAGS = ["-std=gnu11", "-O0", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
NO_RECOVERY = "-fno-sanitize-recover=all"


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_no_cell_reads_or_writes_beside_its_buffers(level, tmp_path: Path) -> None:
    driver, program = Path(__file__).with_name("driver.c"), tmp_path / "driver"
    target = [f"-march=x86-64-v{level}"] if platform.machine().lower() in ("x86_64", "amd64") else []
    flags = [*FLAGS, NO_RECOVERY, *target, f"-I{FOLDER}"]
    built = subprocess.run(
        [str(COMPILER), *flags, str(driver), str(FOLDER / "layer.c"), "-o", str(program)],
        capture_output=True,
        text=True,
    )
    if "cannot find" in built.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(program)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) != 0
