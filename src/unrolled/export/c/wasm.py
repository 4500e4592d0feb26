"""A model's network as WebAssembly, for a page: its C, compiled by clang with lld or by zig."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unrolled.errors import ConfigError
from unrolled.export.c.export import Made, make
from unrolled.export.c.selftest import compile_c

if TYPE_CHECKING:
    from unrolled.model import Model

LONGEST = 1000
"""Steps of the longest sequence that a page reads, of a model that reads a sequence at its end."""

EXPORTS = ("reset", "values", "step", "answer", "shares", "hidden")

FLAGS = (
    *("-std=c99", "-O3", "-ffreestanding", "-nostdlib", "-mbulk-memory", "-msimd128"),
    *("-Wl,--no-entry", "-Wl,-z,stack-size=1048576"),
)

GLUE = """
static network_state page_state;
static network_value page_given[NETWORK_CHANNELS];
static network_share page_found[NETWORK_CLASSES];
static network_state *const state = &page_state;
void page_reset(void) { network_reset(state); }
network_value *page_values(void) { return page_given; }
int page_step(void) { return network_step(state, page_given); }
int page_answer(void) { return network_probabilities(state, page_found); }
network_share *page_shares(void) { return page_found; }
float *page_hidden(void) { return HIDDEN; }
"""


@dataclass(frozen=True)
class PageNetwork:
    """A network as WebAssembly.

    Attributes:
        wasm: the module; it imports nothing, and exports ``page_reset``, ``page_values``, ….
        units: of the last layer's outputs.
        most: steps of the longest sequence; None for any.
        compiler: that made it.
    """

    wasm: bytes
    units: int
    most: int | None
    compiler: str


def page_network(model: Model, max_steps: int | None = None) -> PageNetwork:
    """A model's network for a page.

    Raises:
        ConfigError: if there is no compiler for WebAssembly.
        UnsupportedError: for a model that has no such form.
        ExportError: if the compiler fails.
    """
    compiler = find_compiler()
    streams = model.network.reads_forward and (model.facts.max_length is None or model.facts.keep_steps == "first")
    longest = max((len(example.sequence) for example in model.examples), default=0)
    most = max_steps if streams or max_steps else max(LONGEST, longest)
    made = make(model, "network", most, hidden=True)
    return PageNetwork(_compiled(made, compiler), made.body.hidden[1], made.most, " ".join(compiler[:1]))


def _compiled(made: Made, compiler: list[str]) -> bytes:
    place, _ = made.body.hidden
    glue = GLUE.replace("HIDDEN", place)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "network.c"
        source.write_text(made.source + glue, encoding="utf-8")
        source.with_suffix(".h").write_text(made.header, encoding="utf-8")
        target = source.with_suffix(".wasm")
        exports = [f"-Wl,--export=page_{name}" for name in EXPORTS]
        compile_c(compiler, source, target, *FLAGS, *exports)
        return target.read_bytes()


def find_compiler() -> list[str]:
    """The command of a compiler for WebAssembly.

    Raises:
        ConfigError: if there is none.
    """
    if shutil.which("clang") and shutil.which("wasm-ld"):
        return ["clang", "--target=wasm32"]
    zig = [shutil.which("zig")] if shutil.which("zig") else None
    if zig is None and importlib.util.find_spec("ziglang"):
        zig = [sys.executable, "-m", "ziglang"]
    if zig:
        return [*map(str, zig), "cc", "-target", "wasm32-freestanding"]
    raise ConfigError(
        "no compiler for WebAssembly was found, which the page needs. Install clang and lld (Debian: apt install clang "
        "lld), or zig (`python -m pip install ziglang`)."
    )
