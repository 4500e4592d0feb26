"""`unrolled inspect FILE` and `unrolled train FILE` for every format, and what has been trained predicts such files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from commands import Command
from unrolled.data.sequences import Sequences

CASES, STEPS = 60, 6
RNG = np.random.default_rng(0)
LABELS = ["down" if case % 2 else "up" for case in range(CASES)]
VALUES = RNG.normal(size=(CASES, STEPS, 2)).astype(np.float32)
VALUES[::2] += 2
EXPECTED = Sequences.from_array(VALUES, LABELS)
QUICK = ("--max-epochs", 2, "--hidden-size", 4, "--no-report")


def long_table() -> pa.Table:
    return pa.table(
        {
            "id": np.repeat([f"r{case}" for case in range(CASES)], STEPS),
            "time": np.tile(np.arange(STEPS), CASES),
            "ax": VALUES[:, :, 0].ravel().astype(float),
            "ay": VALUES[:, :, 1].ravel().astype(float),
            "label": np.repeat(LABELS, STEPS),
        }
    )


def wide_table() -> pa.Table:
    columns = {f"{n}_{t}": VALUES[:, t, i].astype(float) for i, n in enumerate(["ax", "ay"]) for t in range(STEPS)}
    return pa.table({"label": LABELS, **columns})


def lists() -> list[dict[str, Any]]:
    return [{"sequence": values.tolist(), "label": label} for values, label in zip(VALUES, LABELS, strict=True)]


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in lists()))


def write_ts(path: Path) -> None:
    rows = [":".join(",".join(map(repr, c)) for c in case.T.astype(float).tolist()) for case in VALUES]
    body = "\n".join(f"{row}:{label}" for row, label in zip(rows, LABELS, strict=True))
    path.write_text(f"@univariate false\n@classLabel true down up\n@data\n{body}\n")


def write_arff(path: Path) -> None:
    head = "@attribute r relational\n" + "@attribute a numeric\n" * STEPS + "@end r\n@attribute c {down,up}\n@data\n"
    rows = ["\\n".join(",".join(map(repr, c)) for c in case.T.astype(float).tolist()) for case in VALUES]
    path.write_text(head + "".join(f"'{row}',{label}\n" for row, label in zip(rows, LABELS, strict=True)))


def write_npy(path: Path) -> None:
    np.save(path, VALUES)
    np.save(path.with_name("y.npy"), np.array(LABELS))


def write_folder(path: Path) -> None:
    for label in set(LABELS):
        (path / label).mkdir(parents=True)
    for case, (values, label) in enumerate(zip(VALUES, LABELS, strict=True)):
        rows = "".join(f"{a!r},{b!r}\n" for a, b in values.astype(float).tolist())
        (path / label / f"{case:02}.csv").write_text("ax,ay\n" + rows)


TIME_FIRST = ("--layout", "time-first")
FORMATS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "long.csv": (lambda path: arrow_csv.write_csv(long_table(), path), ()),
    "long.parquet": (lambda path: parquet.write_table(long_table(), path), ()),
    "wide.csv": (lambda path: arrow_csv.write_csv(wide_table(), path), ()),
    "wide.tsv": (lambda path: arrow_csv.write_csv(wide_table(), path, arrow_csv.WriteOptions(delimiter="\t")), ()),
    "lists.parquet": (lambda path: parquet.write_table(pa.Table.from_pylist(lists()), path), ()),
    "lists.jsonl": (write_jsonl, ()),
    "some.ts": (write_ts, ()),
    "some.arff": (write_arff, ()),
    "some.npz": (lambda path: np.savez(path, X=VALUES, y=LABELS), TIME_FIRST),
    "X.npy": (write_npy, TIME_FIRST),
    "folder": (write_folder, ()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_inspected_trained_and_predicted(unrolled: Command, fresh: Path, name: str) -> None:
    write, options = FORMATS[name]
    write(fresh / name)
    found = json.loads(unrolled("inspect", name, *options, "--json").out)
    assert (found["cases"], found["steps"]) == (CASES, CASES * STEPS)
    assert dict(zip(found["classes"], found["class_counts"], strict=True)) == {"down": 30, "up": 30}
    assert len(found["channels"]) == 2
    assert (found["length_min"], found["length_max"], found["missing_count"]) == (STEPS, STEPS, 0)
    assert found["value_max"] == pytest.approx(float(VALUES.max()), rel=1e-6)
    answer = unrolled("train", name, *options, *QUICK, "--name", "first")
    assert answer.code == 0, answer.err
    run = f"runs/{name.split('.')[0]}/first"
    rows = list(csv.DictReader(io.StringIO(unrolled("predict", run, name).out)))
    assert len(rows) == CASES
    if name.startswith("long"):
        assert [row["id"] for row in rows] == [f"r{case}" for case in range(CASES)]
    evaluated = json.loads(unrolled("evaluate", run, name, "--json").out)
    assert evaluated["cases"] == 12  # what was held out


def test_pictures_in_folders_are_trained(unrolled: Command, fresh: Path) -> None:
    for case, label in enumerate(LABELS):
        (fresh / "own" / label).mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 100, (5, 4)) + 100 * (case % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(fresh / "own" / label / f"{case}.png")
    text = unrolled("inspect", "own").out
    assert "own: folder of PNG" in text
    assert "down" in text
    answer = unrolled("train", "own", *QUICK)
    assert answer.code == 0, answer.err
    assert unrolled("predict", "runs/own/1", "own/up").code == 0


def test_a_file_without_labels_is_predicted_as_the_training_file_was_read(unrolled: Command, fresh: Path) -> None:
    table = long_table().rename_columns(["who", "when", "ax", "ay", "kind"])
    arrow_csv.write_csv(table, fresh / "own.csv")
    columns = ("--id", "who", "--time", "when", "--label", "kind", "--channels", "ay,ax")
    assert unrolled("train", "own.csv", *columns, *QUICK).code == 0
    arrow_csv.write_csv(table.drop_columns(["kind"]), fresh / "new.csv")
    answer = unrolled("predict", "runs/own/1", "new.csv")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0] == "case,id,label,p(down),p(up)"
    known = list(csv.DictReader(unrolled("predict", "runs/own/1", "own.csv").out.splitlines()))
    unknown = list(csv.DictReader(answer.out.splitlines()))
    assert [{name: row[name] for name in unknown[0]} for row in known] == unknown
    line = unrolled("evaluate", "runs/own/1", "new.csv")
    assert line.code == 1
    assert "there is no column 'kind' (--label)" in line.one_line()
    lines = unrolled("predict", "runs/own/1", "new.csv", "--output-format", "jsonl").out.splitlines()
    assert json.loads(lines[3])["id"] == "r3"


def test_what_was_found_is_printed(unrolled: Command, fresh: Path) -> None:
    arrow_csv.write_csv(long_table(), fresh / "own.csv")
    words = "found a long table, a row a step: id 'id', time 'time', label 'label', channels ax, ay"
    assert f"read as    {words}" in unrolled("inspect", "own.csv").out
    assert f"own.csv: {words}" in unrolled("train", "own.csv", *QUICK).out


def test_inspect_tells_what_is_wrong_with_a_line(unrolled: Command, fresh: Path) -> None:
    arrow_csv.write_csv(long_table(), fresh / "own.csv")
    lines = (fresh / "own.csv").read_text().splitlines()
    lines[7] = lines[7].replace('"up"', '"down"').replace('"down"', '"left"')
    (fresh / "own.csv").write_text("\n".join(lines))
    answer = unrolled("inspect", "own.csv")
    assert answer.code == 1
    assert "line" in answer.one_line()
    assert "'left'" in answer.one_line()


def test_a_preview_shows_text(unrolled: Command, fresh: Path) -> None:
    (fresh / "own.txt").write_text("a\t0110 1\nb\t1001\na\t11\n")
    text = unrolled("inspect", "own.txt", "--tokens", "characters").out
    assert "0: label 'a', 6 steps: '0110 1'" in text
    assert "symbols    3 (' ', '0', '1')" in text
