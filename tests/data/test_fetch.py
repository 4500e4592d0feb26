"""Files of named data sets: found, downloaded, verified. All servers are on this machine."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import random
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from unrolled.data.sources import download, fetch, mnist, uea
from unrolled.data.sources.content import RemoteFile, WrongContentError, verified_blocks
from unrolled.data.sources.fetch import cache_folder, data_folder, obtain
from unrolled.errors import FetchError, ReadError, StorageError

REAL_DATA = os.environ.get("UNROLLED_DATA")
CONTENT = random.Random(0).randbytes(100_000)
PACKED = gzip.compress(CONTENT, mtime=0)


class Server(ThreadingHTTPServer):
    """Serves `pages`; `tricks` say which addresses misbehave, and how."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        self.tricks: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.user_agents: list[str | None] = []
        self.sent_bytes = 0
        self.end = threading.Event()

    def url(self, path: str, page: bytes | None = None, trick: str = "") -> str:
        """The address of a page."""
        if page is not None:
            self.pages[path] = page
        self.tricks[path] = trick
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error here."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted, trick = self.headers["Range"], self.server.tricks.get(self.path, "")
        self.server.asked.append((self.path, wanted))
        self.server.user_agents.append(self.headers["User-Agent"])
        page = self.server.pages.get(self.path)
        if trick == "hang":
            self.server.end.wait(10)
        elif trick == "away":
            self._answer(302, b"", {"Location": "file:///etc/hostname"})
        elif trick.isdigit() or page is None:
            self._answer(int(trick or 404), b"")
        elif trick == "no length":
            self._send(200, page[: len(page) // 2], {})
        elif trick == "stalls":
            self._send(200, page[: len(page) // 2], {"Content-Length": str(len(page))})
            self.server.end.wait(10)
        else:
            kept = page[: len(page) // 2] if trick == "cut" else page
            self._answer(200, kept, length=len(page))

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        size = len(body) if length is None else length
        self._send(status, body, {"Content-Length": str(size), **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.sent_bytes += len(body)  # before the client can have it, and the test goes on
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.end.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set's folder in an empty cache; nothing of the tester's own folders or proxies is used."""
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNROLLED_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache" / "set"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set's folder in a folder that UNROLLED_DATA names."""
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path / "own"))
    folder = tmp_path / "own" / "set"
    folder.mkdir(parents=True)
    return folder


def remote(*urls: str, name: str = "numbers", content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content), urls)


def get(*files: RemoteFile) -> list[Path]:
    return obtain(files, "set")


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def parts(folder: Path) -> list[str]:
    """What is left of downloads in a folder."""
    return [path.name for path in folder.iterdir() if path.suffix != ""]


# ---- places ----


def test_the_cache_folder_is_the_one_named_else_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLLED_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("UNROLLED_CACHE")
    assert cache_folder() == platformdirs.user_cache_path("unrolled", appauthor=False)


def test_the_data_folder_is_none_where_unset_and_must_exist_where_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data_folder() is None
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("UNROLLED_DATA", str(tmp_path / "absent"))
    with pytest.raises(FetchError, match=r"UNROLLED_DATA is '.*absent', which is not a folder"):
        get(remote())


@pytest.mark.parametrize(("suffix", "stored"), [("", CONTENT), (".gz", PACKED)])
def test_a_file_in_the_data_folder_comes_first_and_is_left_there(
    own: Path, cache: Path, suffix: str, stored: bytes
) -> None:
    cache.mkdir(parents=True)
    (cache / "numbers").write_bytes(CONTENT)
    path = own / f"numbers{suffix}"
    path.write_bytes(stored)
    assert get(remote()) == [path]


@pytest.mark.parametrize(("suffix", "stored"), [("", CONTENT), (".gz", PACKED)])
def test_a_file_in_the_cache_is_used_without_asking_the_network(
    server: Server, cache: Path, suffix: str, stored: bytes
) -> None:
    cache.mkdir(parents=True)
    (cache / f"numbers{suffix}").write_bytes(stored)
    assert get(remote(server.url("/numbers.gz", PACKED))) == [cache / f"numbers{suffix}"]
    assert server.asked == []


def test_each_file_is_found_in_its_own_place_and_order_is_kept(own: Path, server: Server, cache: Path) -> None:
    (own / "a").write_bytes(b"a")
    cache.mkdir(parents=True)
    (cache / "b").write_bytes(b"b")
    url = server.url("/c", b"c")
    files = [remote(url, name=name, content=name.encode()) for name in "cba"]
    assert get(*files) == [cache / "c", cache / "b", own / "a"]


def test_damage_in_the_data_folder_is_an_error_that_names_file_and_hashes(own: Path, server: Server) -> None:
    (own / "numbers").write_bytes(b"other")
    file = remote(server.url("/numbers.gz", PACKED))
    with pytest.raises(FetchError) as caught:
        get(file)
    message = str(caught.value)
    for part in (
        str(own / "numbers"),
        hashlib.sha256(b"other").hexdigest(),
        file.sha256,
        "Replace",
        "5 bytes",
    ):
        assert part in message
    assert "\n" not in message
    assert server.asked == []


def test_a_gzip_file_cut_short_in_the_data_folder_is_an_error(own: Path) -> None:
    (own / "numbers.gz").write_bytes(PACKED[:-100])
    with pytest.raises(FetchError, match=r"numbers\.gz: it is damaged or cut short"):
        get(remote())


def test_damage_in_the_cache_is_set_aside_and_downloaded_again(
    server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.mkdir(parents=True)
    (cache / "numbers").write_bytes(b"other")
    assert get(remote(server.url("/numbers.gz", PACKED))) == [cache / "numbers"]
    assert (cache / "numbers").read_bytes() == CONTENT
    assert (cache / "numbers.damaged").read_bytes() == b"other"
    assert "numbers.damaged" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_clear_error(own: Path) -> None:
    (own / "numbers").write_bytes(CONTENT)
    (own / "numbers").chmod(0)
    with pytest.raises(ReadError, match="Permission denied"):
        get(remote())


# ---- downloads ----


@pytest.mark.parametrize(
    ("address", "package"),
    [
        ("/numbers", CONTENT),
        ("/numbers.gz", PACKED),
        ("/all.zip", archive(**{"folder/numbers": CONTENT, "more": b"x"})),
        ("/out.zip", archive(**{"../../numbers": CONTENT})),
    ],
)
def test_a_download_is_unpacked_into_the_cache_and_nothing_else_stays(
    server: Server, cache: Path, address: str, package: bytes
) -> None:
    file = remote(server.url(address, package))
    assert get(file) == [cache / "numbers"]
    assert (cache / "numbers").read_bytes() == CONTENT
    assert {path.name for path in cache.iterdir()} <= {"numbers", ".lock"}
    assert [path.name for path in cache.parent.iterdir()] == ["set"]
    assert get(file) == [cache / "numbers"]
    assert len(server.asked) == 1, "the second call must not ask the network"
    assert "unrolled" in str(server.user_agents[0])


def test_an_archive_that_serves_two_files_is_downloaded_once(server: Server, cache: Path) -> None:
    url = server.url("/both.zip", archive(a=b"first", b=b"second"))
    get(remote(url, name="a", content=b"first"), remote(url, name="b", content=b"second"))
    assert (cache / "a").read_bytes() == b"first"
    assert (cache / "b").read_bytes() == b"second"
    assert len(server.asked) == 1
    assert parts(cache) == []


@pytest.mark.parametrize(
    ("trick", "reason"),
    [
        ("404", "HTTP status 404"),
        ("500", "HTTP status 500"),
        ("416", "HTTP status 416"),
        ("hang", "no answer within 0.3 s"),
        ("stalls", "no answer within 0.3 s"),
        ("cut", r"the connection broke off \(.*\d+ bytes read, \d+ more expected"),
        ("no length", "damaged or cut short"),
        ("away", "No connection adapters were found for 'file:"),
    ],
)
def test_the_next_mirror_serves_where_one_fails(
    server: Server,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    trick: str,
    reason: str,
) -> None:
    bad, good = server.url("/bad/numbers.gz", PACKED, trick), server.url("/good/numbers.gz", PACKED)
    if trick in ("hang", "stalls"):
        monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.3)
    assert get(remote(bad, good)) == [cache / "numbers"]
    assert (cache / "numbers").read_bytes() == CONTENT
    assert server.asked == [("/bad/numbers.gz", None), ("/good/numbers.gz", None)]
    assert re.search(reason, capsys.readouterr().err)
    assert parts(cache) == []


@pytest.mark.parametrize("address", ["/bad/numbers", "/bad/numbers.gz", "/bad/numbers.zip"])
@pytest.mark.parametrize("page", [b"<html>Please log in</html>", CONTENT[:-1] + b"?", b"", PACKED[:-4] + b"four"])
def test_the_next_mirror_serves_where_one_has_the_wrong_content(
    server: Server, cache: Path, address: str, page: bytes
) -> None:
    get(remote(server.url(address, page), server.url("/good/numbers.gz", PACKED)))
    assert (cache / "numbers").read_bytes() == CONTENT
    assert parts(cache) == []


def test_the_next_mirror_serves_where_nothing_listens(server: Server, cache: Path) -> None:
    with Server() as gone:
        closed = gone.url("/numbers.gz")
    get(remote(closed, server.url("/numbers.gz", PACKED)))
    assert (cache / "numbers").read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/numbers", "data:,numbers"])
def test_only_http_addresses_are_opened(url: str) -> None:
    with pytest.raises(FetchError, match=r"(?i)no connection adapters|invalid url"):
        get(remote(url))


def test_a_file_far_longer_than_expected_is_not_downloaded_whole(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_ROOM_BYTES", 0)
    with pytest.raises(FetchError, match="far longer than expected"):
        get(remote(server.url("/numbers", bytes(5_000_000))))
    assert parts(cache) == []


# ---- stopped downloads ----


def test_what_came_before_a_failure_is_kept_and_the_rest_is_asked_for_again(server: Server, cache: Path) -> None:
    files = [
        remote(server.url("/a.gz", PACKED), name="a"),
        remote(server.url("/b.gz", PACKED, "cut"), name="b"),
    ]
    with pytest.raises(FetchError, match=r"No mirror served b .*complete files are kept"):
        get(*files)
    assert parts(cache) == []
    server.asked.clear()
    server.url("/b.gz")
    assert get(*files) == [cache / "a", cache / "b"]
    assert server.asked == [("/b.gz", None)]


def test_what_a_killed_process_left_is_removed_and_never_taken_for_the_file(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / ".numbers.partial").write_bytes(b"half")
    get(remote(server.url("/numbers.gz", PACKED)))
    assert (cache / "numbers").read_bytes() == CONTENT
    assert parts(cache) == []


# ---- content that is not what it should be ----


def test_no_more_than_the_expected_size_is_unpacked() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(50_000_000)))
    unpacked: list[bytes] = []
    with pytest.raises(WrongContentError, match="more than the expected 1,000,000 bytes"):
        unpacked.extend(verified_blocks(bomb, ".gz", RemoteFile("numbers", "0" * 64, 1_000_000)))
    assert sum(map(len, unpacked)) <= 1_000_000


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"other": CONTENT}, "holds 0 files named numbers, expected 1"),
        ({"numbers": CONTENT, "again/numbers": CONTENT}, "holds 2 files named numbers, expected 1"),
        ({"numbers": CONTENT + b"!"}, "has 100,001 bytes, expected 100,000"),
        ({"numbers": CONTENT[::-1]}, "100,000 bytes of content with SHA-256"),
        ({"numbers/": b""}, "holds 0 files named numbers, expected 1"),
    ],
)
def test_an_archive_must_hold_the_file_once_with_its_size_and_content(
    server: Server, cache: Path, members: dict[str, bytes], problem: str
) -> None:
    with pytest.raises(FetchError, match=problem):
        get(remote(server.url("/all.zip", archive(**members))))
    assert parts(cache) == []


