"""Data frames as data: read as the same table in a file is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import unrolled
from unrolled.cli.data import data_config
from unrolled.errors import ReadError, TrainedOnWarning

RNG = np.random.default_rng(0)
LONG = pd.DataFrame(
    [
        (f"r{number}", 0.5 * step, *np.round(RNG.normal(number % 2, 0.3, 2), 3), "ab"[number % 2])
        for number in range(24)
        for step in range(4 + number % 3)
    ],
    columns=["id", "time", "ax", "ay", "label"],
)
WIDE = pd.DataFrame(np.round(RNG.normal(size=(24, 6)), 3), columns=[f"s_{step}" for step in range(6)]).assign(
    label=list("ab") * 12
)


class Exchanged:
    """A frame of another library, of which only the exchange with Arrow is known."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._table = pa.Table.from_pandas(frame, preserve_index=False)
        self.columns = self._table.column_names

    def to_numpy(self) -> Any:
        raise AssertionError("columns of several types are no array")

    def __arrow_c_stream__(self, schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(schema)


@pytest.mark.parametrize("make", [lambda frame: frame, Exchanged, lambda frame: frame.set_index(frame.columns[0])])
@pytest.mark.parametrize(
    ("frame", "options"),
    [
        (LONG, {}),
        (LONG.rename(columns={"id": "rec", "label": "what"}), {"id": "rec", "label": "what"}),
        (LONG.astype({"label": "category"}), {}),
        (LONG.assign(time=pd.Timestamp("2026-01-31") + pd.to_timedelta(LONG["time"], unit="s")), {}),
        (WIDE, {}),
        (pd.DataFrame({"text": ["good day", "bad", "fine day"], "label": list("aba")}), {"tokens": "words"}),
    ],
)
def test_a_frame_is_read_as_the_same_table_in_a_file(tmp_path: Path, frame: Any, options: Any, make: Any) -> None:
    frame.to_csv(tmp_path / "a.csv", index=False)
    expected = unrolled.read(tmp_path / "a.csv", data_config(options))
    found = unrolled.read(make(frame), data_config(options))
    assert found.fingerprint == expected.fingerprint
    np.testing.assert_array_equal(found.ids is None, expected.ids is None)
    np.testing.assert_allclose(*(np.zeros(1) if each.times is None else each.times for each in (found, expected)))


def test_a_model_of_a_frame_answers_for_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"id": "rec", "label": "what"}
    frame = LONG.rename(columns=names)
    run = unrolled.train(data=frame, method="fitted", report=False, hidden_size=4, **names)
    arrays = [group[["ax", "ay"]].to_numpy() for _, group in frame.groupby("rec", sort=False)]
    shuffled = frame[["ay", "time", "rec", "ax"]]
    np.testing.assert_array_equal(run.model.predict(shuffled), run.model.predict(arrays))
    with pytest.warns(TrainedOnWarning):
        evaluation = unrolled.evaluate(run.model, frame)
    assert evaluation.cases == 24
    with pytest.raises(ReadError, match="the data frame"):
        unrolled.evaluate(run.model, shuffled)
    with pytest.raises(ReadError, match=r"the data frame: row 3: id .r0.: the time"):
        unrolled.read(LONG.assign(time=[*LONG["time"][:2], 0.1, *LONG["time"][3:]]))
