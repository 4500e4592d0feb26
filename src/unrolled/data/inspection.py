"""The content of a file of sequences, and what about it deserves attention."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unrolled.config import WINDOWS, DataConfig
from unrolled.data.arrays import Integers, Values
from unrolled.data.copies import first_copies
from unrolled.data.files import SILENT, Notes, Observer
from unrolled.data.formats import read, read_recordings, reader_of
from unrolled.data.record import content_hashes
from unrolled.data.sequences import Sequences
from unrolled.data.tables import ChangingLabelError, UndecidedError
from unrolled.data.windows import cut, proposed_rule, windows_of
from unrolled.errors import ReadError, listed

_PREVIEW_SEQUENCES, _PREVIEW_STEPS, _PREVIEW_CHANNELS = 3, 4, 6
_PREVIEW_PICTURE = 64
_HEAVY, _LEAST_STEPS, _MOST_QUANTILE_STEPS = 30, 100, 1 << 18
"""Quartile ranges from the median that a heavy tail reaches; steps that show it, and steps that are looked at."""
_PREVIEW_SYMBOLS = 40


@dataclass(frozen=True)
class Place:
    """The position of a value: sequence, step and channel, each counted from 0.

    Example:
        >>> np.savez("own.npz", X=np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]]), y=["up", "down"])
        >>> unrolled.inspect("own.npz").missing_first.step
        1
    """

    case: int
    step: int
    channel: int


@dataclass(frozen=True)
class PreviewSequence:
    """The beginning of one sequence.

    Attributes:
        case: the sequence's number, counted from 0.
        label: its class; None if the labels are not known.
        length: its number of steps, T.
        values: its first steps and channels, of a picture all, in the real unit; None for a missing or
            infinite value.
        text: the beginning of a text; None for numbers.

    Example:
        >>> np.savez("own.npz", X=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), y=["up", "down"])
        >>> first = unrolled.inspect("own.npz").preview[0]
        >>> first.label, first.values
        ('up', ((1.0,), (2.0,), (3.0,)))
    """

    case: int
    label: str | None
    length: int
    values: tuple[tuple[float | None, ...], ...]
    text: str | None = None


@dataclass(frozen=True)
class Inspection:
    """The content of a file of sequences.

    Attributes:
        path: the file.
        format: the name of its format.
        pictures: whether each sequence is a picture, its steps the rows.
        cases: number of sequences, N.
        steps: steps of all sequences together, S.
        classes: the classes' names, [C].
        class_counts: sequences of each class, [C]; None if the labels are not known.
        channels: the channels' names, [F].
        length_min: steps of the shortest sequence.
        length_median: median of the sequences' steps.
        length_max: steps of the longest sequence.
        missing_count: number of missing values.
        missing_first: position of the first missing value.
        infinite_count: number of infinite values.
        infinite_first: position of the first infinite value.
        value_min: the smallest finite value, in the real unit; None if no value is finite.
        value_max: the largest finite value, in the real unit; None if no value is finite.
        preview: the beginnings of the first sequences.
        findings: what deserves attention, one sentence each.
        notes: what the reader found out, one sentence each.
        symbols: the characters or words of texts; None for numbers.

    Example:
        >>> np.savez("own.npz", X=np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]]), y=["up", "down"])
        >>> found = unrolled.inspect("own.npz")
        >>> found.value_min, found.value_max
        (1.0, 6.0)
        >>> len(found.findings) > 0
        True
    """

    path: str
    format: str
    pictures: bool
    cases: int
    steps: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...] | None
    channels: tuple[str, ...]
    length_min: int
    length_median: float
    length_max: int
    missing_count: int
    missing_first: Place | None
    infinite_count: int
    infinite_first: Place | None
    value_min: float | None
    value_max: float | None
    preview: tuple[PreviewSequence, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    symbols: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields as values that `json` can write."""
        return asdict(self)


def inspect(
    path: str | Path,
    config: DataConfig | None = None,
    *,
    observer: Observer = SILENT,
) -> Inspection:
    """Reads a file of sequences and describes its content.

    Args:
        path: a file or folder that `unrolled.data.formats.read` can read.
        config: what is known about the file; see `read`.
        observer: receives the progress.
    Raises:
        ReadError: for a file that cannot be read.

    Example:
        >>> np.savez("own.npz", X=np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]]), y=["up", "down"])
        >>> found = unrolled.inspect("own.npz")
        >>> found.classes, found.length_max, found.missing_count
        (('down', 'up'), 3, 1)
    """
    reader = reader_of(path, config.format if config else None)
    notes: list[str] = []
    sequences, proposal = _read(path, config or DataConfig(), Notes(notes.append, observer))
    found = inspect_sequences(sequences, path=str(path), format_title=reader.title, notes=tuple(notes))
    found = replace(found, findings=(*proposal, *found.findings))
    if config is None or config.test is None:
        return found
    test = read(config.test, config, labels_needed=False)
    return replace(found, findings=(*found.findings, *_shared_findings(test, sequences, config.test)))