def test_a_damaged_archive_is_wrong_content_wherever_the_damage_is() -> None:
    package, expected = archive(numbers=CONTENT[:100]), remote(content=CONTENT[:100])
    for place in range(len(package)):
        damaged = io.BytesIO(package[:place] + bytes([package[place] ^ 0xFF]) + package[place + 1 :])
        try:
            found = b"".join(verified_blocks(damaged, ".zip", expected))
        except WrongContentError:
            continue
        assert found == CONTENT[:100], "the damage was in a field that does not matter, such as the date"


# ---- nothing to be had ----


def test_without_network_one_line_says_where_to_put_which_files(cache: Path) -> None:
    with Server() as gone:
        url = gone.url("/numbers.gz")
    with pytest.raises(FetchError) as caught:
        get(remote(url), remote(url, name="letters"))
    message = str(caught.value)
    for part in (
        "numbers, letters",
        str(cache),
        "FOLDER/set",
        "UNROLLED_DATA=FOLDER",
        "127.0.0.1",
        "refused",
    ):
        assert part in message
    assert "\n" not in message


def test_the_advice_names_only_what_is_missing(server: Server) -> None:
    files = [remote(server.url("/numbers.gz", PACKED)), remote(server.url("/absent"), name="letters")]
    with pytest.raises(FetchError, match=r"No mirror served letters .* put letters \(plain"):
        get(*files)


