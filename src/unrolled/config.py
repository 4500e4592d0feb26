"""What a run is made from: four frozen sections, and the recipe that joins them.

Every field has its unit in its description. The command line's options, the recipe files and the
keyword arguments of `unrolled.train` are all these fields: nothing is written twice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from unrolled.errors import ConfigError, ReadError, UnknownNameError, nearest
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
TokenKind = Literal["characters", "words"]
KeptSteps = Literal["first", "last"]
MethodName = Literal["auto", "fitted", "trained"]
SplitName = Literal["stratified", "time", "order"]
Layout = Literal["time-first", "channels-first"]
FormatName = Literal[
    "csv", "tsv", "parquet", "jsonl", "ts", "arff", "npz", "npy", "idx", "csv-folder", "png-folder", "text"
]

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: _names(value))]
"""Several names; as one text, with commas between."""


class Section(BaseModel):
    """Frozen, with unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Section):
    """Which sequences, and which of them are held out.

    Example:
        >>> config = unrolled.DataConfig(source="long.csv", id="recording", label="gesture", channels="x, y")
        >>> config.channels, config.test_fraction
        (('x', 'y'), 0.2)
    """

    source: str = Field(default="", description="a named data set, or the path of a file of sequences")
    test: str | None = Field(default=None, description="a file of test sequences; otherwise some are held out")
    layout: Layout | None = Field(
        default=None, description="axes of a 3-D array in an .npz or .npy file: [N, T, F] or [N, F, T]; never guessed"
    )
    format: FormatName | None = Field(
        default=None, description="the file's format (default: told by the ending of its name)"
    )
    table: Literal["long", "wide"] | None = Field(
        default=None,
        description="rows of a table: long, a row a step; wide, a row a sequence (default: long where an id is found)",
    )
    delimiter: str | None = Field(
        default=None, description="what stands between the columns of a text table, one character or 'tab'"
    )
    id: str | None = Field(default=None, description="column that names the sequence")
    time: str | None = Field(default=None, description="long table: column of the time, rising within a sequence")
    label: str | None = Field(default=None, description="column of the class")
    channels: Names | None = Field(
        default=None, description="columns of the values, with commas between; ax_* stands for ax_0, ax_1, …"
    )
    group: str | None = Field(
        default=None, description="column of what must stand on one side of a split, such as the person"
    )
    text: str | None = Field(default=None, description="column of text, a sequence of characters or words")
    tokens: TokenKind | None = Field(
        default=None,
        description="steps of a text: its characters, or its words (default: words where there are spaces)",
    )
    max_length: Positive | None = Field(default=None, description="steps that are kept of a longer sequence")
    keep_steps: KeptSteps = Field(default="first", description="with max_length: the first or the last steps")
    length: Annotated[int, Field(ge=4, le=24)] | None = Field(
        default=None, description="count-ones: bits in a string (default 20)"
    )
    train_size: Positive | None = Field(default=None, description="count-ones: strings to train on (default 10000)")
    permute_seed: int | None = Field(
        default=None,
        ge=0,
        description="mnist-pixels: seed of the fixed random order of the pixels (default: rows)",
    )
    validation_fraction: Share | None = Field(
        default=None,
        description="share of the training sequences kept for validation; 0 for none (default 0.15; of MNIST "
        "the first 5,000)",
    )
    test_fraction: Share = Field(
        default=0.2,
        description="share of all sequences held out for the test where none are given; 0 for none",
    )
    split: SplitName = Field(
        default="stratified",
        description="what is held out: a share of each class at random (of whole groups, where a group column is "
        "named), the latest sequences by time, or the last in the order of the file",
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the random split")
    examples: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="sequences, held out ones first, that the model folder keeps so that it can be tried; 0 for none",
    )


