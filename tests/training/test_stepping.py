"""Steps by the device's own table, and replayed as a graph, are the host's steps bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from recorded_graphs import RecordedGraphs, tensors
from stepping_cases import CASES, KINDS, LONG, PAIRS, Seen, assert_same, pictures, ragged
from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.batches.batcher import Batcher
from unrolled.data.sequences import Sequences
from unrolled.errors import DivergedError, InterruptedRunError
from unrolled.network.network import Network
from unrolled.runtime import StopRequest
from unrolled.runtime.stopping import stop_on_signals
from unrolled.training import loop, stepping
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.cuda_graphs import GraphCapture
from unrolled.training.loop import fit, new_state
from unrolled.training.plan import Plan, make_plan
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState
from unrolled.training.stepping import (
    LENGTH_BUCKETS,
    WARM_UPS,
    CudaGraphStepper,
    HostStepper,
    StepRandomness,
    describe_steps,
    training_batcher,
    updates_of_epoch,
)
from unrolled.training.update import Update
from unrolled.training.workers import Requests, Workers


def by_table(monkeypatch: pytest.MonkeyPatch, capture: GraphCapture | None) -> None:
    """Lets `fit` do its steps on the CPU as it does them on a GPU."""

    def make(update: Update, plan: Plan, requests: Requests, workers: Workers) -> HostStepper:
        del workers
        randomness = StepRandomness(update, torch.device("cpu"))
        order = plan.order
        return CudaGraphStepper(update, randomness, requests, order.updates_per_epoch, order.batch_size, capture)

    monkeypatch.setattr(loop, "make_stepper", make)


def trained(
    data: Sequences, config: TrainConfig, change: AugmentConfig, model: dict[str, Any], *recorders: Recorder
) -> TrainState:
    network = Network(ModelConfig(hidden_size=5, **model), len(data.channels), 3, config.seed)
    return fit(new_state(network, config), data, data, config, change, recorders=recorders)


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
    graphs = RecordedGraphs()
    by_table(monkeypatch, graphs)
    assert_same(expected, trained(*arguments))
    assert graphs.captured
    assert graphs.replayed > graphs.captured


def test_a_training_by_table_goes_on_in_the_middle_of_a_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    monkeypatch.setattr(stepping, "WARM_UPS", 1)
    data = pictures()
    by_table(monkeypatch, RecordedGraphs())
    model = {"num_layers": 2, "dropout": 0.3}
    expected = trained(data, LONG, AugmentConfig(noise=0.1), model)
    store = CheckpointStore(tmp_path)
    network = Network(ModelConfig(hidden_size=5, **model), 6, 3, 0)
    with pytest.raises(InterruptedRunError), stop_on_signals():
        fit(new_state(network, LONG), data, data, LONG, AugmentConfig(noise=0.1), recorders=[Seen(6)], store=store)
    state = new_state(Network(ModelConfig(hidden_size=5, **model), 6, 3, 1), LONG)
    state.restore(store.load_last()[0])
    assert state.place == 2
    by_table(monkeypatch, RecordedGraphs())
    assert_same(expected, fit(state, data, data, LONG, AugmentConfig(noise=0.1)))


def test_lines_are_told_when_the_next_is_due_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, later = Seen(), Seen()
    trained(pictures(), LONG, AugmentConfig(), {}, at_once)  # 4 steps a pass
    by_table(monkeypatch, None)
    trained(pictures(), LONG, AugmentConfig(), {}, later)
    assert later.lines == at_once.lines
    assert at_once.told_at == [2, 4, 6, 8, 10, 12, 14, 16]
    assert later.told_at == [4, 4, 8, 8, 12, 12, 16, 16]  # a pass's last line at its end


def test_a_loss_that_is_not_finite_is_found_with_a_later_line_and_told_with_its_own_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_table(monkeypatch, None)
    data = ragged(40)
    config = TrainConfig(batch_size=4, max_epochs=1, log_every=2, shuffle=False)
    data.values[int(data.starts[9])] = np.inf  # in the third batch
    seen = Seen()
    with pytest.raises(DivergedError, match="at step 3,"):
        trained(data, config, AugmentConfig(), {"normalisation": "none"}, seen)
    assert [line.step for line in seen.lines] == [2]
    assert seen.updates == 6


def test_steps_that_cannot_be_captured_are_done_one_by_one_and_a_warning_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = trained(pictures(), LONG, AugmentConfig(), {})

    def refuse(work: Callable[[], Any]) -> Callable[[], Any]:
        raise RuntimeError("operation not permitted when stream is capturing")

    by_table(monkeypatch, refuse)
    with pytest.warns(RuntimeWarning, match="not permitted when stream is capturing.*--no-cuda-graphs") as warned:
        assert_same(expected, trained(pictures(), LONG, AugmentConfig(), {}))
    assert len(warned) == 1


def test_shapes_that_came_seldom_are_not_captured_and_there_is_an_end_to_graphs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    graphs = RecordedGraphs()
    by_table(monkeypatch, graphs)
    trained(pictures(), LONG, AugmentConfig(), {})  # 12 whole batches, 4 of the remainder
    assert graphs.captured == 2
    assert graphs.replayed == 16 - 2 * WARM_UPS
    monkeypatch.setattr(stepping, "MOST_GRAPHS", 1)
    graphs = RecordedGraphs()
    by_table(monkeypatch, graphs)
    trained(pictures(), LONG, AugmentConfig(), {})
    assert (graphs.captured, graphs.replayed) == (1, 12 - WARM_UPS)


def test_on_a_device_ragged_batches_have_few_shapes_and_on_the_cpu_no_more_steps_than_their_longest() -> None:
    random = np.random.default_rng(0)
    data = Sequences.from_list([random.normal(size=(random.integers(5, 300), 1)) for _ in range(400)])
    indices = [random.integers(0, 400, 4) for _ in range(200)]
    own, rounded = training_batcher(data, torch.device("cpu")), training_batcher(data, torch.device("meta"))
    assert len({own.steps_of(batch) for batch in indices}) > 50
    assert len({rounded.steps_of(batch) for batch in indices}) <= LENGTH_BUCKETS
    for batch in indices:
        longest = int(data.lengths[batch].max())
        assert own.steps_of(batch) == longest
        assert longest <= rounded.steps_of(batch) < longest + 300 / LENGTH_BUCKETS + 1


def test_what_is_said_of_steps_depends_on_device_size_and_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    card, data = torch.device("cuda"), pictures()
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=10_000))
    assert describe_steps(TrainConfig(), data, torch.device("cpu")) == ""
    assert describe_steps(TrainConfig(), data, card) == "steps replayed as CUDA graphs"
    assert describe_steps(TrainConfig(cuda_graphs=False), data, card) == "steps one by one: cuda_graphs is off"
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=1_000))
    assert "over half of its memory" in describe_steps(TrainConfig(), data, card)


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


NO_REQUESTS = Requests(StopRequest(), StopRequest(), None, 0.0)


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
    "neighbours": ({}, {"context_steps": 4, "bidirectional": True, "pooling": "statistics"}, {}, "ragged"),
    "segments": ({}, {"context_steps": 2, "skip_segments": 3, "pooling": "statistics"}, {}, "pictures"),
}


@pytest.mark.parametrize("name", AWAY)
def test_a_step_on_a_device_never_waits_for_it_and_sends_it_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    training, model, change, kind = AWAY[name]
    data = KINDS[kind]()
    config = TrainConfig(**{"batch_size": 8, "max_epochs": 2, **training})
    network = Network(ModelConfig(hidden_size=5, **model), len(data.channels), 3).to("meta")
    state = new_state(network, config)
    weights = None if config.class_weight is None else torch.ones(3, device="meta")
    batcher = Batcher(data, "meta", np.ones(len(data)))
    update = Update(network, state.averaged, state.optimizer, batcher, config, AugmentConfig(**change), weights)
    plan = make_plan(config, data)
    stepper = CudaGraphStepper(
        update, NoRandomness(), NO_REQUESTS, plan.order.updates_per_epoch, plan.order.batch_size, None
    )
    stepper.begin(updates_of_epoch(plan, config, 0, 0), 0)
    network.train()
    with Apart(), Unsent():
        for place in range(3):
            stepper.step(place)
