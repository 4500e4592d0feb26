"""Long recordings from the command to the report: trained, predicted, judged and followed alike."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import unrolled
from commands import call
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry


def recording(rng: np.random.Generator, labels: list[str], steps: int = 120) -> tuple[np.ndarray, list[str]]:
    """A signal whose frequency tells the label: slow or fast, with a random phase and noise."""
    speed = np.repeat([{"slow": 0.25, "fast": 1.0}[label] for label in labels], steps)
    phase = np.cumsum(speed) + rng.uniform(0, 2 * np.pi)
    values = np.stack([np.sin(phase), np.cos(phase)], 1) + 0.1 * rng.normal(size=(len(speed), 2))
    return values.astype(np.float32), np.repeat(labels, steps).tolist()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of 12 recordings, one of a single recording, and a run on the former."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for name, count in (("many.csv", 12), ("one.csv", 1)):
        rows = ["recording,time,x,y,activity"]
        for number in range(count):
            values, labels = recording(rng, rng.choice(["slow", "fast"], 6 if count > 1 else 40).tolist())
            for step, ((x, y), label) in enumerate(zip(values, labels, strict=True)):
                rows.append(f"r{number},{step / 50:.2f},{x:.4f},{y:.4f},{label}")
        (folder / name).write_text("\n".join(rows))
    options = {"window": "0.8s", "stride": "0.4s", "max_epochs": 4, "hidden_size": 12}
    unrolled.train(str(folder / "many.csv"), runs=folder / "runs", name="a", **options)
    return folder


@pytest.mark.slow
def test_training_and_evaluation_say_the_same_of_windows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    run = "runs/many/a"
    stored = json.loads((place / run / "evaluation.json").read_text())
    again = call("evaluate", run, "--json")
    assert again.code == 0, again.err
    found = json.loads(again.out)
    assert found["windows"] == stored["windows"]
    assert found["windows"]["window"] == 40
    assert found["windows"]["groups"] == "recordings"
    assert sum(map(sum, found["windows"]["confusion"])) == found["windows"]["steps"]["cases"]
    shown = call("evaluate", run, "many.csv").out
    assert "of the label" in shown
    page = (place / run / "report.html").read_text()
    assert "The recordings" in page


@pytest.mark.slow
def test_predictions_by_window_and_by_step(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    model = unrolled.load("runs/many/a")
    windows = list(csv.DictReader(io.StringIO(call("predict", "runs/many/a", "one.csv").out)))
    own = unrolled.read("one.csv", unrolled.DataConfig(table="long", label="-", channels="x,y"), labels_needed=False)
    assert [int(row["start"]) for row in windows[:3]] == [1, 21, 41]
    assert {int(row["end"]) - int(row["start"]) for row in windows} == {39}
    assert windows[1]["start_time"] == "0.4"
    expected = model.predict_proba(np.stack([own[0][int(row["start"]) - 1 : int(row["end"])] for row in windows]))
    np.testing.assert_allclose([float(row["p(fast)"]) for row in windows], expected[:, 0], atol=1e-5)
    steps = list(csv.DictReader(io.StringIO(call("predict", "runs/many/a", "one.csv", "--by", "step").out)))
    assert [int(row["step"]) for row in steps] == list(range(1, len(own[0]) + 1))
    np.testing.assert_allclose(
        [float(row["p(fast)"]) for row in steps], model.predict_recordings([own[0]])[0][:, 0], atol=1e-5
    )
    assert np.mean([row["label"] == row["truth"] for row in steps]) > 0.8


@pytest.mark.slow
def test_a_server_cuts_and_follows_alike(place: Path) -> None:
    model = unrolled.load(place / "runs" / "many" / "a")
    values, _ = recording(np.random.default_rng(5), ["slow", "fast"])
    with TestClient(create_app(Registry({"a": place / "runs" / "many" / "a"}))) as client:
        assert client.get("/v1/model").json()["window"] == 40
        answer = client.post("/v1/predict/windows", json={"sequences": [values.tolist()]}).json()
        found = answer["predictions"][0]["windows"]
        windows = model.windows([values])
        assert windows.cut is not None
        assert [(one["start"] - 1, one["end"]) for one in found] == list(
            zip(windows.cut.begins.tolist(), windows.cut.ends.tolist(), strict=True)
        )
        np.testing.assert_allclose(
            [one["probabilities"]["fast"] for one in found], model.predict_proba(windows)[:, 0], atol=1e-6
        )
        with client.websocket_connect("/v1/stream") as socket:
            socket.send_json({"steps": values.tolist()})
            last = socket.receive_json()["probabilities"]["fast"]
        assert last == pytest.approx(float(model.predict_proba([values[-40:]])[0, 0]), abs=1e-6)
        with client.websocket_connect("/v1/stream?window=no") as socket:
            assert socket.receive_json()["error"]["code"] == "wrong_query"


@pytest.mark.slow
def test_the_answer_after_a_change_is_about_what_goes_on_now(place: Path, tmp_path: Path) -> None:
    """Of a model of windows, in nearly all of 30 streams; one that pools over everything needs a window for it."""
    rng = np.random.default_rng(7)
    pieces = [recording(rng, [label])[0] for label in ("slow", "fast") * 20]
    whole = unrolled.Sequences.from_list(pieces, ["slow", "fast"] * 20)
    pooled = unrolled.train(
        data=whole, runs=tmp_path, report=False, max_epochs=4, hidden_size=12, bidirectional=False, context_steps=0,
        skip_segments=0, skip_convolutions=0, pooling="mean", method="trained",
    ).model  # fmt: skip
    windowed = unrolled.load(place / "runs" / "many" / "a")
    right = {"windowed": 0, "pooled": 0, "pooled, with a window": 0}
    for number in range(30):
        now = ("slow", "fast")[number % 2]
        before = ("fast", "slow")[number % 2]
        steps = np.concatenate([recording(rng, [before], 600)[0], recording(rng, [now], 60)[0]])
        streams = {
            "windowed": windowed.stream(),
            "pooled": pooled.stream(),
            "pooled, with a window": pooled.stream(window=40),
        }
        for name, stream in streams.items():
            right[name] += stream.model.classes[int(stream.push(steps).argmax())] == now
    assert right["windowed"] >= 28
    assert right["pooled, with a window"] >= 28
    assert right["pooled"] <= 15
