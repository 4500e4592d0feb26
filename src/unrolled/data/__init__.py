"""Sequences with labels: what they are, where they come from and how they are split.

sources/    named data: generated, shipped, or downloaded and verified
formats/    readers, one file a format, and the table of them
tables/     which column is the label, the id, the time, ...; rows of a table into sequences
files/      how a file of any format is opened and read in bounded memory
batches/    sequences as padded tensors
windows/    long recordings as windows

sequences   `Sequences`: values, lengths, labels and classes
arrays      the arrays that they consist of
labels      labels of any type as indices of classes
steps       a caller's arrays as steps end to end
padding     NaN behind the last step
fingerprint a hash of what a network reads of sequences
showing     `Sequences` on a line, and in a notebook
dataset     `Dataset`: training, validation and test sequences
load        a recipe's section [data] into a `Dataset`: named data or a file, split
options     which options apply to which data
numbers     numbers in text, and as 32-bit floats
moments     time stamps in text: their forms, and their seconds
coercion    a caller's arrays and lists into `Sequences`
frames      data frames of other libraries as arrays and lists
foreign     tensors and frames, told without importing their libraries
tokens      a text into characters or words
splits      held-out sequences: by class, by group, by time, by order
copies      sequences of the same content
checks      whether sequences fit training, a test or a model
folds       the parts of a cross-validation
inspection  `unrolled inspect`: the content of a file, and what is odd about it
record      the content of training, validation and test sequences, as hashes
"""

from unrolled.data.arrays import Integers, as_names
from unrolled.data.checks import (
    as_learned,
    check_channels,
    check_held_out,
    check_kind,
    check_test,
    check_trainable,
    plausible_range,
    refuse_values,
    targets_among,
    value_range,
    warn_if_out_of_range,
)
from unrolled.data.coercion import SequencesLike, as_sequences, parse_literal
from unrolled.data.dataset import Dataset
from unrolled.data.folds import divide, fold_datasets, in_folds
from unrolled.data.foreign import Frame, holds_text, is_frame
from unrolled.data.frames import unframed
from unrolled.data.inspection import Inspection, Place, PreviewSequence, inspect
from unrolled.data.labels import as_text, encode_labels, label_indices
from unrolled.data.load import in_windows, load_dataset, load_sequences, split_dataset
from unrolled.data.record import DatasetRecord, PartRecord, content_hashes
from unrolled.data.sequences import Sequences, from_texts
from unrolled.data.splits import DEFAULT_VALIDATION_FRACTION, hold_out_validation
from unrolled.data.tokens import TextsLike, guess_kind, tokens_of
from unrolled.data.windows import Cut, WindowRule, cut, in_blocks_of, step_means

__all__ = [
    "DEFAULT_VALIDATION_FRACTION",
    "Cut",
    "Dataset",
    "DatasetRecord",
    "Frame",
    "Inspection",
    "Integers",
    "PartRecord",
    "Place",
    "PreviewSequence",
    "Sequences",
    "SequencesLike",
    "TextsLike",
    "WindowRule",
    "as_learned",
    "as_names",
    "as_sequences",
    "as_text",
    "check_channels",
    "check_held_out",
    "check_kind",
    "check_test",
    "check_trainable",
    "content_hashes",
    "cut",
    "divide",
    "encode_labels",
    "fold_datasets",
    "from_texts",
    "guess_kind",
    "hold_out_validation",
    "holds_text",
    "in_blocks_of",
    "in_folds",
    "in_windows",
    "inspect",
    "is_frame",
    "label_indices",
    "load_dataset",
    "load_sequences",
    "parse_literal",
    "plausible_range",
    "refuse_values",
    "split_dataset",
    "step_means",
    "targets_among",
    "tokens_of",
    "unframed",
    "value_range",
    "warn_if_out_of_range",
]
