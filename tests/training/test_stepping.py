"""Steps by the device's own table, and replayed as a graph, are the host's steps bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from recorded_graphs import RecordedGraphs, tensors
from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.batching import Batcher
from unrolled.data.sequences import Sequences
from unrolled.nn.network import Network
from unrolled.training import loop, optimizers, stepping
from unrolled.training.capture import Capture
from unrolled.training.loop import fit, new_state
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders import Recorder
from unrolled.training.state import TrainState
from unrolled.training.stepping import Stepper, StepRandomness, TableStepper, make_course
from unrolled.training.update import Update


def pictures(count: int = 27) -> Sequences:
    random = np.random.default_rng(1)
    whole = Sequences.from_array(random.integers(0, 250, (count, 5, 6)), np.arange(count) % 3)
    return replace(whole, values=whole.values.astype(np.uint8), scale=1 / 255, pictures=True)


def ragged(count: int = 27) -> Sequences:
    random = np.random.default_rng(2)
    labels = np.arange(count) % 3
    return Sequences.from_list([random.normal(label, 1, (random.integers(1, 9), 2)) for label in labels], labels)


def by_table(monkeypatch: pytest.MonkeyPatch, capture: Capture | None) -> None:
    """Lets `fit` do its steps on the CPU as it does them on a GPU."""

    def make(update: Update, plan: Plan) -> Stepper:
        randomness = StepRandomness(update, torch.device("cpu"))
        return TableStepper(update, randomness, plan.order.steps_per_pass, plan.order.batch_size, capture)

    monkeypatch.setattr(loop, "make_stepper", make)


def rules_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets optimizers compute on the CPU, or without any device, as they do where steps are captured."""
    monkeypatch.setattr(optimizers, "_away_from_the_host", lambda _: True)
    devices = lambda: ["cpu", "meta"]  # noqa: E731
    for module in ("torch.optim.optimizer", "torch.optim.rmsprop", "torch.utils._foreach_utils"):
        for kind in ("capturable", "fused_kernels", "foreach_kernels"):
            monkeypatch.setattr(import_module(module), f"_get_{kind}_supported_devices", devices, raising=False)


def trained(
    data: Sequences, config: TrainConfig, change: AugmentConfig, model: dict[str, Any], *recorders: Recorder
) -> TrainState:
    network = Network(ModelConfig(hidden_size=5, **model), len(data.channels), 3, config.seed)
    return fit(new_state(network, config), data, data, config, change, recorders=recorders)


def assert_same(one: TrainState, other: TrainState) -> None:
    for name, value in one.tensors().items():
        assert torch.equal(value, other.tensors()[name]), name
    assert [replace(log, seconds=0) for log in one.history] == [replace(log, seconds=0) for log in other.history]


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "adam, cosine, not clipped": ({"optimizer": "adam", "schedule": "cosine", "clip_norm": 0}, {}, {}),
    "sgd, constant, sum": ({"optimizer": "sgd", "schedule": "constant", "loss": "sum", "clip_norm": 0.1}, {}, {}),
    "sgd without momentum": ({"optimizer": "sgd", "momentum": 0}, {}, {}),
    "rmsprop": ({"optimizer": "rmsprop", "learning_rate": 1e-3}, {"cell": "gru"}, {}),
    "rmsprop without momentum": ({"optimizer": "rmsprop", "momentum": 0}, {}, {}),
    "dropout": ({}, {"num_layers": 2, "dropout": 0.3, "output_dropout": 0.2, "recurrent_dropout": 0.2}, {}),
    "both directions, attention": ({}, {"bidirectional": True, "pooling": "attention"}, {}),
    "averaged weights": ({"average_decay": 0.9}, {}, {}),
    "class weights": ({"class_weight": "balanced", "label_smoothing": 0.1}, {}, {}),
    "wrap": ({"last_batch": "wrap"}, {}, {}),
    "drop": ({"last_batch": "drop"}, {}, {}),
    "series changed": ({}, {}, {"time_shift": 2, "noise": 0.1, "value_scale": 0.1}),
    "pictures changed": ({}, {}, {"rotation": 9, "zoom": 0.1, "shear": 3, "translate": 1, "elastic": 0.5}),
}


