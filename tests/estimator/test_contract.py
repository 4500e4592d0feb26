"""scikit-learn's own checks of an estimator: all of them, none expected to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from unrolled import SequenceClassifier

pytestmark = pytest.mark.slow

ARRAY_API = "check_array_api_input"
"""Needs SCIPY_ARRAY_API=1 before SciPy is imported; it is run in a process of its own."""


@parametrize_with_checks([SequenceClassifier(hidden_size=16, max_steps=100, threads=1)])
def test_scikit_learns_check(estimator: SequenceClassifier, check: Callable[[Any], None]) -> None:
    if getattr(check, "func", check).__name__ == ARRAY_API:
        return
    check(estimator)


def test_scikit_learns_check_with_array_api_dispatch() -> None:
    code = (
        "from sklearn.utils.estimator_checks import estimator_checks_generator as checks; "
        "from unrolled import SequenceClassifier; "
        "pairs = checks(SequenceClassifier(hidden_size=4, max_steps=5, threads=1)); "
        f"found = [check(e) for e, check in pairs if getattr(check, 'func', check).__name__ == {ARRAY_API!r}]; "
        "assert found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "SCIPY_ARRAY_API": "1"})