def test_a_cache_that_cannot_be_written_is_a_storage_error(tmp_path: Path, server: Server) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="Cannot write"):
        get(remote(server.url("/numbers.gz", PACKED)))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a file's size are POSIX's")
def test_a_file_that_cannot_be_written_is_a_storage_error_and_no_reason_to_try_another_mirror(
    server: Server, cache: Path
) -> None:
    import resource

    urls = [server.url(f"/{n}/numbers.gz", PACKED) for n in range(2)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) - 1, limits[1]))
    try:
        with pytest.raises(StorageError, match="larger than this system allows") as caught:
            get(remote(*urls))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert len(server.asked) == 1
    assert parts(cache) == []


# ---- several at once ----

OBTAIN = """
import sys
from unrolled.data.sources.content import RemoteFile
from unrolled.data.sources.fetch import obtain
name, sha256, size_bytes, url = sys.argv[1:]
print(*obtain([RemoteFile(name, sha256, int(size_bytes), (url,))], "set"))
"""


def test_processes_that_ask_at_once_download_once(server: Server, cache: Path) -> None:
    file = remote(server.url("/numbers.gz", PACKED))
    command = [sys.executable, "-c", OBTAIN, file.name, file.sha256, str(file.size_bytes), *file.urls]
    cache.mkdir(parents=True)
    with FileLock(cache / ".lock"):
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
        ]
        for process in processes:
            assert process.stderr is not None
            assert "Waiting for another process" in process.stderr.readline()
    for process in processes:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert out.strip() == str(cache / "numbers")
    assert (cache / "numbers").read_bytes() == CONTENT
    assert len(server.asked) == 1


