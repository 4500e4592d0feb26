"""`Sequences`: labelled sequences of any lengths, stored without padding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.config import TokenKind
from unrolled.data.arrays import Integers, Names, Offsets, Times, Values, as_names
from unrolled.data.fingerprint import fingerprint_of
from unrolled.data.foreign import frame_columns, holds_text
from unrolled.data.labels import as_text, encode_labels, encode_step_labels
from unrolled.data.padding import lengths_without_padding
from unrolled.data.showing import as_html, on_a_line
from unrolled.data.steps import for_each_step, rising_times, steps_of_array, steps_of_arrays
from unrolled.data.tokens import Coder, guess_kind
from unrolled.errors import DataError, LengthError

if TYPE_CHECKING:
    from unrolled.data.windows import Cut


BLOCK_STEPS = 65_536
"""Steps in a block of `Sequences.blocks`."""

_PER_SEQUENCE = ("labels", "ids", "groups", "times")
"""Fields that hold a value for each sequence, besides its start and length."""


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
        return on_a_line(self)

    def _repr_html_(self) -> str:
        return as_html(self)

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
                texts.values,
                texts.lengths,
                labels,
                classes=classes,
                channels=texts.channels,
                symbols=texts.symbols,
                groups=names,
            )
            return replace(coded, reading=texts.reading)
        steps = steps_of_arrays(items)
        channels = channels or frame_columns(items[0])
        made = cls.from_steps(steps.values, steps.lengths, labels, classes=classes, channels=channels, groups=names)
        return replace(made, offsets=steps.offsets)

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
        indices, names = (None, tuple(classes or ())) if labels is None else encode_labels(labels, classes)
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
        steps = steps_of_array(array, padded=padded)
        made = cls.from_steps(steps.values, steps.lengths, labels, classes=classes, channels=channels)
        return replace(made, offsets=steps.offsets)

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
        shorter = lengths_without_padding(self.values, self.starts, self.lengths)
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
        chosen: dict[str, Any] = {name: getattr(self, name) for name in _PER_SEQUENCE}
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
            each_labels = for_each_step(labels, self.lengths, "labels")
            indices, classes = encode_step_labels(np.concatenate([np.asarray(own, object) for own in each_labels]))
            found = replace(found, labels=None, classes=classes, step_labels=indices)
        if times is not None:
            own = rising_times(for_each_step(times, self.lengths, "times"))
            found = replace(found, step_times=own, times=own[self.starts])
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
        return fingerprint_of(self)

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
