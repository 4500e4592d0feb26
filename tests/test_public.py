"""The public API: what it is, that nobody needs more, and that every example in it does what it says."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unrolled

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "unrolled"
INSIDE = {
    "Baselines": "of a model",
    "DatasetRecord": "of a model",
    "Network": "of a model, and of a training's state",
    "Preprocessor": "of a model",
    "Checkpoint": "of a training's state",
    "CheckpointStore": "of a run's folder",
    "Optimizer": "of a training's state",
    "Selection": "of a training's state",
    "Order": "of a training's plan",
}
"""Classes of attributes that can be looked at, but are no promise: the inside of what they are attributes of."""

SLOW = {"tune", "compare_settings", "Tuning", "Trial", "GridResult", "Watcher", "report", "write_comparison"}
"""Names whose examples train several times, or draw."""

NAMES = [name for name in unrolled.__all__ if name != "__version__"]
ERRORS = [name for name in NAMES if name.endswith(("Error", "Warning"))]


@cache
def tree(module: str) -> ast.Module:
    path = importlib.import_module(module).__file__
    assert path is not None
    return ast.parse(Path(path).read_text(encoding="utf-8"))


@cache
def statements(module: str) -> list[ast.stmt]:
    """Those of the module's own level, also of its blocks for the type checker."""
    found: list[ast.stmt] = []
    for node in tree(module).body:
        found += [*node.body, *node.orelse] if isinstance(node, ast.If) else [node]
    return found


@dataclass(frozen=True)
class Definition:
    """Where a name of the package is defined, and how."""

    name: str
    module: str
    node: ast.stmt

    @property
    def is_alias(self) -> bool:
        return isinstance(self.node, ast.Assign | ast.AnnAssign)


@cache
def definition(name: str, module: str) -> Definition | None:
    """Where a name that a module uses is defined; None where it is no class, function or alias of the package."""
    for node in statements(module):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "unrolled":
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return definition(alias.name, node.module)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return Definition(name, module, node)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return Definition(name, module, node)
    return None


def named(annotation: ast.expr | None) -> Iterator[str]:
    """The names in an annotation, also where it is written as a text."""
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.Name):
            yield node.id
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def annotations(node: ast.stmt) -> Iterator[ast.expr | None]:
    """Of a function, of a class's public attributes and methods, or of what an alias stands for."""
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        yield from (argument.annotation for argument in every if argument is not None)
        yield node.returns
    elif isinstance(node, ast.ClassDef):
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id[0] != "_":
                yield one.annotation
            if isinstance(one, ast.FunctionDef) and (one.name[0] != "_" or one.name == "__init__"):
                yield from annotations(one)
    elif isinstance(node, ast.Assign):
        yield node.value


def needed(found: Definition) -> Iterator[Definition]:
    """What of the package a user of a public name may have to name himself; aliases of plain types he can spell out."""
    for annotation in annotations(found.node):
        for name in named(annotation):
            other = definition(name, found.module)
            if other is None or isinstance(other.node, ast.FunctionDef):
                continue
            if not other.is_alias or next(needed(other), None):
                yield other
    for base in found.node.bases if isinstance(found.node, ast.ClassDef) else ():
        for name in named(base):
            other = definition(name, found.module)
            if other is not None:
                yield from needed(other)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_signature_names_is_public(name: str) -> None:
    found = definition(name, "unrolled")
    assert found is not None
    private = {other.name for other in needed(found)} - set(NAMES) - set(INSIDE)
    assert not private, f"{name} shows {sorted(private)}"


def test_nothing_is_excepted_without_need() -> None:
    found = [definition(name, "unrolled") for name in NAMES]
    shown = {other.name for one in found if one is not None for other in needed(one)}
    assert set(INSIDE) <= shown
    assert not set(INSIDE) & set(NAMES)


def test_the_type_checker_is_told_the_same_names() -> None:
    imported = {
        (node.module, alias.name, alias.asname)
        for node in statements("unrolled")
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if node.module and node.module.startswith("unrolled")
    }
    rooms = {room: names.split() for room, names in unrolled._ROOMS.items()}
    assert imported == {(room, name, name) for room, names in rooms.items() for name in names}
    assert unrolled.__all__ == sorted([*NAMES, "__version__"])
    assert all(len(set(names)) == len(names) for names in rooms.values())