class ModelConfig(Section):
    """The network.

    Example:
        >>> unrolled.ModelConfig(cell="gru", num_layers=2, bidirectional=True).pooling
        'last'
    """

    cell: CellName = Field(default="lstm", description="the recurrent cell")
    hidden_size: Annotated[int, Field(ge=1, le=65_536)] = Field(
        default=128, description="units of each layer and direction, H"
    )
    num_layers: Annotated[int, Field(ge=1, le=64)] = Field(default=1, description="layers, one upon the other")
    bidirectional: bool = Field(default=False, description="read the sequence in both directions")
    frame_steps: Positive | Literal["auto"] = Field(
        default=1,
        description="steps that are read together as one; auto: so many that the longest training sequence has at "
        "most 512 frames",
    )
    context_steps: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="each step is read together with those 1, 2, 4, … up to so many before and after it; 0: alone",
    )
    pooling: PoolingName = Field(
        default="last",
        description="how the outputs of all steps become one vector; statistics: their mean, largest, least, "
        "deviation and last, and how much they change, side by side",
    )
    skip_segments: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="the output layer also reads the mean of each of so many equal parts of the sequence itself; "
        "0: none",
    )
    dropout: Share = Field(default=0.0, description="share of values dropped between layers")
    recurrent_dropout: Share = Field(
        default=0.0,
        description="share of state values dropped in the recurrence, the same ones at every step",
    )
    output_dropout: Share = Field(default=0.0, description="share of values dropped before the output layer")
    recompute_gates: bool = Field(
        default=False,
        description="keep less in training and compute the gates again for the gradients: less memory for long "
        "sequences, about a third more time (compiled kernel only)",
    )
    forget_bias: float = Field(default=1.0, description="the LSTM forget gate's bias at the start")
    memory_steps: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="start the gates of an LSTM or GRU so that units remember 1 to so many steps; replaces forget_bias",
    )
    embedding_size: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        default=None, description="of text: values of a character's or word's vector (default: by their number)"
    )
    missing: MissingName = Field(
        default="none",
        description="what becomes of missing values: refused (none), the last value before (forward-fill), the "
        "channel's mean, or forward-fill with a mask and the time since the last value as further channels",
    )
    normalisation: NormalisationName = Field(
        default="channel",
        description="subtract a mean and divide by the deviation: of each channel over the training data, of all "
        "channels together, of each channel over the sequence itself, or not",
    )
    initializer: InitializerName = Field(
        default="orthogonal",
        description="how the recurrent weights are drawn; filters: each unit reads its own random filter of a step and "
        "its neighbours (context_steps)",
    )
    output_initializer: OutputInitializerName = Field(
        default="glorot",
        description="how the output layer is drawn; ridge: fitted in closed form to what the untrained recurrence "
        "makes of the training data",
    )

    @property
    def drops(self) -> bool:
        """Whether training drops anything at random."""
        return any((self.dropout, self.recurrent_dropout, self.output_dropout))


class AugmentConfig(Section):
    """Random changes of training sequences; nothing of it touches validation or test data.

    Example:
        >>> unrolled.AugmentConfig(noise=0.1, time_shift=2).asks
        True
    """

    time_shift: int = Field(default=0, ge=0, description="shift in time by up to so many steps, edges repeated")
    shuffle_steps: bool = Field(
        default=False, description="read the steps in a new random order, where the label does not depend on it"
    )
    value_scale: float = Field(default=0.0, ge=0, description="standard deviation of each channel's random factor")
    noise: float = Field(
        default=0.0, ge=0, description="standard deviation of added noise, in the normalised values' unit"
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="turn pictures by up to so many degrees")
    zoom: Share = Field(default=0.0, description="enlarge or shrink pictures by up to this share")
    shear: float = Field(default=0.0, ge=0, le=45, description="shear pictures by up to so many degrees")
    translate: float = Field(default=0.0, ge=0, description="move pictures by up to so many pixels each way")
    elastic: float = Field(
        default=0.0, ge=0, description="bend pictures: standard deviation of a smooth displacement, in pixels"
    )

    @property
    def of_pictures(self) -> bool:
        """Whether any change is asked for that only pictures can undergo."""
        return any((self.rotation, self.zoom, self.shear, self.translate, self.elastic))

    @property
    def of_series(self) -> bool:
        """Whether any change is asked for that every sequence can undergo."""
        return any((self.time_shift, self.shuffle_steps, self.value_scale, self.noise))

    @property
    def asks(self) -> bool:
        """Whether any change is asked for."""
        return self.of_pictures or self.of_series


