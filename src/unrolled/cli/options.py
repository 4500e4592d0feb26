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
    made = [
        p for section, name, info in fields() if name != "source" for p in _parameters(name, info, _PANELS[section])
    ]
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
        made = [p for name, info in section.model_fields.items() for p in _parameters(name, info, panel)]
        return _with_parameters(function, made)

    return decorate


def with_file_options(**flags: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_config_options`, for a command that reads a file of sequences: only what says how to read it.

    Args:
        flags: other flags for some fields, such as ``format="--data-format"``.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        made = [
            parameter
            for section, name, info in fields()
            if name in HOW_TO_READ
            for parameter in _parameters(name, info, _PANELS[section], flags.get(name))
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
    found: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None:
            found[name.removeprefix(_NOT)] = not value if name.startswith(_NOT) else value
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


_NOT = "no_"
"""Begins the name of the parameter that sets a switch to false."""


def _parameters(name: str, info: FieldInfo, panel: str, flag: str | None = None) -> list[inspect.Parameter]:
    """An option from a field; its flag is the field's name unless another is given.

    A switch has a second option, which the first one's help names: a column for all of them would leave the help
    no room in a terminal of 80 columns.
    """
    kind, metavar, names = _kind(info.annotation)
    flag = flag or f"--{name.replace('_', '-')}"
    help = _with_names(info, names)  # noqa: A001  # as Typer calls it
    if kind is not bool:
        option = typer.Option(flag, help=help, metavar=metavar, rich_help_panel=panel, show_default=False)
        return [_keyword(name, kind, option)]
    opposite = f"--no-{flag[2:]}"
    on = typer.Option(flag, help=f"{help} ({opposite}: not)", rich_help_panel=panel, show_default=False)
    off = typer.Option(opposite, hidden=True)
    return [_keyword(name, bool, on), _keyword(f"{_NOT}{name}", bool, off)]


def _keyword(name: str, kind: type, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _with_names(info: FieldInfo, names: tuple[str, ...]) -> str:
    """A field's description, and the names that it takes."""
    return f"{info.description} ({', '.join(names)})" if names else f"{info.description}"


def _list_parameter(name: str, info: FieldInfo, panel: str) -> inspect.Parameter:
    kind, metavar, names = _kind(info.annotation)
    one = metavar or {bool: "true|false", int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=_with_names(info, names),
        metavar=one if name in LISTS else f"{one},…",
        rich_help_panel=panel,
        show_default=False,
    )
    return _keyword(name, list[str], option)


def _kind(annotation: Any) -> tuple[type, str | None, tuple[str, ...]]:
    """The plain type of a field, what stands for its value in the help, and the names that it takes."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [_kind(part) for part in get_args(annotation) if part is not NoneType]
        if len(kinds) == 1:
            return kinds[0]
        return (
            str,
            "|".join(metavar or "N" for _, metavar, _ in kinds),
            tuple(n for _, _, names in kinds for n in names),
        )
    if get_origin(annotation) is tuple:
        letter = "W" if get_args(annotation)[0] is float else "NAME"
        return str, f"{letter},{letter},…", ()
    if get_origin(annotation) is Literal:
        names = get_args(annotation)
        return (str, "NAME", names) if len(names) > 1 else (str, names[0], ())
    return annotation, None, ()
