"""Damaged files: whatever bytes are changed, only the package's own errors come out, and memory stays bounded."""

from __future__ import annotations

import gzip
import io
import json
import resource
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from unrolled.config import DataConfig
from unrolled.data.inspection import inspect
from unrolled.errors import UnrolledError

MOST_FIXED = 192 << 20
"""Bytes that a reader may take for itself, such as a chunk's room."""
MOST_TIMES = 1100
"""Times the file's size: what gzip can make of it."""

CSV = b"id,time,ax,ay,label\n" + b"".join(b"%d,%d,%d.5,-1e3,%c\n" % (i // 4, i % 4, i, 97 + i // 8) for i in range(24))


def _saved(save: Callable[[io.BytesIO], Any]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


@cache
def examples() -> dict[str, bytes]:
    """A sound file of each format, by its name."""
    numbers = np.arange(24.0).reshape(4, 6)
    rows = pa.table({"id": ["a", "a", "b"], "t": [1, 2, 1], "x": [1.0, 2.0, 3.0], "label": ["u", "u", "v"]})
    lists = pa.table({"x": [[1.0, 2.0], [3.0]], "label": ["u", "v"]})
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 3, 2))
    return {
        "a.csv": CSV,
        "b.csv": b'label,text\na,"one, ""two"""\nb,three four\n',
        "c.csv": b"label,ax_0,ax_1,ay_0,ay_1\nu,1,2,3,4\nv,5,6,,8\n",
        "a.csv.gz": gzip.compress(CSV, mtime=0),
        "a.tsv": b"1\t0.5\t1.5\t2\n2\t3\t4\tNaN\n1\t1\t2\t3\n",
        "a.txt": b"ham\thello you\nspam\tcheap stuff\n",
        "a.jsonl": b"".join(json.dumps({"sequence": row, "label": "u"}).encode() + b"\n" for row in numbers.tolist()),
        "b.jsonl": b'{"sequence": [[1, 2], [3, null]], "label": 1}\n{"sequence": [[1, 2]], "label": 2.5}\n',
        "a.arff": b"@relation r\n@attribute a numeric\n@attribute b real\n@attribute c {u,v}\n@data\n1,2,u\n3,?,v\n",
        "b.arff": b"@attribute r relational\n@attribute b real\n@end r\n@attribute c {u}\n@data\n'1,2\\n3,4',u\n",
        "a.ts": b"@univariate false\n@classLabel true u v\n@data\n1,2:3,4:u\n1:?:v\n",
        "a.parquet": _saved(lambda file: parquet.write_table(rows, file)),
        "b.parquet": _saved(lambda file: parquet.write_table(lists, file, compression="none")),
        "a.npz": _saved(lambda file: np.savez(file, X=numbers, y=np.array(["u", "v", "u", "v"]))),
        "b.npz": _saved(lambda file: np.savez_compressed(file, values=numbers, lengths=np.array([1, 3]))),
        "X.npy": _saved(lambda file: np.save(file, numbers)),
        "a-idx3-ubyte": header + bytes(range(12)),
        "a-idx3-ubyte.gz": gzip.compress(header + bytes(range(12)), mtime=0),
        "folder/u/1.csv": b"time,ax,ay\n0,1,2\n1,3,4\n",
        "folder/u/1.png": _saved(
            lambda file: Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(file, "PNG")
        ),
    }


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with a few bytes changed, left out, put in, or repeated."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(changed) - 1, 0)))
        kind = draw(st.sampled_from(["change", "cut", "leave out", "put in", "repeat"]))
        if kind == "change" and changed:
            changed[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del changed[at:]
        elif kind == "leave out":
            del changed[at : at + draw(st.integers(1, 20))]
        elif kind == "put in":
            pieces = [
                b"\0",
                b'"',
                b",",
                b"\n",
                b"\r",
                b"\t",
                b"nan",
                b"1e999",
                b"\xff\xfe",
                b"\xef\xbb\xbf",
                b"{",
                b"[",
                b"_",
            ]
            changed[at:at] = draw(st.sampled_from(pieces) | st.binary(min_size=1, max_size=8))
        else:
            changed[at:at] = changed[at : at + draw(st.integers(1, 40))] * draw(st.integers(1, 5))
    return bytes(changed)


@pytest.mark.parametrize("name", list(examples()))
def test_the_examples_are_sound(tmp_path: Path, name: str) -> None:
    assert inspect(*_written(tmp_path, name, examples()[name])).cases > 0


@pytest.mark.parametrize("name", list(examples()))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_the_packages_own_errors_come_out(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = data.draw(damaged(examples()[name]))
    path, config = _written(tmp_path, name, content)
    before = _peak()
    try:
        inspect(path, config)
    except UnrolledError as error:
        assert "\n" not in str(error)  # noqa: PT017
    assert _peak() - before < MOST_FIXED + MOST_TIMES * len(content)


def _peak() -> int:
    """The most bytes that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _written(folder: Path, name: str, content: bytes) -> tuple[Path, DataConfig]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    layout = {"layout": "time-first"} if path.suffix in {".npz", ".npy"} else {}
    return (folder / "folder" if name.startswith("folder") else path), DataConfig(**layout)  # type: ignore[arg-type]
