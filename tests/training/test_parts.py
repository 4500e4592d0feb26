"""Losses, optimizers, schedules and changes of the training data, each against an oracle."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.utils.class_weight import compute_class_weight
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from closeness import closeness
from unrolled import training
from unrolled.config import AugmentConfig, TrainConfig
from unrolled.data.batches.batcher import Batch
from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError
from unrolled.runtime.pytorch import without_compiler
from unrolled.training.augment import augment, change_sequences, check_augmentation, warp_pictures
from unrolled.training.losses import batch_loss, class_weights
from unrolled.training.optimizers import Optimizer, make_optimizer
from unrolled.training.schedule import learning_rate
from unrolled.training.state import CHANGES, DROPOUT, step_seed


def config(**changes: Any) -> TrainConfig:
    return TrainConfig(max_steps=1, **changes)


# Losses

LOGITS = torch.randn(7, 3, generator=Generator().manual_seed(1)) * 4
TARGETS = torch.tensor([0, 1, 2, 2, 1, 0, 2])
WEIGHTS = torch.tensor([0.5, 1.0, 3.0])


@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_is_torchs_cross_entropy_with_and_without_an_idle_floor(
    loss: Any, smoothing: float, weights: torch.Tensor | None
) -> None:
    expected = F.cross_entropy(LOGITS, TARGETS, weights, reduction=loss, label_smoothing=smoothing)
    for floor in (0.0, 1e-30):
        found = batch_loss(
            LOGITS, TARGETS, config(loss=loss, label_smoothing=smoothing, probability_floor=floor), weights
        )
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize("floor", [0.0, 1e-30])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_whole_weight_is_a_repetition(loss: Any, floor: float, weights: torch.Tensor | None) -> None:
    settings = config(loss=loss, label_smoothing=0.1, probability_floor=floor)
    repeats = torch.tensor([1, 2, 0, 3, 1, 0, 2])
    rows = torch.repeat_interleave(torch.arange(7), repeats)
    found = batch_loss(LOGITS, TARGETS, settings, weights, repeats.float())
    repeated = F.cross_entropy(LOGITS[rows], TARGETS[rows], weights, reduction="sum", label_smoothing=0.1)
    size = len(TARGETS) if weights is None else float(weights[TARGETS].sum())
    torch.testing.assert_close(found, repeated / (size if loss == "mean" else 1))


def test_below_the_floor_the_loss_is_the_floors_and_teaches_nothing() -> None:
    logits = torch.tensor([[20.0, -20.0], [1.0, 2.0]], requires_grad=True)
    targets = torch.tensor([1, 1])
    loss = batch_loss(logits, targets, config(probability_floor=1e-10, loss="sum"), None)
    probabilities = np.maximum(softmax(logits.detach().numpy().astype(float), axis=1), 1e-10)
    assert loss.item() == pytest.approx(
        -np.log(probabilities[[0, 1], targets.numpy()]).sum(), rel=closeness(torch.float32, 3)["rtol"]
    )
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[0].any()
    assert gradient[1].any()


def labelled(labels: list[int], classes: list[str] | None = None) -> Sequences:
    names = None if classes is None else classes
    return Sequences.from_list([[0.0]] * len(labels), labels, classes=names)


def test_balanced_class_weights_are_scikit_learns() -> None:
    labels = [0, 0, 0, 1, 2, 2, 0, 0]
    found = class_weights(config(class_weight="balanced"), labelled(labels))
    assert found is not None
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.array(labels))
    np.testing.assert_allclose(found.numpy(), expected, **closeness(torch.float32, 8))


def test_balanced_class_weights_pass_over_a_class_that_is_absent() -> None:
    found = class_weights(config(class_weight="balanced"), labelled([0, 0, 2], ["0", "1", "2"]))
    assert found is not None
    np.testing.assert_allclose(found.numpy(), [0.75, 0, 1.5])


@pytest.mark.parametrize("wish", [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0), (1.0, 0.0, 2.0), (1.0, -1.0, 2.0)])
def test_a_wrong_number_of_class_weights_or_one_not_over_zero_is_refused(wish: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"expected 3 numbers above 0, for the classes 0, 1, 2 in this order"):
        class_weights(config(class_weight=wish), labelled([0, 1, 2]))


def test_given_class_weights_are_taken_as_they_are() -> None:
    found = class_weights(config(class_weight=(1.0, 2.0, 3.5)), labelled([0, 1, 2]))
    assert found is not None
    assert found.tolist() == [1.0, 2.0, 3.5]
    assert class_weights(config(), labelled([0, 1])) is None


# Schedules


def rates(total: int, **changes: Any) -> list[float]:
    chosen = config(learning_rate=0.1, **changes)
    return [learning_rate(chosen, step, total) for step in range(total)]


def test_the_constant_rate_is_constant() -> None:
    assert set(rates(50, schedule="constant")) == {0.1}


@pytest.mark.parametrize(("total", "warmup"), [(100, 0.2), (101, 0.33), (10, 0.0), (1, 0.2), (3, 0.9), (1000, 0.5)])
@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_rates_rise_to_the_largest_and_fall_to_nearly_zero(schedule: str, total: int, warmup: float) -> None:
    found = np.array(rates(total, schedule=schedule, warmup_fraction=warmup))
    rise = warmup * total
    assert (found > 0).all()
    assert (found <= 0.1).all()
    peak = int(found.argmax())
    assert abs(peak - rise) <= 1
    assert (np.diff(found[: peak + 1]) > 0).all()
    assert (np.diff(found[peak:]) < 0).all()
    if total >= 100:
        assert found.max() == pytest.approx(0.1, rel=0.01)
        assert found[-1] < 0.0001


def test_one_cycle_is_two_half_cosines_from_a_twenty_fifth() -> None:
    found = rates(100, schedule="one-cycle", warmup_fraction=0.25)
    for step, rate in enumerate(found):
        if step < 25:
            low = 0.1 / 25
            expected = low + (0.1 - low) * (1 - math.cos(math.pi * (step + 1) / 26)) / 2
        else:
            expected = 0.1 * (1 + math.cos(math.pi * (step - 24) / 76)) / 2
        assert rate == pytest.approx(expected, rel=1e-12)


def test_cosine_is_a_line_then_half_a_cosine() -> None:
    found = rates(100, schedule="cosine", warmup_fraction=0.25)
    np.testing.assert_allclose(found[:25], 0.1 * np.arange(1, 26) / 26)
    np.testing.assert_allclose(found[25:], 0.1 * (1 + np.cos(np.pi * np.arange(1, 76) / 76)) / 2)


# Optimizers: two steps of each against its formula in NumPy


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.tensor([[1.0, -2.0], [0.5, 3.0]]))
        self.bias = nn.Parameter(torch.tensor([1.0, -1.0]))


def by_formula(name: str, weight: np.ndarray[Any, Any], gradients: list[Any], decay: float) -> np.ndarray[Any, Any]:
    rate, momentum, beta1, beta2, epsilon = 0.1, 0.9, 0.9, 0.999, 1e-8
    m = v = b = np.zeros_like(weight)
    for t, raw in enumerate(gradients, 1):
        gradient = raw if name == "adamw" else raw + decay * weight
        if name == "adamw":
            weight = weight - rate * decay * weight
        if name in ("adam", "adamw"):
            m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
            weight = weight - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        elif name == "sgd":
            b = momentum * b + gradient
            weight = weight - rate * b
        else:
            v = 0.99 * v + 0.01 * gradient**2
            b = momentum * b + gradient / (np.sqrt(v) + epsilon)
            weight = weight - rate * b
    return weight


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_two_updates_follow_the_formula_and_decay_is_for_matrices_only(name: Any) -> None:
    module = Two()
    optimizer = make_optimizer(module, config(optimizer=name, learning_rate=0.5, weight_decay=0.1))
    optimizer.rate = 0.1
    gradients = [np.array([[0.1, -0.4], [2.0, 0.3]]), np.array([[-0.2, 0.1], [1.0, 0.0]])]
    start = {name: weight.detach().double().numpy() for name, weight in module.named_parameters()}
    for gradient in gradients:
        module.matrix.grad = torch.from_numpy(gradient).float()
        module.bias.grad = torch.from_numpy(gradient[0]).float()
        optimizer.step()
    matrix = by_formula(name, start["matrix"], gradients, 0.1)
    bias = by_formula(name, start["bias"], [gradient[0] for gradient in gradients], 0.0)
    np.testing.assert_allclose(module.matrix.detach().numpy(), matrix, **closeness(torch.float32, 2, steps=2))
    np.testing.assert_allclose(module.bias.detach().numpy(), bias, **closeness(torch.float32, 2, steps=2))


def torchs(name: str, module: nn.Module, momentum: float) -> torch.optim.Optimizer:
    """PyTorch's own class for the rule, set as `make_optimizer` is."""
    groups = [
        {"params": [p for p in module.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "sgd":
        return torch.optim.SGD(groups, 0.01, momentum)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, 0.01, eps=1e-8, momentum=momentum)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name](groups, 0.01, fused=True)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_many_updates_are_those_of_torchs_optimizers_with_its_clipping(name: Any, momentum: float) -> None:
    ours, theirs = (nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).double() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizer = make_optimizer(ours, config(optimizer=name, learning_rate=0.01, weight_decay=0.1, momentum=momentum))
    reference = torchs(name, theirs, momentum)
    for step in range(50):
        inputs = torch.randn(8, 5, generator=Generator().manual_seed(step), dtype=torch.float64)
        for module in (ours, theirs):
            module.zero_grad()
            module(inputs).square().sum().backward()
        optimizer.clip_gradients(2.0)
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 2.0)
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)
        optimizer.step()
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_restored_memory_goes_on_bit_for_bit(name: Any) -> None:
    def steps(module: nn.Module, optimizer: Optimizer, seeds: range) -> None:
        for seed in seeds:
            inputs = torch.randn(8, 5, generator=Generator().manual_seed(seed))
            optimizer.forget_gradients()
            module(inputs).square().sum().backward()
            optimizer.step()

    wish = config(optimizer=name, learning_rate=0.01, weight_decay=0.1)
    whole, half = nn.Linear(5, 3), nn.Linear(5, 3)
    half.load_state_dict(whole.state_dict())
    steps(whole, make_optimizer(whole, wish), range(6))
    first = make_optimizer(half, wish)
    steps(half, first, range(3))
    second = make_optimizer(half, wish)
    second.restore({name: value.clone() for name, value in first.tensors().items()})
    steps(half, second, range(3, 6))
    assert torch.equal(whole.weight, half.weight)
    assert torch.equal(whole.bias, half.bias)


