"""Missing labels in every format: unknown where none are needed, an error where they are, never a class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from unrolled.data.formats.registry import read
from unrolled.data.labels import encode_labels
from unrolled.errors import DataError

VALUES = np.arange(12.0).reshape(4, 3)


def write(path: Path, labels: list[Any]) -> Path:
    rows = [",".join(map(str, row)) for row in VALUES]
    texts = list(map(str, labels))
    if path.name == "wide.csv":
        lines = ["t0,t1,t2,label", *(f"{row},{label}" for row, label in zip(rows, texts, strict=True))]
    elif path.name == "long.csv":
        steps = [(i, t) for i in range(4) for t in range(3)]
        lines = ["id,time,x,label", *(f"{i},{t},{VALUES[i, t]},{texts[i]}" for i, t in steps)]
    elif path.suffix == ".txt":
        lines = [f"{label}\t{'xyz'[i % 3 :]}{i}" for i, label in enumerate(texts)]
    elif path.suffix == ".ts":
        lines = ["@univariate true", "@classLabel true a b", "@data"]
        lines += [f"{row}:{label}" for row, label in zip(rows, texts, strict=True)]
    elif path.suffix == ".arff":
        lines = ["@relation r", *(f"@attribute t{t} numeric" for t in range(3)), "@attribute c {a,b}", "@data"]
        lines += [f"{row},{label}" for row, label in zip(rows, texts, strict=True)]
    elif path.suffix == ".jsonl":
        lines = [json.dumps({"sequence": row.tolist(), "label": v}) for row, v in zip(VALUES, labels, strict=True)]
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table({"sequence": VALUES.tolist(), "label": texts}), path)
        return path
    else:
        np.savez(path, X=VALUES, y=np.array(texts))
        return path
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


FILES = ["wide.csv", "long.csv", "lines.txt", "x.ts", "x.arff", "x.jsonl", "x.parquet", "x.npz"]


@pytest.mark.parametrize("missing", ["?", "NaN", "nan", ""])
@pytest.mark.parametrize("name", FILES)
def test_a_missing_label_is_unknown(tmp_path: Path, name: str, missing: str) -> None:
    path = write(tmp_path / name, ["a", missing, "b", "a"])
    found = read(path, labels_needed=False)
    assert found.labels is None
    assert len(found) == 4
    with pytest.raises(DataError, match=r"no label for 1 of 4|label is missing|class is missing"):
        read(path)
    assert read(write(path, [missing] * 4), labels_needed=False).labels is None
    assert read(write(path, ["a", "b", "b", "a"])).classes == ("a", "b")


def test_a_number_that_is_missing_is_no_class(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [1, float("nan"), 2, None])
    assert read(path, labels_needed=False).labels is None
    np.savez(tmp_path / "x.npz", X=VALUES, y=[0, np.nan, 1, 1])
    assert read(tmp_path / "x.npz", labels_needed=False).labels is None
    for labels in ([1.5, np.nan], ["a", np.nan], ["a", None], np.array(["a", None, 2], object)):
        with pytest.raises(DataError, match="label 1 is missing"):
            encode_labels(labels)