class TrainConfig(Section):
    """How the weights are learned.

    Without a length, training takes `DEFAULT_EPOCHS` passes, and more where those make fewer than
    `DEFAULT_STEPS` updates: what a small problem needs is updates, however few cases a pass has.

    Example:
        >>> unrolled.TrainConfig(max_epochs=20, patience=5).keep
        'best'
    """

    seed: int = Field(default=0, ge=0, description="seed of everything random: weights, order, dropout, changes")
    method: MethodName = Field(
        default="auto",
        description="fitted: the output layer in closed form, no training; trained: by gradients; auto: in closed form "
        "first, if output_initializer is ridge, and replaced by training where that is significantly better",
    )
    max_epochs: Positive | None = Field(
        default=None, description="length of training, in passes over the data (default 60, and at least 200 updates)"
    )
    max_steps: Positive | None = Field(default=None, description="length of training, in updates of the weights")
    max_sequences: Positive | None = Field(default=None, description="length of training, in sequences seen")
    batch_size: Positive = Field(default=64, description="sequences in a batch, B")
    shuffle: bool = Field(default=True, description="a new random order at each pass")
    last_batch: Literal["keep", "drop", "wrap"] = Field(
        default="keep",
        description="the remainder of a pass: a smaller batch, left out, or filled up from the next pass",
    )
    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = Field(default="adamw", description="the update rule")
    learning_rate: float = Field(default=3e-3, gt=0, description="the (largest) learning rate")
    momentum: Share = Field(default=0.9, description="momentum of sgd and rmsprop")
    beta1: Share = Field(default=0.9, description="decay of Adam's mean of gradients")
    beta2: Share = Field(default=0.999, description="decay of Adam's mean of squared gradients")
    epsilon: float = Field(default=1e-8, gt=0, description="Adam's and RMSprop's guard against division by zero")
    weight_decay: float = Field(default=0.01, ge=0, description="decay of weight matrices; biases are exempt")
    schedule: Literal["one-cycle", "cosine", "constant"] = Field(
        default="one-cycle", description="the learning rate's course"
    )
    warmup_fraction: Share = Field(default=0.2, description="share of training in which the rate rises")
    clip_norm: float = Field(
        default=1.0, ge=0, description="largest norm of the gradient, a longer one is cut; 0 for any"
    )
    average_decay: Share = Field(
        default=0.0,
        description="decay per step of a moving average of the weights, which is then used; 0 for none",
    )
    loss: Literal["mean", "sum"] = Field(default="mean", description="cross-entropy over a batch: mean or sum")
    probability_floor: Share = Field(default=0.0, description="probabilities below this count as this in the loss")
    label_smoothing: Share = Field(default=0.0, description="share of each target spread over all classes")
    class_weight: Literal["balanced"] | tuple[float, ...] | None = Field(
        default=None, description="weight of each class in the loss, in the classes' order, or 'balanced'"
    )
    monitor: Literal["loss", "accuracy"] = Field(default="loss", description="the validation figure that is watched")
    patience: Positive | None = Field(
        default=None, description="stop after so many epochs without a better validation figure"
    )
    keep: Literal["best", "last"] = Field(
        default="best", description="the weights that are kept: best on validation data, or the last"
    )
    calibrate: bool = Field(
        default=False, description="fit the probabilities' temperature to the validation data after training"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="arithmetic of the products; bfloat16 needs a GPU"
    )
    threads: Positive | None = Field(
        default=None, description="CPU threads; by default one where a step is too small to share, otherwise all"
    )
    device: str = Field(default="auto", description="auto, cpu, cuda or cuda:N")
    cuda_graphs: bool = Field(default=True, description="on a GPU, capture whole steps as CUDA graphs and replay them")
    log_every: Positive = Field(default=50, description="steps between lines of metrics.jsonl")
    checkpoint_every_steps: Positive | None = Field(default=None, description="steps between checkpoints")
    checkpoint_every_seconds: float = Field(default=30.0, gt=0, description="seconds between checkpoints, at most")
    tensorboard: bool = Field(default=False, description="write scalars, weights, pictures and hyperparameters for it")
    report: bool = Field(default=True, description="write report.html, the page that shows how good the model is")
    trackers: tuple[str, ...] = Field(
        default=(), description="further recorders, by the names that installed packages register them under"
    )
    output: Literal["progress", "accuracy-and-loss", "samples-seen", "epoch-number", "epoch-loss"] = Field(
        default="progress",
        description="what is printed while training; the others are the old tutorials' own",
    )
    watch: str | None = Field(default=None, description="a sequence whose class probabilities are printed on the way")
    headline_cases: Positive | None = Field(
        default=None,
        description="also give the accuracy on the first so many test cases, as the tutorials did",
    )

    @model_validator(mode="after")
    def _at_most_one_length(self) -> Self:
        given = [name for name in LENGTHS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(LENGTHS)}, or none; found {' and '.join(given)}")
        return self


