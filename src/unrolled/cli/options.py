"""The command line's options from the fields of the config: nothing is written twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from unrolled.config import HOW_TO_READ, Section, fields

_PANELS = {"data": "Data", "model": "Network", "augment": "Random changes of training data", "train": "Training"}


def _holds_list(annotation: Any) -> bool:
    """Whether a field's value can be a tuple."""
    return get_origin(annotation) is tuple or any(_holds_list(part) for part in get_args(annotation))


LISTS = {name for _, name, info in fields() if _holds_list(info.annotation)}
"""Fields whose value is a list, written with commas."""


def with_config_options(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for every field of the recipe's sections.

    The command's parameter ``options`` receives those that were given, by field name; the command line
    shows the rest of its parameters as they are.
    """
    made = [_parameter(name, info, _PANELS[section]) for section, name, info in fields() if name != "source"]
    return _with_parameters(function, made)


def with_list_options(function: Callable[..., None]) -> Callable[..., None]:
    """As `with_config_options`, but each option takes several values, which are tried in turn.

    They are written with commas, or the option is repeated; for a field that is a list itself, only the latter.
    ``options`` receives the values as text, a list for each field that was given.
    """
    made = [_list_parameter(name, info, _PANELS[section]) for section, name, info in fields() if name != "source"]
    return _with_parameters(function, made, alternatives)


def with_options_of(section: type[Section], panel: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_config_options`, for the fields of one section that no recipe has.

    Args:
        section: whose fields become options.
        panel: the title over them in the help.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        made = [_parameter(name, info, panel) for name, info in section.model_fields.items()]
        return _with_parameters(function, made)

    return decorate


def with_file_options(**flags: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_config_options`, for a command that reads a file of sequences: only what says how to read it.

    Args:
        flags: other flags for some fields, such as ``format="--data-format"``.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        made = [
            _parameter(name, info, _PANELS[section], flags.get(name))
            for section, name, info in fields()
            if name in HOW_TO_READ
        ]
        return _with_parameters(function, made)

    return decorate


def _with_parameters(
    function: Callable[..., None],
    made: list[inspect.Parameter],
    convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
) -> Callable[..., None]:
    """The command with these parameters besides its own; the values that were given arrive as ``options``."""
    convert = convert or chosen
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "options"]
    names = {parameter.name for parameter in made}

    @wraps(function)
    def command(**given: Any) -> None:
        options = {name: given.pop(name) for name in names}
        function(**given, options=convert(options))

    parameters = [*own, *made]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; those that are lists, such as class weights, from their text."""
    found = {name: value for name, value in options.items() if value is not None}
    return {name: as_list(value) if name in LISTS else value for name, value in found.items()}


def alternatives(options: Mapping[str, Sequence[str] | None]) -> dict[str, list[Any]]:
    """The values of the options that were given, in the order in which fields stand in a recipe."""
    found: dict[str, list[Any]] = {}
    for _, name, _ in fields():
        texts = options.get(name)
        if texts:
            found[name] = (
                [as_list(text) for text in texts]
                if name in LISTS
                else [part.strip() for text in texts for part in text.split(",")]
            )
    return found


def as_list(text: str) -> str | tuple[str, ...]:
    """The parts of a list that is written with commas; a lone word of class weights stays one."""
    return text if text == "balanced" else tuple(part.strip() for part in text.split(","))


def _parameter(name: str, info: FieldInfo, panel: str, flag: str | None = None) -> inspect.Parameter:
    """An option from a field; its flag is the field's name unless another is given."""
    kind, metavar = _kind(info.annotation)
    flag = flag or f"--{name.replace('_', '-')}"
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
        help=info.description,
        metavar=metavar,
        rich_help_panel=panel,
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _list_parameter(name: str, info: FieldInfo, panel: str) -> inspect.Parameter:
    kind, metavar = _kind(info.annotation)
    one = metavar or {bool: "true|false", int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=info.description,
        metavar=one if name in LISTS else f"{one},…",
        rich_help_panel=panel,
        show_default=False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[list[str] | None, option]
    )


def _kind(annotation: Any) -> tuple[type, str | None]:
    """The plain type of a field, and what stands for its value in the help."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        if len(parts) == 1:
            return _kind(parts[0])
        return str, "|".join(_kind(part)[1] or "N" for part in parts)
    if get_origin(annotation) is tuple:
        letter = "W" if get_args(annotation)[0] is float else "NAME"
        return str, f"{letter},{letter},…"
    if get_origin(annotation) is Literal:
        return str, "|".join(get_args(annotation))
    return annotation, None