# ---- what is shown ----


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_download_is_one_plain_line_where_stderr_is_no_terminal(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    get(remote(server.url("/numbers.gz", PACKED)))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"Downloading numbers.gz \(0\.1 MB\) from 127\.0\.0\.1:\d+\n", shown.err)


def test_a_download_has_a_progress_bar_on_a_terminal(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    get(remote(server.url("/numbers.gz", PACKED)))
    assert "numbers.gz" in terminal.getvalue()
    assert "━" in terminal.getvalue()


def test_pooch_is_imported_for_a_download_alone() -> None:
    code = "import sys, unrolled.data; found = {'pooch', 'requests'} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- the real files ----


@pytest.mark.parametrize(
    "file",
    [
        *(
            mnist.TRAIN_IMAGES,
            mnist.TRAIN_LABELS,
            mnist.TEST_IMAGES,
            mnist.TEST_LABELS,
        ),
        *(uea.JAPANESE_VOWELS_TRAIN, uea.JAPANESE_VOWELS_TEST),
    ],
    ids=lambda file: file.name,
)
def test_the_named_files_have_several_mirrors_and_a_whole_hash(file: RemoteFile) -> None:
    assert len(file.urls) >= 2
    assert all(re.match(r"https?://[^/]+/.*[^/]$", url) for url in file.urls)
    assert re.fullmatch("[0-9a-f]{64}", file.sha256)


@pytest.mark.data
@pytest.mark.skipif(not REAL_DATA, reason="UNROLLED_DATA names no folder of real data")
@pytest.mark.parametrize("paths", [mnist.mnist_paths, uea.japanese_vowels_paths])
def test_the_real_files_are_verified_where_they_lie(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, paths: Callable[[], list[Path]]
) -> None:
    monkeypatch.setenv("UNROLLED_DATA", str(REAL_DATA))
    assert all(path.is_relative_to(str(REAL_DATA)) for path in paths())
    assert not (tmp_path / "cache").exists()
