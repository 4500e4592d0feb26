"""A stream says, after every push, what predicting all that was read at once would say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closeness import closeness
from unrolled.config import CellName, ModelConfig, PoolingName
from unrolled.errors import DataError, LengthError, MismatchError, ReadError, StorageError, UnsupportedError
from unrolled.model.model import Model, ModelFacts
from unrolled.model.stream import Decision
from unrolled.network.network import Network

STEPS = np.random.default_rng(0).normal(size=(3, 11, 2)).astype(np.float32)  # [S, n, F]
CELLS, POOLINGS = get_args(CellName), get_args(PoolingName)
close = closeness(torch.float32, 12, steps=STEPS.shape[1], layers=2)


def made(channels: int = 2, seed: int = 1, scale: float = 1.0, **options: Any) -> Model:
    config = ModelConfig.model_validate({"hidden_size": 5, **options})
    network = Network(config, channels, 3, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight += torch.rand(weight.shape, generator=generator) - 0.5
    network.normaliser.set_statistics(torch.full((channels,), 0.3), torch.full((channels,), 1.7))
    facts = ModelFacts(
        classes=("a", "b", "c"), channels=tuple(str(n) for n in range(channels)), scale=scale, model=config
    )
    return Model(network.eval(), facts)


def alone(model: Model, steps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return model.predict_proba([steps])[0]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_each_push_gives_the_prediction_of_the_prefix(cell: str, layers: int, pooling: str) -> None:
    model = made(cell=cell, num_layers=layers, pooling=pooling)
    stream = model.stream()
    for end in range(1, STEPS.shape[1] + 1):
        found = stream.push(STEPS[0, end - 1])
        assert found.shape == (3,)
        assert stream.steps == end
        np.testing.assert_allclose(found, alone(model, STEPS[0, :end]), **close)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(CELLS), st.sampled_from(POOLINGS), st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_it_does_not_matter_how_the_steps_are_cut(cell: str, pooling: str, cuts: list[int]) -> None:
    model = made(cell=cell, pooling=pooling, num_layers=2)
    steps = np.random.default_rng(1).normal(size=(sum(cuts), 2)).astype(np.float32)
    stream, end = model.stream(), 0
    for cut in cuts:
        found = stream.push(steps[end : end + cut])
        end += cut
        np.testing.assert_allclose(found, alone(model, steps[:end]), **close)


def made_for_text(kind: str = "words") -> Model:
    vocabulary = ("left", "right", " ") if kind == "words" else ("a", "b")
    config = ModelConfig(hidden_size=5)
    facts = ModelFacts(classes=("a", "b"), channels=("text",), model=config, vocabulary=vocabulary, tokens=kind)
    return Model(Network(config, 1, 2, seed=3, symbols=len(vocabulary) + 1).eval(), facts)


def test_text_is_streamed_token_by_token() -> None:
    model = made_for_text()
    stream, many = model.stream(), model.stream(count=2)
    read = ["left", "unheard", "right", "left"]
    for end, pushed in ((1, "left"), (3, ["unheard", "right"]), (4, "left")):
        expected = model.predict_proba([read[:end]])[0]
        np.testing.assert_allclose(stream.push(pushed), expected, **close)
        np.testing.assert_allclose(many.push([pushed, pushed]), [expected] * 2, **close)
    decision = model.stream().decide_when(read, confidence=0, at_least=2)
    assert isinstance(decision, Decision)
    assert decision.steps == 2
    np.testing.assert_allclose(decision.probabilities, model.predict_proba([read[:2]])[0], **close)
    np.testing.assert_allclose(made_for_text("characters").stream().push_each("ab b").shape, (3, 2))


def test_texts_that_do_not_fit_a_stream_are_refused() -> None:
    many = made_for_text().stream(count=2)
    with pytest.raises(DataError, match="different numbers of tokens"):
        many.push(["left", "left right"])
    with pytest.raises(MismatchError, match="one for each of 2 streams"):
        many.push(["left"])
    with pytest.raises(MismatchError, match="the model reads text"):
        made_for_text().stream().push([[1.0]])
    with pytest.raises(LengthError, match="empty"):
        made_for_text().stream().push(" ")


@pytest.mark.parametrize("pooling", POOLINGS)
def test_parallel_streams_are_streams_alone(pooling: str) -> None:
    model = made(cell="gru", pooling=pooling)
    stream = model.stream(count=3)
    for low, high in ((0, 1), (1, 5), (5, 11)):
        found = stream.push(STEPS[:, low:high])
        assert found.shape == (3, 3)
        for row in range(3):
            np.testing.assert_allclose(found[row], alone(model, STEPS[row, :high]), **close)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_one_of_several_streams_can_begin_anew(pooling: str) -> None:
    model = made(pooling=pooling)
    stream = model.stream(count=3)
    stream.push(STEPS[:, :4])
    stream.reset(1)
    found = stream.push(STEPS[:, 4:6])
    np.testing.assert_allclose(found[1], alone(model, STEPS[1, 4:6]), **close)
    np.testing.assert_allclose(found[2], alone(model, STEPS[2, :6]), **close)
    assert np.array_equal(stream.steps, [6, 2, 6])
    stream.reset()
    np.testing.assert_allclose(stream.push(STEPS[:, :2])[0], alone(model, STEPS[0, :2]), **close)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_belief_after_each_of_the_pushed_steps(pooling: str) -> None:
    model = made(pooling=pooling)
    stream = model.stream()
    stream.push(STEPS[0, :3])
    np.testing.assert_allclose(stream.push_each(STEPS[0, 3:]), model.predict_steps([STEPS[0]])[0][3:], **close)
    assert model.stream(count=3).push_each(STEPS).shape == (3, 11, 3)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_long_stream_stays_exact(pooling: str) -> None:
    model = made(pooling=pooling)
    steps = np.random.default_rng(2).normal(size=(3000, 2)).astype(np.float32)
    stream = model.stream()
    for low in range(0, 3000, 100):
        found = stream.push(steps[low : low + 100])
    np.testing.assert_allclose(found, alone(model, steps), **close)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("count", [None, 3])
def test_a_saved_stream_goes_on_bit_for_bit(tmp_path: Path, pooling: str, suffix: str, count: int | None) -> None:
    model = made(cell="lstm-peephole", pooling=pooling, num_layers=2)
    steps = STEPS if count else STEPS[0]
    for read in (0, 4):  # before the first step, and after some
        stream = model.stream(count)
        if read:
            stream.push(steps[..., :read, :])
        file, arrays = stream.save(tmp_path / f"{read}{suffix}"), stream.state()
        expected = stream.push(steps[..., read:, :])
        for state in (file, arrays):
            again = model.stream(count, state)
            assert np.array_equal(again.push(steps[..., read:, :]), expected)
            assert np.array_equal(again.steps, stream.steps)


def test_a_state_is_plain_arrays_and_strict_json(tmp_path: Path) -> None:
    stream = made(pooling="attention").stream()
    with np.load(stream.save(tmp_path / "state.npz"), allow_pickle=False) as arrays:
        assert set(arrays) == set(stream.state())

    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(stream.save(tmp_path / "state.json").read_text(), parse_constant=refuse)


def test_a_state_is_a_copy() -> None:
    stream = made(pooling="mean").stream()
    stream.push(STEPS[0, :2])
    state = stream.state()
    before = {name: value.copy() for name, value in state.items()}
    stream.push(STEPS[0, 2:])
    assert all(np.array_equal(state[name], value) for name, value in before.items())


def test_a_decision_stops_at_the_first_step_that_is_sure_enough() -> None:
    model = made(cell="rnn", pooling="last")
    beliefs = model.predict_steps([STEPS[0]])[0].max(1)
    confidence = float(np.sort(beliefs[2:])[-2]) - 1e-5
    expected = next(n for n, belief in enumerate(beliefs, 1) if n >= 3 and belief >= confidence)
    taken = []

    def source() -> Iterator[npt.NDArray[np.float32]]:
        for step in STEPS[0]:
            taken.append(step)
            yield step

    decision = model.stream().decide_when(source(), confidence, at_least=3)
    assert decision.confident
    assert decision.steps == len(taken) == expected
    assert decision.label == model.predict([STEPS[0, :expected]])[0]
    np.testing.assert_allclose(decision.probabilities, alone(model, STEPS[0, :expected]), **close)


def test_at_least_so_many_steps_are_read_before_a_decision() -> None:
    assert made().stream().decide_when(STEPS[0], 0.0).steps == 5
    assert made().stream().decide_when(STEPS[0], 0.0, at_least=7).steps == 7


def test_steps_that_end_first_leave_it_undecided() -> None:
    decision = made().stream().decide_when(STEPS[0], 1.0)
    assert not decision.confident
    assert decision.steps == 11


def test_parallel_streams_decide_each_by_itself() -> None:
    model = made(cell="rnn")
    found = model.stream(count=3).decide_when(STEPS.swapaxes(0, 1), 0.5, at_least=2)
    assert isinstance(found, list)
    for row, decision in enumerate(found):
        single = model.stream().decide_when(STEPS[row], 0.5, at_least=2)
        assert (decision.label, decision.steps, decision.confident) == (single.label, single.steps, single.confident)


def test_steps_come_in_every_natural_shape() -> None:
    model = made(channels=1)
    expected = alone(model, STEPS[0, :4, :1])
    for steps in (STEPS[0, :4, :1], STEPS[0, :4, 0], STEPS[0, :4, 0].tolist()):
        np.testing.assert_allclose(model.stream().push(steps), expected, **close)
    assert model.stream(count=3).push(STEPS[:, :4, 0]).shape == (3, 3)
    assert made().stream(count=3).push(STEPS[:, 0]).shape == (3, 3)


def test_bytes_are_stored_units_where_the_model_learned_from_bytes() -> None:
    model = made(channels=1, scale=1 / 255)
    pixels = np.array([[0], [128], [255]], np.uint8)
    np.testing.assert_allclose(model.stream().push(pixels), alone(model, pixels), **close)


def test_a_model_that_reads_both_ways_is_refused_in_words() -> None:
    with pytest.raises(UnsupportedError, match="both directions"):
        made(bidirectional=True).stream()


def test_a_model_that_reads_parts_of_the_whole_sequence_is_refused_in_words() -> None:
    with pytest.raises(UnsupportedError, match=r"means of 3 parts of a sequence.*--skip-segments 0"):
        made(skip_segments=3).stream()


def test_a_model_that_reads_the_steps_around_each_is_refused_in_words() -> None:
    with pytest.raises(UnsupportedError, match=r"up to 4 steps after each one.*--context-steps 0"):
        made(context_steps=4).stream()


def test_all_that_would_have_to_be_otherwise_is_said_at_once() -> None:
    words = (
        r"reads up to 4 steps after each one along with it, reads sequences in both directions and reads the means of "
        r"3 parts.*train one with --context-steps 0 --no-bidirectional --skip-segments 0\."
    )
    with pytest.raises(UnsupportedError, match=words):
        made(bidirectional=True, context_steps=4, skip_segments=3).stream()


def ragged() -> list[Any]:
    return [[1.0, 2.0], [1.0]]


@pytest.mark.parametrize(
    ("steps", "error", "words"),
    [
        (np.zeros((2, 3)), MismatchError, r"\[2, 3\]; expected \[n, 2\]"),
        (np.zeros(3), MismatchError, r"expected \[n, 2\]"),
        (np.zeros((1, 1, 2)), MismatchError, r"expected \[n, 2\]"),
        (np.zeros((0, 2)), LengthError, "no steps"),
        (np.array([["x", "y"]]), DataError, "expected numbers"),
        (np.array([[1, np.nan]]), MismatchError, "missing or infinite"),
        (np.array([[1, np.inf]]), MismatchError, "missing or infinite"),
        (np.array([[1, 1e300]]), DataError, "32-bit"),
        (ragged(), DataError, "different sizes"),
    ],
)
def test_steps_that_do_not_fit_are_refused_and_nothing_is_read(steps: Any, error: Any, words: str) -> None:
    model = made()
    stream = model.stream()
    stream.push(STEPS[0, :3])
    with pytest.raises(error, match=words):
        stream.push(steps)
    assert stream.steps == 3
    np.testing.assert_allclose(stream.push(STEPS[0, 3:]), alone(model, STEPS[0]), **close)


def test_other_numbers_of_streams_are_refused() -> None:
    with pytest.raises(MismatchError, match=r"expected \[2, n, 2\]"):
        made().stream(count=2).push(STEPS)
    with pytest.raises(DataError, match="at least 1"):
        made().stream(count=0)


def test_no_steps_to_decide_upon_and_odd_confidences_are_refused() -> None:
    with pytest.raises(LengthError, match="no steps to decide"):
        made().stream().decide_when([])
    with pytest.raises(DataError, match="0 to 1"):
        made().stream().decide_when(STEPS[0], 95)
    with pytest.raises(MismatchError, match=r"expected \[2\]"):
        made().stream().decide_when([[1, 2, 3]])


def test_states_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    model = made(pooling="mean")
    state = model.stream().state()
    with pytest.raises(MismatchError, match="another number of streams"):
        model.stream(count=2, state=state)
    with pytest.raises(MismatchError, match=r"has no 'pooling\.max'"):
        made(pooling="max").stream(state=state)
    with pytest.raises(MismatchError, match="not finite"):
        model.stream(state=state | {"layers.0.h": np.full((1, 5), np.nan)})
    with pytest.raises(MismatchError, match="does not hold numbers"):
        model.stream(state=state | {"layers.0.h": np.full((1, 5), "x")})


def test_a_state_of_other_weights_is_refused(tmp_path: Path) -> None:
    one, other = (Model.load(made(seed=seed).save(tmp_path / str(seed))) for seed in (1, 2))
    with pytest.raises(MismatchError, match="another model"):
        other.stream(state=one.stream().state())


def test_files_that_hold_no_state_are_refused(tmp_path: Path) -> None:
    for name, content in (("a.npz", b"nothing"), ("b.json", b"{"), ("c.json", b"[1]"), ("d.npz", b"PK\x03\x04")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ReadError, match="not the state of a stream"):
            made().stream(state=tmp_path / name)
    with pytest.raises(ReadError, match="no such file"):
        made().stream(state=tmp_path / "e.npz")
    with pytest.raises(StorageError):
        made().stream().save(tmp_path / "none" / "state.npz")
