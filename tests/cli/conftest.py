"""The command line as a fixture: no colour, one width."""

from __future__ import annotations

import pytest

from commands import Command, call


@pytest.fixture
def unrolled(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls ``unrolled`` with some words."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    return call
