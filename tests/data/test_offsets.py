"""Values that vary little around a large number: nothing depends on the number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import unrolled
from unrolled.data.numbers import offsets_between
from unrolled.data.sequences import Sequences

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
NEAR = RNG.normal(0, 0.03, (40, 12, 2)) + 0.1 * np.sin(np.arange(12) * (1 + Y[:, None]))[:, :, None]
LARGE = np.array([4_492_557.0, 0.0])
FAR = NEAR + LARGE


def frame(values: np.ndarray) -> pd.DataFrame:
    steps = [(f"r{i}", *row, "ab"[Y[i]]) for i, rows in enumerate(values.tolist()) for row in rows]
    return pd.DataFrame(steps, columns=["id", "n", "e", "label"])


@pytest.mark.parametrize("form", ["array", "list", "csv", "parquet", "wide"])
def test_what_a_channel_varies_by_is_kept(tmp_path: Path, form: str) -> None:
    if form == "array":
        found = Sequences.from_array(FAR)
    elif form == "list":
        found = Sequences.from_list(list(FAR))
    elif form == "wide":
        names = [f"{name}_{step}" for name in "ne" for step in range(12)]
        table = pd.DataFrame(FAR.transpose(0, 2, 1).reshape(40, -1), columns=names).assign(label=Y)
        table.to_csv(tmp_path / "a.csv", index=False)
        found = unrolled.read(tmp_path / "a.csv")
    else:
        path = tmp_path / f"a.{form}"
        frame(FAR).to_csv(path, index=False) if form == "csv" else frame(FAR).to_parquet(path)
        found = unrolled.read(path)
    assert found.offsets is not None
    assert found.offsets[1] == 0
    np.testing.assert_allclose([found.scaled(i) for i in range(40)], FAR, rtol=0, atol=1e-3)
    whole = np.stack(list(found)).astype(np.float64)
    np.testing.assert_allclose(np.diff(whole, axis=1), np.diff(NEAR, axis=1), atol=6e-4)


def test_small_numbers_bytes_and_wide_ranges_have_no_offset() -> None:
    assert Sequences.from_array(NEAR).offsets is None
    assert Sequences.from_array(np.full((2, 3), 255, np.uint8)).offsets is None
    assert Sequences.from_array(FAR.astype(np.float32)).offsets is None  # nothing is left to keep
    assert offsets_between(np.array([1e6]), np.array([2e6])) is None


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> unrolled.Model:
    data = Sequences.from_array(FAR, Y)
    runs = tmp_path_factory.mktemp("offsets")
    options: dict[str, object] = {"max_epochs": 8, "hidden_size": 8, "bidirectional": False, "skip_segments": 0}
    options |= {"context_steps": 0, "skip_convolutions": 0}
    run = unrolled.train(data=data, runs=runs, report=False, pooling="last", **options)
    return unrolled.load(run.folder.path)


def test_a_model_answers_alike_from_files_arrays_streams_and_onnx(tmp_path: Path, model: unrolled.Model) -> None:
    expected = model.predict_proba(FAR)
    assert model.facts.offsets is not None
    np.testing.assert_allclose(np.concatenate([model.predict_proba([one]) for one in FAR]), expected, atol=1e-5)
    np.testing.assert_allclose([model.stream().push(one) for one in FAR[:5]], expected[:5], atol=1e-5)
    exported = unrolled.export_onnx(model, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(exported.path.read_bytes())
    found = session.run(["probabilities"], {"sequences": FAR, "lengths": np.full(40, 12)})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert unrolled.export_onnx(model, tmp_path / "b.onnx", streaming=True).check.difference < 1e-5


def test_the_number_makes_no_difference_to_a_classifier() -> None:
    scores = []
    for values in (NEAR, FAR):
        made = unrolled.SequenceClassifier(hidden_size=8, max_epochs=3, random_state=0)
        scores.append(made.fit(values[:30], Y[:30]).score(values[30:], Y[30:]))
    assert scores[0] == scores[1] == 1.0


def test_heavy_tails_are_found_and_robust_statistics_are_those_of_scipy() -> None:
    from scipy.stats import iqr

    from unrolled.data.inspection import inspect_sequences
    from unrolled.preparation.normalisation import NORMALISATIONS

    values = np.random.default_rng(1).standard_t(1.2, (400, 2, 2)).astype(np.float32)
    data = Sequences.from_array(values, np.arange(400) % 2)
    assert any("heavy tails" in finding for finding in inspect_sequences(data).findings)
    assert not any("heavy tails" in finding for finding in inspect_sequences(Sequences.from_array(NEAR, Y)).findings)
    flat = values.reshape(-1, 2).astype(np.float64)
    middle, deviation = NORMALISATIONS["robust"](2).statistics(data, (flat.mean(0), flat.std(0)))
    np.testing.assert_allclose(middle, np.median(flat, 0))
    np.testing.assert_allclose(deviation, iqr(flat, axis=0, scale="normal"))
