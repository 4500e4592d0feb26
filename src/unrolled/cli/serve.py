"""``unrolled serve``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unrolled.cli.options import with_options_of
from unrolled.serving import ServerSettings

app = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_options_of(ServerSettings, "Limits and batching")
def serve(
    models: Annotated[
        list[str],
        typer.Argument(help="Model or run folders, or NAME=FOLDER.", metavar="MODEL_OR_RUN..."),
    ],
    options: dict[str, Any],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all addresses of the machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any free one.", min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the token that requests must have (default: the variable UNROLLED_TOKEN)."),
    ] = None,
    onnxruntime_web: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the npm package onnxruntime-web; with it the page computes in the browser.",
            metavar="FOLDER",
        ),
    ] = None,
    log_level: Annotated[
        str,
        typer.Option(
            help="Least level of the log lines, which are JSON on standard error.", metavar="debug|info|warning|error"
        ),
    ] = "info",
) -> None:
    """Serve models over HTTP; the root address has a page that shows the network at work.

    SIGHUP loads the models again. Ctrl-C and SIGTERM finish the accepted requests, then stop the server. It needs the
    extra `serve` (`unrolled info`).
    """
    from unrolled.cli.console import notes
    from unrolled.serving import named_paths
    from unrolled.serving import serve as serve_models

    code = serve_models(
        named_paths(models),
        host=host,
        port=port,
        settings=settings_from(options),
        token=read_token(token_file),
        runtime=onnxruntime_web,
        log_level=log_level,
        say=notes().print,
    )
    if code:
        raise typer.Exit(code)


def settings_from(options: dict[str, Any]) -> ServerSettings:
    """The settings from the options.

    Raises:
        ConfigError: for a value that its field does not take.
    """
    from pydantic import ValidationError

    from unrolled.errors import ConfigError, option

    try:
        return ServerSettings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{option(str(first['loc'][0]), first['input'])}: {first['msg'].lower()}.") from None


def read_token(path: Path | None) -> str | None:
    """The token from a file, or from the environment.

    Raises:
        ReadError: for a file that cannot be read or is empty.
    """
    import os

    from unrolled.errors import ReadError

    if path is None:
        return os.environ.get("UNROLLED_TOKEN") or None
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(path, f"the token cannot be read: {error}.") from None
    if not token:
        raise ReadError(path, "there is no token in the file; write one, such as `openssl rand -hex 32` prints.")
    return token
