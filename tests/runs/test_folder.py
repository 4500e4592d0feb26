"""A run's folder: its number, its lock, what it remembers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unrolled.config import Recipe
from unrolled.errors import RunError, RunLockedError, StorageError
from unrolled.runs.folder import RunFolder

FACTS = {"data": {"fingerprint": "0" * 64}}


def test_runs_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    paths = [RunFolder.create(tmp_path, "digits").path for _ in range(3)]
    (tmp_path / "digits" / "10").mkdir()
    (tmp_path / "digits" / "a name").mkdir()
    paths.append(RunFolder.create(tmp_path, "digits").path)
    assert [path.name for path in paths] == ["1", "2", "3", "11"]
    assert RunFolder.create(tmp_path, "other").path == tmp_path / "other" / "1"


def test_a_number_that_another_process_takes_first_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, raced = Path.mkdir, []

    def taken(path: Path, *arguments: object, **options: object) -> None:
        if path.name == "1" and not raced:
            raced.append(path)
            mkdir(path)
        mkdir(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", taken)
    assert RunFolder.create(tmp_path, "digits").path.name == "2"


def test_a_name_may_be_given_and_is_not_taken_twice(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "digits", "mine")
    assert folder.path == tmp_path / "digits" / "mine"
    assert RunFolder.create(tmp_path, "digits", "mine") == folder  # still empty
    folder.write_config(Recipe(name="digits"), FACTS)
    with pytest.raises(RunError, match="holds a run; choose another --name, or go on with it by --resume"):
        RunFolder.create(tmp_path, "digits", "mine")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_before_the_first_figures_leaves_nothing_and_the_name_is_free(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = RunFolder.create(tmp_path, "digits", "mine")

    def begin(figures: str = "") -> None:
        with folder.locked(), folder.undone_by_early_errors():
            folder.write_config(Recipe(name="digits"), FACTS)
            if figures:
                folder.metrics.write_text(figures)
            raise error

    with pytest.raises(error):
        begin()
    assert not folder.path.exists()
    RunFolder.create(tmp_path, "digits", "mine")
    with pytest.raises(error):
        begin('{"event": "step"}')  # a training that has begun can be resumed
    assert folder.config.is_file()


def test_a_refused_lock_removes_nothing_of_the_process_that_holds_it(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "digits", "mine")
    with folder.locked(), pytest.raises(RunLockedError), folder.locked(), folder.undone_by_early_errors():
        pass
    assert folder.path.exists()


def test_a_file_in_the_way_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "mine").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        RunFolder.create(tmp_path / "file", "digits")
    with pytest.raises(StorageError, match="stands where a folder is needed"):
        RunFolder.create(tmp_path, "digits", "mine")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="for root every folder can be written to")
def test_a_folder_that_may_not_be_written_to_is_said_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="permission denied; choose a folder"):
            RunFolder.create(tmp_path, "digits")
    finally:
        tmp_path.chmod(0o700)


def test_permission_denied_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(StorageError, match="permission denied; choose a folder that you may write to"):
        RunFolder.create(tmp_path, "digits")


def test_what_is_no_run_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no such folder\. Runs stand in runs/NAME/NUMBER"):
        RunFolder.open(tmp_path / "none")
    with pytest.raises(RunError, match=r"there is no config\.json in it"):
        RunFolder.open(tmp_path)


def test_the_recipe_comes_back_as_it_was_written(tmp_path: Path) -> None:
    recipe = Recipe(name="digits").with_options({"source": "digits", "class_weight": (1.0, 2.0), "max_steps": 5})
    folder = RunFolder(tmp_path)
    folder.write_config(recipe, {"versions": {"größe": "1"}, **FACTS})
    assert folder.read_config() == (recipe, {"versions": {"größe": "1"}, **FACTS})


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"recipe": {"name": "a"}}'])
def test_a_damaged_config_is_refused_with_advice(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"config\.json is damaged .* Start it anew"):
        RunFolder.open(tmp_path).read_config()


HOLD = """
import sys
from pathlib import Path
from unrolled.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_folder_where_another_process_trains_is_locked_until_that_process_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        expected = pytest.raises(RunLockedError, match=r"Another process is training in .*; wait until it ends")
        with expected, RunFolder(tmp_path).locked():
            raise AssertionError
        process.kill()
    with RunFolder(tmp_path).locked():
        pass
