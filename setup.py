"""Builds the compiled kernel, where there is a C compiler; without one the package works with PyTorch's kernels.

The same source is compiled once for each level of the processor's instructions, into libraries of plain C that
nothing links against: `unrolled.nn.compiled.library` loads the one that fits.
"""

from __future__ import annotations

import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = "src/unrolled/nn/compiled"
HEADERS = (
    "answer",
    "vectors",
    "tiles",
    "cells",
    "packing",
    "denormals",
    "shard",
    "forward",
    "backward",
    "layer",
    "team",
)
# GCC's predictive commoning moves the tiles' loads across iterations and runs out of registers over it.
COMMON = ["-std=gnu11", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-pthread"]
GCC_ONLY = ["-fno-predictive-commoning"]
LEVELS = {f"_v{level}": [f"-march=x86-64-v{level}"] for level in (2, 3, 4)}
TARGETS = LEVELS if platform.machine().lower() in ("x86_64", "amd64") else {"_native": []}


class BuildKernels(build_ext):
    """Each library from its own folder of objects, for they come from the same source."""

    def build_extension(self, ext: Extension) -> None:
        """Compiles and links one library."""
        shared, self.build_temp = self.build_temp, str(Path(self.build_temp) / ext.name)
        try:
            super().build_extension(ext)
        finally:
            self.build_temp = shared

    def build_extensions(self) -> None:
        """All of them, with the flags that this compiler knows."""
        known = [flag for flag in GCC_ONLY if self._takes(flag)]
        for ext in self.extensions:
            ext.extra_compile_args += known
        super().build_extensions()

    def _takes(self, flag: str) -> bool:
        try:
            completed = self.compiler.spawn([*self.compiler.compiler_so, flag, "-Werror", "-E", "-xc", "/dev/null"])
        except Exception:  # whatever a compiler that is not there brings about
            return False
        return completed is None


setup(
    ext_modules=[
        Extension(
            f"unrolled.nn.compiled.{name}",
            [f"{FOLDER}/layer.c", f"{FOLDER}/team.c"],
            depends=[f"{FOLDER}/{header}.h" for header in HEADERS],
            extra_compile_args=[*COMMON, *flags],
            extra_link_args=["-pthread", "-lm"],
            optional=True,
        )
        for name, flags in TARGETS.items()
    ],
    cmdclass={"build_ext": BuildKernels},
)
