"""Loading of the classes and functions in a table."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any


def load(table: Mapping[str, str]) -> dict[str, Any]:
    """The classes or functions of a table, by name.

    Args:
        table: locations as ``"module:attribute"``, by name.
    """
    return {name: resolve_name(location) for name, location in table.items()}
