"""The compiled kernel's tests are skipped where it is missing, and can be had at each of its levels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unrolled.nn.compiled.library import LEVELS, Missing, load_library


@pytest.fixture(autouse=True)
def _library() -> None:
    """The package must pass its tests without a compiled library too."""
    library = load_library()
    if isinstance(library, Missing):
        pytest.skip(f"the compiled kernel is missing, {library.reason}")


@pytest.fixture(params=sorted(LEVELS), ids=[LEVELS[level] for level in sorted(LEVELS)])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Each level of the processor's instructions in its turn."""
    monkeypatch.setenv("UNROLLED_KERNEL_LEVEL", str(request.param))
    load_library.cache_clear()
    library = load_library()
    if isinstance(library, Missing) or library.instructions != LEVELS[request.param]:
        load_library.cache_clear()
        pytest.skip(f"this processor, or this build, has no {LEVELS[request.param]}")
    yield request.param
    load_library.cache_clear()
