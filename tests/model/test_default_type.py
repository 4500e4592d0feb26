"""A program with another default type, or another default device, gets the same models and the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.sequences import Sequences
from unrolled.export.onnx import export_onnx
from unrolled.model.model import load
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS
from unrolled.nn.pooling import POOLINGS
from unrolled.runs.run import Run
from unrolled.training.loop import fit, new_state

CASES = [{"cell": cell} for cell in CELLS] + [{"pooling": pooling} for pooling in POOLINGS]
CHANGES = {"time_shift": 1, "noise": 0.1, "value_scale": 0.1}


@pytest.fixture(params=[torch.float64, torch.float16], ids=["double", "half"])
def _another_type(request: pytest.FixtureRequest) -> Iterator[None]:
    former = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield
    torch.set_default_dtype(former)


def trained(options: dict[str, Any], optimizer: str = "adamw") -> Network:
    rng = np.random.default_rng(0)
    data = Sequences.from_list([rng.normal(i % 2, 1, (3 + i % 5, 2)) for i in range(24)], [i % 2 for i in range(24)])
    network = Network(ModelConfig.model_validate({"hidden_size": 4, "missing": "mask", **options}), 2, 2, seed=1)
    config = TrainConfig.model_validate({"max_epochs": 2, "batch_size": 8, "optimizer": optimizer})
    return fit(new_state(network, config), data, None, config, AugmentConfig.model_validate(CHANGES)).network


@pytest.fixture(scope="module")
def by_float32() -> list[Network]:
    """Made first, for its scope is the wider one."""
    assert torch.get_default_dtype() == torch.float32
    return [trained(options) for options in CASES]


@pytest.mark.usefixtures("_another_type")
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: "".join(CASES[number].values()))
def test_training_gives_the_same_bits(number: int, by_float32: list[Network]) -> None:
    expected = by_float32[number].state_dict()
    for name, value in trained(CASES[number]).state_dict().items():
        assert value.dtype == expected[name].dtype, name
        assert value.equal(expected[name]), name


@pytest.mark.usefixtures("_another_type")
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_every_rule_of_updates_works(optimizer: str) -> None:
    assert all(weight.dtype == torch.float32 for weight in trained({}, optimizer).parameters())


@pytest.fixture
def answers(digits_run: Run) -> tuple[Any, Any]:
    """Before the type is another."""
    test = np.random.default_rng(1).random((3, 8, 8))
    return digits_run.model.predict_proba(test), digits_run.model.predict_steps(test)


def test_a_model_gives_the_same_bits_step_by_step_and_in_a_file(
    digits_run: Run, answers: tuple[Any, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    test = np.random.default_rng(1).random((3, 8, 8))
    torch.set_default_dtype(torch.float64)
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    model = load(digits_run.folder.path)
    assert np.array_equal(model.predict_proba(test), answers[0])
    assert all(map(np.array_equal, model.predict_steps(test), answers[1]))
    assert export_onnx(model, tmp_path / "model.onnx").check.difference <= 1e-5
    assert model.stream().push(test[0]).dtype == np.float32


@pytest.fixture
def _another_device() -> Iterator[None]:
    torch.set_default_device("meta")  # holds no values: whatever is made on it cannot be computed with
    yield
    torch.set_default_device(None)


@pytest.mark.usefixtures("_another_device")
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: "".join(CASES[number].values()))
def test_training_is_where_it_was_with_another_default_device(number: int, by_float32: list[Network]) -> None:
    expected = by_float32[number].state_dict()
    for name, value in trained(CASES[number]).state_dict().items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_a_model_answers_with_another_default_device(
    digits_run: Run, answers: tuple[Any, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    test = np.random.default_rng(1).random((3, 8, 8))
    torch.set_default_device("meta")
    request.addfinalizer(lambda: torch.set_default_device(None))
    model = load(digits_run.folder.path)
    assert np.allclose(model.predict_proba(test), answers[0], atol=1e-6)
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(model.predict_steps(test), answers[1], strict=True))
    assert model.stream().push(test[0]).dtype == np.float32
    assert export_onnx(model, tmp_path / "model.onnx").check.difference <= 1e-5