PRIVATE = [name for name in dir(torch) if name.startswith(("_fused_", "_foreach_"))]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_without_torchs_private_names_updates_are_the_same_to_rounding(
    name: Any, momentum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of PyTorch without them trains by its public names: to 1e-12 in float64, 1e-5 in float32."""

    def learned(dtype: torch.dtype) -> list[Tensor]:
        module = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).to(dtype)
        for number, weight in enumerate(module.parameters()):
            nn.init.normal_(weight, generator=Generator().manual_seed(number))
        wish = config(optimizer=name, learning_rate=0.01, weight_decay=0.1, momentum=momentum)
        optimizer = make_optimizer(module, wish)
        for step in range(20):
            inputs = torch.randn(8, 5, generator=Generator().manual_seed(step)).to(dtype)
            optimizer.forget_gradients()
            module(inputs).square().sum().backward()
            optimizer.clip_gradients(2.0)
            optimizer.step()
        return [*(weight.detach() for weight in module.parameters()), *optimizer.tensors().values()]

    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        expected = learned(dtype)
        with monkeypatch.context() as context:
            for private in PRIVATE:
                context.delattr(torch, private)
            found = learned(dtype)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


def test_without_the_private_way_to_hide_from_the_compiler_the_public_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch._compile", None)
    hidden = without_compiler(max)
    for compiling in (True, False):
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda compiling=compiling: compiling)
        assert hidden(1, 2) == 2


def test_private_names_of_torch_stand_in_one_module() -> None:
    source = Path(training.__file__).parents[1]
    pattern = re.compile(r"\btorch\._(?!_version__)\w|from torch\._")
    found = {path.relative_to(source).as_posix() for path in source.rglob("*.py") if pattern.search(path.read_text())}
    assert found == {"runtime/pytorch/private.py"}


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_frozen_weight_stays_and_the_others_learn_as_without_it(name: Any) -> None:
    """Of PyTorch's own classes the same holds: what has no gradient is left out."""
    ours, theirs = (nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 4), nn.Linear(4, 3)) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    for module in (ours, theirs):
        module[0].requires_grad_(False)
        module[1].bias.requires_grad_(False)
    frozen = ours[0].weight.clone()
    optimizer = make_optimizer(ours, config(optimizer=name, learning_rate=0.01, weight_decay=0.1, momentum=0.9))
    reference = torchs(name, theirs, 0.9)
    for step in range(10):
        inputs = torch.randn(8, 5, generator=Generator().manual_seed(step))
        for module in (ours, theirs):
            module.zero_grad()
            module(inputs).square().sum().backward()
        optimizer.clip_gradients(2.0)
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 2.0)
        optimizer.step()
        reference.step()
    assert torch.equal(ours[0].weight, frozen)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_training_does_not_import_torchs_compiler() -> None:
    """It takes a second, and nothing of it is used."""
    program = (
        "import sys, tempfile, unrolled\n"
        "with tempfile.TemporaryDirectory() as runs:\n"
        "    unrolled.train('digits', runs=runs, max_steps=2, report=False)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "False"


# Changes

SERIES = torch.randn(4, 6, 2, generator=Generator().manual_seed(3))
LENGTHS = torch.tensor([6, 3, 1, 5])
SERIES[torch.arange(6)[None] >= LENGTHS[:, None]] = 0
PICTURES = torch.rand(5, 7, 9, generator=Generator().manual_seed(4))


def generator() -> Generator:
    return Generator().manual_seed(11)


@pytest.mark.parametrize("change", [{"time_shift": 3}, {"shuffle_steps": True}, {"value_scale": 0.5}, {"noise": 0.5}])
def test_changed_series_keep_their_shape_and_their_padding_stays_zero(change: dict[str, Any]) -> None:
    changed = change_sequences(SERIES, LENGTHS, AugmentConfig(**change), generator())
    assert changed.shape == SERIES.shape
    assert not torch.equal(changed, SERIES)
    for row, length in zip(changed, LENGTHS, strict=True):
        assert not row[length:].any()


def test_shuffled_steps_are_the_same_steps_in_an_order_of_each_sequences_own() -> None:
    values = torch.arange(1.0, 241.0).reshape(3, 40, 2)
    lengths = torch.tensor([40, 40, 25])
    values = values.where((torch.arange(40) < lengths[:, None])[:, :, None], 0.0)
    changed = change_sequences(values, lengths, AugmentConfig(shuffle_steps=True), generator())
    orders = []
    for row, length in enumerate(lengths):
        known = {tuple(step): place for place, step in enumerate(values[row, :length].tolist())}
        orders.append([known[tuple(step)] for step in changed[row, :length].tolist()])
        assert sorted(orders[-1]) == list(range(length))
    assert orders[0] != orders[1]
    assert orders[0] != list(range(40))


def test_a_time_shift_repeats_the_edges_within_each_sequences_own_length() -> None:
    shifts = set()
    for seed in range(40):
        changed = change_sequences(SERIES, LENGTHS, AugmentConfig(time_shift=2), Generator().manual_seed(seed))
        for row, original, length in zip(changed, SERIES, LENGTHS.tolist(), strict=True):
            steps = np.arange(length)
            fits = [
                shift
                for shift in range(-2, 3)
                if torch.equal(row[:length], original[np.clip(steps + shift, 0, length - 1)])
            ]
            assert fits
            if length == 6:
                shifts.update(fits)
    assert shifts == {-2, -1, 0, 1, 2}


def test_a_random_factor_belongs_to_a_channel_of_a_sequence() -> None:
    changed = change_sequences(SERIES, LENGTHS, AugmentConfig(value_scale=0.3), generator())
    factors = changed[0] / SERIES[0]
    torch.testing.assert_close(factors, factors[:1].expand(6, 2))
    assert factors[0, 0] != factors[0, 1]


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    zeros = torch.zeros(50, 40, 3)
    changed = change_sequences(zeros, torch.full((50,), 40), AugmentConfig(noise=0.25), generator())
    assert changed.std().item() == pytest.approx(0.25, rel=0.03)
    assert abs(changed.mean().item()) < 0.02


def test_noise_is_in_the_unit_of_each_channel_that_is_given() -> None:
    batch = Batch(torch.zeros(50, 40, 2), torch.full((50,), 40), torch.zeros(50, dtype=torch.int64))
    changed = augment(batch, AugmentConfig(noise=0.1), generator(), torch.tensor([1.0, 20.0])).inputs
    torch.testing.assert_close(changed.std((0, 1)), torch.tensor([0.1, 2.0]), rtol=0.06, atol=0)


@pytest.mark.parametrize(
    "change",
    [{"rotation": 30}, {"zoom": 0.3}, {"shear": 20}, {"translate": 2}, {"elastic": 1.0}],
)
def test_changed_pictures_keep_their_shape_and_range(change: dict[str, Any]) -> None:
    changed = warp_pictures(PICTURES, AugmentConfig(**change), generator())
    assert changed.shape == PICTURES.shape
    assert changed.min() >= 0
    assert changed.max() <= 1.0001
    assert not torch.allclose(changed, PICTURES, atol=1e-3)


def test_no_amount_is_no_change() -> None:
    batch = Batch(PICTURES, torch.full((5,), 7), torch.zeros(5, dtype=torch.int64))
    assert torch.equal(augment(batch, AugmentConfig(), generator()).inputs, PICTURES)
    torch.testing.assert_close(
        warp_pictures(PICTURES, AugmentConfig(), generator()),
        PICTURES,
        **closeness(torch.float32, 4, magnitude=9),
    )
    torch.testing.assert_close(change_sequences(SERIES, LENGTHS, AugmentConfig(), generator()), SERIES)


def test_a_picture_is_moved_by_up_to_so_many_pixels() -> None:
    dot = torch.zeros(200, 9, 9)
    dot[:, 4, 4] = 1
    moved = warp_pictures(dot, AugmentConfig(translate=2), generator())
    places = torch.arange(9.0)
    rows = (moved.sum(2) * places).sum(1) / moved.sum((1, 2)) - 4
    columns = (moved.sum(1) * places).sum(1) / moved.sum((1, 2)) - 4
    for offset in (rows, columns):
        assert offset.abs().max() <= 2.001
        assert offset.abs().max() > 1.8
        assert abs(offset.mean().item()) < 0.3


def test_a_turn_moves_a_dot_on_a_circle_by_up_to_so_many_degrees() -> None:
    dot = torch.zeros(200, 15, 15)
    dot[:, 7, 12] = 1
    turned = warp_pictures(dot, AugmentConfig(rotation=30), generator())
    places = torch.arange(15.0)
    rows = (turned.sum(2) * places).sum(1) / turned.sum((1, 2)) - 7
    columns = (turned.sum(1) * places).sum(1) / turned.sum((1, 2)) - 7
    torch.testing.assert_close((rows**2 + columns**2).sqrt(), torch.full((200,), 5.0), atol=0.15, rtol=0)
    angles = torch.rad2deg(torch.atan2(rows, columns))
    assert 27 < angles.abs().max() < 32


@pytest.mark.parametrize("change", [{"rotation": 9, "elastic": 1.0}, {"noise": 0.1, "time_shift": 1}])
def test_the_same_generator_gives_the_same_changes_and_another_one_others(change: dict[str, Any]) -> None:
    batch = Batch(PICTURES, torch.full((5,), 7), torch.zeros(5, dtype=torch.int64))
    generators = (Generator().manual_seed(step_seed(3, step, CHANGES)) for step in (5, 5, 6))
    one, two, other = (augment(batch, AugmentConfig(**change), generator).inputs for generator in generators)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_the_seeds_of_steps_differ_among_steps_and_runs() -> None:
    seeds = {step_seed(seed, step, DROPOUT) for seed in range(20) for step in range(200)}
    assert len(seeds) == 4000


def test_changes_of_pictures_are_refused_for_what_is_none() -> None:
    sequences = labelled([0, 1])
    for name in ("rotation", "zoom", "shear", "translate", "elastic"):
        with pytest.raises(ConfigError, match="use time_shift, shuffle_steps, value_scale and noise"):
            check_augmentation(AugmentConfig(**{name: 0.5}), sequences)
    check_augmentation(AugmentConfig(noise=1.0, time_shift=3), sequences)
    check_augmentation(AugmentConfig(rotation=3), replace(sequences, pictures=True))
