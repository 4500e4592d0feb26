"""The test in the source of a model in C, and running it with the compiler of the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences
from unrolled.errors import ExportError
from unrolled.export.c.program import literal
from unrolled.export.c.text import quoted, wrapped
from unrolled.export.exported import ExportCheck
from unrolled.export.trials import allowed_differences, trial_sequences

if TYPE_CHECKING:
    from unrolled.model import Model

Array = npt.NDArray[Any]

MOST_VALUES = 20_000
"""Values of all sequences in the test."""

FLAGS = ("-std=c99", "-O2")

TEST = """
#ifdef BIG_TEST
#include <math.h>
#include <stdio.h>

static const int test_lengths[{count}] = {{
{lengths}}};
static const {kind} test_values[{total}] = {{
{values}}};
static const {share} test_probabilities[{count}][BIG_CLASSES] = {{
{probabilities}}};

/* Compares with the probabilities of the model: 0 if each is as near as it should be. */
int main(void)
{{
    static NAME_state state;
    {share} found[BIG_CLASSES], worst = {zero};
    int place = 0, wrong = 0;
    for (int s = 0; s < {count}; s++) {{
        NAME_reset(&state);
        for (int t = 0; t < test_lengths[s]; t++, place++) {{
{read}
            if (NAME_step(&state, values) != 0)
                wrong++;
        }}
        const int best = NAME_probabilities(&state, found);
        for (int c = 0; c < BIG_CLASSES; c++) {{
            const {share} expected = test_probabilities[s][c], most = test_probabilities[s][best < 0 ? 0 : best];
            const {share} gap = found[c] > expected ? found[c] - expected : expected - found[c];
            if (gap > worst)
                worst = gap;
            if (best < 0 || !(gap <= {allowed}) || expected > most + {allowed})
                wrong++;
        }}
    }}
    printf("%d sequences, largest difference %.3g, %d wrong\\n", {count}, (double)worst, wrong);
    return wrong != 0;
}}
#endif
"""


@dataclass(frozen=True)
class SelfTest:
    """The test in C, and what it compares: sequences, and the steps of the longest."""

    source: str
    sequences: int
    longest: int


def test_sequences(model: Model, most: int | None) -> Sequences:
    """The model's examples and a few other sequences, as far as they fit."""
    sequences = trial_sequences(model)
    chosen, room = [], MOST_VALUES
    for index, length in enumerate(sequences.lengths.tolist()):
        cost = length * len(sequences.channels)
        if cost <= room and (most is None or length <= most or model.facts.max_length is not None):
            chosen.append(index)
            room -= cost
    return sequences.take(np.array(chosen))


def self_test(model: Model, sequences: Sequences, expected: Array | None = None, bits: int = 0) -> SelfTest:
    """The test of a model in C on these sequences.

    Args:
        model: the model, whose probabilities are expected.
        sequences: from `test_sequences`.
        expected: of whole numbers, the shares that every machine gives.
        bits: of whole numbers, the fraction bits of values.
    """
    share, allowed = "int32_t", 0.0
    if expected is None:
        expected = model.predict_proba(sequences)
        share, allowed = "float", float(allowed_differences(model, sequences, expected).max())
    if sequences.symbols is not None:
        values = [quoted(token) for index in range(len(sequences)) for token in sequences.tokens(index) or ()]
        kind, read = "char *const", "            const int code = NAME_code(test_values[place]), *values = &code;"
    else:
        read = "            const NAME_value *values = test_values + place * BIG_CHANNELS;"
        given = np.concatenate([row.ravel() for row in (sequences.scaled(index) for index in range(len(sequences)))])
        kind, values = "float", [_number(float(value)) for value in given]
        if share == "int32_t":
            kind, values = "int32_t", [str(value) for value in fixed(given, bits)]
    rows = [f"    {{{', '.join(literal(value, share) for value in row)}}},\n" for row in expected]
    source = TEST.format(
        count=len(sequences),
        lengths=wrapped([str(length) for length in sequences.lengths]),
        kind=kind,
        total=len(values),
        values=wrapped(values),
        probabilities="".join(rows),
        read=read,
        allowed=literal(allowed, share),
        share=share,
        zero=literal(0, share),
    )
    return SelfTest(source, len(sequences), int(sequences.lengths.max()))


def fixed(values: Array, bits: int) -> Array:
    """Values as whole numbers with fraction bits, within 32 bits."""
    return np.clip(np.round(values.astype(np.float64) * 2.0**bits), -(2**31) + 1, 2**31 - 1).astype(np.int32)


def _number(value: float) -> str:
    return "NAN" if np.isnan(value) else literal(value, "float")


def find_compiler() -> list[str] | None:
    """The command of a compiler of C: what CC names, or else the first that is installed."""
    named = os.environ.get("CC", "").split()
    if named and shutil.which(named[0]):
        return named
    found = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    return None if found is None else [found]


def compile_c(compiler: list[str], source: Path, target: Path, *flags: str) -> None:
    """Compiles a source.

    Raises:
        CompilerError: if the compiler fails, with its message.
    """
    command = [*compiler, *flags, str(source), "-o", str(target)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the machine's own
    if made.returncode:
        message = (made.stderr or made.stdout).strip() or f"it ended with {made.returncode} and said nothing"
        raise CompilerError(f"{' '.join(compiler)} could not compile {source.name}: {message}")


def run_test(compiler: list[str], source: Path, test: SelfTest) -> ExportCheck:
    """Compiles the source with its test beside it, and runs it.

    Raises:
        ExportError: if the compiler fails, with its message, or if the probabilities are not the model's.
    """
    program = source.with_suffix(".exe" if sys.platform == "win32" else ".test")
    macro = f"-D{source.stem.upper()}_TEST"
    compile_c(compiler, source, program, *FLAGS, macro)
    ran = subprocess.run([str(program)], capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        raise ExportError(
            f"the program in C does not give the model's probabilities: {ran.stdout.strip() or ran.returncode}. "
            "Nothing was written. This should not happen: please report it with the model's configuration."
        )
    return ExportCheck(test.sequences, test.longest, float(ran.stdout.split("difference ")[1].split(",")[0]))


class CompilerError(ExportError):
    """A compiler that failed."""