HOW_TO_READ = ("layout", "format", "table", "delimiter", "id", "time", "label", "channels", "group", "text", "tokens")
"""Fields of `DataConfig` that say how a file is to be read."""


class Range(Section):
    """Numbers that a search may choose from.

    Example:
        >>> sizes = unrolled.Range(low=16, high=128, log=True)
        >>> unrolled.Recipe(name="mine", tune={"hidden_size": sizes, "cell": ("gru", "lstm")}).tune["cell"]
        ('gru', 'lstm')
    """

    low: float = Field(description="the least")
    high: float = Field(description="the largest")
    log: bool = Field(default=False, description="whether ratios matter rather than differences, as for a rate")
    step: Annotated[float, Field(gt=0)] | None = Field(default=None, description="between neighbouring values")


Dimension = Range | tuple[str | bool | int | float | None, ...]
"""What a search may choose from: a range of numbers, or a list of values."""


LENGTHS = ("max_epochs", "max_steps", "max_sequences")
DEFAULT_EPOCHS, DEFAULT_STEPS = 60, 200
"""Length of a training that none is given for: so many passes, and at least so many updates."""


class Recipe(Section):
    """Everything that a run needs, by one name.

    Example:
        >>> recipe = unrolled.Recipe(name="mine").with_options({"cell": "gru", "hidden_size": 32})
        >>> recipe.model.cell, recipe.model.hidden_size
        ('gru', 32)
        >>> recipe.with_options({"hiden_size": 64})
        Traceback (most recent call last):
            ...
        unrolled.errors.UnknownNameError: There is no option 'hiden_size'. Did you mean 'hidden_size'?
    """

    name: str = Field(description="what runs are filed under")
    description: str = Field(default="", description="one sentence")
    aliases: tuple[str, ...] = Field(default=(), description="other names of the same recipe")
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = TrainConfig()
    tune: dict[str, Dimension] = Field(default={}, description="what `unrolled tune` searches, by field name")

    def with_options(self, options: Mapping[str, Any]) -> Recipe:
        """The same recipe with some fields of its sections changed, checked anew.

        Args:
            options: values by field name, such as ``{"hidden_size": 64}``.
        Raises:
            UnknownNameError: for a name that no section has.
            ConfigError: for a value that its field does not take.
        """
        content = self.model_dump()
        for name, value in options.items():
            if name not in FIELDS:
                raise UnknownNameError("option", name, FIELDS)
            content[FIELDS[name]][name] = value
        if any(options.get(name) is not None for name in LENGTHS):  # it replaces the old one, whatever its unit
            content["train"].update({name: options.get(name) for name in LENGTHS})
        return parse_recipe(content, "options")

    def to_toml(self) -> str:
        """The recipe as a file's text, with what each field means."""
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
"""The section of each field; no name stands in two sections."""


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Section, name and definition of every field, in order."""
    for section, model in SECTIONS.items():
        for name, info in model.model_fields.items():
            yield section, name, info


def parse_recipe(content: Mapping[str, Any], origin: str | Path) -> Recipe:
    """A recipe from plain values.

    Raises:
        ConfigError: naming each field that is wrong, what it holds and what it takes.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{origin}: " + "; ".join(_explanations(error))) from None


