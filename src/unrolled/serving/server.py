"""The process of a server: its settings, socket and signals."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import uvicorn
from prometheus_client import Counter

from unrolled.errors import ServeError
from unrolled.serving.app import create_app
from unrolled.serving.browser import find_runtime
from unrolled.serving.logs import log, logging_to_stderr
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings

SWITCH_INTERVAL_S = 0.0005
"""Time for which a thread may keep the interpreter while another one waits. With Python's default, 5 ms, the worker
would wait this long for the event loop after every operation of PyTorch."""


def run_server(
    models: Mapping[str, Path],
    host: str,
    port: int,
    settings: ServerSettings,
    token: str | None,
    runtime: Path | None,
    log_level: str,
    say: Callable[[str], None],
) -> int:
    """Serves models until the process is told to stop; see `unrolled.serving.serve`."""
    runtime = None if runtime is None else find_runtime(runtime)
    with listen(host, port) as listener, taking_the_process(log_level):
        registry = Registry(models)
        drop_clients_that_never_read(listener, settings.stream_timeout_s)
        found = listener.getsockname()
        local = token is None and _is_loopback(found[0]) and "*" not in settings.origins
        app = create_app(
            registry,
            settings,
            token=token,
            runtime=runtime,
            hosts=_local_names(host, settings.origins) if local else (),
        )
        settle_memory()
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_max_size=settings.max_body_bytes,
            ws_max_queue=4,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=settings.deadline_ms // 1000 + 5,
        )
        url = f"http://{_in_url(found[0])}:{found[1]}/"
        if token is None and not _is_loopback(found[0]):
            say(f"warning: there is no token, so whoever reaches {url} can send requests; set one with --token-file.")
        for name in registry.names:
            say(f"model {name}: {registry.get(name).path}")
        say(f"serving on {url} (Ctrl-C to stop)")
        return _run(uvicorn.Server(config), listener, app.state.service.metrics.reloads, registry)


@contextmanager
def taking_the_process(log_level: str) -> Iterator[None]:
    """Settings of the process during the block."""
    interval, frozen = sys.getswitchinterval(), gc.get_freeze_count()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with logging_to_stderr(log_level):
            yield
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()
        if frozen:
            gc.freeze()


def settle_memory() -> None:
    """Excludes all present objects from garbage collection.

    Otherwise the collector searches PyTorch's 300,000 objects every few thousand requests, for a fifth of a second, in
    which every request waits.
    """
    gc.unfreeze()  # after a reload, the former models must be freed
    gc.collect()
    gc.freeze()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ServeError: if the address is in use or does not exist here.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if sys.platform != "win32":  # there, two servers could then have the same port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ServeError(
            f"cannot listen on {host}, port {port}: {cause}. Choose another with --port (0 for any free one) "
            "or --host, or stop the program that listens there."
        ) from None
    listener.setblocking(False)
    return listener


def drop_clients_that_never_read(listener: socket.socket, seconds: float) -> None:
    """Lets the system end connections whose client reads nothing for this time.

    A server that closes a connection waits until the client has read the last bytes, which may be never. Only Linux has
    this limit; accepted sockets inherit it from the listening one.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * seconds))


def _run(server: uvicorn.Server, listener: socket.socket, reloads: Counter, registry: Registry) -> int:
    """Runs the server until a signal stops it."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    async def main() -> None:
        _reload_on_hangup(registry, reloads)
        await server.serve(sockets=[listener])

    # uvicorn shuts down gracefully on these signals, then raises them again for the former handler, which is `note`
    formers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, *_HANGUP)}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    try:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(main())
    finally:
        for number, former in formers.items():
            if former is not None:  # a handler that was not set from Python cannot be restored
                signal.signal(number, former)
    log("stopped")
    return 130 if signal.SIGINT in received else 0


_HANGUP = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none


def _reload_on_hangup(registry: Registry, reloads: Counter) -> None:
    if not _HANGUP:
        return
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        found = await asyncio.to_thread(registry.reload)
        settle_memory()
        for name, problem in found.items():
            result = "ok" if problem is None else "refused"
            reloads.labels(name, result).inc()
            log("reload", logging.INFO if problem is None else logging.ERROR, model=name, result=result, cause=problem)

    def begin() -> None:
        task = loop.create_task(reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGHUP, begin)


def _local_names(host: str, origins: tuple[str, ...]) -> set[str]:
    """Names of a server that listens on this machine only: the usual ones, and those of the allowed origins."""
    return {"localhost", "127.0.0.1", "[::1]", _in_url(host), *(str(urlsplit(origin).hostname) for origin in origins)}


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
