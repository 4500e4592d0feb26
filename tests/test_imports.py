"""The arrows between the rooms point down only, and there are no circles."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "unrolled"

LAYERS = [
    {"errors", "storage", "version", "bars"},
    {"config"},
    {"data", "nn"},
    {"inference", "devices", "info"},
    {"training", "baselines", "model_card", "examples", "model", "streaming"},
    {"evaluation", "run_folder"},
    {"experiment", "export", "serving", "estimator", "parallel", "workers"},
    {"grid"},
    {"tuning"},
    {"worker"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def modules() -> dict[str, Path]:
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


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
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


@pytest.mark.parametrize("module", sorted(set(modules()) - {"unrolled"}))
def test_imports_point_down(module: str) -> None:
    here = room(module)
    assert here in LEVEL, f"{here} stands in no layer"
    for other in imported(modules()[module]):
        there = room(other)
        if there is None or there == here:
            continue
        assert LEVEL[there] <= LEVEL[here], f"{module} imports {other}, which stands above it"


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


def test_the_public_names_are_these_and_all_can_be_had() -> None:
    import unrolled

    assert unrolled.__all__ == sorted(unrolled.__all__)
    assert set(unrolled.__all__) == {
        "Comparison",
        "Evaluation",
        "Model",
        "Recipe",
        "Rival",
        "Run",
        "SequenceClassifier",
        "Sequences",
        "Tuning",
        "UnrolledError",
        "__version__",
        "compare",
        "compare_settings",
        "evaluate",
        "load",
        "read",
        "report",
        "resume",
        "train",
        "tune",
    }
    for name in unrolled.__all__:
        assert getattr(unrolled, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        unrolled.nothing  # noqa: B018
