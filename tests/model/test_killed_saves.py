"""A kill at any moment of `Model.save` leaves the old model or the new one, and a save takes nothing else away."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unrolled.config import ModelConfig
from unrolled.errors import StorageError
from unrolled.model.examples import Example
from unrolled.model.model import Model, ModelFacts, load
from unrolled.network.network import Network

STEPS = [(os, "fsync"), (os, "open"), (Path, "open"), (Path, "mkdir"), (Path, "rename"), (shutil, "rmtree")]


def model(seed: int) -> Model:
    config = ModelConfig(hidden_size=2)
    facts = ModelFacts(classes=("a", "b"), channels=("x",), model=config, temperature=float(1 + seed))
    examples = (Example("a", [[float(seed)]]),) if seed else ()  # the old one has a file less
    return Model(Network(config, 1, 2, seed=seed).eval(), facts, examples=examples)


def save_and_die(new: Model, path: Path, moment: int) -> bool:
    """Saves in a child that is killed before or after one of its steps on files; whether it came to the end."""
    child = os.fork()
    if child == 0:
        try:
            left = [moment]

            def count() -> None:
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

            def killing(step: Any) -> Any:
                def wrapped(*arguments: Any, **options: Any) -> Any:
                    count()
                    found = step(*arguments, **options)
                    count()
                    return found

                return wrapped

            for place, name in STEPS:
                setattr(place, name, killing(getattr(place, name)))
            new.save(path)
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_kill_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    old, new = model(0), model(1)
    seen = set()
    for moment in range(200):
        path = tmp_path / str(moment) / "model"
        old.save(path)
        ended = save_and_die(new, path, moment)
        found = load(path)
        expected = new if found.facts.temperature == 2 else old
        assert all(map(lambda a, b: a.equal(b), found.network.parameters(), expected.network.parameters()))
        assert found.examples == expected.examples
        seen.add(found.facts.temperature)
        replace(new, examples=()).save(path)  # what a kill left is in nobody's way
        assert load(path).facts.temperature == 2
        assert {entry.name for entry in path.parent.iterdir()} == {"model"}
        if ended:
            break
    assert ended
    assert seen == {1.0, 2.0}


def test_a_save_does_not_take_away_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    (tmp_path / "notes.txt").write_text("note")
    (tmp_path / "empty").mkdir()
    for name in ("letters", "notes.txt"):
        with pytest.raises(StorageError, match="something else than a model"):
            model(0).save(tmp_path / name)
    assert (tmp_path / "letters" / "dear.txt").read_text() == "dear"
    assert (tmp_path / "notes.txt").read_text() == "note"
    assert load(model(0).save(tmp_path / "empty")).classes == ("a", "b")
