"""`.npz` files: what is written comes back; nothing is guessed, run, or taken on trust."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unrolled.config import Layout
from unrolled.data import formats
from unrolled.data.sequences import Sequences
from unrolled.errors import ReadError, UnrolledError

RANDOM = np.random.default_rng(0)
X3 = RANDOM.normal(size=(4, 5, 3)).astype(np.float32)
Y4 = np.array(["b", "a", "b", "c"])


def read_npz(path: Path, layout: Layout | None = None) -> Sequences:
    return formats.read(path, layout=layout)


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "some.npz"
    np.savez(path, **arrays)
    return path


def refused(path: Path, says: str, **options: Any) -> None:
    with pytest.raises(ReadError, match=says) as caught:
        read_npz(path, **options)
    assert str(path) in str(caught.value)


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@given(
    array=hnp.arrays(
        st.sampled_from([np.dtype(kind) for kind in ("u1", "?", "<i2", ">i4", "<f4", ">f4", "<f8")]),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=4),
        elements={"min_value": 0, "max_value": 1},
    ),
    layout=st.sampled_from(["time-first", "channels-first"]),
    order=st.sampled_from("CF"),
    packed=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_reading_returns_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, layout: Any, order: Any, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("npz") / "some.npz"
    labels = np.arange(len(array)) % 2
    (np.savez_compressed if packed else np.savez)(path, X=np.asarray(array, order=order), y=labels)
    sequences = read_npz(path, layout=layout)
    expected = array if layout == "time-first" else np.swapaxes(array, 1, 2)
    assert sequences.values.dtype == (np.uint8 if array.dtype == np.uint8 else np.float32)
    assert sequences.values.flags.writeable
    assert sequences.targets.tolist() == labels.tolist()
    for found, case in zip(sequences, expected, strict=True):
        np.testing.assert_array_equal(found, case.astype(np.float32))


@given(data=st.data(), packed=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_mutated_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("npz") / "some.npz"
    (np.savez_compressed if packed else np.savez)(path, X=X3, y=Y4)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content))) :]
    path.write_bytes(content)
    try:
        read_npz(path, layout="time-first")
    except UnrolledError as error:
        assert str(path) in str(error)  # noqa: PT017


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_array_with_a_fitting_checksum_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    members = {"X.npy": bytearray(npy_bytes(X3)), "y.npy": bytearray(npy_bytes(Y4))}
    for content in members.values():
        for _ in range(data.draw(st.integers(0, 2))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("npz") / "some.npz"
    zipped(path, {name: bytes(content) for name, content in members.items()})
    try:
        read_npz(path, layout="time-first")
    except UnrolledError as error:
        assert str(path) in str(error)  # noqa: PT017


def test_two_axes_are_one_channel(tmp_path: Path) -> None:
    sequences = read_npz(saved(tmp_path, X=[[1, 2, 3], [4, 5, 6]], y=[5, 3]))
    assert sequences.channels == ("0",)
    assert sequences[1].tolist() == [[4], [5], [6]]
    assert sequences.classes == ("3", "5")


def test_three_axes_without_a_layout_are_refused_with_both_readings(tmp_path: Path) -> None:
    path = saved(tmp_path, X=X3, y=Y4)
    refused(path, "--layout time-first for 4 sequences of 5 steps and 3 channels.*channels-first for 3 steps")


def test_labels_may_be_text_bytes_or_numbers(tmp_path: Path) -> None:
    for labels in (Y4, Y4.astype("S"), np.array(["ü", "ä", "ü", "…"])):
        sequences = read_npz(saved(tmp_path, X=X3[..., 0], y=labels))
        texts = [v.decode() if isinstance(v, bytes) else v for v in labels.tolist()]
        assert [sequences.classes[index] for index in sequences.targets] == texts
    assert read_npz(saved(tmp_path, X=X3[..., 0], y=[2.0, 10.0, 1.0, 2.0])).classes == ("1", "2", "10")


def test_without_y_there_are_no_labels(tmp_path: Path) -> None:
    assert read_npz(saved(tmp_path, X=X3[..., 0])).labels is None


def test_bytes_become_numbers_as_they_are(tmp_path: Path) -> None:
    sequences = read_npz(saved(tmp_path, X=np.array([[0, 128, 255]], np.uint8)))
    assert sequences.scale == 1
    assert sequences.scaled(0)[:, 0].tolist() == [0, 128, 255]


def test_missing_values_are_kept(tmp_path: Path) -> None:
    assert read_npz(saved(tmp_path, X=[[1.0, np.nan, 2.0]])).missing() == [(0, 1, 0)]


def test_ragged_sequences_are_read_from_values_and_lengths(tmp_path: Path) -> None:
    values = RANDOM.normal(size=(6, 2))
    sequences = read_npz(saved(tmp_path, values=values, lengths=[1, 3, 2], y=["a", "b", "a"]))
    assert sequences.lengths.tolist() == [1, 3, 2]
    np.testing.assert_array_equal(sequences[1], values[1:4].astype(np.float32))
    assert sequences.targets.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("lengths", "says"),
    [
        ([1, 0, 5], r"lengths\[1\] is 0"),
        ([7, -1], r"lengths\[0\] is 7"),
        ([1, 2], "add up to 3 steps; found 6"),
        ([1.0, 5.0], "expected whole numbers"),
        ([[1], [5]], "expected whole numbers"),
        (np.array([2**64 - 1, 7], np.uint64), r"lengths\[0\]"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(tmp_path: Path, lengths: Any, says: str) -> None:
    refused(saved(tmp_path, values=np.zeros((6, 2)), lengths=lengths), says)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": X3, "labels": Y4}, "found labels, x; expected X"),
        ({"values": X3[0]}, "found values; expected X"),
        ({"X": np.zeros(3)}, r"X has the shape \(3,\)"),
        ({"X": np.zeros((1, 2, 3, 4))}, r"X has the shape \(1, 2, 3, 4\)"),
        ({"X": np.zeros((1,) * 32)}, r"X has the shape \(1, 1"),
        ({"X": np.zeros((3, 0))}, "holds nothing"),
        ({"X": np.array([["a"]])}, "expected numbers"),
        ({"X": np.zeros((2, 2), complex)}, "type complex128; expected numbers"),
        ({"X": np.zeros((2, 2), "M8[s]")}, r"type datetime64\[s\]"),
        ({"X": np.zeros((2, 2)), "y": np.zeros((2, 2))}, r"y has the shape \(2, 2\)"),
        ({"X": np.zeros((2, 2)), "y": np.zeros(3)}, "3 labels for 2 sequences"),
        ({"X": np.zeros((2, 2)), "y": [1.0, np.nan]}, "no label for 1 of 2 sequences, the first is sequence 1"),
        ({"X": np.full((2, 2), 1e300)}, "beyond the range"),
        ({"values": np.zeros((2, 2, 2)), "lengths": [2]}, "values has the shape"),
        ({"X": np.zeros(2, [("a", "f4")])}, r"type \[\('a', '<f4'\)\]; expected numbers"),
    ],
)
def test_unfit_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    refused(saved(tmp_path, **arrays), says)


@pytest.mark.parametrize("name", ["X", "y"])
def test_object_arrays_are_refused_and_never_unpickled(tmp_path: Path, name: str) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    arrays: dict[str, Any] = {"X": np.zeros((1, 2)), "y": [0]}
    arrays[name] = np.array([Bomb()], dtype=object)
    refused(saved(tmp_path, **arrays), f"{name} is an array of Python objects.*y.astype")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("size", [1, 30, 200, -30])
def test_an_archive_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    path = saved(tmp_path, X=X3, y=Y4)
    path.write_bytes(path.read_bytes()[:size])
    refused(path, "damaged or no .npz file")


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, X=X3, y=Y4)
    content = bytearray(path.read_bytes())
    content[content.index(X3.tobytes()) + 7] ^= 1
    path.write_bytes(content)
    refused(path, "damaged.*CRC", layout="time-first")


def test_a_bare_npy_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.npz"
    path.write_bytes(npy_bytes(X3))
    refused(path, "no .npz file")


def test_an_array_header_that_announces_too_much_takes_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999), }".ljust(117) + b"\n"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(8000)
    path = zipped(tmp_path / "some.npz", {"X.npy": content})
    tracemalloc.start()
    refused(path, r"announces the shape \(99999999, 99999\).*the archive holds 8,000")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def npy_with_header(header: bytes, version: int = 1) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 if version == 1 else 4, "little") + header


def header_of(descr: str = "'<f8'", order: str = "False", shape: str = "(1, 2)") -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}".encode()


@pytest.mark.parametrize(
    "header",
    [
        header_of(shape="(" * 4000 + ")" * 4000),
        header_of(shape="-" * 9000 + "1"),
        header_of(shape="1" + "+1" * 4000),
        header_of(shape="[" * 90 + "]" * 90),
        header_of(shape="(1, '2')"),
        header_of(shape=f"({'9' * 5000},)"),
        header_of(order="1"),
        header_of(descr="{1: 2}"),
        header_of(descr="[(1,)]"),
        header_of(descr="('<f8', (9999999, 9999999, 9999999))"),
        header_of(descr="'\\d'"),
        header_of(descr="__import__('os').abort()"),
        b"{1: 2, 'a': 3}",
        b"{'descr': '<f8'",
        b"\x00",
        b"\xff\xfe",
        b"",
    ],
    ids=lambda header: header[:60].decode("latin-1"),
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_hostile_header_is_refused(tmp_path: Path, header: bytes, version: int) -> None:
    content = npy_with_header(header, version) + bytes(16)
    refused(zipped(tmp_path / "some.npz", {"X.npy": content}), "the header of X is not that of an array")


@pytest.mark.parametrize("shape", ["(-1, -2)", "(0, 2)", "(True, False)"])
def test_a_shape_without_room_is_refused(tmp_path: Path, shape: str) -> None:
    content = npy_with_header(header_of(shape=shape)) + bytes(16)
    refused(zipped(tmp_path / "some.npz", {"X.npy": content}), "which holds nothing")


def test_a_header_as_python_2_wrote_it_is_read(tmp_path: Path) -> None:
    content = npy_with_header(header_of(shape="(1L, 2L)")) + np.array([1.0, 2.0]).tobytes()
    assert read_npz(zipped(tmp_path / "some.npz", {"X.npy": content}))[0].tolist() == [[1], [2]]


def test_a_header_longer_than_any_is_not_read(tmp_path: Path) -> None:
    content = npy_with_header(b" " * 50_000_000, 2)
    path = zipped(tmp_path / "some.npz", {"X.npy": content})
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    refused(path, "the header of X is not that of an array")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_an_archive_that_claims_more_than_deflate_can_hold_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "some.npz", {"X.npy": npy_bytes(X3)})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 2**31)  # the size in the central directory
    path.write_bytes(content)
    refused(path, "claims 2,147,483,648 bytes")


def test_other_compression_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "some.npz", {"X.npy": npy_bytes(X3)}, zipfile.ZIP_BZIP2)
    refused(path, "compressed in a way")


def test_reading_float32_takes_memory_for_one_copy(tmp_path: Path) -> None:
    array = np.zeros((1000, 2000), np.float32)  # 8 MB
    path = saved(tmp_path, X=array)
    tracemalloc.start()
    sequences = read_npz(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(sequences, Sequences)
    assert peak < 1.3 * array.nbytes


def test_more_axes_than_numpy_can_hold_are_refused(tmp_path: Path) -> None:
    header = (b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"1," * 66 + b"), }").ljust(245) + b"\n"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + b"\0"
    refused(zipped(tmp_path / "some.npz", {"X.npy": content}), "X has 66 axes")


def test_signalling_nan_is_a_missing_value(tmp_path: Path) -> None:
    array = np.array([[0, 0x7FF0000000000001, 0]], np.uint64).view(np.float64)
    assert read_npz(saved(tmp_path, X=array)).missing() == [(0, 1, 0)]