def read_recipe(path: Path) -> Recipe:
    """A recipe from a TOML file; its name is the file's where it gives none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReadError(path, "there is no such file.") from None
    except tomllib.TOMLDecodeError as error:
        raise ReadError(path, f"not a TOML file: {error}.") from None
    return parse_recipe({"name": path.stem, **content}, path)


@cache
def named_recipes() -> Mapping[str, Recipe]:
    """The recipes that come with the package, by name.

    Example:
        >>> recipe = unrolled.named_recipes()["mnist-rows"]
        >>> recipe.model.cell, recipe.model.hidden_size
        ('lstm', 128)
    """
    folder = resources.files("unrolled") / "recipes"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    recipes = [
        parse_recipe(
            {"name": file.name.removesuffix(".toml"), **tomllib.loads(file.read_text(encoding="utf-8"))},
            file.name,
        )
        for file in files
    ]
    return MappingProxyType({recipe.name: recipe for recipe in recipes})


def default_recipe(name: str) -> Recipe:
    """What is trained by where nobody chose a recipe, under another name."""
    return named_recipes()["default"].model_copy(update={"name": name, "description": ""})


def find_recipe(name: str) -> Recipe | None:
    """The package's recipe of this name or alias."""
    return next((r for r in named_recipes().values() if name == r.name or name in r.aliases), None)


def _explanations(error: ValidationError) -> Iterator[str]:
    """Pydantic's findings in the package's own words; a field that takes several kinds of values has one."""
    by_field: dict[str, list[Any]] = {}
    for item in error.errors():
        by_field.setdefault(".".join(map(str, item["loc"][:2])) or "recipe", []).append(item)
    for name, items in by_field.items():
        first = items[0]
        if first["type"] == "extra_forbidden":
            section = SECTIONS.get(str(first["loc"][0]))
            known = section.model_fields if section and len(first["loc"]) > 1 else Recipe.model_fields
            yield str(UnknownNameError("field", str(first["loc"][-1]), known))
        elif first["type"] == "value_error":
            yield first["msg"].removeprefix("Value error, ")
        else:
            yield f"{name} = {first['input']!r}: " + ", or ".join(map(_explain, items))


def _explain(item: Any) -> str:
    """What was expected, with the nearest name where it is one of several."""
    message = item["msg"]
    if item["type"] == "missing":
        return f"{item['loc'][-1]} is missing"
    near = nearest(str(item["input"]), re.findall(r"'([^']+)'", message)) if item["type"] == "literal_error" else None
    return f"{message[0].lower()}{message[1:]}" + (f"; did you mean {near!r}?" if near else "")


def _names(value: Any) -> Any:
    """Names from one text with commas between."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _toml(value: Any) -> str:
    """A value on one line, as the comment behind it needs. TOML has no null, so a list's None is left out."""
    import tomli_w  # only here, since every start imports this module

    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
    plain = value.model_dump(exclude_defaults=True) if isinstance(value, Range) else value
    # in a list that does not hold mappings alone, each item has a line, and a mapping stands in braces
    return tomli_w.dumps({"_": [plain, 0]}, indent=0).split("\n")[1].removesuffix(",")
