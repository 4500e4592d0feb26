"""Files of named data sets: from the user's own folder, from the cache, or from the web.

Whatever the place, a file's content is verified by its SHA-256 each time it is asked for. That costs
0.2 s for all of MNIST; remembering that it was right once would not notice that it no longer is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import platformdirs
from filelock import FileLock, Timeout

from unrolled.data.sources.content import RemoteFile, WrongContentError, verified_blocks
from unrolled.data.sources.download import MirrorError, download
from unrolled.errors import FetchError, ReadError
from unrolled.storage import make_folder, writing

TIMEOUT_SECONDS = 20.0
_ROOM_BYTES = 64 << 20  # what a package may hold beside twice the file: the other members of an archive


def cache_folder() -> Path:
    """Where downloaded files are kept: ``UNROLLED_CACHE``, otherwise the platform's cache folder."""
    given = os.environ.get("UNROLLED_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("unrolled", appauthor=False)


def data_folder() -> Path | None:
    """The user's own folder of data, ``UNROLLED_DATA``, where it is set.

    Raises:
        FetchError: where it names no folder.
    """
    given = os.environ.get("UNROLLED_DATA")
    if not given:
        return None
    folder = Path(given).expanduser()
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a parent may not be entered
        raise FetchError(f"UNROLLED_DATA is {given!r}, which is no folder. Set it to a folder of data, or unset it.")
    return folder


def obtain(
    files: Sequence[RemoteFile],
    subfolder: str,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    quiet: bool = False,
) -> list[Path]:
    """Where each of the files is, verified; what is not on this machine is downloaded.

    A file is looked for in ``subfolder`` of `data_folder`, then of `cache_folder`, in both as ``NAME`` or
    ``NAME.gz``; last it is downloaded into the cache. Several processes may ask at the same time.

    Args:
        files: the files.
        subfolder: their folder within those two, such as ``"mnist"``.
        timeout_seconds: longest wait for a server's next sign of life.
        quiet: no progress and no notes on stderr.
    Returns:
        A path for each file, in the same order.
    Raises:
        FetchError: where a file in the user's own folder is damaged, or no mirror serves; says what to do.
        StorageError: where the cache cannot be written.
    """
    target = cache_folder() / subfolder
    found = {file: _in_data_folder(file, subfolder) or _usable(file, target, _ignore) for file in files}
    missing = [file for file, path in found.items() if path is None]
    fetched: dict[RemoteFile, Path] = {}
    if missing:
        try:
            with _alone(make_folder(target), quiet), _Packages(target, timeout_seconds, quiet) as packages:
                for file in missing:  # looked for again: the process that held the lock before may have fetched it
                    fetched[file] = _usable(file, target, _set_aside) or _fetch(file, packages)
        except MirrorError as error:
            raise FetchError(f"{error} {_advice(missing, target, subfolder)}") from error
    return [found[file] or fetched[file] for file in files]


# ---- what is on this machine ----

_OnDamage = Callable[[Path, WrongContentError], None]


def _usable(file: RemoteFile, folder: Path, on_damage: _OnDamage) -> Path | None:
    """The first good copy in a folder; the damaged ones before it are reported."""
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        if _is_file(path):
            try:
                for _ in verified_blocks(path, file):
                    pass
            except WrongContentError as error:
                on_damage(path, error)
            else:
                return path
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise ReadError(path, f"cannot be read: {error.strerror}. Make its folder readable.") from error


def _in_data_folder(file: RemoteFile, subfolder: str) -> Path | None:
    folder = data_folder()
    return None if folder is None else _usable(file, folder / subfolder, _refuse)


def _refuse(path: Path, error: WrongContentError) -> None:
    """The user's own files are the user's to repair."""
    raise FetchError(f"{path}: {error}. Replace the file, or remove it to have it downloaded.") from error


def _ignore(path: Path, error: WrongContentError) -> None:
    """Damage in the cache is dealt with later, by the one process that holds the lock."""


def _set_aside(path: Path, error: WrongContentError) -> None:
    """What the user may have put into the cache is not deleted."""
    aside = path.with_name(f"{path.name}.damaged")
    with writing(aside):
        path.replace(aside)
    print(f"{path}: {error}. It is now called {aside.name}, and is downloaded again.", file=sys.stderr)


# ---- what is not ----


@contextmanager
def _alone(folder: Path, quiet: bool) -> Iterator[None]:
    """One process at a time downloads into a folder; a lock of a process that died is void."""
    lock = FileLock(folder / ".lock")
    with writing(folder):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not quiet:
                print(f"Waiting for another process that downloads into {folder}", file=sys.stderr)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(file: RemoteFile, packages: _Packages) -> Path:
    """Downloads a file from the first mirror that serves it."""
    failures: list[str] = []
    for url in file.urls:
        try:
            return packages.take(file, url)
        except (MirrorError, WrongContentError) as error:
            failures.append(f"{urlsplit(url).netloc}: {error}")
            if not packages.quiet and url != file.urls[-1]:
                print(f"{file.name}: {failures[-1]}; trying the next mirror", file=sys.stderr)
    raise MirrorError(f"No mirror served {file.name} ({'; '.join(failures)}).")


def _advice(missing: Sequence[RemoteFile], target: Path, subfolder: str) -> str:
    names = ", ".join(file.name for file in missing if not (target / file.name).exists())
    return (
        f"With a network, run the same again: files that came are kept. Without one, put {names} "
        f"(plain or .gz) into {target}, or into a folder FOLDER/{subfolder} and set UNROLLED_DATA=FOLDER."
    )


@dataclass
class _Packages:
    """The packed files of one call, as they come from the mirrors: in a folder that is gone when the call ends.

    A package that serves several files, such as an archive, is downloaded once.
    """

    target: Path
    timeout_seconds: float
    quiet: bool
    complete: dict[str, Path] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Beside the files, so that each can be renamed into its place."""
        return self.target / ".partial"

    def __enter__(self) -> _Packages:
        shutil.rmtree(self.folder, ignore_errors=True)  # what a process that was killed left
        make_folder(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, file: RemoteFile, url: str) -> Path:
        """Downloads a package unless that is done, and unpacks a file from it into its place."""
        if url not in self.complete:
            part = self.folder / f"{len(self.complete)}-{PurePosixPath(urlsplit(url).path).name}"
            download(
                url,
                part,
                limit_bytes=2 * file.size_bytes + _ROOM_BYTES,
                timeout_seconds=self.timeout_seconds,
                quiet=self.quiet,
            )
            self.complete[url] = part
        return self._unpack(file, self.complete[url])

    def _unpack(self, file: RemoteFile, package: Path) -> Path:
        """The file in its place, whole: beside it first, synced, then renamed."""
        path, beside = self.target / file.name, self.folder / file.name
        with writing(path):
            with beside.open("wb") as out:
                out.writelines(verified_blocks(package, file))
                out.flush()
                os.fsync(out.fileno())
            beside.replace(path)
        return path
