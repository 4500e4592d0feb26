"""A model in C gives the model's probabilities, whatever the network, the compiler and its options."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from unrolled.data.sequences import Sequences
from unrolled.errors import ConfigError, ExportError, UnsupportedError
from unrolled.export.c.export import export_c, identifier, make
from unrolled.export.c.selftest import find_compiler
from unrolled.model.examples import Example
from unrolled.model.model import Model
from unrolled.nn.cells import CELLS
from unrolled.nn.pooling import POOLINGS
from unrolled.preparation.missing import MISSING
from unrolled.preparation.normalisation import NORMALISATIONS

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
NO_STEP, BAD_VALUE, FULL, UNDECIDED, SKIP = -1, -2, -3, -4, -1
Floats = npt.NDArray[np.float32]

pytestmark = [
    pytest.mark.slow,  # a compiler is a process
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler of C"),
]


class InC:
    """A model that is compiled and called; its state is a block of memory."""

    def __init__(self, model: Model, folder: Path, *flags: str, compiler: str = "cc", **options: Any) -> None:
        exported = export_c(model, folder / "net.c", run=False, **options)
        library = folder / f"net{next(_numbers)}.so"
        command = [compiler, *STRICT, *(flags or ("-O1",)), "-shared", "-fPIC", str(exported.path), "-o", str(library)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        self.exported, self.library, self.classes = exported, ctypes.CDLL(str(library)), len(model.classes)
        self.state = ctypes.create_string_buffer(exported.state_bytes + 64)
        self.text = model.facts.vocabulary is not None
        self.library.net_decide.argtypes = [ctypes.c_void_p, ctypes.c_float, ctypes.c_int, ctypes.c_void_p]
        self.reset()

    def reset(self) -> None:
        self.library.net_reset(self.state)

    def step(self, values: npt.ArrayLike) -> int:
        array = np.ascontiguousarray(values, np.int32 if self.text else np.float32)
        return int(self.library.net_step(self.state, array.ctypes.data_as(ctypes.c_void_p)))

    def answer(self, call: Callable[[Any], int] | None = None) -> tuple[int, Floats]:
        found = np.zeros(self.classes, np.float32)
        place = found.ctypes.data_as(ctypes.c_void_p)
        return int(call(place) if call else self.library.net_probabilities(self.state, place)), found

    def sequence(self, values: npt.ArrayLike) -> tuple[int, Floats]:
        array = np.ascontiguousarray(values, np.int32 if self.text else np.float32)
        given = array.ctypes.data_as(ctypes.c_void_p)
        return self.answer(lambda place: int(self.library.net_sequence(self.state, given, len(array), place)))


_numbers = iter(range(1_000_000))  # a library of the same name would not be loaded again


def same_as_the_model(model: Model, c: InC, sequences: list[Floats]) -> None:
    for sequence, expected in zip(sequences, model.predict_proba(sequences), strict=True):
        best, found = c.sequence(sequence)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        assert best == found.argmax()
        assert expected[best] >= expected.max() - 1e-5


def some_sequences(model: Model, most: int = 20, seed: int = 0) -> list[Floats]:
    rng = np.random.default_rng(seed)
    found = [rng.normal(size=(length, len(model.channels))).astype(np.float32) for length in (1, 2, 3, 5, 8, most)]
    if model.facts.model.missing != "none":
        for values in found:
            values[rng.random(values.shape) < 0.3] = np.nan
    return found


def forward(model: Model) -> bool:
    return model.network.reads_forward


LABELLED = Sequences.from_list(
    [np.random.default_rng(length).normal(size=(length % 9 + 1, 2)) for length in range(40)],
    ["no", "yes"] * 20,
    channels=["channel 0", "channel 1"],
)

NETWORKS = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(sorted(CELLS)),
        "pooling": st.sampled_from(sorted(POOLINGS)),
        "missing": st.sampled_from(sorted(MISSING)),
        "normalisation": st.sampled_from(sorted(NORMALISATIONS)),
        "bidirectional": st.booleans(),
        "num_layers": st.integers(1, 2),
        "hidden_size": st.sampled_from([1, 5, 16]),
        "frame_steps": st.sampled_from([1, 1, 3]),
        "context_steps": st.sampled_from([0, 0, 2]),
        "skip_segments": st.sampled_from([0, 0, 3]),
    }
)


@settings(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(NETWORKS, st.integers(1, 3))
def test_any_network(make_model: Any, tmp_path_factory: Any, options: dict[str, Any], channels: int) -> None:
    model = make_model(channels, **options)
    c = InC(model, tmp_path_factory.mktemp("c"), **({} if forward(model) else {"max_steps": 20}))
    same_as_the_model(model, c, some_sequences(model))


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize(
    "options", [*({"cell": name} for name in CELLS), *({"pooling": name} for name in POOLINGS)], ids=str
)
def test_every_cell_and_pooling(make_model: Any, tmp_path: Path, options: dict[str, Any], both_ways: bool) -> None:
    model = make_model(bidirectional=both_ways, **options)
    c = InC(model, tmp_path, "-O0", **({} if forward(model) else {"max_steps": 20}))
    same_as_the_model(model, c, some_sequences(model))


def test_running_probabilities_are_those_of_a_stream(make_model: Any, tmp_path: Path) -> None:
    model = make_model(pooling="statistics", missing="mask")
    c, stream = InC(model, tmp_path), model.stream()
    for values in some_sequences(model)[-1]:
        assert c.step(values) == 0
        np.testing.assert_allclose(c.answer()[1], stream.push(values), rtol=0, atol=1e-5)


COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
SANITIZED = ["-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "flags", [["-O0"], ["-O1"], ["-O2"], ["-O3"], ["-Os"], ["-O2", "-m32"], SANITIZED], ids=lambda flags: "".join(flags)
)
def test_the_test_inside_passes_with_every_compiler(
    make_model: Any, tmp_path: Path, compiler: str, flags: list[str]
) -> None:
    if not compiles(compiler, tmp_path, *flags):
        pytest.skip("a library for these options is not installed")
    for exported in sources(make_model, tmp_path):
        built_and_run([compiler, *STRICT, *flags], exported, tmp_path)


def sources(make_model: Any, folder: Path) -> list[Path]:
    """A model that reads step by step, one with all that needs a whole sequence, and both kinds in whole numbers."""
    both = {"missing": "mask", "pooling": "statistics"}
    everything = {"skip_segments": 2, "context_steps": 2, "frame_steps": 2, "normalisation": "sequence"}
    streams, whole = make_model(**both), make_model(bidirectional=True, **both, **everything)
    return [
        export_c(streams, folder / "net.c", run=False).path,
        export_c(whole, folder / "whole.c", run=False, max_steps=30).path,
        export_c(make_model(cell="gru", pooling="mean"), folder / "small.c", int8_data=LABELLED).path,
        export_c(make_model(bidirectional=True), folder / "both.c", int8_data=LABELLED, max_steps=30).path,
    ]


CROSS = {
    "aarch64": ("aarch64-linux-gnu-", [], ["qemu-aarch64"]),
    "cortex-m4": ("arm-linux-gnueabihf-", ["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"], ["qemu-arm"]),
}


@pytest.mark.parametrize("machine", CROSS)
def test_other_processors_give_the_same(make_model: Any, tmp_path: Path, machine: str) -> None:
    prefix, flags, runner = CROSS[machine]
    if not shutil.which(f"{prefix}gcc") or not shutil.which(runner[0]):
        pytest.skip(f"{prefix}gcc or {runner[0]} is not installed")
    for source in sources(make_model, tmp_path):
        macro, code, program = f"-D{source.stem.upper()}_TEST", str(tmp_path / "t.o"), str(tmp_path / "t")
        for command in (
            ["gcc", *STRICT, "-O2", *flags, macro, "-c", str(source), "-o", code],
            # the library of C for Linux is built for another profile of the same instructions
            ["objcopy", "--remove-section=.ARM.attributes", code],
            ["gcc", "-static", code, "-o", program],
        ):
            made = subprocess.run([prefix + command[0], *command[1:]], capture_output=True, text=True, check=False)
            assert (made.returncode, made.stderr) == (0, "")
        ran = subprocess.run([*runner, program], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def compiles(compiler: str, folder: Path, *flags: str) -> bool:
    (folder / "try.c").write_text('#include <stdio.h>\nint main(void) { return puts("") < 0; }\n')
    command = [compiler, *flags, str(folder / "try.c"), "-o", str(folder / "try")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def built_and_run(command: list[str], source: Path, folder: Path) -> str:
    """Builds the test in a source and runs it: its output."""
    macro = f"-D{source.stem.upper()}_TEST"
    made = subprocess.run(
        [*command, macro, str(source), "-o", str(folder / "t")], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stderr) == (0, "")
    ran = subprocess.run([str(folder / "t")], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


IN_WHOLE_NUMBERS = [
    *({"cell": name} for name in CELLS if name not in ("rnn-relu", "lstm-layer-norm")),
    *({"pooling": name} for name in ("first-last", "mean", "max")),
    {"normalisation": "none", "num_layers": 2, "hidden_size": 40},
    {"normalisation": "overall", "context_steps": 2, "frame_steps": 3},
]


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("options", IN_WHOLE_NUMBERS, ids=str)
def test_whole_numbers_are_near(make_model: Any, options: dict[str, Any], both_ways: bool) -> None:
    model = make_model(bidirectional=both_ways, **options)
    steps = None if forward(model) else 20
    compiler = find_compiler()
    assert compiler
    made = make(model, f"net{next(_numbers)}", steps, LABELLED)
    code = made.source.partition("#include <stdint.h>")[2]
    assert not re.search(r"\b(float|double)\b|\d\.\d", re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL))
    best, found = made.compiled(compiler).answers(LABELLED)
    expected = model.predict_proba(LABELLED)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)
    assert np.mean(best == expected.argmax(1)) >= 0.95


@pytest.mark.parametrize(
    "options",
    [{"cell": "rnn-relu"}, {"cell": "lstm-layer-norm"}, {"pooling": "attention"}, {"missing": "mask"}],
    ids=str,
)
def test_what_whole_numbers_cannot_do_is_refused(make_model: Any, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="without --quantize"):
        export_c(make_model(**options), tmp_path / "net.c", int8_data=LABELLED)


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("both_ways", [False, True])
def test_a_model_that_cuts_sequences_cuts_them_in_c(
    make_model: Any, tmp_path: Path, keep: str, both_ways: bool
) -> None:
    model = make_model(facts={"max_length": 5, "keep_steps": keep}, bidirectional=both_ways)
    same_as_the_model(model, InC(model, tmp_path), some_sequences(model))


@pytest.mark.parametrize("facts", [{"tokens": "words"}, {"tokens": "characters"}])
def test_texts(make_model: Any, tmp_path: Path, facts: dict[str, Any]) -> None:
    vocabulary = (
        ("b", "a", "é", "\N{SNOWMAN}", "z") if facts["tokens"] == "characters" else ("yes", "no", "NAME_x", "BIG_")
    )
    model = make_model(1, facts={"vocabulary": vocabulary, **facts})
    c = InC(model, tmp_path)
    code = c.library.net_code
    for token in (*vocabulary, "unknown", " "):
        code_of = vocabulary.index(token) + 1 if token in vocabulary else SKIP if token.isspace() else 0
        assert code(ctypes.c_char_p(token.encode())) == code_of
    tokens = [*vocabulary, "unknown", *reversed(vocabulary)]
    best, found = c.sequence([[code(ctypes.c_char_p(token.encode()))] for token in tokens])
    expected = model.predict_proba([tokens])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert best == expected.argmax()
    c.reset()
    assert [c.step([SKIP]), c.answer()[0], c.step([len(vocabulary) + 1]), c.step([0])] == [0, NO_STEP, BAD_VALUE, 0]


@pytest.mark.parametrize("missing", ["none", "mask"])
@pytest.mark.parametrize("both_ways", [False, True])
def test_wrong_values_and_steps_change_nothing(make_model: Any, tmp_path: Path, missing: str, both_ways: bool) -> None:
    model = make_model(missing=missing, bidirectional=both_ways)
    c = InC(model, tmp_path, **({"max_steps": 6} if both_ways else {}))
    assert c.answer()[0] == NO_STEP
    good = some_sequences(model)[3]
    refused = [np.inf, -np.inf, *([np.nan] if missing == "none" else [])]
    for values in good:
        assert c.step(values) == 0
        for value in refused:
            assert c.step([values[0], value]) == BAD_VALUE
    if both_ways:
        assert [c.step(good[0]), c.step(good[0])] == [0, FULL]
        good = np.concatenate([good, good[:1]])
    np.testing.assert_allclose(c.answer()[1], model.predict_proba([good])[0], rtol=0, atol=1e-5)
    huge = np.full((2, 2), 3e38, np.float32)
    assert c.sequence(huge)[0] >= 0  # out of the range of the training, read as it is


def test_a_decision_needs_steps_and_confidence(make_model: Any, tmp_path: Path) -> None:
    model = make_model()
    c, values = InC(model, tmp_path), some_sequences(model)[-1]
    decide = lambda confidence, at_least: c.answer(lambda p: c.library.net_decide(c.state, confidence, at_least, p))  # noqa: E731
    assert decide(0.0, 0)[0] == NO_STEP
    for value in values[:4]:
        c.step(value)
    best, found = c.answer()
    assert decide(float(found[best]) - 1e-3, 4)[0] == best
    assert decide(float(found[best]) + 1e-3, 4)[0] == UNDECIDED
    assert decide(0.0, 5)[0] == UNDECIDED


def test_names_and_comments_cannot_end_early(make_model: Any, tmp_path: Path) -> None:
    names = ("*/ int x;", 'a "quote" \\', "NAME_a BIG_b ??/")
    model = make_model(3, facts={"data": {"name": "*/ #error"}})
    odd = Model(model.network, model.facts.model_copy(update={"classes": names, "channels": names}))
    c = InC(odd, tmp_path)
    texts = (ctypes.c_char_p * 3).in_dll(c.library, "net_class_names")
    assert tuple(text.decode() for text in texts) == names  # type: ignore[union-attr]


def test_the_export_runs_its_own_test(make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = export_c(make_model(), tmp_path / "net.c")
    assert exported.check is not None
    assert exported.check.difference <= 1e-5
    assert exported.compiler
    monkeypatch.setenv("PATH", "")
    assert export_c(make_model(), tmp_path / "other.c").check is None


def test_the_files_of_a_compiler_that_fails_are_kept(
    make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad"
    bad.write_text("#!/bin/sh\necho no such machine >&2\nexit 3\n")
    bad.chmod(0o755)
    monkeypatch.setenv("CC", str(bad))
    with pytest.raises(ExportError, match=r"(?s)no such machine.*were written"):
        export_c(make_model(), tmp_path / "net.c")
    assert (tmp_path / "net.c").exists()
    assert (tmp_path / "net.h").exists()


def test_a_model_that_differs_is_not_written(make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model()
    monkeypatch.setattr(Model, "predict_proba", lambda self, values: np.full((len(values), 3), 1 / 3, np.float32))
    with pytest.raises(ExportError, match="Nothing was written"):
        export_c(model, tmp_path / "net.c")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["2fast.c", "a-b.c", "for.c", "é.c", "net.onnx", "_a.c"])
def test_names_that_c_does_not_take(make_model: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{identifier(Path(name).stem)}.c")):
        export_c(make_model(), tmp_path / name)


def test_lengths_that_do_not_fit(make_model: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="any length"):
        export_c(make_model(), tmp_path / "net.c", max_steps=5)
    both = make_model(bidirectional=True)
    with pytest.raises(ConfigError, match="give max_steps"):
        export_c(both, tmp_path / "net.c")
    shown = Model(both.network, both.facts, examples=(Example(None, [[0.0, 1.0]] * 7),))
    with pytest.raises(ConfigError, match="expected at least 7"):
        export_c(shown, tmp_path / "net.c", max_steps=6)
    assert export_c(shown, tmp_path / "net.c").max_steps == 7
