"""How cores are shared out."""

from __future__ import annotations

import pytest

from unrolled.jobs import share as sharing
from unrolled.jobs.share import share_cores


@pytest.mark.parametrize(
    ("cores", "trainings", "wishes", "expected"),
    [
        (1, 8, {}, (1, None)),
        (2, 8, {}, (2, 1)),
        (2, 1, {}, (1, None)),
        (8, 3, {}, (3, 2)),
        (8, 20, {"threads": 4}, (2, 4)),
        (2, 20, {"threads": 2}, (1, 2)),
        (2, 20, {"jobs": 1}, (1, None)),
        (2, 20, {"jobs": 5}, (5, 1)),
    ],
)
def test_each_training_has_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    trainings: int,
    wishes: dict[str, int],
    expected: tuple[int, int | None],
) -> None:
    monkeypatch.setattr(sharing, "cpu_count", lambda: cores)
    share = share_cores(trainings, device="cpu", **wishes)
    assert (share.processes, share.threads) == expected
    assert "at a time" in share.reason if expected[0] > 1 else "one after the other" in share.reason


def test_on_a_gpu_they_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert share_cores(4).processes == 1
    assert "GPU" in share_cores(4).reason
