"""From a table's places to the classes and functions that stand there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load(table: Mapping[str, str]) -> dict[str, Any]:
    """What stands at the places of a table, by name.

    Args:
        table: places as ``"module:attribute"``, by name.
    """
    found = {}
    for name, place in table.items():
        module, _, attribute = place.partition(":")
        found[name] = getattr(import_module(module), attribute)
    return found
