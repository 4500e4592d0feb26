"""The settings of a run: four frozen sections of fields, and the recipe that joins them.

Each description gives a field's meaning and unit. Command-line options, recipe files, keyword arguments of
`unrolled.train` and parameters of `SequenceClassifier` are made from these fields.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from unrolled.errors import RENAMED, ConfigError, ReadError, UnknownNameError, nearest, option, present_name
from unrolled.parts import CELLS, INITIALIZERS, MISSING, NORMALISATIONS, OUTPUT_INITIALIZERS, POOLINGS

if TYPE_CHECKING:
    CellName = str
    PoolingName = str
    MissingName = str
    NormalisationName = str
    InitializerName = str
    OutputInitializerName = str
else:  # the names that the tables of the parts have
    CellName = Literal[tuple(CELLS)]
    PoolingName = Literal[tuple(POOLINGS)]
    MissingName = Literal[tuple(MISSING)]
    NormalisationName = Literal[tuple(NORMALISATIONS)]
    InitializerName = Literal[tuple(INITIALIZERS)]
    OutputInitializerName = Literal[tuple(OUTPUT_INITIALIZERS)]
TokenKind = Literal["characters", "words", "plain-words"]
KeptSteps = Literal["first", "last"]
WindowLabel = Literal["majority", "last", "same"]
TimeUnit = Literal["s", "ms", "us", "ns"]
MethodName = Literal["auto", "fitted", "trained"]
SplitName = Literal["stratified", "time", "order"]
Layout = Literal["time-first", "channels-first"]
FormatName = Literal[
    "csv",
    "tsv",
    "parquet",
    "jsonl",
    "ts",
    "arff",
    "npz",
    "npy",
    "idx",
    "csv-folder",
    "png-folder",
    "picture",
    "files",
    "text",
]


def _parts(value: Any) -> Any:
    """The parts of a text with commas between them."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _weights(value: Any) -> Any:
    """The word ``balanced``, or the numbers in one text with commas between them."""
    return value if value == "balanced" else _parts(value)


def _names_of(annotation: Any) -> tuple[str, ...]:
    """The names that a field takes."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(name for part in get_args(annotation) for name in _names_of(part))


def _alike(name: str, names: Iterable[str]) -> str | None:
    """The one of some names that differs from a name at most in capitals, and in _ for -."""
    return next((one for one in names if one.casefold() == name.casefold().replace("_", "-")), None)


_UNITS = {"ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def seconds_of(value: Any) -> Any:
    """The seconds of a duration in words, such as ``90``, ``5m`` or ``1h30m``.

    Raises:
        ValueError: for other words.
    """
    if not isinstance(value, str):
        return value
    text = value.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)?", text)
    if not parts or "".join(map("".join, parts)) != text or (len(parts) > 1 and not all(unit for _, unit in parts)):
        raise ValueError("expected a time, as a number of seconds or such as 90s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


def _power_of_two(value: int) -> int:
    """The value, if it is a power of two."""
    if value & (value - 1):
        raise ValueError("expected a power of two")
    return value


def _span(value: Any) -> Any:
    """A number of steps, or a duration with its unit, as ``2.5s``.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, str) and re.fullmatch(r"\d+", value.strip()):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and not re.fullmatch(r"[\d.\s]*", value) and seconds_of(value) > 0:
        return value.replace(" ", "")
    raise ValueError(f"found {value!r}; expected a number of steps, as 256, or a time with its unit, as 2.5s or 500ms")


Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Duration = Annotated[float, BeforeValidator(seconds_of), Field(gt=0)]
"""Seconds, or a text with units."""
Span = Annotated[int | str, BeforeValidator(_span)]
"""A number of steps, or a text with the unit of a time."""
Names = Annotated[tuple[str, ...], BeforeValidator(_parts)]
"""Several names, or one text with commas between them."""


