"""What `unrolled info` and `describe_installation` tell."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from commands import call
from unrolled.nn.cells import CELLS
from unrolled.nn.compiled import library
from unrolled.runtime.installed.info import describe_installation
from unrolled.version import VERSION


@pytest.fixture(autouse=True)
def _fresh_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("UNROLLED_KERNEL", raising=False)
    library.load_library.cache_clear()
    yield
    library.load_library.cache_clear()


def test_every_cell_has_a_kernel_and_a_reason() -> None:
    found = describe_installation()
    on_cpu = {row.cell: row for row in found.kernels if row.device == "cpu"}
    assert list(on_cpu) == list(CELLS)
    assert all(row.reason for row in on_cpu.values())
    assert on_cpu["lstm-layer-norm"].kernel == "reference"
    assert found.versions["unrolled"] == VERSION
    assert found.versions["torch"] == torch.__version__
    assert found.threads["pytorch"] == torch.get_num_threads()


def test_the_verb_prints_it_and_json_is_the_same() -> None:
    text = call("info").out
    for word in (VERSION, torch.__version__, "compiled kernel", "cache", "lstm-layer-norm", "reference", "threads"):
        assert word in text
    assert json.loads(call("info", "--json").out) == describe_installation().to_dict()


def test_without_a_compiled_library_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    found = describe_installation()
    assert found.compiled_kernel.startswith("missing: it was not built")
    by_cell = {row.cell: row for row in found.kernels if row.device == "cpu"}
    assert by_cell["lstm"].kernel == "torch"
    assert "unrolled's compiled kernel is missing" in by_cell["lstm"].reason
    assert by_cell["lstm-peephole"].kernel == "reference"


def test_a_damaged_library_is_told_and_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "_native.so").write_bytes(b"no library")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert "it cannot be loaded" in describe_installation().compiled_kernel


def test_a_wish_that_cannot_serve_a_cell_is_shown_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "torch")
    found = describe_installation()
    by_cell = {row.cell: row for row in found.kernels if row.device == "cpu"}
    assert (by_cell["lstm"].kernel, by_cell["lstm"].reason) == ("torch", "chosen by hand")
    assert by_cell["lstm-peephole"].kernel == "none"
    assert "cannot serve here" in by_cell["lstm-peephole"].reason
    assert found.environment["UNROLLED_KERNEL"] == "torch"


def test_wishes_without_a_meaning_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "turbo")
    answer = call("info")
    assert answer.code == 1
    assert "no kernel 'turbo'" in answer.one_line()


def test_a_level_that_no_processor_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(library.load_library(), library.Missing):
        pytest.skip("there is no compiled library")
    library.load_library.cache_clear()
    monkeypatch.setenv("UNROLLED_KERNEL_LEVEL", "5")
    answer = call("info")
    assert answer.code == 1
    assert "UNROLLED_KERNEL_LEVEL=5; expected one of 2, 3, 4" in answer.one_line()


def test_the_folder_of_data_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path))
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    paths = describe_installation().paths
    assert (paths["data"], paths["cache"]) == (str(tmp_path), str(tmp_path / "cache"))
    monkeypatch.delenv("UNROLLED_DATA")
    assert describe_installation().paths["data"] is None


def test_a_library_of_another_version_of_the_source_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(library.load_library(), library.Missing):
        pytest.skip("there is no compiled library")
    library.load_library.cache_clear()

    class Longer(library.LayerStruct):
        _fields_ = (("one_more", ctypes.c_int64),)

    monkeypatch.setattr(library, "LayerStruct", Longer)
    found = library.load_library()
    assert isinstance(found, library.Missing)
    assert "another version of its source; install the package again" in found.reason
