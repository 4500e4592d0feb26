"""The package's version, from its installed metadata."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("unrolled")
except PackageNotFoundError:  # run from a source tree that was never installed
    VERSION = "0+unknown"
