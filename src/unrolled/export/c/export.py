"""A model as a source and a header in C: written if its own test gives the model's probabilities."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError, ExportError, UnsupportedError
from unrolled.export.c.network import Body, streaming, whole
from unrolled.export.c.selftest import CompilerError, find_compiler, run_test, self_test
from unrolled.export.c.text import written
from unrolled.export.exported import ExportedC
from unrolled.storage import write_bytes

if TYPE_CHECKING:
    from unrolled.model import Model

LARGEST = 20_000_000
"""Weights of a model in C at most."""

_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
asm bool class main test
"""
KEYWORDS = frozenset(_WORDS.split())
"""Words that cannot begin the names of a model."""


def export_c(model: Model, path: str | Path, *, max_steps: int | None = None, run: bool = True) -> ExportedC:
    """Writes a model as one source and one header in C99, which need no library.

    The test in the source is compiled and run where a compiler is found. The header says what the functions do.

    Args:
        model: the trained model.
        path: of the source, ``NAME.c``; NAME begins every name in it, and ``NAME.h`` is written beside it.
        max_steps: for a model that reads a sequence at its end, the steps of the longest, by default those of the
            longest of the model's examples; memory grows with it.
        run: whether to compile and run the test.
    Raises:
        ConfigError: for a NAME that is no identifier in C, or a ``max_steps`` that does not fit the model.
        UnsupportedError: for a model that has no such form.
        ExportError: if a compiler fails, with its message (both files are written); or if the probabilities differ from
            the model's (nothing is written).
        StorageError: if they cannot be written.

    Example:
        >>> exported = unrolled.export_c(model, "levels.c")
        >>> exported.header.name, exported.max_steps
        ('levels.h', None)
    """
    source = Path(path)
    prefix = checked_name(source)
    body, most = _body(model, max_steps)
    text, test = written(model, body, most), self_test(model, most)
    files = {
        source.with_suffix(".h"): _named(text.header, prefix),
        source: _named(text.source + test.source, prefix),
    }
    compiler, check, failed = find_compiler() if run else None, None, None
    if compiler is not None:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                (Path(folder) / file.name).write_text(content, encoding="utf-8")
            try:
                check = run_test(compiler, Path(folder) / source.name, test)
            except CompilerError as error:
                failed = error
    for file, content in files.items():
        write_bytes(file, content.encode())
    if failed is not None:
        raise ExportError(
            f"{failed}\nBoth files were written, untested: {source} and {source.with_suffix('.h')}. Set CC to another "
            "compiler of C99."
        )
    return ExportedC(
        source,
        source.with_suffix(".h"),
        most is None,
        most,
        text.flash_bytes,
        text.state_bytes,
        " ".join(compiler) if compiler and check else None,
        check,
    )


def checked_name(path: Path) -> str:
    """The name of a source, which begins every name in it.

    Raises:
        ConfigError: for a name that is no identifier in C.
    """
    name = path.stem
    if path.suffix != ".c":
        raise ConfigError(f"the file {path.name!r} does not end in .c; expected a name such as {identifier(name)}.c.")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name.lower() in KEYWORDS:
        raise ConfigError(
            f"{name!r} begins every name in the C, and is no identifier there; expected letters of ASCII, digits and "
            f"_, a letter first, and no word of the language: {identifier(name)}.c, for example."
        )
    return name


def identifier(name: str) -> str:
    """A name as an identifier in C."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "model"
    return plain if plain[0].isalpha() and plain.lower() not in KEYWORDS else f"model_{plain}"


def _body(model: Model, max_steps: int | None) -> tuple[Body, int | None]:
    """The network in C, and the steps of a sequence that is kept until its end."""
    weights = sum(weight.numel() for weight in model.network.parameters())
    if weights > LARGEST:
        raise UnsupportedError(
            f"the model has {weights:,} weights; C holds up to {LARGEST:,}. Export ONNX (--format onnx), or train a "
            "smaller network (--hidden-size, --num-layers)."
        )
    facts = model.facts
    cut = facts.max_length is not None
    if model.network.reads_forward and not (cut and facts.keep_steps == "last"):
        if max_steps is not None:
            raise ConfigError(
                f"max_steps is {max_steps}, but this model reads sequences of any length as they come: leave it out."
            )
        return streaming(model), None
    longest = max((len(example.sequence) for example in model.examples), default=0)
    if facts.max_length is not None:
        longest = min(longest, facts.max_length) if max_steps is not None else facts.max_length
    if max_steps is None:
        if not longest:
            raise ConfigError("this model reads a sequence at its end: give max_steps, the steps of the longest.")
        max_steps = longest
    if max_steps < max(longest, 1):
        raise ConfigError(
            f"max_steps is {max_steps}; expected at least {max(longest, 1)}, the steps of the longest of the model's "
            "examples."
        )
    most = max_steps if facts.max_length is None else min(max_steps, facts.max_length)
    return whole(model, most), most


def _named(text: str, prefix: str) -> str:
    return re.sub(r"\bNAME(?=\b|_)", prefix, text.replace("BIG_", f"{prefix.upper()}_"))
