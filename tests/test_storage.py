"""Whatever goes wrong while a file is written, what was there before is whole."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from unrolled.errors import StorageError
from unrolled.storage import former_folder, make_folder, replace_folder, write_bytes, write_json, write_text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_content_is_written_and_replaced_and_nothing_else_remains(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"one")
    write_text(tmp_path / "a", "größer\n")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "größer\n"
    write_json(tmp_path / "b", {"größe": [1.5, None]})
    assert json.loads((tmp_path / "b").read_text(encoding="utf-8")) == {"größe": [1.5, None]}
    assert names(tmp_path) == {"a", "b"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_json_has_no_nan_and_no_infinity_and_the_old_content_stays(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a", value)
    assert (tmp_path / "a").read_text() == "1\n"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "there is no space left on the disk; free some"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "permission denied; choose a folder that you may write to"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_content_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, text: str, step: str
) -> None:
    write_bytes(tmp_path / "a", b"old")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as context:
        context.setattr(*(("os.fsync", fail) if step == "fsync" else (Path, "replace", fail)))
        with pytest.raises(StorageError, match=text) as caught:
            write_bytes(tmp_path / "a", b"new")
    assert str(tmp_path / "a") in str(caught.value)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


def test_a_kill_before_the_rename_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "a", b"old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_kill_between_the_two_renames_leaves_the_old_folder_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, renames = tmp_path / "model", []
    replace_folder(folder, {"a": b"old"})
    rename = Path.rename

    def killed_at_the_second(path: Path, target: Path) -> Path:
        renames.append(path)
        if len(renames) == 2:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            replace_folder(folder, {"a": b"new"})
    assert (former_folder(folder) / "a").read_bytes() == b"old"
    replace_folder(folder, {"a": b"new"})
    assert (folder / "a").read_bytes() == b"new"


def test_a_folder_where_a_file_stands_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"a part of the path is a file|stands where a folder is needed"):
        make_folder(tmp_path / "file")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        make_folder(tmp_path / "file" / "deeper")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        write_bytes(tmp_path / "file" / "deeper", b"")


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    replace_folder(tmp_path / "deep" / "model", {"a": b"1", "b": b"2"})
    replace_folder(tmp_path / "deep" / "model", {"b": b"3"})
    assert names(tmp_path / "deep") == {"model"}
    assert names(tmp_path / "deep" / "model") == {"b"}
    replace_folder(tmp_path / "deep" / "model", {"c": b"4"}, keep=tmp_path / "deep" / "old")
    assert names(tmp_path / "deep") == {"model", "old"}
    assert (tmp_path / "deep" / "old" / "b").read_bytes() == b"3"


@pytest.mark.parametrize("fails_at", range(7))
@pytest.mark.parametrize("kept", [True, False])
def test_a_folder_whose_replacement_fails_anywhere_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, kept: bool
) -> None:
    keep = tmp_path / "old" if kept else None
    replace_folder(tmp_path / "model", {"a": b"old", "b": b"old"}, keep=keep)
    calls = []
    sync, rename = os.fsync, Path.rename

    def count() -> None:
        calls.append(None)
        if len(calls) == fails_at + 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    def failing_sync(handle: int) -> None:
        count()
        sync(handle)

    def failing_rename(path: Path, target: Path) -> Path:
        count()
        return rename(path, target)

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", failing_sync)
        context.setattr(Path, "rename", failing_rename)
        try:
            replace_folder(tmp_path / "model", {"a": b"new", "b": b"new"}, keep=keep)
        except StorageError as error:
            assert "no space left" in str(error)  # noqa: PT017
        else:
            assert fails_at >= 6
    contents = {(tmp_path / "model" / name).read_bytes() for name in ("a", "b")}
    assert contents in ({b"old"}, {b"new"})
    assert not (tmp_path / ".model.partial").exists()
