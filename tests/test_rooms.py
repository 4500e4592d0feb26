"""The rooms: imports point down only, and what a room does not show no other room imports."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "unrolled"
LOOSE = {"__init__", "__main__", "notebook", "config", "errors", "storage", "version"}
"""Modules that stand in no room."""

LAYERS = [
    {"errors", "version", "parts", "notebook"},
    {"config", "storage", "statistics", "runtime"},
    {"data", "nn"},
    {"baselines", "preparation", "runtime.installed"},
    {"network"},
    {"model"},
    {"training"},
    {"readout"},
    {"evaluation"},
    {"drawing"},
    {"reports"},
    {"jobs"},
    {"runs"},
    {"comparison"},
    {"tuning"},
    {"export", "estimator"},
    {"serving"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever in it, but not for the type checker alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "unrolled":
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names & set(modules())


def room(module: str) -> str | None:
    """Where a module stands in `LAYERS`; None for the package itself."""
    parts = module.split(".")[1:3]
    return ".".join(parts) if ".".join(parts) in LEVEL else next(iter(parts), None)


@pytest.mark.parametrize("module", sorted(set(modules()) - {"unrolled"}))
def test_imports_point_down(module: str) -> None:
    here = room(module)
    assert here in LEVEL, f"{here} stands in no layer"
    for other in imported(modules()[module]):
        there = room(other)
        if there is None or there == here:
            continue
        assert LEVEL[there] <= LEVEL[here], f"{module} imports {other}, which stands above it"


def home(module: str) -> str:
    """The package that a module stands in; a package is its own."""
    return module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]


def stands_in(module: str, package: str) -> bool:
    return home(module) == package or home(module).startswith(f"{package}.")


@pytest.mark.parametrize("module", sorted(set(modules()) - {"unrolled.__main__"}))  # the command, as in pyproject.toml
def test_a_room_is_entered_by_its_door(module: str) -> None:
    """From outside a package only the package itself is imported, and of it only names in ``__all__``."""
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.module not in modules():
            continue
        package = home(node.module)
        if stands_in(module, package):
            continue
        assert node.module == package, f"{module} imports from inside {package}: {node.module}"
        shown = set(importlib.import_module(package).__all__)
        hidden = {alias.name for alias in node.names} - shown
        assert not hidden, f"{module} imports {hidden}, which {package} does not show"


def test_every_room_has_a_table_of_contents() -> None:
    for name, path in modules().items():
        if path.name == "__init__.py" and path.parent != SOURCE:
            package = importlib.import_module(name)
            assert package.__doc__, f"{name} does not say what it is for"
            named = set(package.__doc__.replace(".py", "").split())
            unnamed = {other.stem for other in path.parent.glob("*.py")} - {"__init__"} - named
            assert not unnamed, f"the table of contents of {name} lacks {unnamed}"
            assert package.__all__ or name == "unrolled.cli", f"{name} shows nothing"
            tree = ast.parse(path.read_text(encoding="utf-8"))
            kinds = (ast.Expr, ast.ImportFrom, ast.Assign, ast.AnnAssign)
            assert all(isinstance(node, kinds) for node in tree.body), f"{name} does more than show names"


def test_no_module_stands_loose() -> None:
    assert {path.stem for path in SOURCE.glob("*.py")} == LOOSE


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: imported(path) - {name} for name, path in modules().items()}
    # a package's own __init__ may gather its modules; they do not import the package
    TopologicalSorter(
        {name: {n for n in names if not name.startswith(f"{n}.")} for name, names in graph.items()}
    ).prepare()


def test_data_and_network_do_not_know_each_other() -> None:
    for module, path in modules().items():
        if room(module) == "nn":
            assert not [other for other in imported(path) if room(other) == "data"]
        if room(module) == "data":
            assert not [other for other in imported(path) if room(other) == "nn"]


@pytest.mark.parametrize("statement", ["import unrolled", "import unrolled.cli.main"])
def test_the_entrance_imports_nothing_heavy(statement: str) -> None:
    heavy = "{'torch', 'sklearn', 'matplotlib', 'pydantic', 'scipy', 'numpy'}"
    code = f"import sys; {statement}; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


CONTRIBUTING = (SOURCE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_has_every_room_in_its_order() -> None:
    rooms = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", CONTRIBUTING, re.MULTILINE)
    assert {*rooms} == {*LEVEL, "recipes"} - {"version", "runtime.installed", "__main__"}
    levels = [LEVEL[room] for room in rooms if room != "recipes"]
    assert levels == sorted(levels, reverse=True)


def test_the_files_on_the_way_of_a_training_exist() -> None:
    way = CONTRIBUTING.partition("## The life of a training")[2].partition("## ")[0]
    named = re.findall(r"`(\w+(?:/\w+)*(?:/|\.(?:py|toml)))`", way)
    assert len(named) > 20
    assert [name for name in named if not (SOURCE / name).exists()] == []
