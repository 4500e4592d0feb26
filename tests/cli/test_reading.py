"""How far the reading of a file is: told by every reader of large files, shown as a bar that goes away."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console

from unrolled.cli import reading
from unrolled.data.files import chunks
from unrolled.data.files.notes import Observer
from unrolled.data.formats import read

CSV = b"id,x\n" + b"".join(b"%d,%d\n" % (row // 5, row) for row in range(500))


class Heard(Observer):
    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []

    def progress(self, done: int, total: int) -> None:
        self.heard.append((done, total))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_progress_rises_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(chunks.read_chunks, "__kwdefaults__", {**chunks.read_chunks.__kwdefaults__, "size": 500})
    monkeypatch.setattr("unrolled.data.formats.parquet._MOST_BLOCK_ROWS", 100)
    path = tmp_path / name
    if name == "a.parquet":
        rows = pa.table({"id": [row // 5 for row in range(500)], "x": range(500)})
        parquet.write_table(rows, path)
    else:
        path.write_bytes(gzip.compress(CSV) if name.endswith("gz") else CSV)
    heard = Heard()
    assert len(read(path, observer=heard)) == 100
    done = [pair[0] for pair in heard.heard]
    assert len(done) >= 5
    assert done == sorted(done)
    assert heard.heard[-1][0] == heard.heard[-1][1]


@pytest.mark.parametrize("total", [2000, 0])
def test_the_bar_is_drawn_after_a_moment_and_goes_away(monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", -1.0)
    shown = io.StringIO()
    with reading.reading_bar(Console(file=shown, force_terminal=True, width=80)) as bar:
        bar.progress(1000, total)
        assert "reading" in shown.getvalue()
        bar.progress(total or 1, total or 1)
        assert bar._bar is None
    assert shown.getvalue().endswith(("\x1b[2K", "\x1b[?25h"))


def test_no_bar_is_drawn_at_once_or_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal, patience in ((True, 1000.0), (False, -1.0)):
        monkeypatch.setattr(reading, "_PATIENCE_SECONDS", patience)
        shown = io.StringIO()
        with reading.reading_bar(Console(file=shown, force_terminal=terminal)) as bar:
            bar.progress(1, 10)
        assert shown.getvalue() == ""


def test_an_error_leaves_no_half_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE_SECONDS", -1.0)
    bars = []

    def read_badly() -> None:
        with reading.reading_bar(Console(file=io.StringIO(), force_terminal=True)) as bar:
            bar.progress(1, 10)
            bars.append(bar._bar)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        read_badly()
    assert bars[0] is not None
    assert not bars[0].live.is_started
