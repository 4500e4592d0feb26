"""`model.json` and checkpoints that something else wrote: whatever they hold, the error is the package's own."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save

from unrolled.config import Recipe
from unrolled.data.sequences import Sequences
from unrolled.errors import CheckpointError, UnrolledError
from unrolled.model.model import load
from unrolled.runs.run import Run, train

STRANGE: list[Any] = [None, True, -1, 0, 10**30, 1.5, float("nan"), "", "x", [], [None], {}, {"x": 1}]

RNG = np.random.default_rng(0)
DATA = Sequences.from_list([RNG.normal(i % 2, 1, (4, 1)).astype(np.float32) for i in range(40)], ["a", "b"] * 20)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts)[:12]:  # of a long list, the first ones
        yield (*path, key)
        yield from places(part, (*path, key))


def changes(value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The JSON value with one part of it left out, or another."""
    for *path, last in places(value):
        for strange in ["left out", *STRANGE]:
            changed = copy.deepcopy(value)
            inner = changed
            for key in path:
                inner = inner[key]
            if strange == "left out":
                inner.pop(last)
            else:
                inner[last] = strange
            yield (*path, last, strange), changed


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe(name="m").with_options({"hidden_size": 4, "max_epochs": 2, "report": False})
    return train(recipe, data=DATA, runs=tmp_path_factory.mktemp("runs"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::unrolled.UnitWarning")
def test_a_model_json_with_any_field_changed_is_refused_or_answers(run: Run, tmp_path: Path) -> None:
    path = run.model.save(tmp_path / "model") / "model.json"
    good = json.loads(path.read_text(encoding="utf-8"))
    good.pop("facts_sha256")
    for change, content in changes(good):
        path.write_text(json.dumps(content), encoding="utf-8")
        try:
            model = load(path.parent)
            assert model.predict_proba([np.zeros((3, len(model.channels)))]).shape == (1, len(model.classes)), change
            assert isinstance(model.facts.method_in_words, str)
            model.save(tmp_path / "saved")
        except UnrolledError:
            continue
        except Exception as error:
            raise AssertionError(change) from error


@pytest.mark.slow
def test_a_checkpoint_with_any_field_changed_is_refused_or_goes_on(run: Run, tmp_path: Path) -> None:
    from unrolled.training.checkpoint import load_checkpoint
    from unrolled.training.loop import new_state

    last = run.folder.path / "checkpoints" / "last"
    state = json.loads((last / "state.json").read_text(encoding="utf-8"))
    tensors = load_file(last / "tensors.safetensors")
    state.pop("sha256")
    (tmp_path / "last").mkdir()

    def restored(state: dict[str, Any], tensors: dict[str, Any], change: Any) -> None:
        content = save(tensors)
        if state.get("tensors_sha256"):
            state["tensors_sha256"] = hashlib.sha256(content).hexdigest()
        (tmp_path / "last" / "tensors.safetensors").write_bytes(content)
        (tmp_path / "last" / "state.json").write_text(json.dumps({**state, "sha256": digest(state)}), encoding="utf-8")
        fresh = new_state(copy.deepcopy(run.model.network), run.recipe.train)
        try:
            fresh.restore(load_checkpoint(tmp_path / "last"))
        except CheckpointError:
            return
        except Exception as error:
            raise AssertionError(change) from error
        assert isinstance(fresh.step, int), change
        assert isinstance(fresh.seconds, int | float), change
        assert all(isinstance(count, int) for count in fresh.counts), change

    for change, content in changes(state):
        restored(content, tensors, change)
    for name, tensor in tensors.items():
        others = {n: value for n, value in tensors.items() if n != name}
        for strange in ({}, {f"{name}x": tensor}, {name: tensor[None]}, {name: tensor.double().reshape(-1)[:0]}):
            restored(dict(state), others | strange, (name, list(strange)))
    restored(dict(state), tensors, None)
