"""Command-line options: those that several commands have, and those made from the fields of the config."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from unrolled.config import FIELDS, HOW_TO_READ, Duration, Section, Span, fields

ModelFolder = Annotated[Path, typer.Argument(help="A model folder or a run folder.", metavar="MODEL_OR_RUN")]
RunsFolder = Annotated[Path, typer.Option(help="The folder of all run folders.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]

Novelty = Annotated[
    float | None,
    typer.Option(
        help="Tell which sequences are unlike all training data, so none of the classes, with this share of false "
        "alarms, such as 0.05.",
        min=0,
        max=1,
    ),
]

_PANELS = {"data": "Data", "model": "Network", "augment": "Random changes of training data", "train": "Training"}


def _holds_list(annotation: Any) -> bool:
    """Whether a field's value can be a tuple."""
    return get_origin(annotation) is tuple or any(_holds_list(part) for part in get_args(annotation))


LISTS = {name for _, name, info in fields() if _holds_list(info.annotation)}
"""Fields whose value is a list; its items are separated by commas."""


def with_config_options(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for every field of the recipe's sections.

    The command's parameter ``options`` receives the given ones, by field name; its other parameters stay as they are.
    """
    return _with_parameters(function, _parameters_of(set(FIELDS) - {"source"}, {}))


def with_list_options(function: Callable[..., None]) -> Callable[..., None]:
    """As `with_config_options`, but each option takes several values, for a grid of settings.

    The values are separated by commas, or the option is repeated; a field that is a list itself needs the latter.
    ``options`` receives a list of texts for each given field.
    """
    made = [_list_parameter(name, info, _PANELS[section]) for section, name, info in fields() if name != "source"]
    return _with_parameters(function, made, alternatives)


def with_options_of(section: type[Section], panel: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_config_options`, for the fields of a section that is not part of a recipe.

    Args:
        section: its fields become options.
        panel: their title in the help.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        made = [p for name, info in section.model_fields.items() for p in _parameters(name, info, panel)]
        return _with_parameters(function, made)

    return decorate


def with_file_options(**flags: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_config_options`, with only the fields that say how to read a file of sequences.

    Args:
        flags: other flags for some fields, such as ``format="--data-format"``.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        return _with_parameters(function, _parameters_of(HOW_TO_READ, flags))

    return decorate


def _parameters_of(names: Collection[str], flags: Mapping[str, str]) -> list[inspect.Parameter]:
    """The options of some fields, in the order of the fields in a recipe; some have other flags."""
    described = [field for field in fields() if field[1] in names]
    return [p for section, name, info in described for p in _parameters(name, info, _PANELS[section], flags.get(name))]


def _with_parameters(
    function: Callable[..., None],
    made: list[inspect.Parameter],
    convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
) -> Callable[..., None]:
    """The command with further parameters; it receives their given values as ``options``."""
    convert = convert or chosen
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "options"]
    taken = {parameter.name for parameter in own}
    made = [parameter for parameter in made if parameter.name not in taken]  # the command's own meaning goes first
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
    """The options that were given, by field name."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None:
            found[name.removeprefix(_NOT)] = not value if name.startswith(_NOT) else value
    return found


def alternatives(options: Mapping[str, list[str] | None]) -> dict[str, list[str]]:
    """The values of the options that were given, in the order of the fields in a recipe."""
    found: dict[str, list[str]] = {}
    for _, name, _ in fields():
        texts = options.get(name)
        if texts:
            found[name] = texts if name in LISTS else [part.strip() for text in texts for part in text.split(",")]
    return found


_FLAGS = {"format": ("--data-format", "--format")}
"""The flags of fields that have several. Where a command writes a file, --format was that file's once."""

_NOT = "no_"
"""Prefix of the parameter that sets a switch to false."""


def _parameters(name: str, info: FieldInfo, panel: str, flag: str | None = None) -> list[inspect.Parameter]:
    """The option of a field; its flag is the field's name unless another is given.

    The opposite of a switch is a second, hidden option that the help of the first one names: Typer's own column for
    opposites leaves too little room for the help in 80 columns.
    """
    kind, metavar, names = _kind(info.annotation)
    flags = _FLAGS.get(name, (f"--{name.replace('_', '-')}",)) if flag is None else (flag,)
    help = _with_names(info, names)  # noqa: A001  # as Typer calls it
    if kind is not bool:
        option = typer.Option(*flags, help=help, metavar=metavar, rich_help_panel=panel, show_default=False)
        return [_keyword(name, kind, option)]
    opposite = f"--no-{flags[0][2:]}"
    on = typer.Option(*flags, help=f"{help} ({opposite}: not)", rich_help_panel=panel, show_default=False)
    off = typer.Option(opposite, hidden=True)
    return [_keyword(name, bool, on), _keyword(f"{_NOT}{name}", bool, off)]


def _keyword(name: str, kind: type, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _with_names(info: FieldInfo, names: tuple[str, ...]) -> str:
    """A field's description, with the names that the field takes."""
    return f"{info.description} ({', '.join(names)})" if names else f"{info.description}"


def _list_parameter(name: str, info: FieldInfo, panel: str) -> inspect.Parameter:
    kind, metavar, names = _kind(info.annotation)
    one = metavar or {bool: "true|false", int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    option = typer.Option(
        *_FLAGS.get(name, (f"--{name.replace('_', '-')}",)),
        help=_with_names(info, names),
        metavar=one if name in LISTS else f"{one},…",
        rich_help_panel=panel,
        show_default=False,
    )
    return _keyword(name, list[str], option)


def _kind(annotation: Any) -> tuple[type, str | None, tuple[str, ...]]:
    """The plain type of a field, the placeholder of its value in the help, and the names that it takes."""
    if annotation is Duration:
        return str, "TIME", ()
    if annotation is Span:
        return str, "STEPS|TIME", ()
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