class Section(BaseModel):
    """A frozen group of fields, described in the docstring of the class; an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Gives each field its description, which is also the help of its option."""
        attributes = cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
        for name, text in re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", attributes, re.MULTILINE):
            cls.model_fields[name].description = " ".join(text.split()).removesuffix(".")

    @field_validator("*", mode="before")
    @classmethod
    def _as_named(cls, value: Any, info: ValidationInfo) -> Any:
        """A name in the letters of its table: ``GRU`` is ``gru``."""
        if not isinstance(value, str):
            return value
        names = _names_of(cls.model_fields[str(info.field_name)].annotation)
        return _alike(value, names) or value


class DataConfig(Section):
    """The sequences, how their file is read, and which of them are held out.

    Attributes:
        source: a named data set, or the path of a file of sequences.
        test: a file of test sequences; without one, a share of the sequences is held out (test_fraction).
        layout: order of the axes of a 3-D array in an .npz or .npy file, [N, T, F] or [N, F, T]; required for such an
            array.
        format: the file's format (default: from the ending of its name).
        table: layout of a table: one row per step (long) or one row per sequence (wide) (default: long if there is an
            id column).
        delimiter: separator between the columns of a text table: one character, 'tab', or 'spaces' for runs of them
            (default: found out).
        decimal: what stands before the decimals of a number in a text table, a point or a comma (default: found out).
        header: the first line of a text table names its columns; without names, columns are numbered from 0 (default:
            found out).
        day_first: the day stands before the month in dates such as 01/02/2026 (default: found out).
        sequences_by: long table without an id: what begins a new sequence: a blank line, a line that is a mark such as
            ---, a time that is smaller than the one before, or a number of rows.
        id: column with the name of the sequence, or several whose names together are unique, as subject,trial.
        time: long table: column of the time, which must rise within a sequence.
        label: column of the label.
        label_from: what holds the label where no column does: the names of the files, without the numbers at their end
            (file), the names of their folders (folder), or the order: so many sequences of each class one after the
            other (a number).
        channels: columns of the values, separated by commas; ax_* stands for ax_0, ax_1, …
        group: column of the groups that a split must not divide, such as the person.
        text: column of texts; each text is a sequence of characters or words.
        tokens: the steps of a text: its characters; its words, as spaces part them; or its plain words, in lower case
            and apart from punctuation marks (default: words if there are spaces).
        padded: missing values in all channels at the end of a sequence are padding, and no part of it (default: yes).
        picture_size: rows and columns that pictures are scaled to, such as 28 or 28x20 (default: all have one size).
        window: long recordings are cut into windows of so many steps, or of a time such as 2.5s, and each window gets a
            label; the label column may then change within a recording.
        stride: windows: from the start of one to the start of the next, in steps or as a time (default: half a window).
        window_label: windows: the label is that of most of its steps (majority) or of its last one (last); or windows
            end where the label changes, so that each has a single one (same).
        rate: windows: steps a second; recordings with times are resampled to it by linear interpolation.
        gap: windows: two steps that are further apart than this time are not in one window (default: three times the
            usual distance).
        time_unit: windows: unit of the times that are numbers (default: s, or ms where the column's name says so).
        max_length: largest number of steps; a longer sequence is cut.
        keep_steps: the steps that a cut sequence keeps (max_length): the first or the last.
        length: count-ones: bits in a string (default 20).
        train_size: count-ones: strings to train on (default 10000).
        permute_seed: mnist-pixels: seed of a fixed random order of the pixels (default: row by row).
        validation_fraction: share of the training sequences held out for validation; 0 for none (default 0.15; for
            MNIST the first 5,000).
        test_fraction: share of all sequences held out for the test if there is no test file; 0 for none.
        split: which sequences are held out: a random share of each class (of whole groups if there is a group column),
            the latest by time, or the last in the order of the file.
        split_seed: seed of the random split.
        folds: cross-validation: every sequence is held out once, in one of so many parts; the model itself is then
            trained on all sequences (default: one test part, see test_fraction).
        repeats: cross-validation: number of divisions into folds, each with a seed of its own.
        examples: sequences that the model folder keeps to try the model on, held-out ones first; 0 for none.

    Example:
        >>> config = unrolled.DataConfig(source="long.csv", id="recording", label="gesture", channels="x, y")
        >>> config.channels, config.test_fraction
        (('x', 'y'), 0.2)
    """

    source: str = ""
    test: str | None = None
    layout: Layout | None = None
    format: FormatName | None = None
    table: Literal["long", "wide"] | None = None
    delimiter: str | None = None
    decimal: Literal["point", "comma"] | None = None
    header: bool | None = None
    day_first: bool | None = None
    sequences_by: Literal["blank-lines", "marks", "time"] | Positive | None = None
    id: str | None = None
    time: str | None = None
    label: str | None = None
    label_from: Literal["file", "folder"] | Positive | None = None
    channels: Names | None = None
    group: str | None = None
    text: str | None = None
    tokens: TokenKind | None = None
    padded: bool | None = None
    picture_size: Positive | Annotated[str, Field(pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$")] | None = None
    window: Span | None = None
    stride: Span | None = None
    window_label: WindowLabel | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    gap: Duration | None = None
    time_unit: TimeUnit | None = None
    max_length: Positive | None = None
    keep_steps: KeptSteps = "first"
    length: Annotated[int, Field(ge=4, le=24)] | None = None
    train_size: Positive | None = None
    permute_seed: NotNegative | None = None
    validation_fraction: Share | None = None
    test_fraction: Share = 0.2
    split: SplitName = "stratified"
    split_seed: NotNegative = 0
    folds: Annotated[int, Field(ge=2, le=1000)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    examples: Annotated[int, Field(ge=0, le=1000)] = 10

    @model_validator(mode="after")
    def _folds_hold_out_everything(self) -> Self:
        if self.folds is None:
            if self.repeats > 1:
                raise ValueError(f"{option('repeats')} is for a cross-validation; give {option('folds')} too")
            return self
        default = type(self).model_fields["test_fraction"].default
        others = {"test": self.test, "test_fraction": self.test_fraction not in (0, default)}
        others["split"] = self.split != "stratified"
        given = next((name for name, value in others.items() if value), None)
        if given is not None:
            raise ValueError(
                f"{option('folds')} holds out every sequence once, at random, so {option(given)} would have no effect; "
                "leave it out"
            )
        return self


class ModelConfig(Section):
    """The network.

    Attributes:
        cell: the recurrent cell.
        hidden_size: units per layer and direction, H.
        num_layers: number of stacked layers, L.
        bidirectional: read the sequence in both directions.
        frame_steps: consecutive steps that are read together as one frame; auto: the fewest with which the longest
            training sequence has at most 512 frames.
        context_steps: each step is read together with the steps 1, 2, 4, … up to this many before and after it; 0 for
            none.
        pooling: how the outputs of all steps become one vector; statistics: mean, max, min, standard deviation and last
            output of each unit, and three measures of its changes, side by side.
        skip_segments: segment means: the readout also reads the mean of each of this many equal parts of the sequence,
            past the recurrence; 0 for none.
        skip_convolutions: statistics of random convolutions with 1, 2, 4, … steps between their taps: the readout also
            reads how often and how strongly many fixed patterns occur, past the recurrence; the number of these
            distances, 0 for none; auto: as many as the longest training sequence has room for, at most 8.
        skip_ngrams: text: the readout also reads how often each run of up to this many tokens occurs, past the
            recurrence; 0 for none; auto: 4 characters, or 2 words.
        dropout: dropout rate between layers.
        recurrent_dropout: dropout rate of the state in the recurrence, with the same mask at every step.
        output_dropout: dropout rate before the readout.
        recompute_gates: compute the gates again for the gradients instead of storing them: less memory for long
            sequences, about a third more time (compiled kernel only).
        forget_bias: initial bias of the LSTM's forget gate.
        memory_steps: initialise the gates of an LSTM or GRU so that its units remember 1 to this many steps; replaces
            forget_bias.
        embedding_size: text: size of the vector of each token (default: from the size of the vocabulary).
        missing: what happens to missing values: an error (none), the last value before (forward-fill), the channel's
            mean (mean), or forward-fill with a mask and the time since the last value as further channels (mask).
        normalisation: subtract a mean and divide by a standard deviation: of each channel over the training data
            (channel), of all channels together (overall), of each channel over the sequence itself (sequence), or not
            at all (none); for heavy tails, subtract the median and divide by the deviation that the quartiles show
            (robust), and take a logarithm that keeps the sign (signed-log).
        initializer: how the recurrent weights are initialised; filters: each unit has its own random filter of a step
            and its context (context_steps).
        output_initializer: how the readout is initialised; ridge: fitted in closed form, by ridge regression on the
            outputs of the untrained recurrence.

    Example:
        >>> unrolled.ModelConfig(cell="gru", num_layers=2, bidirectional=True).pooling
        'last'
    """

    cell: CellName = "lstm"
    hidden_size: Annotated[int, Field(ge=1, le=65_536)] = 128
    num_layers: Annotated[int, Field(ge=1, le=64)] = 1
    bidirectional: bool = False
    frame_steps: Positive | Literal["auto"] = 1
    context_steps: Annotated[int, Field(ge=0, le=4096)] = 0
    pooling: PoolingName = "last"
    skip_segments: Annotated[int, Field(ge=0, le=4096)] = 0
    skip_convolutions: Annotated[int, Field(ge=0, le=16)] | Literal["auto"] = 0
    skip_ngrams: Annotated[int, Field(ge=0, le=8)] | Literal["auto"] = 0
    dropout: Share = 0.0
    recurrent_dropout: Share = 0.0
    output_dropout: Share = 0.0
    recompute_gates: bool = False
    forget_bias: float = 1.0
    memory_steps: Annotated[int, Field(ge=2)] | None = None
    embedding_size: Annotated[int, Field(ge=1, le=65_536)] | None = None
    missing: MissingName = "none"
    normalisation: NormalisationName = "channel"
    initializer: InitializerName = "orthogonal"
    output_initializer: OutputInitializerName = "glorot"

    @property
    def has_dropout(self) -> bool:
        """Whether any dropout rate is above 0."""
        return any((self.dropout, self.recurrent_dropout, self.output_dropout))


class AugmentConfig(Section):
    """Augmentation: random changes of training sequences, never of validation or test sequences.

    Attributes:
        time_shift: largest random shift in time, in steps; the first or last step is repeated.
        shuffle_steps: read the steps in a new random order in each epoch, for labels that do not depend on the order.
        value_scale: standard deviation of a random factor for each channel.
        noise: standard deviation of the added noise, in units of the normalised values.
        rotation: pictures: largest random rotation, in degrees.
        zoom: pictures: largest random change of size, as a share.
        shear: pictures: largest random shear, in degrees.
        translate: pictures: largest random shift along each axis, in pixels.
        elastic: pictures: standard deviation of a smooth random displacement, in pixels.

    Example:
        >>> unrolled.AugmentConfig(noise=0.1, time_shift=2).is_on
        True
    """

    time_shift: NotNegative = 0
    shuffle_steps: bool = False
    value_scale: Amount = 0.0
    noise: Amount = 0.0
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Share = 0.0
    shear: Annotated[float, Field(ge=0, le=45)] = 0.0
    translate: Amount = 0.0
    elastic: Amount = 0.0

    @property
    def of_pictures(self) -> bool:
        """Whether a change is on that applies to pictures only."""
        return any((self.rotation, self.zoom, self.shear, self.translate, self.elastic))

    @property
    def of_sequences(self) -> bool:
        """Whether a change is on that applies to every sequence."""
        return any((self.time_shift, self.shuffle_steps, self.value_scale, self.noise))

    @property
    def is_on(self) -> bool:
        """Whether any change is on."""
        return self.of_pictures or self.of_sequences


class TrainConfig(Section):
    """How the weights are learned.

    Without a length, a training takes `DEFAULT_EPOCHS` epochs, or as many as `DEFAULT_STEPS` updates need if those
    are more: a small data set has few updates in an epoch.

    Attributes:
        seed: seed of everything random: weights, order, dropout, augmentation.
        method: how the weights are found: a readout in closed form on an untrained recurrence, without training
            (fitted); by gradients (trained); or in closed form first, if output_initializer is ridge, and by gradients
            where the result is significantly better (auto).
        max_epochs: length of the training, in epochs (default 60, and at least 200 updates).
        max_steps: length of the training, in updates of the weights.
        max_sequences: length of the training, in sequences read, repetitions included.
        time_limit: stop after this time of training, such as 5m, 1h30m or a number of seconds, over all resumptions; a
            schedule is then cut short.
        batch_size: sequences in a batch, B.
        shards: parts of a batch whose gradients are computed alone and added in one order, a power of two, so that as
            many workers at most give the same bits (default 1, and 8 with --workers).
        shuffle: read the sequences in a new random order in each epoch.
        last_batch: the rest of an epoch that does not fill a batch: a smaller batch (keep), left out (drop), or filled
            up from the next epoch (wrap).
        optimizer: the optimisation algorithm.
        learning_rate: the learning rate; with a schedule, the largest one.
        momentum: momentum of sgd and rmsprop.
        beta1: decay of Adam's mean of gradients.
        beta2: decay of Adam's mean of squared gradients.
        epsilon: Adam's and RMSprop's guard against division by zero.
        weight_decay: decay of the weight matrices; biases are exempt.
        schedule: how the learning rate changes during training.
        warmup_fraction: share of the training in which the learning rate rises.
        clip_norm: largest norm of the gradient; a longer gradient is scaled down to it; 0 for no limit.
        average_decay: decay per update of a moving average of the weights, which the model then uses; 0 for none.
        loss: cross-entropy of a batch: the mean or the sum over its sequences.
        probability_floor: smallest probability in the loss; smaller ones count as this.
        label_smoothing: share of each target that is spread over all classes.
        class_weight: weight of each class in the loss, in the order of the classes, or 'balanced'.
        monitor: the validation metric that decides which weights are best.
        patience: stop after this many epochs without a better validation metric; auto: a quarter of all epochs (a half
            where there is no fitted start to keep instead), at least 10, where there are validation sequences.
        keep: the weights that become the model: the best on the validation data, or the last.
        calibrate: fit the temperature of the probabilities to the validation data after training.
        precision: number format of the matrix products; bfloat16 needs a GPU.
        threads: CPU threads (default: one if a step is too small to share, otherwise all).
        device: where to compute: auto, cpu, cuda or cuda:N.
        cuda_graphs: on a GPU, capture training steps as CUDA graphs and replay them.
        log_every: updates between lines of metrics.jsonl.
        checkpoint_every_steps: updates between checkpoints.
        checkpoint_every_seconds: longest time between checkpoints, in seconds.
        tensorboard: write scalars, weights, pictures and hyperparameters for TensorBoard (extra `tensorboard`), which
            `tensorboard --logdir RUN` shows.
        report: write report.html, the page that shows how good the model is.
        trackers: further recorders, by the names under which installed packages register them.
        print_style: what is printed during training; all but progress imitate the old tutorials.
        watch: a sequence whose class probabilities are printed during training.
        headline_sequences: also give the accuracy on this many first test sequences, as the tutorials did.

    Example:
        >>> unrolled.TrainConfig(max_epochs=20, patience=5).keep
        'best'
    """

    seed: NotNegative = 0
    method: MethodName = "auto"
    max_epochs: Positive | None = None
    max_steps: Positive | None = None
    max_sequences: Positive | None = None
    time_limit: Duration | None = None
    batch_size: Positive = 64
    shards: Annotated[int, Field(ge=1, le=64), AfterValidator(_power_of_two)] = 1
    shuffle: bool = True
    last_batch: Literal["keep", "drop", "wrap"] = "keep"
    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    momentum: Share = 0.9
    beta1: Share = 0.9
    beta2: Share = 0.999
    epsilon: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Amount = 0.01
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    warmup_fraction: Share = 0.2
    clip_norm: Amount = 1.0
    average_decay: Share = 0.0
    loss: Literal["mean", "sum"] = "mean"
    probability_floor: Share = 0.0
    label_smoothing: Share = 0.0
    class_weight: Annotated[Literal["balanced"] | tuple[float, ...], BeforeValidator(_weights)] | None = None
    monitor: Literal["loss", "accuracy"] = "loss"
    patience: Positive | Literal["auto"] | None = None
    keep: Literal["best", "last"] = "best"
    calibrate: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: Positive | None = None
    device: str = "auto"
    cuda_graphs: bool = True
    log_every: Positive = 50
    checkpoint_every_steps: Positive | None = None
    checkpoint_every_seconds: Annotated[float, Field(gt=0)] = 30.0
    tensorboard: bool = False
    report: bool = True
    trackers: Names = ()
    print_style: Literal["progress", "accuracy-and-loss", "samples-seen", "epoch-number", "epoch-loss"] = "progress"
    watch: str | None = None
    headline_sequences: Positive | None = None

    @model_validator(mode="after")
    def _at_most_one_length(self) -> Self:
        given = [name for name in LENGTHS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"give one of {', '.join(map(option, LENGTHS))}, or none; found {' and '.join(map(option, given))}"
            )
        return self


WINDOWS = ("window", "stride", "window_label", "rate", "gap", "time_unit")
"""Fields of `DataConfig` about windows of recordings."""

FOUND_OUT = ("frame_steps", "skip_convolutions", "skip_ngrams")
"""Fields of `ModelConfig` whose ``auto`` becomes a number when the training sequences are known."""

HOW_TO_READ = (
    *(
        "layout",
        "format",
        "table",
        "delimiter",
        "decimal",
        "header",
        "day_first",
        "sequences_by",
        "id",
        "time",
        "label",
    ),
    *("label_from", "channels", "group", "text", "tokens", "picture_size", "padded"),
    *WINDOWS,
)
"""Fields of `DataConfig` that say how to read a file."""


class Range(Section):
    """A range of numbers for a search.

    Attributes:
        low: the smallest value.
        high: the largest value.
        log: search on a logarithmic scale, as for a learning rate.
        step: distance between neighbouring values.

    Example:
        >>> sizes = unrolled.Range(low=16, high=128, log=True)
        >>> unrolled.Recipe(name="mine", tune={"hidden_size": sizes, "cell": ("gru", "lstm")}).tune["cell"]
        ('gru', 'lstm')
    """

    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None


Dimension = Range | tuple[str | bool | int | float | None, ...]
"""The values that a search tries for one field: a range of numbers, or a list."""


LENGTHS = ("max_epochs", "max_steps", "max_sequences")
DEFAULT_EPOCHS, DEFAULT_STEPS = 60, 200
"""Default length of a training: this many epochs, and at least this many updates."""


def _default_model() -> ModelConfig:
    return named_recipes()["default"].model


def _default_train() -> TrainConfig:
    return named_recipes()["default"].train


class Recipe(Section):
    """All settings of a run, under a name.

    Where no section ``model`` or ``train`` is given, it is the recipe ``default``'s, as for a file of sequences and for
    `SequenceClassifier`. One that is given counts as it is, with the defaults of its class; a recipe
    file gives both.

    Attributes:
        name: name under which runs are filed.
        description: one sentence.
        aliases: other names of the same recipe.
        tune: what `unrolled tune` searches, by field name.

    Example:
        >>> recipe = unrolled.Recipe(name="mine").with_options({"cell": "gru", "hidden_size": 32})
        >>> recipe.model.cell, recipe.model.hidden_size
        ('gru', 32)
        >>> recipe.with_options({"hiden_size": 64})
        Traceback (most recent call last):
            ...
        unrolled.errors.UnknownNameError: There is no option 'hiden_size'. Did you mean 'hidden_size'?
    """

    name: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    data: DataConfig = DataConfig()
    model: ModelConfig = Field(default_factory=_default_model)
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = Field(default_factory=_default_train)
    tune: dict[str, Dimension] = {}

    def with_options(self, options: Mapping[str, Any]) -> Recipe:
        """The same recipe with other values for some fields, validated.

        Args:
            options: values by field name, such as ``{"hidden_size": 64}``.
        Raises:
            UnknownNameError: for a name that no section has.
            ConfigError: for a value that its field does not take.
        """
        content = self.model_dump()
        options = {present_name(name): value for name, value in options.items()}
        for name, value in options.items():
            if name not in FIELDS:
                raise UnknownNameError("option", name, FIELDS)
            content[FIELDS[name]][name] = value
        if any(options.get(name) is not None for name in LENGTHS):  # it replaces the old one, whatever its unit
            content["train"].update({name: options.get(name) for name in LENGTHS})
        return parse_recipe(content, None)

    def without_folds(self, verb: str) -> Self:
        """The same recipe, for a command that cannot cross-validate.

        Raises:
            ConfigError: if it asks for folds.
        """
        if self.data.folds is not None:
            raise ConfigError(
                f"{verb} holds the same sequences out from every training, so folds would have no effect; leave out "
                f"{option('folds')}. Runs of `unrolled train --folds` can be compared."
            )
        return self

    def to_toml(self) -> str:
        """The recipe as the text of a TOML file, with the description of each field as a comment."""
        lines = [f"name = {_toml(self.name)}"]
        if self.description:
            lines.append(f"description = {_toml(self.description)}")
        for section, model in SECTIONS.items():
            lines += ["", f"[{section}]"]
            for name, info in model.model_fields.items():
                value = getattr(getattr(self, section), name)
                unset = value is None or value == info.default == ""
                text = f"# {name} =" if unset else f"{name} = {_toml(value)}"
                lines.append(f"{text:<36} # {info.description}")
        if self.tune:
            lines += ["", "[tune]", *(f"{name} = {_toml(dimension)}" for name, dimension in self.tune.items())]
        return "\n".join(lines) + "\n"


SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "augment": AugmentConfig,
    "train": TrainConfig,
}
FIELDS: dict[str, str] = {field: section for section, model in SECTIONS.items() for field in model.model_fields}
"""The section of each field; a name is unique over all sections."""


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Section, name and definition of every field, in order."""
    for section, model in SECTIONS.items():
        for name, info in model.model_fields.items():
            yield section, name, info


def parse_recipe(
    content: Mapping[str, Any],
    origin: str | Path | None,
    rename: Callable[[str], str] = lambda name: RENAMED.get(name, name),
) -> Recipe:
    """A recipe from plain values.

    Args:
        content: sections and other fields, by name.
        origin: the file that they come from, for errors; None for options.
        rename: from the former name of a field to its present one.
    Raises:
        ConfigError: naming each field that is wrong, what it holds and what it takes.
    """
    for section in SECTIONS.keys() & content.keys():
        if isinstance(content[section], Mapping):
            content = {**content, section: {rename(name): value for name, value in content[section].items()}}
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        place = "" if origin is None else f"{origin}: "
        raise ConfigError(place + "; ".join(_explanations(error, options=origin is None))) from None


def read_recipe(path: Path) -> Recipe:
    """A recipe from a TOML file; its name is the file's where it gives none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReadError(path, "there is no such file.") from None
    except tomllib.TOMLDecodeError as error:
        raise ReadError(path, f"not a TOML file: {error}.") from None
    return parse_recipe({"name": path.stem, "model": {}, "train": {}, **content}, path, present_name)


@cache
def named_recipes() -> Mapping[str, Recipe]:
    """The recipes that come with the package, by name.

    Example:
        >>> recipe = unrolled.named_recipes()["mnist-rows"]
        >>> recipe.model.cell, recipe.model.hidden_size
        ('lstm', 128)
    """
    files = sorted(Path(__file__).with_name("recipes").glob("*.toml"))
    return MappingProxyType({recipe.name: recipe for recipe in map(read_recipe, files)})


def default_recipe(name: str) -> Recipe:
    """The recipe for sequences that come without one: from a file, in memory, or by `SequenceClassifier`."""
    return Recipe(name=re.sub("[\ud800-\udfff]+", "_", name))  # bytes of a file's name that are no text


def find_recipe(name: str) -> Recipe | None:
    """The package's recipe of this name or alias, in capitals or not."""
    names = {one: recipe for recipe in named_recipes().values() for one in (recipe.name, *recipe.aliases)}
    return names.get(name) or names.get(_alike(name, names) or "")


def _explanations(error: ValidationError, *, options: bool) -> Iterator[str]:
    """Pydantic's errors in the package's own words, one for each field, which stands in a file or is an option."""
    by_field: dict[tuple[str, ...], list[Any]] = {}
    for item in error.errors():
        by_field.setdefault(tuple(map(str, item["loc"][:2])) or ("recipe",), []).append(item)
    for place, items in by_field.items():
        first = items[0]
        found = option(place[-1], first["input"]) if options else f"{'.'.join(place)} = {first['input']!r}"
        if first["type"] == "extra_forbidden":
            section = SECTIONS.get(str(first["loc"][0]))
            known = section.model_fields if section and len(first["loc"]) > 1 else Recipe.model_fields
            yield str(UnknownNameError("field", str(first["loc"][-1]), known))
        elif first["type"] == "value_error":
            yield ("" if len(place) == 1 else f"{found}: ") + first["msg"].removeprefix("Value error, ")
        else:
            yield f"{found}: " + ", or ".join(dict.fromkeys(map(_explain, items)))


def _explain(item: Any) -> str:
    """The expected value; for a choice of names, with the nearest one."""
    message = item["msg"]
    if item["type"] == "missing":
        return f"{item['loc'][-1]} is missing"
    near = nearest(str(item["input"]), re.findall(r"'([^']+)'", message)) if item["type"] == "literal_error" else None
    return _in_words(message) + (f"; did you mean {near!r}?" if near else "")


_WORDS = {
    "Input should be ": "expected ",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
    "a valid integer, unable to parse string as an integer": "a whole number",
    "a valid integer, got a number with a fractional part": "a whole number",
    "a valid number, unable to parse string as a number": "a number",
    "a valid boolean, unable to interpret input": "true or false",
    "a valid string": "a text",
    "a valid ": "a ",
}


def _in_words(message: str) -> str:
    """A message of pydantic in the package's own words."""
    for theirs, own in _WORDS.items():
        message = message.replace(theirs, own)
    return f"{message[0].lower()}{message[1:]}"


def _toml(value: Any) -> str:
    """A value on one line, so that a comment can follow. TOML has no null, so a None in a list is left out."""
    import tomli_w  # only here, since every start imports this module

    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
    plain = value.model_dump(exclude_defaults=True) if isinstance(value, Range) else value
    # in a list that does not hold mappings alone, each item has a line, and a mapping stands in braces
    return tomli_w.dumps({"_": [plain, 0]}, indent=0).split("\n")[1].removesuffix(",")
