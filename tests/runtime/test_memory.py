"""Too little memory is one line: an estimate before it starts, and the error where an allocation fails."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from commands import call
from unrolled.errors import OutOfMemoryError
from unrolled.runs.run import Run
from unrolled.runtime import memory


def no_room() -> Any:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


@pytest.mark.parametrize(
    "allocate",
    [lambda: np.empty(1 << 60, np.uint8), lambda: torch.empty(1 << 58), lambda: bytearray(1 << 62), no_room],
    ids=["numpy", "torch", "python", "system"],
)
def test_failed_allocations_are_said_in_one_way(allocate: Callable[[], Any]) -> None:
    with pytest.raises(OutOfMemoryError, match="not enough memory") as caught, memory.saying_lack_of_memory():
        allocate()
    assert "Try a smaller --batch-size" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), OSError(errno.ENOENT, "nothing"), ValueError("x")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory.saying_lack_of_memory():
        raise error
    assert caught.value is error


def test_what_cannot_fit_is_refused_before_it_starts(
    digits_run: Run, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savetxt("own.csv", np.random.default_rng(0).normal(size=(400, 8)), delimiter=",", fmt="%.18f")
    monkeypatch.setattr(memory, "memory_bytes", lambda: 5_000)
    for words, what in (
        (["train", "digits", "--hidden-size", 512], "weights on batches"),
        (["inspect", "own.csv"], "for the values in own.csv"),
        (["predict", digits_run.folder.path, "own.csv"], "for the values in own.csv"),
        (["evaluate", digits_run.folder.path, "own.csv"], "for the values in own.csv"),
    ):
        answer = call(*words)
        assert answer.code == 1
        assert what in answer.one_line()
    assert not list(fresh.glob("runs/*/*"))


@pytest.mark.parametrize("words", [("train", "digits", "--max-epochs", 1), ("evaluate", "RUN"), ("predict", "RUN")])
def test_an_allocation_that_fails_later_is_one_line(
    words: tuple[Any, ...], digits_run: Run, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(*_: Any) -> Any:
        return torch.empty(1 << 58)

    monkeypatch.setattr("unrolled.network.network.Network.forward", forward)
    answer = call(*(digits_run.folder.path if word == "RUN" else word for word in words))
    assert answer.code == 1
    assert "not enough memory" in answer.err.strip().splitlines()[-1]
    assert not list(fresh.glob("runs/*/*"))
