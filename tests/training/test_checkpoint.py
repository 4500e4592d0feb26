"""Damage, full disks and kills while a checkpoint is written: the last good one is found."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrolled.config import ModelConfig, TrainConfig
from unrolled.data.sequences import Sequences
from unrolled.errors import CheckpointError, DivergedError, StorageError
from unrolled.network.network import Network
from unrolled.training.checkpoint import CheckpointStore, load_checkpoint, save_checkpoint
from unrolled.training.loop import fit, new_state
from unrolled.training.state import TrainState


def store_with_two(folder: Path) -> CheckpointStore:
    store = CheckpointStore(folder / "checkpoints")
    for step in (1, 2):
        store.save_last({"weight": torch.full((3,), float(step))}, {"step": step, "name": "größe"})
    return store


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    tensors = {"a/b": torch.randn(2, 3).T, "counts": torch.tensor([1, 2]), "step": torch.tensor(3.0)}
    facts = {"step": 3, "value": 0.1, "none": None, "history": [{"loss": 1e-300}]}
    save_checkpoint(tmp_path / "last", tensors, facts)
    found = load_checkpoint(tmp_path / "last")
    assert found.facts == facts
    assert all(torch.equal(found.tensors[name], tensors[name]) for name in tensors)


def test_no_file_of_a_checkpoint_is_a_pickle(tmp_path: Path) -> None:
    store = store_with_two(tmp_path)
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"tensors.safetensors", "state.json"}


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_last_checkpoint_cut_short_gives_way_to_the_one_before_and_it_is_said(
    tmp_path: Path, name: str, kept: float
) -> None:
    store = store_with_two(tmp_path)
    file = store.folder / "last" / name
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    checkpoint, warning = store.load_last()
    assert checkpoint.facts["step"] == 1
    assert warning is not None
    assert str(store.folder / "last") in warning
    assert "Going on from the checkpoint before it, step 1." in warning


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
def test_one_flipped_bit_at_any_place_is_noticed(tmp_path: Path, name: str) -> None:
    store = store_with_two(tmp_path)
    file = store.folder / "last" / name
    good = file.read_bytes()
    expected = load_checkpoint(store.folder / "last")
    for place in range(len(good)):
        for bit in (1, 32):
            file.write_bytes(good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :])
            try:
                found = load_checkpoint(store.folder / "last")
            except CheckpointError:
                continue
            # white space between JSON's tokens may change: it says nothing
            assert name == "state.json"
            assert found.facts == expected.facts
            assert torch.equal(found.tensors["weight"], expected.tensors["weight"])


def test_a_missing_file_of_the_last_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    store = store_with_two(tmp_path)
    (store.folder / "last" / "tensors.safetensors").unlink()
    checkpoint, warning = store.load_last()
    assert checkpoint.facts["step"] == 1
    assert "No such file" in str(warning)


def test_when_both_checkpoints_are_damaged_the_error_names_both_and_says_what_to_do(tmp_path: Path) -> None:
    store = store_with_two(tmp_path)
    for name in ("last", "previous"):
        (store.folder / name / "state.json").write_bytes(b"{")
    with pytest.raises(CheckpointError, match="Start the training anew") as caught:
        store.load_last()
    assert "last" in str(caught.value)
    assert "previous" in str(caught.value)


def test_a_save_after_the_fall_back_does_not_push_out_the_only_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_with_two(tmp_path)
    (store.folder / "last" / "state.json").write_bytes(b"{")
    store.load_last()
    with monkeypatch.context() as context:
        context.setattr(Path, "rename", _killed)
        with pytest.raises(KeyboardInterrupt):
            store.save_last({"weight": torch.zeros(3)}, {"step": 9})
    assert store.load_last()[0].facts["step"] == 1


def test_a_checkpoint_of_a_newer_format_is_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrolled.training.checkpoint.FORMAT_VERSION", 2)
    save_checkpoint(tmp_path / "last", {}, {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="update unrolled"):
        load_checkpoint(tmp_path / "last")


def _killed(*_: object) -> None:
    raise KeyboardInterrupt  # stands for a kill: no handler of OSError may tidy up


@pytest.mark.parametrize("number", [0, 1])
def test_a_kill_before_or_between_the_two_renames_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = store_with_two(tmp_path)
    rename, calls = Path.rename, []

    def killed_at(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) > number:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", killed_at)
        with pytest.raises(KeyboardInterrupt):
            store.save_last({"weight": torch.zeros(3)}, {"step": 3})
    checkpoint, warning = store.load_last()
    assert checkpoint.facts["step"] == 2
    assert warning is None
    store.save_last({"weight": torch.zeros(3)}, {"step": 3})
    assert store.load_last()[0].facts["step"] == 3


# While training

DATA = Sequences.from_array(np.random.default_rng(0).normal(size=(24, 4, 2)), np.arange(24) % 2)


def training(config: TrainConfig, store: CheckpointStore, data: Sequences = DATA) -> TrainState:
    state = new_state(Network(ModelConfig(hidden_size=4), 2, 2, config.seed), config)
    if store.newest() is not None:
        state.restore(store.load_last()[0])
    return fit(state, data, None, config, store=store)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_fails_during_a_checkpoint_leaves_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    config = TrainConfig(max_steps=4, batch_size=8, checkpoint_every_steps=1)
    sync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 9:  # within the third checkpoint
            raise OSError(number, os.strerror(number))
        sync(handle)

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"space|permission|quota|read-only") as caught:
            training(config, store)
    assert "What was there before is unchanged" in str(caught.value)
    checkpoint, warning = store.load_last()
    assert checkpoint.facts["step"] == 2
    assert warning is None
    resumed, whole = training(config, store), training(config, CheckpointStore(tmp_path / "other"))
    assert torch.equal(resumed.network.output.weight, whole.network.output.weight)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="for root every folder can be written to")
def test_a_folder_without_permission_to_write_is_said_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="permission denied; choose a folder"):
            training(TrainConfig(max_steps=1), CheckpointStore(tmp_path / "checkpoints"))
    finally:
        tmp_path.chmod(0o700)


def test_a_checkpoint_is_due_after_so_many_steps_or_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Any] = []

    def save(self: CheckpointStore, tensors: Any, facts: Any) -> None:
        del self, tensors
        saved.append(facts["step"])

    monkeypatch.setattr(CheckpointStore, "save_last", save)
    training(TrainConfig(max_steps=7, batch_size=8, checkpoint_every_steps=3), CheckpointStore(tmp_path))
    assert saved == [3, 6, 7]
    saved.clear()
    training(TrainConfig(max_steps=3, batch_size=8, checkpoint_every_seconds=1e-9), CheckpointStore(tmp_path))
    assert saved == [1, 2, 3, 3]


# A loss that is not finite


def test_a_loss_that_is_not_finite_names_step_rate_and_last_good_checkpoint(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    config = TrainConfig(
        max_steps=20, batch_size=8, optimizer="sgd", schedule="constant", learning_rate=3e37, clip_norm=0,
        log_every=1, checkpoint_every_steps=1, momentum=0,
    )  # fmt: skip
    training(config.model_copy(update={"max_steps": 1, "learning_rate": 0.1}), store)
    good = store.load_last()[0]
    with pytest.raises(DivergedError) as caught:
        training(config, store)
    text = str(caught.value)
    assert "at step " in text
    assert "the learning rate is 3e+37" in text
    assert f"The last good checkpoint is {store.folder / 'last'}" in text
    assert "smaller --learning-rate" in text
    found = store.load_last()[0]
    assert all(bool(torch.isfinite(tensor).all()) for tensor in found.tensors.values())
    assert found.facts["step"] >= good.facts["step"]


def test_weights_that_one_update_made_infinite_are_not_saved_though_the_loss_was_finite(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    config = TrainConfig(max_steps=4, batch_size=8, checkpoint_every_steps=1)
    state = new_state(Network(ModelConfig(hidden_size=4), 2, 2), config)
    step = state.optimizer.step

    def overflow() -> None:
        step()
        if state.step == 2:
            with torch.no_grad():
                state.network.output.weight[0, 0] = torch.nan

    state.optimizer.step = overflow  # type: ignore[method-assign, assignment]
    with pytest.raises(DivergedError, match=r"weights that are not finite at step 3, .* last good checkpoint"):
        fit(state, DATA, None, config, store=store)
    assert store.load_last()[0].facts["step"] == 2


def test_without_a_checkpoint_the_error_says_so() -> None:
    config = TrainConfig(max_steps=4, batch_size=8)
    state = new_state(Network(ModelConfig(hidden_size=4, normalisation="none"), 2, 2), config)
    with torch.no_grad():
        state.network.output.weight.fill_(torch.inf)
    with pytest.raises(DivergedError, match=r"The loss is nan at step 1, .*There is no earlier checkpoint"):
        fit(state, DATA, None, config)


def test_a_store_says_which_checkpoint_is_newest(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.newest() is None
    with pytest.raises(CheckpointError, match=r"holds none\. Start the training anew"):
        store.load_last()
    store_with_two(tmp_path)
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.newest() == store.folder / "last"
    shutil.rmtree(store.folder / "last")
    assert store.newest() == store.folder / "previous"
