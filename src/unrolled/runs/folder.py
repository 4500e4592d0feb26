"""A run's folder: the place of each file, the lock, and the record of recipe and data."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unrolled.config import Recipe, parse_recipe
from unrolled.errors import RunError, RunLockedError, StorageError
from unrolled.storage import make_folder, write_json, writing
from unrolled.training import CheckpointStore


@dataclass(frozen=True)
class RunFolder:
    """The files of one run.

    Attributes:
        path: the folder.

    Example:
        >>> run.folder.is_finished
        True
        >>> run.folder.model.name, run.folder.evaluation.name
        ('model', 'evaluation.json')
    """

    path: Path

    @property
    def config(self) -> Path:
        """Everything needed to repeat the run."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """A line for each logged update and epoch."""
        return self.path / "metrics.jsonl"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def evaluation(self) -> Path:
        """The figures on the test data."""
        return self.path / "evaluation.json"

    @property
    def predictions(self) -> Path:
        """The predictions for the test sequences: ``targets`` [N], ``probabilities`` [N, C]."""
        return self.path / "predictions.npz"

    @property
    def held_out(self) -> Path:
        """The ids of the validation and test sequences, where they have some."""
        return self.path / "held_out.csv"

    @property
    def report(self) -> Path:
        """The report, a page."""
        return self.path / "report.html"

    @property
    def is_finished(self) -> bool:
        """Whether the training is finished and its model is there."""
        return (self.model / "model.json").is_file()

    @property
    def folds(self) -> Path:
        """The folder of a cross-validation's folds, each of which is a run."""
        return self.path / "folds"

    def outcome_of(self, fold: str) -> Path:
        """The predictions for the sequences that a fold held out; there once the fold is finished."""
        return self.folds / fold / "held-out.npz"

    @property
    def finished_folds(self) -> int:
        """The number of folds that are finished."""
        return len(list(self.folds.glob(self.outcome_of("*").relative_to(self.folds).as_posix())))

    @property
    def curves(self) -> Path:
        """A picture of the training curves."""
        return self.path / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's files."""
        return self.path / "tensorboard"

    @property
    def best(self) -> Path:
        """A model folder with the best weights at the last checkpoint."""
        return self.path / "checkpoints" / "best"

    @property
    def start(self) -> Path:
        """The model folder that the training started from, if it did."""
        return self.path / "start"

    @property
    def finish_request(self) -> Path:
        """A file that asks the process which is training here to end."""
        return self.path / "finish"

    @property
    def checkpoints(self) -> CheckpointStore:
        """The checkpoints that a resume starts from."""
        return CheckpointStore(self.path / "checkpoints")

    @classmethod
    def create(cls, runs: Path, name: str, number: str | None = None) -> RunFolder:
        """A new folder ``runs/name/number``; the number is the next free one unless it is given.

        Raises:
            RunError: if a run of that number exists.
            StorageError: if the folder cannot be made.
        """
        parent = make_folder(runs / name)
        if number is not None:
            path = make_folder(parent / number)
            if any(entry.name != ".lock" for entry in path.iterdir()):  # a lock alone is left of a run that never began
                raise RunError(f"{path} holds a run; choose another --name, or go on with it by --resume {path}.")
            return cls(path)
        used = [int(entry.name) for entry in parent.iterdir() if entry.name.isdigit()]
        following = max(used, default=0) + 1
        while True:  # another process may take the number first
            path = parent / str(following)
            try:
                with writing(path):
                    path.mkdir()
            except StorageError:
                if not path.exists():
                    raise
                following += 1
                continue
            return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an existing run.

        Raises:
            RunError: if the folder holds no run.
        """
        folder = cls(path)
        if not folder.config.is_file():
            there = "there is no such folder" if not path.exists() else "there is no config.json in it"
            raise RunError(f"{path} is not a run's folder: {there}. Runs stand in runs/NAME/NUMBER.")
        return folder

    @contextmanager
    def undone_by_early_errors(self) -> Iterator[None]:
        """Removes the new folder after an error of the block before the first figures: there is nothing to go on from.

        Its name is free again then.
        """
        try:
            yield
        except BaseException:
            begun = self.metrics.is_file() and self.metrics.stat().st_size > 0
            begun = begun or any(self.folds.glob("*/config.json"))
            if not begun and self.checkpoints.newest() is None:
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    def is_locked(self) -> bool:
        """Whether another process is training here."""
        path = self.path / ".lock"
        if not path.is_file():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return os.access(path, os.W_OK)
        lock.release()
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out while the block runs; the system lifts the lock if this process dies.

        Raises:
            RunLockedError: if another process is training here.
        """
        lock = FileLock(self.path / ".lock")
        with writing(self.path / ".lock"):
            try:
                lock.acquire(timeout=0)
            except Timeout:  # a subclass of OSError, which `writing` would take for a disk error
                raise RunLockedError(
                    f"Another process is training in {self.path}; wait until it ends, or start a run of its own "
                    "without --resume."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def training_seconds(self) -> float | None:
        """Seconds of training over all resumptions, from the last epoch's line; None without one."""
        if not self.metrics.is_file():
            return None
        lines = reversed(self.metrics.read_text(encoding="utf-8").splitlines())
        last = next((line for line in lines if '"event": "epoch"' in line), None)
        return None if last is None else float(json.loads(last)["seconds"])

    def write_config(self, recipe: Recipe, facts: dict[str, Any]) -> None:
        """Records recipe, data and conditions of the run."""
        write_json(self.config, {"recipe": recipe.model_dump(mode="json"), **facts})

    def read_config(self) -> tuple[Recipe, dict[str, Any]]:
        """The recipe, and the recorded data and conditions.

        Raises:
            RunError: if the file is damaged.
        """
        try:
            content = json.loads(self.config.read_text(encoding="utf-8"))
            recipe = content.pop("recipe")
            content["data"]["fingerprint"]  # a resume needs it
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{self.config} is damaged ({error}); the run cannot go on. Start it anew.") from None
        return parse_recipe(recipe, self.config), content