def test_every_name_can_be_had_from_its_room() -> None:
    for room, names in unrolled._ROOMS.items():
        shown = importlib.import_module(room)
        assert set(names.split()) <= set(shown.__all__) if hasattr(shown, "__all__") else True
        for name in names.split():
            assert getattr(unrolled, name) is getattr(shown, name)
    assert unrolled.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        unrolled.nothing  # noqa: B018


def test_no_room_hides_a_name() -> None:
    """Python sets a room as an attribute of the package when it is imported, which a name of it would not survive."""
    assert not set(NAMES) & {path.stem for path in SOURCE.iterdir()}


def test_every_error_is_public() -> None:
    errors = importlib.import_module("unrolled.errors")
    found = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert found == set(ERRORS)


def test_the_docstring_is_the_table_of_contents() -> None:
    assert unrolled.__doc__ is not None
    lines = re.findall(r"^ {4}(\w+) {2,}\S", unrolled.__doc__, re.MULTILINE)
    told = re.findall(r"\b\w+Error\b", unrolled.__doc__)
    assert sorted({*lines, *told}) == sorted(NAMES)
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*.py"))],
    ids=lambda p: p.name,
)
def test_documents_and_examples_use_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?:from|import) unrolled\.\S+", text)
    used = set(re.findall(r"(?<![\w./\"-])unrolled\.(\w+)\(", text))
    used |= {name for names in re.findall(r"from unrolled import (.+)", text) for name in re.split(r",\s*", names)}
    assert used <= set(NAMES)


# Examples


def documented() -> Iterator[tuple[str, str]]:
    """Name and docstring of every public function, class and method, and of the tree of errors."""
    for name in NAMES:
        found = getattr(unrolled, name)
        if name in ERRORS or not (inspect.isfunction(found) or inspect.isclass(found)) or name == "Rival":
            continue
        yield name, inspect.getdoc(found) or ""
        if not inspect.isclass(found):
            continue
        for base in found.__mro__:
            if not base.__module__.startswith("unrolled"):
                continue
            for method, value in vars(base).items():
                doc = getattr(getattr(value, "__func__", value), "__doc__", None)
                if method[0] != "_" and doc and ">>>" in doc and not inspect.isclass(value):
                    yield f"{name}.{method}", inspect.cleandoc(doc)
    yield "errors", importlib.import_module("unrolled.errors").__doc__ or ""


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the examples begin with, as the package's docstring describes it; made in a folder of its own."""
    rng = np.random.default_rng(0)
    labels = ["low", "high"] * 30
    arrays = [rng.normal(2 if label == "high" else -2, 1, (rng.integers(5, 20), 2)) for label in labels]
    parts = (slice(0, 40), slice(40, 50), slice(50, 60))
    dataset = unrolled.Dataset(
        "levels", *(unrolled.Sequences.from_list(arrays[part], labels[part]) for part in parts), note="made by chance"
    )
    options = {"hidden_size": 8, "max_epochs": 30, "batch_size": 8, "report": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        recipe = unrolled.Recipe(name="levels", model=unrolled.ModelConfig(), train=unrolled.TrainConfig())
        run = unrolled.train(recipe, data=dataset, **options)
        here = Path.cwd()
    return {
        "np": np,
        "unrolled": unrolled,
        "arrays": arrays,
        "labels": labels,
        "dataset": dataset,
        "run": run,
        "model": run.model,
        "here": here,
    }


@pytest.mark.parametrize(
    ("name", "doc"),
    [pytest.param(*one, marks=[pytest.mark.slow] if one[0] in SLOW else [], id=one[0]) for one in documented()],
)
def test_the_example_says_what_happens(name: str, doc: str, names: dict[str, Any], fresh: Path) -> None:
    assert ">>>" in doc, f"{name} has no example"
    shutil.copytree(names["here"], fresh, dirs_exist_ok=True)
    example = doctest.DocTestParser().get_doctest(doc, dict(names), name, name, 0)
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed = doctest.DocTestRunner(optionflags=flags).run(example, out=said.append).failed
    assert not failed, "".join(said)