def _read(path: str | Path, config: DataConfig, observer: Observer) -> tuple[Sequences, tuple[str, ...]]:
    """The sequences of a file, or windows of its recordings, and a sentence that proposes windows."""
    if any(getattr(config, name) is not None for name in WINDOWS):
        return windows_of(read_recordings(path, config, observer), config, note=observer.note), ()
    try:
        sequences = read(path, config, observer=observer, labels_needed=False)
    except (ChangingLabelError, UndecidedError) as error:
        undecided = isinstance(error, UndecidedError)
        recordings = _recordings(path, config, observer)
        if recordings is None:
            raise
        rule, several = proposed_rule(recordings, config), len(recordings) > 1
        held = f"{len(recordings):,} recordings" if several else "one recording"
        command = f"unrolled train {shlex.quote(str(path))} --window {rule.steps} --stride {rule.stride}"
        refusal = (f"Without --window, a training refuses this table: {error}",) if undecided else ()
        return cut(recordings, rule, observer.note), (
            f"The label changes within a recording ({held}), so windows are labelled. What stands here is of windows "
            f"that are about an eighth of what one label lasts: {command}",
            *refusal,
        )
    if (lasting := _lasting_labels(sequences)) is not None:
        return sequences, (
            f"The labels of neighbouring rows are alike, {lasting:.0f} rows long on average. If a row is a step of a "
            f"long recording, and not a sequence, cut windows: unrolled train {shlex.quote(str(path))} --window "
            f"{max(int(lasting) // 4, 2)}",
        )
    few_and_long = len(sequences) <= _FEW and np.median(sequences.lengths) >= _LONG
    if sequences.symbols is not None or sequences.times is None or not few_and_long:
        return sequences, ()
    rule = proposed_rule(sequences, config)
    return sequences, (
        f"The sequences are few and long. If a part of one shows its class, windows make more of them: unrolled train "
        f"{shlex.quote(str(path))} --window {rule.steps} --stride {rule.stride}",
    )


def _lasting_labels(sequences: Sequences) -> float | None:
    """How many rows a label lasts on average, where rows of few values look like steps; None where they do not."""
    if sequences.labels is None or sequences.symbols is not None or sequences.lengths.max() > _FEW_VALUES:
        return None
    stretches = 1 + np.count_nonzero(np.diff(sequences.labels))
    lasts = len(sequences) / stretches
    sorted_by_class = stretches <= 2 * len(sequences.classes)
    return None if sorted_by_class or lasts < _STRETCH else float(lasts)


_FEW_VALUES = 16
"""Steps up to which a row may be one step of several channels."""


def _recordings(path: str | Path, config: DataConfig, observer: Observer) -> Sequences | None:
    """The recordings of a file whose rows are steps with a label that lasts; None for any other file."""
    try:
        found = read_recordings(path, config.model_copy(update={"window": 1}), observer)
    except ReadError:
        return None
    labels = [found.labels_of_steps(index) for index in range(len(found))]
    changes = np.array([0 if each is None else np.count_nonzero(np.diff(each)) for each in labels])
    lasts = found.num_steps / (len(found) + changes.sum()) >= _STRETCH
    # one odd label among short sequences is a mistake
    often = np.count_nonzero(changes) >= _CHANGING * len(found) and np.median(found.lengths) >= _LONGER
    return found if lasts and often else None


_CHANGING, _LONGER = 0.2, 64
"""Share of the recordings whose label changes at least, and the number of steps that they have at least."""

_STRETCH = 5.0
"""Steps for which a label lasts at least where rows are steps."""

_FEW, _LONG = 100, 400
"""Up to so many sequences are few, and from so many steps on they are long."""


