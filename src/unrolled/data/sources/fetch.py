"""Files of named data sets: from the user's own folder, from the cache, or from the web.

The content of a file is verified by its SHA-256 each time. That takes 0.2 s for all of MNIST; a remembered result would
not notice later damage.
"""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import platformdirs
from filelock import FileLock, Timeout

from unrolled.data.files import reading
from unrolled.data.sources.content import RemoteFile, WrongContentError, verified_blocks
from unrolled.data.sources.download import MirrorError, download
from unrolled.errors import FetchError
from unrolled.storage import make_folder, write_bytes, writing

_ROOM_BYTES = 64 << 20  # room in a package, besides twice the file, for the other members of an archive


def cache_folder() -> Path:
    """The folder of downloaded files: ``UNROLLED_CACHE``, otherwise the platform's cache folder."""
    given = os.environ.get("UNROLLED_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("unrolled", appauthor=False)


def data_folder() -> Path | None:
    """The user's own folder of data, ``UNROLLED_DATA``; None if it is not set.

    Raises:
        FetchError: for a path that is not a folder.
    """
    given = os.environ.get("UNROLLED_DATA")
    if not given:
        return None
    folder = Path(given).expanduser()
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a parent may not be entered
        raise FetchError(f"UNROLLED_DATA is {given!r}, which is not a folder. Set it to a folder of data, or unset it.")
    return folder


def obtain(files: Sequence[RemoteFile], subfolder: str) -> list[Path]:
    """The paths of files, verified; downloads files that are not on this machine.

    A file is taken from ``subfolder`` of `data_folder` or else of `cache_folder`, as ``NAME`` or ``NAME.gz``, or else
    downloaded into the cache. Several processes may call this at the same time.

    Args:
        files: the files.
        subfolder: their folder within the two, such as ``"mnist"``.
    Returns:
        A path for each file, in the same order.
    Raises:
        FetchError: for a damaged file in the user's own folder, and if no mirror has a file; says what to do.
        StorageError: for a cache that cannot be written.
    """
    own, target = data_folder(), cache_folder() / subfolder
    found = {
        file: (own and _usable(file, own / subfolder, _refuse)) or _usable(file, target, _ignore) for file in files
    }
    missing = [file for file, path in found.items() if path is None]
    fetched: dict[RemoteFile, Path] = {}
    packages: dict[str, bytes] = {}
    if missing:
        try:
            with _alone(make_folder(target)):
                for file in missing:  # the process that held the lock before may have fetched it
                    fetched[file] = _usable(file, target, _set_aside) or _fetch(file, target / file.name, packages)
        except MirrorError as error:
            raise FetchError(f"{error} {_advice(missing, target, subfolder)}") from error
    return [found[file] or fetched[file] for file in files]


# Files on this machine

_OnDamage = Callable[[Path, WrongContentError], None]


def _usable(file: RemoteFile, folder: Path, on_damage: _OnDamage) -> Path | None:
    """The first good copy in a folder; calls ``on_damage`` for each damaged copy before it."""
    for path in (folder / file.name, folder / f"{file.name}.gz"):
        with reading(path):
            if not path.is_file():
                continue
            try:
                with path.open("rb") as packed:
                    deque(verified_blocks(packed, path.suffix, file), maxlen=0)
            except WrongContentError as error:
                on_damage(path, error)
            else:
                return path
    return None


def _refuse(path: Path, error: WrongContentError) -> None:
    """Leaves the repair of the user's own files to the user."""
    raise FetchError(f"{path}: {error}. Replace the file, or remove it to have it downloaded.") from error


def _ignore(path: Path, error: WrongContentError) -> None:
    """Leaves damage in the cache to the process that holds the lock."""


def _set_aside(path: Path, error: WrongContentError) -> None:
    """Renames a damaged file in the cache: the user may have put it there."""
    aside = path.with_name(f"{path.name}.damaged")
    with writing(aside):
        path.replace(aside)
    print(f"{path}: {error}. It is now called {aside.name}; the file is downloaded again.", file=sys.stderr)


# Downloads


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one process at a time download into a folder; the lock of a process ends with it."""
    lock = FileLock(folder / ".lock")
    with writing(folder):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"Waiting for another process that downloads into {folder}", file=sys.stderr)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(file: RemoteFile, path: Path, packages: dict[str, bytes]) -> Path:
    """Downloads a file from the first mirror that serves it.

    Args:
        file: the file.
        path: its place in the cache.
        packages: downloads of this call, by address, since an archive may hold several files; gets further ones.
    """
    failures: list[str] = []
    for url in file.urls:
        try:
            if url not in packages:
                packages[url] = download(url, limit_bytes=2 * file.size_bytes + _ROOM_BYTES)
            suffix = PurePosixPath(urlsplit(url).path).suffix
            content = b"".join(verified_blocks(io.BytesIO(packages[url]), suffix, file))
        except (MirrorError, WrongContentError) as error:
            failures.append(f"{urlsplit(url).netloc}: {error}")
            if url != file.urls[-1]:
                print(f"{file.name}: {failures[-1]}; trying the next mirror", file=sys.stderr)
        else:
            write_bytes(path, content)
            return path
    raise MirrorError(f"No mirror served {file.name} ({'; '.join(failures)}).")


def _advice(missing: Sequence[RemoteFile], target: Path, subfolder: str) -> str:
    names = ", ".join(file.name for file in missing if not (target / file.name).exists())
    return (
        f"With a network, run the same command again: complete files are kept. Without one, put {names} "
        f"(plain or .gz) into {target}, or into a folder FOLDER/{subfolder} and set UNROLLED_DATA=FOLDER."
    )
