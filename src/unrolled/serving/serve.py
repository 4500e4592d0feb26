"""`serve`, the door of a server: what it needs is imported when it is called, since only servers need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from unrolled.errors import ConfigError
from unrolled.serving.settings import ServerSettings


def serve(
    models: Mapping[str, Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    settings: ServerSettings | None = None,
    token: str | None = None,
    runtime: Path | None = None,
    log_level: str = "info",
    say: Callable[[str], None] = print,
) -> int:
    """Serves models until the process is told to stop by SIGINT or SIGTERM; SIGHUP reads the models anew.

    It takes the whole process meanwhile: its signals, its log, how threads take turns, what the garbage collector looks
    through. All of it is put back before this returns.

    Args:
        models: model or run folders by name.
        host: address to listen on.
        port: 0 for any that is free.
        settings: limits and batching.
        token: that requests must bear.
        runtime: a folder with onnxruntime-web: the page then computes in the browser.
        log_level: ``debug``, ``info``, ``warning`` or ``error``; a line for each request is ``info``.
        say: takes each line that a person should read.
    Returns:
        130 if it was stopped by Ctrl-C, otherwise 0.
    Raises:
        ConfigError: if the packages of the extra ``serve`` are not installed.
        ServeError: if the address cannot be had.
        ModelFolderError: if a model cannot be served.

    Example:
        >>> from pathlib import Path
        >>> unrolled.serve({"levels": Path("runs/levels/1")}, port=8000)  # doctest: +SKIP
        serving on http://127.0.0.1:8000/ (Ctrl-C to stop)
        >>> unrolled.serve({"levels": Path("nowhere")}, port=0)
        Traceback (most recent call last):
            ...
        unrolled.errors.ModelFolderError: ...
    """
    try:
        from unrolled.serving.server import run_server
    except ModuleNotFoundError as error:
        if str(error.name).startswith("unrolled"):
            raise
        raise ConfigError(
            f"serving needs {error.name}; install it with: python -m pip install 'unrolled[serve]'."
        ) from None
    return run_server(models, host, port, settings or ServerSettings(), token, runtime, log_level, say)


def named_paths(arguments: list[str]) -> dict[str, Path]:
    """Names and folders from words ``NAME=FOLDER`` or ``FOLDER``; a folder alone is named after the run's recipe.

    Raises:
        ConfigError: for two of one name.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        name, _, rest = argument.rpartition("=")
        path = Path(rest)
        name = name or _name_of(path)
        if name in found:
            raise ConfigError(f"two models would be named {name!r}; name them apart: first={path} second=…")
        found[name] = path
    return found


def _name_of(path: Path) -> str:
    """``digits`` for ``runs/digits/1`` and ``runs/digits/1/model``; otherwise the folder's own name."""
    folder = path.resolve()
    run = folder.parent if folder.name == "model" else folder
    if (run / "config.json").is_file():
        return run.parent.name
    return folder.name