def inspect_sequences(
    sequences: Sequences, *, path: str = "", format_title: str = "", notes: tuple[str, ...] = ()
) -> Inspection:
    """Describes sequences.

    Args:
        sequences: all sequences of a file or a named data set.
        path, format_title, notes: see `Inspection`.
    """
    scan = _Scan.of(sequences)
    finite = np.isfinite(scan.low)
    offsets = 0.0 if sequences.offsets is None else sequences.offsets
    low, high = scan.low * sequences.scale + offsets, scan.high * sequences.scale + offsets
    return Inspection(
        path=path,
        format=format_title,
        pictures=sequences.pictures,
        cases=len(sequences),
        steps=sequences.num_steps,
        classes=sequences.classes,
        class_counts=None if sequences.labels is None else tuple(sequences.class_counts().tolist()),
        channels=sequences.channels,
        length_min=int(sequences.lengths.min()),
        length_median=float(np.median(sequences.lengths)),
        length_max=int(sequences.lengths.max()),
        missing_count=scan.missing_count,
        missing_first=scan.missing_first,
        infinite_count=scan.infinite_count,
        infinite_first=scan.infinite_first,
        value_min=float(low[finite].min()) if finite.any() else None,
        value_max=float(high[finite].max()) if finite.any() else None,
        preview=tuple(_preview(sequences, index) for index in range(min(_PREVIEW_SEQUENCES, len(sequences)))),
        findings=(
            *_label_findings(sequences),
            *_copy_findings(sequences),
            *(() if sequences.symbols else _value_findings(sequences, scan)),
        ),
        notes=notes,
        symbols=sequences.symbols,
    )


@dataclass
class _Scan:
    """The smallest and largest finite value of each channel, [F], as stored, and what is missing or infinite."""

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    missing_count: int = 0
    missing_first: Place | None = None
    infinite_count: int = 0
    infinite_first: Place | None = None

    @classmethod
    def of(cls, sequences: Sequences) -> _Scan:
        width = len(sequences.channels)
        scan = cls(np.full(width, np.nan), np.full(width, np.nan))
        ends = np.cumsum(sequences.lengths)
        first = 0
        for block in sequences.blocks():
            if block.dtype == np.float32 and not np.isfinite(block).all():
                missing, infinite = np.isnan(block), np.isinf(block)
                scan.missing_count += int(missing.sum())
                scan.infinite_count += int(infinite.sum())
                scan.missing_first = scan.missing_first or _first_place(missing, first, ends)
                scan.infinite_first = scan.infinite_first or _first_place(infinite, first, ends)
                block = np.where(infinite, np.float32(np.nan), block)
            scan.low = np.fmin(scan.low, np.fmin.reduce(block, axis=0))
            scan.high = np.fmax(scan.high, np.fmax.reduce(block, axis=0))
            first += len(block)
        return scan


def _first_place(where: npt.NDArray[np.bool_], first: int, ends: Integers) -> Place | None:
    """The position of the first true value of a block, [S', F].

    Args:
        where: the block.
        first: steps before the block.
        ends: steps up to the end of each sequence, [N].
    """
    if not where.any():
        return None
    row, channel = divmod(int(where.argmax()), where.shape[1])
    index = int(np.searchsorted(ends, first + row, side="right"))
    before = int(ends[index - 1]) if index else 0
    return Place(index, first + row - before, channel)


def _preview(sequences: Sequences, index: int) -> PreviewSequence:
    steps, channels = (_PREVIEW_PICTURE,) * 2 if sequences.pictures else (_PREVIEW_STEPS, _PREVIEW_CHANNELS)
    head = sequences.scaled(index)[:steps, :channels]
    return PreviewSequence(
        case=index,
        label=None if sequences.labels is None else sequences.classes[sequences.labels[index]],
        length=int(sequences.lengths[index]),
        values=tuple(tuple(float(v) if np.isfinite(v) else None for v in row) for row in head),
        text=None if sequences.symbols is None else _text(sequences.symbols, sequences[index][:_PREVIEW_SYMBOLS]),
    )


def _text(symbols: tuple[str, ...], codes: Values) -> str:
    """The text that codes stand for."""
    between = "" if all(len(symbol) == 1 for symbol in symbols) else " "
    return between.join(symbols[int(code)] for code in codes.ravel())


def _label_findings(sequences: Sequences) -> Iterator[str]:
    if sequences.labels is None:
        yield "The sequences have no labels; they can be predicted, but not trained on or evaluated."
        return
    counts = dict(zip(sequences.classes, sequences.class_counts().tolist(), strict=True))
    present = [name for name, count in counts.items() if count]
    single = [name for name, count in counts.items() if count == 1]
    absent = [name for name, count in counts.items() if not count]
    if len(present) == 1:
        yield f"All sequences are of one class, {present[0]!r}; a classifier needs at least two."
    if single:
        yield (
            f"{_count(len(single), 'class has', 'classes have')} a single sequence: {listed(single)}. "
            "One sequence cannot be both trained on and held out."
        )
    if absent:
        have = _count(len(absent), "declared class has", "declared classes have")
        yield f"{have} no sequence: {listed(absent)}."


