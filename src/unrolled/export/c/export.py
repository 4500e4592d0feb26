"""A model as a source and a header in C: written if its own test gives the model's probabilities."""

from __future__ import annotations

import ctypes
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.data import Sequences, value_range
from unrolled.errors import ConfigError, ExportError, UnsupportedError
from unrolled.export.c.fixed import FixedProgram
from unrolled.export.c.network import Body, names_of, streaming, whole
from unrolled.export.c.program import Program
from unrolled.export.c.running import Compiled, load_c
from unrolled.export.c.selftest import CompilerError, find_compiler, run_test, self_test, test_sequences
from unrolled.export.c.text import written
from unrolled.export.exported import ExportedC, Quantized
from unrolled.statistics import Groups, share
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


def export_c(
    model: Model,
    path: str | Path,
    *,
    max_steps: int | None = None,
    int8_data: Sequences | None = None,
    run: bool = True,
) -> ExportedC:
    """Writes a model as one source and one header in C99, which need no library.

    The test in the source is compiled and run where a compiler is found. The header says what the functions do.

    Args:
        model: the trained model.
        path: of the source, ``NAME.c``; NAME begins every name in it, and ``NAME.h`` is written beside it.
        max_steps: for a model that reads a sequence at its end, the steps of the longest, by default those of the
            longest of the model's examples; memory grows with it.
        int8_data: labelled sequences; the C then computes with whole numbers alone, weights have 8 bits, every machine
            gives the same bits, and the cost in accuracy is measured on these. It needs a compiler.
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
    prefix, compiler = checked_name(source), find_compiler() if run else None
    made = make(model, prefix, max_steps, int8_data)
    sequences = test_sequences(model, made.most)
    quantized = None
    if int8_data is None:
        test = self_test(model, sequences)
    else:
        program = made.compiled(needed(compiler))
        test = self_test(model, sequences, program.shares(sequences), made.body.entering_bits)
        quantized = measured(model, int8_data, program)
    files = {source.with_suffix(".h"): made.header, source: made.source + named(test.source, prefix)}
    check, failed = None, None
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
        made.most is None,
        made.most,
        made.flash_bytes,
        made.state_bytes,
        " ".join(compiler) if compiler and check else None,
        check,
        quantized,
    )


@dataclass(frozen=True)
class Made:
    """A model in C that is not written yet.

    Attributes:
        prefix: of its names.
        classes: C.
        body: its network.
        most: steps of a sequence that is kept until its end; None where each is read as it comes.
        header, source: the two texts.
        flash_bytes, state_bytes: see `ExportedC`.
    """

    prefix: str
    classes: int
    body: Body
    most: int | None
    header: str
    source: str
    flash_bytes: int
    state_bytes: int

    def compiled(self, compiler: list[str]) -> Compiled:
        """The model, compiled and loaded."""
        library = load_c(self.source, self.header, self.prefix, compiler)
        state = ctypes.create_string_buffer(self.state_bytes + 64)
        bits = self.body.entering_bits if self.body.fixed else None
        return Compiled(library, self.prefix, state, self.classes, bits)


def make(
    model: Model,
    prefix: str,
    max_steps: int | None = None,
    int8_data: Sequences | None = None,
    *,
    hidden: bool = False,
) -> Made:
    """A model in C, in whole numbers where there are data for them; see `export_c`. ``hidden`` keeps all outputs."""
    program = Program(names_of(model))
    if int8_data is not None:
        program = FixedProgram(names_of(model), entering=_largest(model, int8_data))
    body, most = made_body(model, program, max_steps, hidden=hidden)
    body.fixed = int8_data is not None
    text = written(model, body, most)
    header, source = (named(part, prefix) for part in (text.header, text.source))
    return Made(prefix, len(model.classes), body, most, header, source, text.flash_bytes, text.state_bytes)


def measured(model: Model, sequences: Sequences, program: Compiled) -> Quantized:
    """What 8 bits cost on labelled sequences."""
    sequences = model.accept(sequences)
    truth = model.targets(sequences)
    before, after = model.predict_index(sequences), program.answers(sequences)[0]
    groups = Groups.of(sequences.groups, len(sequences))
    original, int8, same = (share(right, groups) for right in (before == truth, after == truth, before == after))
    size = sum(4 * weight.numel() for weight in model.network.parameters())
    return Quantized(original, int8, same, size, groups.count)


def _largest(model: Model, sequences: Sequences) -> float:
    """The largest value that the whole numbers must hold: twice that of the training and of the data."""
    if model.facts.vocabulary is not None:
        return 1.0
    found = [*(model.facts.value_range or ()), *value_range(model.accept(sequences))]
    return 2 * max(map(abs, found)) or 1.0


def needed(compiler: list[str] | None) -> list[str]:
    """A compiler that was found.

    Raises:
        ConfigError: if none was.
    """
    if compiler is None:
        raise ConfigError(
            "no compiler of C was found, which running the C takes, and measuring 8 bits; install one (gcc or clang), "
            "name it in CC, or export C without --quantize."
        )
    return compiler


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


def made_body(
    model: Model, program: Program, max_steps: int | None, *, hidden: bool = False
) -> tuple[Body, int | None]:
    """The network in C, and the steps of a sequence that is kept until its end."""
    weights = sum(weight.numel() for weight in model.network.parameters())
    if weights > LARGEST:
        raise UnsupportedError(
            f"the model has {weights:,} weights; C holds up to {LARGEST:,}. Export ONNX (--format onnx), or train a "
            "smaller network (--hidden-size, --num-layers)."
        )
    facts = model.facts
    if facts.offsets is not None:
        raise UnsupportedError(
            "the model takes large numbers off its channels in double precision before it reads them, which this form "
            "does not. Export ONNX (--format onnx), or take them off before the training."
        )
    cut = facts.max_length is not None
    if model.network.reads_forward and not (cut and facts.keep_steps == "last"):
        if max_steps is not None:
            raise ConfigError(
                f"max_steps is {max_steps}, but this model reads sequences of any length as they come: leave it out."
            )
        return streaming(model, program), None
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
    return whole(model, program, most, hidden=hidden), most


def named(text: str, prefix: str) -> str:
    return re.sub(r"\bNAME(?=\b|_)", prefix, text.replace("BIG_", f"{prefix.upper()}_"))
