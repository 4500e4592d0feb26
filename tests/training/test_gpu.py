"""On a GPU: replayed steps give the bits of the same steps done one by one, and none waits for the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from stepping_cases import CASES, KINDS, LONG, PAIRS, Seen, assert_same
from unrolled.config import AugmentConfig, ModelConfig, TrainConfig
from unrolled.data.sequences import Sequences
from unrolled.errors import InterruptedRunError
from unrolled.network.network import Network
from unrolled.runtime.stopping import stop_on_signals
from unrolled.training import stepping
from unrolled.training.checkpoint import CheckpointStore
from unrolled.training.loop import fit, new_state
from unrolled.training.recorders.recorder import Recorder
from unrolled.training.state import TrainState

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU here")


def fresh(data: Sequences, config: TrainConfig, model: dict[str, Any]) -> TrainState:
    network = Network(ModelConfig(hidden_size=5, **model), len(data.channels), 3, config.seed)
    return new_state(network.to("cuda"), config)


def trained(
    data: Sequences, config: TrainConfig, change: AugmentConfig, model: dict[str, Any], *recorders: Recorder
) -> TrainState:
    return fit(fresh(data, config, model), data, data, config, change, recorders=recorders)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kernel", ["torch", "reference"])
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_replayed_steps_are_the_same_steps_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, kernel: str, precision: str
) -> None:
    training, model, change = CASES[name]
    if kernel == "torch" and "recurrent_dropout" in model:
        model = {**model, "recurrent_dropout": 0.0}
    monkeypatch.setenv("UNROLLED_KERNEL", kernel)
    content = {"batch_size": 8, "max_epochs": 7, "log_every": 3, "seed": 3, "precision": precision, **training}
    ends = []
    for graphs in (False, True):
        config = TrainConfig(**content, cuda_graphs=graphs)
        ends.append(trained(KINDS[kind](), config, AugmentConfig(**change), model))
    assert_same(*ends)


def test_a_training_stopped_in_the_middle_of_a_pass_ends_with_the_same_bits(tmp_path: Path) -> None:
    data, model, change = KINDS["ragged"](), {"num_layers": 2, "dropout": 0.3}, AugmentConfig(noise=0.1)
    expected = trained(data, LONG, change, model)
    store = CheckpointStore(tmp_path)
    with pytest.raises(InterruptedRunError), stop_on_signals():
        fit(fresh(data, LONG, model), data, data, LONG, change, recorders=[Seen(6)], store=store)
    state = fresh(data, LONG, model)
    state.restore(store.load_last()[0])
    assert_same(expected, fit(state, data, data, LONG, change))


def test_no_step_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's own watch over synchronisation, from the begin of a pass to its last step."""
    begin = stepping.CudaGraphStepper.begin

    def watched(stepper: stepping.CudaGraphStepper, course: stepping.EpochUpdates, place: int) -> None:
        begin(stepper, course, place)
        torch.cuda.set_sync_debug_mode("error")

    class Unwatched(Recorder):
        def updated(self, state: TrainState, batch: object) -> None:
            del batch
            if state.step % 4 == 0:  # the last of a pass
                torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(stepping.CudaGraphStepper, "begin", watched)
    monkeypatch.setattr(stepping, "WARM_UPS", 100)  # capturing itself waits
    try:
        trained(KINDS["pictures"](), LONG, AugmentConfig(rotation=5, noise=0.1), {}, Unwatched())
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_sequences_that_stay_in_the_hosts_memory_are_learned_from_too(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = trained(KINDS["ragged"](), LONG, AugmentConfig(), {})
    monkeypatch.setattr("unrolled.runtime.devices.RESIDENT_SHARE", 0.0)
    found = trained(KINDS["ragged"](), LONG, AugmentConfig(), {})
    for name, weight in found.network.state_dict().items():
        torch.testing.assert_close(weight, expected.network.state_dict()[name], rtol=1e-3, atol=1e-4)
