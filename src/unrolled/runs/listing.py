"""The runs of a folder: how far each is, how good, and the command that goes on with it; read from its files alone."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from unrolled.errors import UnrolledError
from unrolled.runs.folder import RunFolder

StateName = Literal["training", "stopped", "finished", "damaged"]


@dataclass(frozen=True)
class RunState:
    """How far a run is.

    Attributes:
        path: its folder.
        state: ``training``: a process trains in it; ``stopped``: it can go on; ``finished``: it has its model;
            ``damaged``: its config.json cannot be read.
        epoch, step: epochs that are done, and updates at the last line of figures.
        epochs, steps: those that were planned; None for runs of versions that did not record them.
        folds: of a cross-validation, the folds that are finished, and all of them; the model comes after them.
        figure: the accuracy on the test sequences, or that of the best epoch on the validation sequences; None where
            there is none.
        figure_of: ``test`` or ``validation``.
        seconds: of training so far.
        seconds_left: of training, if it does not end early; None where it is unknown, and 0 for a finished run.
        ended: why the training ended, in words; empty before its end.
        command: what goes on with it.

    Example:
        >>> found = unrolled.list_runs("runs")[0]
        >>> found.state, found.epoch, found.figure_of
        ('finished', 30, 'test')
    """

    path: Path
    state: StateName
    epoch: int = 0
    step: int = 0
    epochs: int | None = None
    steps: int | None = None
    folds: tuple[int, int] | None = None
    figure: float | None = None
    figure_of: str = ""
    seconds: float = 0.0
    seconds_left: float | None = None
    ended: str = ""
    command: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "path": str(self.path)}


def list_runs(runs: str | Path = "runs") -> list[RunState]:
    """The state of every run below a folder, by name.

    Args:
        runs: the folder for run folders.

    Example:
        >>> [str(found.path) for found in unrolled.list_runs("runs")][:1]
        ['runs/levels/1']
    """
    return [state_of(path) for path in _run_folders(Path(runs))]


def state_of(path: Path) -> RunState:
    """The state of the run in a folder."""
    folder = RunFolder(path)
    try:
        recipe, facts = folder.read_config()
    except UnrolledError:
        return RunState(path, "damaged")
    data, lines = recipe.data, list(metrics_of(folder))
    last: dict[str, Any] = next((line for line in reversed(lines) if line["event"] in ("step", "epoch")), {})
    plan, end = facts.get("plan", {}), lines[-1] if lines and lines[-1]["event"] == "end" else {}
    steps, done = plan.get("steps"), int(last.get("step", 0))
    complete = bool(end) or not lines or steps is None or done >= steps
    state: StateName = "finished" if folder.is_finished and complete else "stopped"
    if folder.is_locked():
        state = "training"
    seconds = float(last.get("seconds", 0.0))
    left = seconds / done * (steps - done) if steps is not None and done else None
    figure, figure_of = _figure(folder, lines, finished=state == "finished")
    return RunState(
        path,
        state,
        epoch=max((int(line["epoch"]) for line in lines if line["event"] == "epoch"), default=0),
        step=done,
        epochs=plan.get("epochs"),
        steps=steps,
        folds=None if data.folds is None else (folder.finished_folds, data.folds * data.repeats),
        figure=figure,
        figure_of=figure_of,
        seconds=seconds,
        seconds_left=0.0 if state == "finished" else left,
        ended=str(end.get("words", "")),
        command=_command(path, state, in_memory=not data.source),
    )


def metrics_of(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """The complete lines of ``metrics.jsonl``, which another process may be writing."""
    try:
        text = folder.metrics.read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict) and "event" in content:
            yield content


def _run_folders(runs: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(runs):
        folders.sort(key=lambda one: (int(one), "") if one.isdigit() else (1 << 62, one))
        if "config.json" in files:
            folders.clear()
            yield Path(name)


def _figure(folder: RunFolder, lines: list[dict[str, Any]], *, finished: bool) -> tuple[float | None, str]:
    """The best accuracy that is known, and of which sequences."""
    if finished:
        try:
            figures = json.loads((folder.model / "model.json").read_text(encoding="utf-8"))["figures"]
        except (OSError, ValueError, KeyError):
            figures = {}
        if "accuracy" in figures:
            return float(figures["accuracy"]), "test"
    best = [line for line in lines if line["event"] == "epoch" and line.get("improved")]
    value = best[-1].get("validation_accuracy") if best else None
    return (None, "") if value is None else (float(value), "validation")


def _command(path: Path, state: StateName, *, in_memory: bool) -> str:
    run = shlex.quote(str(path))
    if state == "training":
        return f"unrolled watch {run}"
    if state == "finished":
        return f"unrolled report {run}" if in_memory else f"unrolled evaluate {run}"
    return f"unrolled.resume({str(path)!r}, data=…)" if in_memory else f"unrolled train --resume {run}"
