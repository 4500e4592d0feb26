"""The command line's entrance: verbs are imported when they are called, errors become one line.

``unrolled --help`` must answer at once, so nothing here imports torch, pydantic or a verb.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from unrolled.errors import InterruptedRunError, UnitWarning, UnrolledError, nearest

VERBS = {
    "train": "Train a network: a recipe, a named data set, or a file of labelled sequences.",
    "evaluate": "Figures of a trained model on labelled sequences, with intervals and baselines.",
    "report": "Write a run's report: one HTML page that shows how good the model is, and why.",
    "compare": "Compare runs, or settings that are trained first, on the same test data.",
    "tune": "Search for the settings that do best on validation data.",
    "predict": "Class and probabilities for sequences, at the end or after every step.",
    "export": "Write a model as an ONNX file that runs without this package.",
    "serve": "Answer over HTTP, with a page that shows the network reading.",
    "inspect": "What is in a file of sequences, and what is wrong with it.",
    "recipes": "List the recipes, or print one to copy.",
    "datasets": "List the named data sets.",
    "info": "What is installed here: versions, devices, kernels and why, threads, paths.",
}


class LazyGroup(TyperGroup):
    """Shows every verb in the help, imports only the one that is called, and words its errors."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb's real command in the place of its stub."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name not in VERBS:
            return name, stub, rest
        command = get_command(import_module(f"unrolled.cli.{name}").app)
        command.name = name
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Runs the verb; a warning is one line, a user's mistake is one and exit code 1, Ctrl-C is 130."""
        from unrolled.runtime import stop_on_signals

        try:
            with _warnings_as_lines(), stop_on_signals():
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
            # the reader has gone, as in `| head`; the interpreter must not complain about it at its end
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
    """Never called: `LazyGroup` puts the real command in its place."""


for _verb, _help in VERBS.items():
    app.command(_verb, help=_help, short_help=_help)(_stub)  # the latter is not cut short in the list


def main() -> None:
    """Runs the command line."""
    # Idle threads must sleep, not spin: with spinning, one other busy process slows a step fifty times.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    # With this workspace of cuBLAS, PyTorch's recurrent layers on a GPU give the same bits each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:2")
    # Imports make a million objects that stay. Looking through them for garbage takes a sixth of the imports' time,
    # and at the end, when all of it goes anyhow, most of a second.
    gc.set_threshold(100_000, 30, 30)
    atexit.register(gc.freeze)
    app()


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Shows the package's own warnings without the place in the code that Python would add."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, UnitWarning):
                _say_error(f"warning: {message}")
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield


def _offering_the_nearest(message: str) -> str:
    """What is wrong with an option's value; of several choices, with the one that was probably meant."""
    message = message.removeprefix("Value error, ")
    found, *choices = re.findall("'([^']*)'", message) if "is not one of" in message else ("", "")
    guess = nearest(found, choices)
    return f"{message} Did you mean {guess!r}?" if guess else message


def _say_error(message: str) -> None:
    typer.echo(message, err=True)