def _shared_findings(test: Sequences, sequences: Sequences, name: str) -> Iterator[str]:
    """Test sequences that also stand in the training data."""
    shared = np.flatnonzero(np.isin(content_hashes(test), content_hashes(sequences))).tolist()
    if shared:
        names = [str(index) if test.ids is None else test.ids[index] for index in shared]
        yield (
            f"{len(shared):,} of the {len(test):,} sequences of the test file {name} also stand here: {listed(names)}. "
            "A test on them would flatter."
        )


def _copy_findings(sequences: Sequences) -> Iterator[str]:
    """Sequences of the same content: a test on copies of training sequences would flatter."""
    contents, place = np.unique(first_copies(sequences), return_inverse=True)
    counts = np.bincount(place)
    further = len(sequences) - len(contents)
    if not further:
        return
    often = contents[counts > 1].tolist()
    names = [str(index) if sequences.ids is None else sequences.ids[index] for index in often]
    tail = ""
    if sequences.labels is not None:
        pairs = np.unique(np.stack([place, sequences.labels]), axis=1)[0]
        differing = int((np.bincount(pairs) > 1).sum())
        tail = f"; {_count(differing, 'has', 'have')} several labels" if differing else ""
    yield (
        f"{_count(further, 'sequence is a copy', 'sequences are copies')} of an earlier one "
        f"({further / len(sequences):.1%} of all): {_count(len(often), 'content stands', 'contents stand')} there more "
        f"than once, first in sequence {listed(names)}{tail}. Copies stay on one side of a split."
    )


def _value_findings(sequences: Sequences, scan: _Scan) -> Iterator[str]:
    total = sequences.num_steps * len(sequences.channels)
    for count, place, name in (
        (scan.missing_count, scan.missing_first, "missing"),
        (scan.infinite_count, scan.infinite_first, "infinite"),
    ):
        if place:
            yield (
                f"{_count(count, 'value is', 'values are')} {name} ({count / total:.1%} of all), the first "
                f"in sequence {place.case}, step {place.step}, channel {sequences.channels[place.channel]} "
                "(sequences and steps counted from 0)."
            )
    codes, heavy = _codes_and_heavy_tails(sequences)
    if codes:
        names = [f"{code:g} in {name}" for name, code in codes.items()]
        yield (
            f"{_count(len(codes), 'channel holds', 'channels hold')} a value far outside the others, again and again: "
            f"{listed(names)}. A code for a missing value? If so, leave these cells empty."
        )
    if heavy:
        yield (
            f"{_count(len(heavy), 'channel has', 'channels have')} heavy tails, values far beyond the range of most: "
            f"{listed(heavy)}. --normalisation robust or signed-log keeps the few from drowning the others."
        )
    empty = [name for name, low in zip(sequences.channels, scan.low, strict=True) if np.isnan(low)]
    ranges = zip(sequences.channels, scan.low, scan.high, strict=True)
    constant = [name for name, low, high in ranges if low == high]
    if empty:
        yield f"{_count(len(empty), 'channel has', 'channels have')} no finite value at all: {listed(empty)}."
    if constant:
        yield (
            f"{_count(len(constant), 'channel is', 'channels are')} constant, the same value at every step "
            f"of every sequence: {listed(constant)}. Nothing can be learned from that."
        )


def _codes_and_heavy_tails(sequences: Sequences) -> tuple[dict[str, float], list[str]]:
    """Channels with a code for missing values, and those whose extremes lie many quartile ranges from the median."""
    codes: dict[str, float] = {}
    heavy: list[str] = []
    if sequences.pictures or sequences.num_steps < _LEAST_STEPS:
        return codes, heavy
    steps = sequences.values[:: max(len(sequences.values) // _MOST_QUANTILE_STEPS, 1)].astype(np.float64)
    for channel, name in enumerate(sequences.channels):
        values = steps[:, channel][np.isfinite(steps[:, channel])]
        if (extreme := _far_value(values)) is None:
            continue
        code = extreme * sequences.scale + (0.0 if sequences.offsets is None else float(sequences.offsets[channel]))
        others = values[values != extreme]
        if code.is_integer() and len(values) - len(others) > 1 and _far_value(others) is None:
            codes[name] = code
        else:
            heavy.append(name)
    return codes, heavy


def _far_value(values: npt.NDArray[np.float64]) -> float | None:
    """The most extreme of the values, [n], if it lies many quartile ranges from the median."""
    if not len(values):
        return None
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    extreme = float(values[np.abs(values - middle).argmax()])
    return extreme if abs(extreme - middle) > _HEAVY * (high - low) > 0 else None


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
