"""One sequence is answered by C alone where that is possible, with the same answers, checks and refusals."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from random_networks import MakeNetwork
from unrolled.errors import MismatchError, UnitWarning
from unrolled.model.model import Model, ModelFacts
from unrolled.nn.compiled.library import Missing, load_library
from unrolled.nn.compiled.unrolling import CODES

RANDOM = np.random.default_rng(0)

pytestmark = pytest.mark.skipif(isinstance(load_library(), Missing), reason="there is no compiled library")


@pytest.fixture
def make(make_network: MakeNetwork) -> Any:
    """``make(facts, **config)``: a model of three channels and classes."""

    def make(facts: dict[str, Any] | None = None, **config: Any) -> Model:
        network = make_network(**config)
        channels = tuple(f"channel {number}" for number in range(3))
        return Model(
            network, ModelFacts(classes=("a", "b", "c"), channels=channels, model=network.config, **facts or {})
        )

    return make


def quick(model: Model, values: Any) -> Any:
    return model._quick_answer(values)


def general(model: Model, values: Any) -> Any:
    return model.probabilities(model._answers(values))


NETWORKS = [
    *({"cell": kind} for kind in ("rnn", "rnn-relu", "gru", "gru-reset-before", "lstm", "lstm-peephole")),
    {"cell": "gru", "bidirectional": True, "num_layers": 2, "hidden_size": 17},
    {"pooling": "mean", "bidirectional": True, "hidden_size": 33},
    {"num_layers": 3, "hidden_size": 40, "normalisation": "none"},
    {"missing": "forward-fill", "normalisation": "overall"},
]


@pytest.mark.parametrize("config", NETWORKS, ids=str)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_the_answers_are_those_of_the_whole_path(make: Any, config: dict[str, Any], kind: Any) -> None:
    assert len(CODES) == 6
    model = make({"temperature": 1.7, "scale": 0.25}, **config)
    for steps in (2, 3, 9, 70):
        values = (RANDOM.normal(size=(1, steps, 3)) * 3).astype(kind)
        for given in (values, [values[0]], values[:, :, ::-1][:, :, ::-1]):
            found = quick(model, given)
            assert found is not None
            np.testing.assert_allclose(found[1], general(model, given)[0], rtol=0, atol=2e-6)
        assert model.predict(values) == model.predict(np.concatenate([values, values]))[:1]


OTHERS = [
    {"normalisation": "signed-log"},
    {"pooling": "statistics"},
    {"frame_steps": 2},
    {"missing": "mask"},
    {"normalisation": "sequence"},
]


@pytest.mark.parametrize("config", [*OTHERS, {"cell": "lstm-coupled"}], ids=str)
def test_other_networks_go_the_whole_path(make: Any, config: dict[str, Any]) -> None:
    model = make(**config)
    values = RANDOM.normal(size=(1, 6, 3))
    assert quick(model, values) is None
    assert model.predict_proba(values).shape == (1, 3)


def test_what_is_checked_stays_checked(make: Any) -> None:
    model = make({"value_range": (-2.0, 2.0)})
    values = RANDOM.normal(size=(1, 6, 3))
    for wrong in (np.nan, np.inf, -np.inf, 1e300):
        broken = values.copy()
        broken[0, 3, 1] = wrong
        with pytest.raises((MismatchError, Exception), match=r"(missing|infinite|beyond|range)"):
            model.predict_proba(broken)
    with pytest.raises(MismatchError, match="channels"):
        model.predict_proba(values[:, :, :2])
    with pytest.warns(UnitWarning):
        model.predict_proba(values * 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict_proba(values)
    assert quick(model, values[0]) is None  # six sequences of three steps, which is another question


@pytest.mark.parametrize("how", ["in place", "data", "replaced", "part", "numpy", "loaded"])
def test_changed_weights_are_noticed(make: Any, how: str) -> None:
    model = make()
    values = RANDOM.normal(size=(1, 6, 3))
    before, cell = model.predict_proba(values), model.network.cell
    with torch.no_grad():
        if how == "in place":
            cell.U.mul_(2)
        elif how == "data":
            cell.U.data = cell.U * 2
        elif how == "replaced":
            cell.U = torch.nn.Parameter(cell.U * 2)
        elif how == "part":
            output = copy.deepcopy(model.network.output)
            output.weight.mul_(2)
            model.network.output = output
        elif how == "numpy":  # as a fused optimizer, which no count of versions shows
            for weight in model.network.parameters():
                weight.detach().numpy()[...] *= 2
        else:
            model.network.load_state_dict({name: 2 * value for name, value in model.network.state_dict().items()})
    after = model.predict_proba(values)
    assert np.abs(after - before).max() > 1e-4
    np.testing.assert_allclose(after, general(model, values), rtol=0, atol=2e-6)


def test_a_stream_reads_a_step_at_a_time(make: Any) -> None:
    model = make(num_layers=2, cell="lstm")
    values = RANDOM.normal(size=(12, 3)).astype(np.float32)
    stream, expected = model.stream(), model.predict_steps([values])[0]
    for number, step in enumerate(values):
        # another kind of push in between
        found = stream.push(values[5:6].tolist()) if number == 5 else stream.push(step)
        np.testing.assert_allclose(found, expected[number], rtol=0, atol=2e-6)
    assert stream.steps == 12
    assert stream._quick is not None
    assert stream._quick[1] is not None
    again = model.stream(state=stream.state())
    copied = copy.deepcopy(stream)
    more = RANDOM.normal(size=3)
    np.testing.assert_allclose(again.push(more), stream.push(more), rtol=0, atol=2e-6)
    np.testing.assert_allclose(copied.push(more), stream_after(model, values, more), rtol=0, atol=2e-6)
    stream.reset()
    np.testing.assert_allclose(stream.push(values[0]), expected[0], rtol=0, atol=2e-6)
    before = stream.state()
    with pytest.raises(MismatchError):
        stream.push(np.array([1.0, np.nan, 0.0]))
    for name, value in stream.state().items():
        np.testing.assert_array_equal(value, before[name])


def stream_after(model: Model, values: Any, more: Any) -> Any:
    return model.predict_proba([np.concatenate([values, more[None].astype(np.float32)])])[0]


def test_models_travel_and_threads_share_them(make: Any) -> None:
    model = make()
    values = [RANDOM.normal(size=(1, 5 + number % 7, 3)) for number in range(40)]
    expected = [general(model, value) for value in values]
    model.predict_proba(values[0])
    copied = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_allclose(copied.predict_proba(values[0]), expected[0], rtol=0, atol=2e-6)
    wrong: list[int] = []

    def ask() -> None:
        for _ in range(20):
            for number, value in enumerate(values):
                if np.abs(model.predict_proba(value) - expected[number]).max() > 2e-6:
                    wrong.append(number)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