KINDS = {"pictures": pictures, "ragged": ragged}
PAIRS = [(name, kind) for name in CASES for kind in KINDS if (name, kind) != ("pictures changed", "ragged")]


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_steps_by_table_and_replayed_are_the_hosts_steps_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    training, model, change = CASES[name]
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")  # the compiled kernel's work is no operation of PyTorch
    monkeypatch.setattr(stepping, "WARM_UPS", 1)
    # where all lengths are known, the CPU reads the last output in a way of its own
    model = model if kind == "pictures" else {"pooling": "mean", **model}
    config = TrainConfig(**{"batch_size": 8, "max_epochs": 4, "log_every": 3, "seed": 3, **training})
    arguments = (KINDS[kind](), config, AugmentConfig(**change), model)
    expected = trained(*arguments)
    by_table(monkeypatch, None)
    assert_same(expected, trained(*arguments))
    rules_of_a_gpu(monkeypatch)
    expected = trained(*arguments)
    graphs = RecordedGraphs()
    by_table(monkeypatch, graphs)
    assert_same(expected, trained(*arguments))
    assert graphs.captured
    assert graphs.replayed > graphs.captured


class Apart(TorchDispatchMode):
    """Refuses operations that would make the host wait for the device, or that read something of the host's.

    The device is PyTorch's `meta`, whose tensors have no values: whoever asks for one fails anyhow.
    """

    WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "unique", "masked_select")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        assert not name.startswith(self.WAITING), name
        for value in tensors((args, kwargs)):
            assert value.device.type == "meta" or value.ndim == 0, f"{name} reads from the host"
        if name.startswith("_fused_"):  # one kernel each, which PyTorch has not described for `meta`
            return None
        found = func(*args, **(kwargs or {}))
        for value in tensors(found):
            assert value.device.type == "meta", f"{name} gives something to the host"
        return found


class Unsent(TorchFunctionMode):
    """Refuses functions that make tensors of Python's numbers, which would have to be sent."""

    SENDING = (torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor.new_tensor)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in self.SENDING, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda values: values.sum().item(),
        lambda values: values[values > 0],
        lambda values: values.cpu(),
        lambda values: values * values.new_tensor([1.0, 2.0]),
        lambda values: values + torch.ones(2),
        lambda values: float(values[0]),
    ],
)
def test_the_watch_over_a_step_sees_what_is_forbidden(forbidden: Callable[[Tensor], object]) -> None:
    values = torch.ones(2, device="meta")
    with pytest.raises((AssertionError, RuntimeError, NotImplementedError)), Apart(), Unsent():
        forbidden(values)


class NoRandomness(StepRandomness):
    """Of a device that has no generators."""

    def __init__(self) -> None:
        self.dropped = self.changes = None


AWAY: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    **{name: (*case, kind) for (name, kind) in PAIRS for case in [CASES[name]]},
    "every cell's last output": ({}, {"pooling": "last", "cell": "lstm-layer-norm"}, {}, "ragged"),
    "reset before": ({}, {"pooling": "max", "cell": "gru-reset-before", "bidirectional": True}, {}, "ragged"),
    "peepholes": ({"probability_floor": 0.01}, {"cell": "lstm-peephole"}, {}, "pictures"),
    "frames": ({}, {"frame_steps": 3, "normalisation": "sequence"}, {"noise": 0.1}, "ragged"),
    "missing": ({}, {"missing": "mask"}, {}, "ragged"),
}


@pytest.mark.parametrize("name", AWAY)
def test_a_step_on_a_device_never_waits_for_it_and_sends_it_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    training, model, change, kind = AWAY[name]
    rules_of_a_gpu(monkeypatch)
    data = KINDS[kind]()
    config = TrainConfig(**{"batch_size": 8, "max_epochs": 2, **training})
    network = Network(ModelConfig(hidden_size=5, **model), len(data.channels), 3).to("meta")
    state = new_state(network, config)
    weights = None if config.class_weight is None else torch.ones(3, device="meta")
    batcher = Batcher(data, "meta", np.ones(len(data)))
    update = Update(network, state.averaged, state.optimizer, batcher, config, AugmentConfig(**change), weights)
    plan = make_plan(config, data)
    stepper = TableStepper(update, NoRandomness(), plan.order.steps_per_pass, plan.order.batch_size, None)
    stepper.begin(make_course(plan, config, 0, 0), 0)
    network.train()
    with Apart(), Unsent():
        for place in range(3):
            stepper.step(place)
