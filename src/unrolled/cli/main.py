"""The entry of the command line: imports the module of the verb that is called, and turns errors into one line.

``unrolled --help`` must answer at once, so nothing here imports torch, pydantic or a verb.
"""

from __future__ import annotations

import atexit
import codecs
import gc
import json
import os
import re
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from unrolled.errors import (
    RENAMED,
    SYNONYMS,
    InterruptedRunError,
    UnrolledError,
    UnrolledWarning,
    naming_options,
    nearest,
    present_name,
)

VERBS = {
    "train": "Train a network: a recipe, a named data set, or a file of labelled sequences.",
    "runs": "List the runs: how far each is, how good, and the command that goes on with it.",
    "watch": "Follow a run from another terminal.",
    "finish": "End a run early: its best weights so far become a model, with figures and report.",
    "evaluate": "Measure a trained model on labelled sequences, with intervals and baselines.",
    "verify": "Train a run again and compare the weights bit by bit.",
    "report": "Write the report of a run: one HTML page that shows how good the model is, and why.",
    "compare": "Compare runs, or train a grid of settings and compare them, on the same test sequences.",
    "tune": "Search for the settings with the best results on validation sequences.",
    "predict": "Predict class and probabilities of sequences, at the end or after every step.",
    "export": "Write a model as an ONNX file that runs without this package.",
    "serve": "Serve models over HTTP, with a page that shows the network at work.",
    "inspect": "Show the content of a file of sequences, and its problems.",
    "recipes": "List the recipes, or print one to copy.",
    "datasets": "List the named data sets.",
    "info": "Show versions, devices, kernels, threads and paths of this installation.",
}


class LazyGroup(TyperGroup):
    """Shows every verb in the help, imports only the one that is called, and prints its errors."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb's command, in place of its stub."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name not in VERBS:
            return name, stub, rest
        command = get_command(import_module(f"unrolled.cli.{name}").app)
        command.name = name
        known = {flag for parameter in command.params for flag in parameter.opts}
        return name, command, [word if word in known else _with_present_name(word, known, ctx.obj) for word in rest]

    def invoke(self, ctx: Any) -> Any:
        """Runs the verb. A warning or a user's mistake prints one line; a mistake exits with 1, Ctrl-C with 130."""
        from unrolled.runtime import saying_lack_of_memory, stop_on_signals

        ctx.obj = {"format": "--data-format", "start": "--from"}
        try:
            with naming_options(ctx.obj), _warnings_as_lines(), stop_on_signals(), saying_lack_of_memory():
                return super().invoke(ctx)
        except InterruptedRunError as stop:
            _say_error(str(stop))
            raise typer.Exit(130) from None
        except KeyboardInterrupt:
            _say_error("Stopped.")
            raise typer.Exit(130) from None
        except UnrolledError as error:
            _say_error(f"error: {error}")
            raise typer.Exit(1) from None
        except typer.BadParameter as error:
            error.message = _offering_the_nearest(error.message)
            raise
        except BrokenPipeError:
            # the reader of the pipe has ended, as `head` does; without this the interpreter prints an error at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Recurrent sequence classifiers: train, measure honestly, ship.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    if version:
        from unrolled.version import VERSION

        typer.echo(f"unrolled {VERSION}")
        raise typer.Exit


def _stub() -> None:
    """A placeholder: `LazyGroup` replaces it by the verb's command."""


for _verb, _help in VERBS.items():
    app.command(_verb, help=_help, short_help=_help)(_stub)  # short_help is not truncated


def main() -> None:
    """Runs the command line."""
    # Idle threads must sleep, not spin: with spinning, one other busy process makes a step fifty times slower.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    # With this workspace of cuBLAS, PyTorch's recurrent layers on a GPU give the same bits each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:2")
    # Imports make a million objects that stay. To search them for garbage takes a sixth of the imports' time, and
    # at exit, when all memory is freed anyway, most of a second.
    gc.set_threshold(100_000, 30, 30)
    atexit.register(gc.freeze)
    codecs.register_error("escaped", _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a console cannot show is escaped, in a way that JSON reads, too
            stream.reconfigure(errors="escaped")
    app()


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""For `codecs.register_error`: ``\u0142`` for a character that the encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Prints the package's own warnings on one line, without the place in the code."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, UnrolledWarning):
                _say_error(f"warning: {message}")
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield


def _with_present_name(word: str, known: Collection[str], typed: dict[str, str]) -> str:
    """An argument; an option that a verb knows by another name (a former one, a synonym, one with _) by its own.

    ``typed`` keeps what was written instead, which is how errors name it.
    """
    flag, equals, value = word.partition("=")
    if not flag.startswith("--") or flag in known:
        return word
    name = flag.removeprefix("--").replace("-", "_").lower()
    present = RENAMED.get(name) or SYNONYMS.get(name, name)
    own = f"--{present.replace('_', '-')}"
    if own not in known:
        return word
    present_name(name)  # a former name is answered with a warning
    typed[present] = flag
    return f"{own}{equals}{value}"


def _offering_the_nearest(message: str) -> str:
    """The message about an option's value; for a choice of names, with the nearest one."""
    message = message.removeprefix("Value error, ")
    found, *choices = re.findall("'([^']*)'", message) if "is not one of" in message else ("", "")
    guess = nearest(found, choices)
    return f"{message} Did you mean {guess!r}?" if guess else message


def _say_error(message: str) -> None:
    typer.echo(message, err=True)
