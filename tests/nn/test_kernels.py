"""The fast kernels give what the reference gives, and what PyTorch's own modules give."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from closeness import closeness
from unrolled.config import ModelConfig
from unrolled.errors import ConfigError, UnknownNameError
from unrolled.network.network import Network
from unrolled.nn.cells import CELLS, Cell
from unrolled.nn.cells.lstm import LSTM
from unrolled.nn.kernels import choose_kernel
from unrolled.nn.unroll import gather_last, unroll

FUSED = [name for name, kind in CELLS.items() if kind.fused is not None]
OTHERS = [name for name in CELLS if name not in FUSED]
MODULES: dict[str, Any] = {
    "rnn": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="tanh", **options),
    "rnn-relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}
fused_cells = pytest.mark.parametrize("name", FUSED)
both_types = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
small = st.integers(1, 5)


def near(dtype: torch.dtype) -> dict[str, float]:
    """For layers of up to 5 units and 6 steps, two of them in both directions, and their gradients."""
    return closeness(dtype, 15, steps=12, layers=2)


def differentiated(run, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None) -> list[Tensor]:
    """Outputs and final state, then the gradients of a function of them all."""
    leaves = [x.clone().requires_grad_(), *(part.clone().requires_grad_() for part in state or ())]
    outputs, last = run(cell, leaves[0], tuple(leaves[1:]) if state else None, None)
    loss = sum(torch.sin(value * (place + 1)).sum() for place, value in enumerate([outputs, *last]))
    return [outputs, *last, *torch.autograd.grad(loss, [*leaves, *cell.parameters()])]


@fused_cells
@both_types
@settings(derandomize=True, deadline=None, max_examples=20)
@given(batch=small, steps=small, inputs=small, hidden=small, given_state=st.booleans(), training=st.booleans())
def test_the_fused_kernel_equals_the_reference_with_gradients(
    name, dtype, make_cell, uniform, batch, steps, inputs, hidden, given_state, training
) -> None:
    cell = make_cell(name, inputs, hidden, seed=1, dtype=dtype).train(training)
    kernel = choose_kernel(cell, requested="torch")
    x = uniform(batch, steps, inputs, seed=2, dtype=dtype)
    state = None
    if given_state:
        state = tuple(uniform(batch, hidden, seed=3 + part, dtype=dtype) for part in range(len(cell.state_names)))
    with torch.set_grad_enabled(True):
        found = differentiated(kernel.run, cell, x, state)
        expected = differentiated(unroll, cell, x, state)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype == dtype
        torch.testing.assert_close(ours, theirs, **near(dtype))


@fused_cells
@both_types
def test_the_fused_kernel_equals_the_reference_over_many_steps(name, dtype, make_cell, uniform) -> None:
    cell = make_cell(name, 9, 17, seed=4, dtype=dtype)
    with torch.no_grad():
        cell.U.mul_(0.3)
        x = uniform(6, 60, 9, seed=5, dtype=dtype)
        for ours, theirs in zip(
            choose_kernel(cell, requested="torch").run(cell, x, None, None), unroll(cell, x), strict=True
        ):
            torch.testing.assert_close(ours, theirs, **near(dtype))


@fused_cells
def test_the_fused_kernel_runs_where_no_gradients_are_kept(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 3, 4, dtype=torch.float32).eval(), uniform(2, 5, 3, dtype=torch.float32)
    with torch.inference_mode():
        found, expected = choose_kernel(cell, requested="torch").run(cell, x, None, None), unroll(cell, x)
    torch.testing.assert_close(found, expected, **near(torch.float32))


def module_of(network: Network, split: bool) -> nn.Module:
    """PyTorch's own module with the weights of a network's recurrence.

    Args:
        network: of a fused cell.
        split: whether our one bias is spread over PyTorch's two.
    """
    config = network.config
    module: nn.Module = MODULES[config.cell](
        network.normaliser.shift.numel(),
        config.hidden_size,
        num_layers=config.num_layers,
        bidirectional=config.bidirectional,
        batch_first=True,
    ).to(network.output.weight.dtype)
    with torch.no_grad():
        for depth, layer in enumerate(network.layers):
            for cell, ending in zip(layer.cells, ("", "_reverse"), strict=False):
                place = f"l{depth}{ending}"
                share = torch.linspace(-1, 1, len(cell.b), dtype=cell.b.dtype) * split
                second = share.clone()
                if hasattr(cell, "b_u"):
                    share[2 * cell.hidden_size :] = 0
                    second[2 * cell.hidden_size :] = cell.b_u
                getattr(module, f"weight_ih_{place}").copy_(cell.W)
                getattr(module, f"weight_hh_{place}").copy_(cell.U)
                getattr(module, f"bias_ih_{place}").copy_(cell.b - share)
                getattr(module, f"bias_hh_{place}").copy_(second)
    return module


@fused_cells
@both_types
@pytest.mark.parametrize("split", [False, True], ids=["one-bias", "two-biases"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])
@pytest.mark.parametrize("kernel", ["reference", "torch"])
def test_the_recurrence_equals_pytorchs_module_on_packed_sequences(
    name, dtype, split, num_layers, bidirectional, kernel, make_network, uniform, monkeypatch
) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", kernel)
    network = make_network(3, cell=name, num_layers=num_layers, bidirectional=bidirectional, dtype=dtype)
    assert network.layers[0].kernel().name == kernel
    lengths = torch.tensor([2, 5, 1, 5, 3])
    x = uniform(5, 6, 3, dtype=dtype)  # one step more than the longest has
    module = module_of(network, split)
    with torch.no_grad():
        packed = pack_padded_sequence(network.normaliser(x), lengths, batch_first=True, enforce_sorted=False)
        result, state = module(packed)
        expected, _ = pad_packed_sequence(result, batch_first=True)
        found = network.outputs(x, lengths)
        for row, length in enumerate(lengths.tolist()):
            torch.testing.assert_close(found[row, :length], expected[row, :length], **near(dtype))
        h = state[0] if name == "lstm" else state  # [L·directions, B, H]
        last = torch.cat([h[-2], h[-1]], -1) if bidirectional else h[-1]
        torch.testing.assert_close(network.pooling(found, lengths), last, **near(dtype))


@fused_cells
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both-directions"])
def test_gradients_equal_those_through_packed_sequences(name, bidirectional, make_network, uniform) -> None:
    network = make_network(3, cell=name, bidirectional=bidirectional, dtype=torch.float64)
    lengths, x = torch.tensor([2, 5, 1]), uniform(3, 5, 3)
    module = module_of(network, split=False)
    packed = pack_padded_sequence(network.normaliser(x), lengths, batch_first=True, enforce_sorted=False)
    _, state = module(packed)
    h = state[0] if name == "lstm" else state
    network.output(torch.cat(list(h), -1)).sin().sum().backward()
    network.output.zero_grad()
    network(x, lengths).sin().sum().backward()
    for cell, ending in zip(network.layers[0].cells, ("", "_reverse"), strict=False):
        for ours, theirs in (("W", "weight_ih_l0"), ("U", "weight_hh_l0"), ("b", "bias_ih_l0")):
            expected = getattr(module, theirs + ending).grad
            torch.testing.assert_close(getattr(cell, ours).grad, expected, **near(torch.float64))


@pytest.mark.parametrize("name", list(CELLS))
def test_the_reference_serves_every_cell_when_wished(name, make_cell, monkeypatch) -> None:
    cell = make_cell(name, 2, 3)
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    kernel = choose_kernel(cell)
    assert (kernel.name, kernel.run) == ("reference", unroll)
    assert "by hand" in kernel.reason
    assert choose_kernel(cell, requested="reference").name == "reference"


@fused_cells
@pytest.mark.parametrize("wish", [None, ""])
def test_a_fused_cell_gets_the_fused_kernel_where_there_is_no_compiled_one(name, wish, make_cell, monkeypatch) -> None:
    if wish is not None:
        monkeypatch.setenv("UNROLLED_KERNEL", wish)
    kernel = choose_kernel(make_cell(name, 2, 3, dtype=torch.float64))
    assert kernel.name == "torch"
    assert kernel.reason == "unrolled's compiled kernel computes in float32, not in float64"


def test_a_cell_that_no_kernel_knows_gets_the_reference_and_the_reason_names_it(make_cell) -> None:
    kernel = choose_kernel(make_cell("lstm-layer-norm", 2, 3))
    assert (kernel.name, kernel.run) == ("reference", unroll)
    assert kernel.reason == (
        "unrolled has no compiled kernel for LayerNormLSTM; PyTorch has no fused kernel for LayerNormLSTM"
    )


@pytest.mark.parametrize("name", OTHERS)
def test_wishing_the_fused_kernel_for_another_cell_is_refused(name, make_cell, monkeypatch) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "torch")
    with pytest.raises(ConfigError, match=rf"no fused kernel for {CELLS[name].__name__}\. Unset it, or set reference"):
        choose_kernel(make_cell(name, 2, 3))


@fused_cells
def test_recurrent_dropout_gets_the_reference_and_says_so(name, make_cell, monkeypatch) -> None:
    cell = make_cell(name, 2, 3, dtype=torch.float64)
    kernel = choose_kernel(cell, recurrent_dropout=0.1)
    assert (kernel.name, kernel.run) == ("reference", unroll)
    assert "recurrent dropout" in kernel.reason
    monkeypatch.setenv("UNROLLED_KERNEL", "torch")
    with pytest.raises(ConfigError, match="recurrent dropout"):
        choose_kernel(cell, recurrent_dropout=0.1)


def test_an_unknown_kernel_is_refused_with_those_known(make_cell, monkeypatch) -> None:
    cell = make_cell("lstm", 2, 3)
    monkeypatch.setenv("UNROLLED_KERNEL", "turbo")
    with pytest.raises(UnknownNameError, match=r"no kernel 'turbo'.*compiled, reference, torch.*UNROLLED_KERNEL"):
        choose_kernel(cell)
    with pytest.raises(UnknownNameError, match=r"no kernel 'torsh'\. Did you mean 'torch'\?"):
        choose_kernel(cell, requested="torsh")


def test_an_argument_goes_before_the_environment(make_cell, monkeypatch) -> None:
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    assert choose_kernel(make_cell("lstm", 2, 3), requested="torch").name == "torch"


def test_a_changed_cell_does_not_get_its_parents_kernel() -> None:
    class Changed(LSTM):
        """Other equations, perhaps."""

    assert choose_kernel(Changed(2, 3)).name == "reference"


@pytest.mark.parametrize("name", list(CELLS))
def test_a_network_gives_the_same_logits_with_either_kernel(name, make_network, uniform, monkeypatch) -> None:
    network = make_network(cell=name, num_layers=2, bidirectional=True, pooling="mean", dtype=torch.float64)
    x, lengths = uniform(3, 5, 3), torch.tensor([5, 2, 3])
    found = network(x, lengths)
    monkeypatch.setenv("UNROLLED_KERNEL", "reference")
    torch.testing.assert_close(found, network(x, lengths), **near(torch.float64))


def test_recurrent_dropout_does_not_change_what_is_predicted(uniform) -> None:
    x, lengths = uniform(3, 5, 3, dtype=torch.float32), torch.tensor([5, 2, 3])
    plain, dropping = (
        Network(ModelConfig(hidden_size=4, recurrent_dropout=share), 3, 2, seed=1).eval() for share in (0.0, 0.5)
    )
    torch.testing.assert_close(plain(x, lengths), dropping(x, lengths), **near(torch.float32))
    outputs = plain.outputs(x, lengths)
    torch.testing.assert_close(plain(x, lengths), plain.output(gather_last(outputs, lengths)))


@fused_cells
def test_under_autocast_the_fused_kernel_computes_in_the_precision_that_was_asked_for(name, make_cell, uniform) -> None:
    cell, x = make_cell(name, 3, 5, dtype=torch.float32), uniform(4, 6, 3, dtype=torch.float32)
    wanted = copy.deepcopy(cell).to(torch.bfloat16)
    run = choose_kernel(cell, requested="torch").run
    with torch.autocast("cpu", torch.bfloat16):
        outputs, _ = run(cell, x, None, None)
    expected, _ = run(wanted, x.to(torch.bfloat16), None, None)
    assert outputs.dtype == torch.bfloat16
    assert torch.equal(outputs, expected)
    outputs.float().sum().backward()
    assert cell.W.grad.dtype == torch.float32  # type: ignore[union-attr]
