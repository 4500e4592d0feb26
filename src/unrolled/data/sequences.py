"""`Sequences`: labelled sequences of any lengths, stored without padding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.data.foreign import as_array, frame_columns, holds_text
from unrolled.data.numbers import BEYOND_FLOAT32, offsets_between, to_float32
from unrolled.data.tokens import Coder, guess_kind
from unrolled.errors import DataError, LengthError, listed, shortened
from unrolled.notebook import curve, lines, table, titled

if TYPE_CHECKING:
    from unrolled.data.windows import Cut

Values = npt.NDArray[np.float32] | npt.NDArray[np.uint8] | npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]
"""Texts as Python strings: in a fixed-width array one long name would widen a million short ones."""
Times = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.float64]

BLOCK_STEPS = 65_536
"""Steps in a block of `Sequences.blocks`."""

_WIDE = {"f": 8, "i": 4, "u": 4}
"""Bytes of numbers that 32-bit floats may not hold, by the kind of their type."""
_PER_SEQUENCE = ("ids", "groups", "times")
"""Fields that hold a value for each sequence, besides its start, length and label."""


@dataclass(frozen=True)
class Sequences:
    """Labelled sequences: the steps of all sequences end to end, and the start and length of each.

    A selection (`take`) shares the values, so a split costs no copy.

    Attributes:
        values: all steps, [S, F], float32 or bytes; NaN is a missing value. For text, int32 codes, [S, 1], that
            index ``symbols``.
        starts: index in ``values`` of each sequence's first step, [N].
        lengths: number of steps of each sequence, [N], at least 1.
        labels: index of each sequence's class, [N]; None if the labels are not known.
        classes: the classes' names, [C].
        channels: the channels' names, [F].
        scale: factor from ``values`` to the real unit, applied when a batch is made; 1/255 for pixels stored
            as bytes.
        pictures: whether each sequence is a picture whose rows are the steps.
        symbols: for text, the distinct characters or words, in sorted order; None for numbers.
        ids: name of each sequence in its source, [N], such as the value of an id column or a file name; None
            if there are no names.
        groups: group of each sequence, [N], such as the person recorded; a split keeps a group on one side.
            None if the sequences have no groups.
        offsets: what was taken off each channel before its values became 32-bit floats, [F], in the real unit, so that
            they keep what they vary by around a large number; None for nothing.
        times: time of each sequence's first step, [N], in the unit of the data (time stamps: seconds since
            1970); None if it is not known.
        reading: what a reader found out about their file, such as the columns, or the kind of the tokens of texts;
            later files are read alike. None for arrays.
        step_labels: of long recordings, index of the class of each step in ``values``, [S], −1 for none; None where a
            sequence has one label.
        step_times: of long recordings, the time of each step in ``values``, [S], in the unit of the data.
        cut: of windows, where each stands in its recording; None for whole sequences.

    Example:
        >>> own = unrolled.Sequences.from_list([[[0.5, 1], [0.2, 3]], [[0.1, 2]]], ["up", "down"], channels=["x", "y"])
        >>> len(own), own.lengths.tolist(), own.classes
        (2, [2, 1], ('down', 'up'))
        >>> own[0]
        array([[0.5, 1. ], [0.2, 3. ]], dtype=float32)
    """

    values: Values
    starts: Integers
    lengths: Integers
    labels: Integers | None
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    scale: float = 1.0
    pictures: bool = False
    symbols: tuple[str, ...] | None = None
    ids: Names | None = None
    groups: Names | None = None
    times: Times | None = None
    offsets: Offsets | None = None
    reading: Mapping[str, Any] | None = None
    step_labels: Integers | None = None
    step_times: Times | None = None
    cut: Cut | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise DataError(
                f"values have the shape {self.values.shape}; expected [S, F] with F = {len(self.channels)}."
            )
        empty = np.flatnonzero(self.lengths < 1)
        if empty.size:
            raise LengthError(
                f"sequence {empty[0]} has no steps ({empty.size} such in all); remove it, or give it at least one."
            )
        for name in _PER_SEQUENCE:
            column = getattr(self, name)
            if column is not None and len(column) != len(self.lengths):
                raise DataError(f"found {len(column)} {name} for {len(self.lengths)} sequences; expected one for each.")

    def __repr__(self) -> str:
        """Numbers of sequences and steps, channels and classes, on one line."""
        least, most = (int(self.lengths.min()), int(self.lengths.max())) if len(self) else (0, 0)
        steps = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        kind = f"{len(self.channels):,} channels ({listed(self.channels)})"
        kind = kind if self.symbols is None else f"text ({self.text_kind})"
        labels = f"{len(self.classes):,} classes ({listed(self.classes)})"
        if self.labels is None:
            labels = "no labels" if self.step_labels is None else f"a label a step, {labels}"
        return f"Sequences: {len(self):,} of {steps} steps, {kind}, {labels}"

    def _repr_html_(self) -> str:
        """The same for a notebook, with the first sequences and the number of each class."""
        kind, _, described = repr(self).partition(": ")
        shown = []
        for index in range(min(len(self), 3)):
            label = "" if self.labels is None else f"{self.classes[self.targets[index]]!r}"
            tokens = self.tokens(index)
            drawn = curve(
                [self.scaled(index)[:, channel].tolist() for channel in range(min(len(self.channels), 6))], label
            )
            shown.append(drawn if tokens is None else lines(f"{shortened(''.join(tokens), 80)!r} {label}"))
        counts = None if self.labels is None else self.class_counts()
        classes = "" if counts is None else table(("class", "sequences"), zip(self.classes, counts, strict=True))
        return titled(kind, lines(described), *shown, classes)

    @classmethod
    def from_list(
        cls,
        sequences: Iterable[npt.ArrayLike],
        labels: Sequence[object] | npt.NDArray[np.generic] | None = None,
        *,
        classes: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        groups: Iterable[object] | None = None,
        tokens: TokenKind | None = None,
    ) -> Sequences:
        """Sequences from arrays of shape [T_i, F], or [T_i] for one channel; or from texts.

        Args:
            sequences: an array, a tensor or a data frame for each sequence; lengths may differ, channels may not. Or a
                text, or a list of its tokens, for each.
            labels: one label for each sequence, of any type that can be written as text.
            classes: the classes' names in their order; by default the labels, sorted.
            channels: the channels' names; by default the frames' columns, or else their numbers from 0.
            groups: the group of each sequence, such as the person recorded, which a split keeps on one side.
            tokens: of texts, characters or words; by default words if most texts have spaces.
        Raises:
            LengthError: for a sequence with no steps.
            DataError: for sequences with different numbers of channels, and for values that are not numbers.

        Example:
            >>> unrolled.Sequences.from_list([[1, 2, 3], [4, 5]]).lengths.tolist()  # one channel
            [3, 2]
            >>> unrolled.Sequences.from_list(["so it is", "it is"], tokens="words").symbols
            ('is', 'it', 'so')
        """
        items = list(sequences)
        if not items:
            raise DataError("there are no sequences; expected at least one.")
        names = None if groups is None else map(as_text, groups)
        if holds_text(items[0]):
            texts = from_texts(items, tokens)
            coded = cls.from_steps(
                texts.values, texts.lengths, labels, classes=classes, channels=texts.channels, groups=names
            )
            return replace(coded, symbols=texts.symbols, reading=texts.reading)
        arrays = _rows(items)
        channels = channels or frame_columns(items[0])
        offsets = _offsets(arrays)
        rows = [as_values(array, f"sequence {index}", offsets) for index, array in enumerate(arrays)]
        values: Values = np.concatenate(rows)  # type: ignore[assignment]  # bytes, or floats
        made = cls.from_steps(values, list(map(len, rows)), labels, classes=classes, channels=channels, groups=names)
        return made if offsets is None else replace(made, offsets=offsets)

    @classmethod
    def from_steps(
        cls,
        values: Values,
        lengths: npt.ArrayLike,
        labels: Sequence[object] | npt.NDArray[np.generic] | None = None,
        *,
        classes: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        scale: float = 1.0,
        pictures: bool = False,
        symbols: Sequence[str] | None = None,
        ids: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
        times: npt.ArrayLike | None = None,
    ) -> Sequences:
        """Sequences whose steps are already end to end in ``values``, [S, F], which is not copied."""
        sizes = np.asarray(lengths, np.int64)
        starts = np.cumsum(sizes) - sizes
        if int(sizes.sum()) != len(values):
            raise LengthError(f"the lengths add up to {int(sizes.sum())} steps; found {len(values)}.")
        if labels is None:
            indices, names = None, tuple(classes or ())
        else:
            if len(labels) != len(sizes):
                raise DataError(f"found {len(labels)} labels for {len(sizes)} sequences; expected one for each.")
            indices, names = encode_labels(labels, classes)
        return cls(
            values,
            starts,
            sizes,
            indices,
            names,
            tuple(channels or map(str, range(values.shape[1]))),
            scale,
            pictures,
            None if symbols is None else tuple(symbols),
            None if ids is None else as_names(ids),
            None if groups is None else as_names(groups),
            None if times is None else np.asarray(times, np.float64),
        )

    @classmethod
    def from_array(
        cls,
        array: npt.NDArray[np.generic],
        labels: Sequence[object] | npt.NDArray[np.generic] | None = None,
        *,
        classes: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        padded: bool = True,
    ) -> Sequences:
        """Sequences from an array [N, T, F], or [N, T] for one channel.

        Shorter sequences are padded with NaN: steps at the end in which every channel is NaN are no part of a sequence,
        as in files with a column for each step; without ``padded`` they are missing values, as other NaN are.

        Example:
            >>> own = unrolled.Sequences.from_array(np.zeros((5, 8, 3)))
            >>> len(own), own.equal_length, own.channels
            (5, 8, ('0', '1', '2'))
            >>> unrolled.Sequences.from_array(np.array([[1, np.nan, 3], [4, np.nan, np.nan]])).lengths.tolist()
            [3, 1]
        """
        if array.ndim not in (2, 3):
            raise DataError(f"an array of sequences is [N, T, F] or [N, T]; found the shape {array.shape}.")
        if 0 in array.shape:
            raise LengthError(f"the array of shape {array.shape} holds nothing; expected at least one of each.")
        count, steps = array.shape[:2]
        numbers = array.reshape(count * steps, -1)
        offsets = _offsets([numbers])
        values = as_values(numbers, "the array", offsets)
        lengths = np.full(count, steps)
        shorter = _without_padding(values, np.arange(count) * steps, lengths) if padded else None
        if shorter is not None:
            if not shorter.all():
                empty = int(np.argmin(shorter))
                raise LengthError(
                    f"sequence {empty} of the array holds nothing but NaN; remove it, or give it a value."
                )
            values, lengths = values[(np.arange(steps) < shorter[:, None]).ravel()], shorter
        made = cls.from_steps(values, lengths, labels, classes=classes, channels=channels)
        return made if offsets is None else replace(made, offsets=offsets)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Values:
        """One sequence, [T, F], as stored, without ``scale``."""
        start = self.starts[index]
        return self.values[start : start + self.lengths[index]]

    def __iter__(self) -> Iterator[Values]:
        return (self[index] for index in range(len(self)))

    def scaled(self, index: int) -> npt.NDArray[np.floating]:
        """One sequence, [T, F], in the real unit; in double precision if something was taken off."""
        if self.offsets is not None:
            return self[index] * np.float64(self.scale) + self.offsets
        return self[index].astype(np.float32) * np.float32(self.scale)

    def without_padding(self) -> Sequences:
        """The sequences without the steps at their ends at which every channel is missing; one step stays."""
        shorter = _without_padding(self.values, self.starts, self.lengths)
        return self if shorter is None else replace(self, lengths=np.maximum(shorter, 1))

    def with_offsets(self, offsets: Offsets | None) -> Sequences:
        """The sequences with other offsets, as those of the training data.

        Args:
            offsets: what is taken off each channel, [F]; None for nothing.
        """
        own = np.zeros(len(self.channels)) if self.offsets is None else self.offsets
        wanted = np.zeros(len(self.channels)) if offsets is None else offsets
        if self.symbols is not None or bool((own == wanted).all()):
            return self
        numbers = self.values.astype(np.float64)
        numbers += (own - wanted) / self.scale
        return replace(self, values=numbers.astype(np.float32), offsets=offsets)

    @property
    def text_kind(self) -> TokenKind | None:
        """Of texts, whether the steps are characters or words; None for numbers."""
        if self.symbols is None:
            return None
        known: TokenKind | None = (self.reading or {}).get("tokens")
        return known or ("words" if any(len(symbol) > 1 for symbol in self.symbols) else "characters")

    def tokens(self, index: int) -> list[str] | None:
        """The characters or words of one text; None if the sequences are not texts."""
        return None if self.symbols is None else [self.symbols[code] for code in self[index][:, 0].tolist()]

    def take(self, indices: npt.NDArray[np.integer] | slice) -> Sequences:
        """A selection of the sequences, which shares the values.

        Example:
            >>> own = unrolled.Sequences.from_list(arrays, labels)
            >>> len(own.take(slice(0, 40))), len(own.take(np.array([3, 1])))
            (40, 2)
        """
        chosen: dict[str, Any] = {name: getattr(self, name) for name in ("labels", *_PER_SEQUENCE)}
        chosen = {name: None if column is None else column[indices] for name, column in chosen.items()}
        cut = None if self.cut is None else self.cut.take(indices)
        return replace(self, starts=self.starts[indices], lengths=self.lengths[indices], cut=cut, **chosen)

    def with_steps(
        self, labels: Iterable[npt.ArrayLike] | None = None, times: Iterable[npt.ArrayLike] | None = None
    ) -> Sequences:
        """Long recordings with a label, or a time, for each step; `train` cuts them into windows (``window=256``).

        Args:
            labels: of each sequence its steps' labels, [T_i], of any type that can be written as text; None, NaN and an
                empty text are no label. They take the place of labels of whole sequences.
            times: of each sequence the times of its steps, [T_i], which rise; in seconds unless ``time_unit`` says
                otherwise.
        Raises:
            DataError: for other numbers of labels or times than of steps, and for times that do not rise.

        Example:
            >>> recording = np.random.default_rng(0).normal(size=(900, 3))
            >>> own = unrolled.Sequences.from_list([recording]).with_steps([["rest"] * 400 + ["walk"] * 500])
            >>> own.labels_of_steps(0)[398:402]
            array([0, 0, 1, 1])
        """
        if (self.starts != np.cumsum(self.lengths) - self.lengths).any() or len(self.values) != self.num_steps:
            raise DataError("these sequences are a selection; give labels and times to all of them before.")
        found = self
        if labels is not None:
            flat = np.concatenate([np.asarray(each, object) for each in self._checked(labels, "labels")])
            known = ~missing_labels(flat)
            indices, classes = encode_labels(np.array(flat[known].tolist()))
            of_steps = np.full(len(flat), -1, np.int64)
            of_steps[known] = indices
            found = replace(found, labels=None, classes=classes, step_labels=of_steps)
        if times is not None:
            each_times = [np.asarray(each, np.float64) for each in self._checked(times, "times")]
            for index, own in enumerate(each_times):
                if not (np.diff(own) > 0).all():
                    raise DataError(f"the times of sequence {index} do not rise; sort its steps by time.")
            found = replace(found, step_times=np.concatenate(each_times), times=np.array([t[0] for t in each_times]))
        return found

    def _checked(self, columns: Iterable[npt.ArrayLike], name: str) -> list[npt.ArrayLike]:
        """Of each sequence what belongs to its steps."""
        found = list(columns)
        sizes = [len(np.asarray(each, object)) for each in found]
        if sizes != self.lengths.tolist():
            raise DataError(
                f"found {name} for {listed(map(str, sizes))} steps; expected as many as each sequence has, "
                f"{listed(map(str, self.lengths.tolist()))}."
            )
        return found

    def names(self) -> Names:
        """The ids of the sequences, or else their numbers, counted from 0, [N]."""
        return as_names(map(str, range(len(self)))) if self.ids is None else self.ids

    def labels_of_steps(self, index: int) -> Integers | None:
        """The class of each step of a sequence, [T], −1 for none: its own label, or those of a recording's steps."""
        start, length = int(self.starts[index]), int(self.lengths[index])
        if self.step_labels is not None:
            return self.step_labels[start : start + length]
        return None if self.labels is None else np.full(length, self.labels[index])

    @cached_property
    def num_steps(self) -> int:
        """Steps of all sequences together, S."""
        return int(self.lengths.sum())

    @cached_property
    def equal_length(self) -> int | None:
        """The length of all sequences; None if their lengths differ."""
        first = int(self.lengths[0])
        return first if bool((self.lengths == first).all()) else None

    @property
    def targets(self) -> Integers:
        """The labels, [N].

        Raises:
            DataError: if there are none.
        """
        if self.labels is None:
            raise DataError("these sequences have no labels; training and evaluation need one for each.")
        return self.labels

    def class_counts(self) -> Integers:
        """Sequences of each class, [C]."""
        return np.bincount(self.targets, minlength=len(self.classes)).astype(np.int64)

    def missing(self) -> list[tuple[int, int, int]]:
        """The positions (sequence, step, channel) of missing and infinite values."""
        return [(index, int(t), int(f)) for index, rows in enumerate(self) for t, f in np.argwhere(~np.isfinite(rows))]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of values, symbols, lengths, labels and classes: equal for equal data from any file.

        Ids, groups and times do not count: a network never reads them.
        """
        digest = hashlib.sha256(repr((self.classes, len(self.channels), self.scale)).encode())
        if self.symbols is not None:
            digest.update(repr(self.symbols).encode(errors="surrogatepass"))
        if self.offsets is not None:
            digest.update(self.offsets.tobytes())
        digest.update(self.lengths.tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        for block in self.blocks():
            digest.update(np.ascontiguousarray(block).view(np.uint8).data)
        return digest.hexdigest()

    def blocks(self) -> Iterator[Values]:
        """All steps, sequence by sequence, in blocks of at most 65,536, [S', F]; a block may hold several sequences."""
        ends = self.starts + self.lengths
        breaks = np.flatnonzero(self.starts[1:] != ends[:-1]) + 1
        for low, high in pairwise([0, *breaks.tolist(), len(self)]):
            if high > low:
                steps = self.values[self.starts[low] : ends[high - 1]]
                yield from (steps[first : first + BLOCK_STEPS] for first in range(0, len(steps), BLOCK_STEPS))


def from_texts(texts: Iterable[object], kind: TokenKind | None = None) -> Sequences:
    """Texts as sequences of tokens.

    Args:
        texts: see `TextsLike`.
        kind: characters or words; by default the result of `guess_kind`.
    Raises:
        MismatchError: for anything but texts.
        LengthError: for a text without a token.
        DataError: if there are no texts.
    """
    items = [texts] if isinstance(texts, str) else list(texts)
    if not items:
        raise DataError("there are no texts; expected at least one.")
    whole = [item for item in items if isinstance(item, str)]
    coder = Coder(kind or guess_kind(whole))
    coder.add(items)
    sequences = coded_texts(coder)
    return sequences if kind or whole else replace(sequences, reading=None)  # lists of tokens do not say their kind


def coded_texts(coder: Coder) -> Sequences:
    """The texts that a `Coder` has coded."""
    codes, lengths, symbols = coder.coded()
    return replace(
        Sequences.from_steps(codes, lengths, channels=["text"], symbols=symbols), reading={"tokens": coder.kind}
    )


def as_names(texts: Iterable[str]) -> Names:
    """Texts as an array, [N]."""
    names = list(texts)
    array: Names = np.empty(len(names), object)
    array[:] = names
    return array


def encode_labels(
    labels: Sequence[object] | npt.NDArray[np.generic], classes: Sequence[str] | None = None
) -> tuple[Integers, tuple[str, ...]]:
    """Class indices and class names from labels of any type.

    Numbers are ordered by value and written without a trailing ``.0``; all other labels are ordered as text.

    Raises:
        DataError: for a missing label, labels of types without a common order, and a label that is not in the given
            ``classes``.
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"labels have the shape {array.shape}; expected one label a sequence, [N].")
    missing = missing_labels(array)
    if missing.any():
        first = int(missing.argmax())
        raise DataError(
            f"label {first} is missing ({array.tolist()[first]!r}), {int(missing.sum()):,} in all; expected a class "
            "for each sequence. Leave out those without one."
        )
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise DataError(f"label {int(np.flatnonzero(~np.isfinite(array))[0])} is not finite; expected a class.")
    try:
        found, inverse = np.unique(array, return_inverse=True)
    except TypeError:
        types = ", ".join(sorted({type(value).__name__ for value in array}))
        raise DataError(f"the labels are of different types ({types}); expected all numbers or all texts.") from None
    names = [as_text(value) for value in found]
    if classes is None:
        return inverse.astype(np.int64), tuple(names)
    position = {name: index for index, name in enumerate(classes)}
    unknown = [name for name in names if name not in position]
    if unknown:
        raise DataError(f"label {unknown[0]!r} is not one of the classes: {', '.join(classes)}.")
    return np.array([position[name] for name in names], np.int64)[inverse], tuple(classes)


def label_indices(sequences: Sequences, classes: tuple[str, ...]) -> Integers:
    """The labels as indices of other classes, by name, [N]; −1 for a class that is not one of these."""
    places = {name: index for index, name in enumerate(classes)}
    table: Integers = np.array([places.get(name, -1) for name in sequences.classes], np.int64)
    return table[sequences.targets]


NO_LABEL = {"", "?", "NaN", "nan", "NAN", "-nan", "NaT", "<NA>", "#N/A"}
"""Spellings of a missing label, which is never a class."""


def missing_labels(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each label is missing, [N]: NaN, None, an empty text or one of `NO_LABEL`."""
    if labels.dtype.kind in "biu":
        return np.zeros(len(labels), bool)
    if labels.dtype.kind in "fc":
        nan: npt.NDArray[np.bool_] = np.isnan(labels)
        return nan
    return np.array([value is None or str(value).strip() in NO_LABEL for value in labels.tolist()], bool)


def as_text(value: object) -> str:
    """A label or name of any type as text; whole numbers without a trailing ``.0``."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _rows(items: Sequence[Any]) -> list[npt.NDArray[Any]]:
    """The steps of each sequence, [T_i, F], all with the same channels in the same order."""
    rows: list[npt.NDArray[Any]] = [_as_steps(item, index) for index, item in enumerate(items)]
    width = rows[0].shape[1]
    odd = next((index for index, row in enumerate(rows) if row.shape[1] != width), None)
    if odd is not None:
        turned = len({len(row) for row in rows}) == 1
        advice = " If an array is [F, T], channels first, transpose it: array.T." if turned else ""
        raise DataError(
            f"sequence {odd} has {rows[odd].shape[1]} channels where sequence 0 has {width}; every sequence needs the "
            f"same channels.{advice}"
        )
    names = frame_columns(items[0])
    for index, item in enumerate(items if names is not None else ()):
        own = frame_columns(item)
        if own != names:
            if own is None or set(own) != set(names or ()):
                raise DataError(
                    f"sequence {index} has the channels {own}; expected {names}, as sequence 0. Rename its columns."
                )
            rows[index] = rows[index][:, [own.index(name) for name in names or ()]]
    return rows


def _without_padding(values: Values, starts: Integers, lengths: Integers) -> Integers | None:
    """The lengths without the steps of NaN at the ends, 0 for nothing else, [N]; None if no sequence ends with one."""
    ends = starts + lengths
    if values.dtype.kind != "f" or not np.isnan(values[ends - 1]).all(axis=1).any():
        return None
    there = np.logical_not(np.logical_and.reduce(np.isnan(values), axis=1))  # [S]
    last = np.append(np.where(there, np.arange(1, len(there) + 1), 0), 0)
    shorter: Integers = np.maximum.reduceat(last, np.column_stack([starts, ends]).ravel())[::2] - starts
    return np.maximum(shorter, 0)


def _as_steps(sequence: npt.ArrayLike, index: int) -> npt.NDArray[Any]:
    try:
        array = as_array(sequence)
    except ValueError:
        raise DataError(f"sequence {index} has steps of different sizes; expected [T, F], or [T].") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DataError(f"sequence {index} has the shape {array.shape}; expected [T, F], or [T] for one channel.")
    if len(array) == 0:
        raise LengthError(f"sequence {index} has no steps; remove it, or give it at least one.")
    if array.dtype.kind not in "buif":
        raise DataError(f"sequence {index} holds {array.dtype} values; expected numbers.")
    return array


def _offsets(arrays: Sequence[npt.NDArray[Any]]) -> Offsets | None:
    """What is taken off each channel of numbers, [T_i, F], that 32-bit floats cannot tell apart."""
    if not any(array.dtype.itemsize >= _WIDE.get(array.dtype.kind, np.inf) for array in arrays):
        return None
    low, high = np.full(arrays[0].shape[1], np.inf), np.full(arrays[0].shape[1], -np.inf)
    for array in arrays:
        low, high = np.fmin(low, np.fmin.reduce(array, axis=0)), np.fmax(high, np.fmax.reduce(array, axis=0))
    return offsets_between(low, high)


def as_values(array: npt.NDArray[np.generic], name: str, offsets: Offsets | None = None) -> Values:
    """Numbers in the type that `Sequences` store: bytes, or 32-bit floats; copied only if needed.

    Args:
        array: of numbers.
        name: of the array, for messages.
        offsets: what is taken off each channel before, [F].

    Raises:
        DataError: for anything but numbers, and for numbers beyond the range of 32-bit floats.
    """
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} holds {array.dtype} values; expected numbers.")
    if array.dtype == np.uint8 and offsets is None:
        return np.ascontiguousarray(array, np.uint8)
    if offsets is not None:
        array = array.astype(np.float64) - offsets
    return to_float32(array, lambda _: DataError(f"{name} holds values {BEYOND_FLOAT32}."))
