"""The network: preparation or embedding → frames → context → recurrence → pooling, segment means → logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from unrolled.config import ModelConfig
from unrolled.errors import ConfigError
from unrolled.network.layer import Layer
from unrolled.nn import (
    POOLINGS,
    Cell,
    Context,
    Convolutions,
    Frames,
    NGrams,
    Obstacle,
    Part,
    Reads,
    SegmentMeans,
    check_lengths,
    initialize_output,
)
from unrolled.preparation import Embedding, Normaliser, Preparation
from unrolled.runtime import go_on


class Network(nn.Module):
    """Class logits for sequences.

    Args:
        config: cell, sizes, pooling, dropout.
        channels: values of a step, F.
        classes: C.
        seed: of the initial weights; None for weights that will be loaded: its own are on the device ``meta``.
        symbols: of text, the number of codes; None for numbers.
    """

    def __init__(
        self, config: ModelConfig, channels: int, classes: int, seed: int | None = 0, symbols: int | None = None
    ) -> None:
        super().__init__()
        self.config = config
        # Whatever the program's default device is; weights that will be loaded need no memory yet. From the program's
        # generator PyTorch's layers draw weights, which are overwritten here.
        with torch.device("meta" if seed is None else "cpu"), torch.random.fork_rng([]):
            self._make(config, channels, classes, symbols)
            self.float()  # as data are, whatever PyTorch's default type is in this program
            if seed is not None:
                self._initialize(seed)
        self.register_load_state_dict_pre_hook(_rename_former)  # type: ignore[no-untyped-call]

    def _make(self, config: ModelConfig, channels: int, classes: int, symbols: int | None) -> None:
        """The parts, with weights that are not drawn yet."""
        self.preparation: Preparation | Embedding = (
            Preparation(channels, config.missing, config.normalisation)
            if symbols is None
            else Embedding(symbols, config.embedding_size)
        )
        if config.frame_steps == "auto":
            raise ConfigError("frame_steps = 'auto': expected a number; training finds it from the longest sequence.")
        self.frame_steps = config.frame_steps
        self.frames = Frames(config.frame_steps) if config.frame_steps > 1 else None
        entering = self.preparation.width * config.frame_steps
        self.context = Context(config.context_steps) if config.context_steps else None
        offsets = self.context.offsets if self.context else (0,)
        width = self.reads_of_a_step = entering * len(offsets)
        self.layers = nn.ModuleList()
        for number in range(config.num_layers):
            layer = Layer(config, width, (0,) if number else offsets)
            self.layers.append(layer)
            width = layer.output_size
        self.output_size = width
        self.segment_means = SegmentMeans(config.skip_segments) if config.skip_segments else None
        self.pooling = POOLINGS[config.pooling](width, config.bidirectional)
        beside = [config.skip_segments * entering] if self.segment_means else []
        self.read_widths = (self.pooling.output_size, *beside)
        self.output = nn.Linear(sum(self.read_widths), classes)
        self.convolutions: Convolutions | None = None
        self.ngrams: NGrams | None = None
        if config.skip_convolutions == "auto" or config.skip_ngrams == "auto":
            raise ConfigError("skip_convolutions or skip_ngrams = 'auto': expected a number; training finds it.")
        if config.skip_ngrams and symbols is not None:
            self.ngrams = NGrams(symbols, classes, config.skip_ngrams)
        if config.skip_convolutions and symbols is None:
            width = self.preparation.width
            self.convolutions = Convolutions(width, classes, config.skip_convolutions, config.frame_steps)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Logits.

        Args:
            inputs: padded on the right, [B, T, F]; of text, codes [B, T, 1].
            lengths: steps of each sequence, [B], each in 1..T.
        Returns:
            [B, C].
        Raises:
            LengthError: for a length outside 1..T, on the CPU.
        """
        if lengths.device.type == "cpu":  # on a GPU the question would make every step wait
            check_lengths(lengths, inputs.shape[1])
        logits = self.answer(*self.entering(inputs, lengths))
        counted = None if self.ngrams is None else self.ngrams.logits(inputs, lengths)
        return logits if counted is None else logits + counted

    def answer(self, values: Tensor, lengths: Tensor, outputs: Tensor | None = None) -> Tensor:
        """The logits from the values and lengths that `entering` returns, [B, T, ·], [B] → [B, C].

        ``outputs`` are the last layer's, [B, T, H], where they are known.
        """
        pooled = F.dropout(self.pool(values, lengths, outputs), self.config.output_dropout, self.training)
        logits: Tensor = self.output(pooled)
        beside = None if self.convolutions is None else self.convolutions.logits(values, lengths)
        return logits if beside is None else logits + beside

    def pool(self, values: Tensor, lengths: Tensor, outputs: Tensor | None = None) -> Tensor:
        """The input of the output layer, [B, ·]; see `answer`.

        Segment means, where there are any, stand behind the pooled outputs; ``read_widths`` are the widths of both.
        """
        if outputs is None:
            outputs = self.recur(values, lengths, self.pooling.reads)
        pooled = self.pooling(outputs, lengths) if outputs.ndim == 3 else outputs  # a kernel may have pooled already
        return pooled if self.segment_means is None else torch.cat([pooled, self.segment_means(values, lengths)], -1)

    @property
    def feature_widths(self) -> tuple[int, ...]:
        """Numbers of the features of each kind from which the logits are made; see `pool` and `Convolutions`."""
        return self.read_widths if self.convolutions is None else (*self.read_widths, *self.convolutions.widths)

    def outputs(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The last layer's outputs at all steps (or frames), [B, T, H] or [B, T, 2·H]; undefined in the padding."""
        return self.recur(*self.entering(inputs, lengths))

    def entering(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The prepared values, [B, T, ·], and their lengths; both in frames where several steps are read as one."""
        values = self.preparation(inputs, lengths)
        return (values, lengths) if self.frames is None else (self.frames(values, lengths), self.frames.count(lengths))

    def with_context(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The input of the first layer, [B, T, ·]: each step, with its neighbours where there is a context."""
        return values if self.context is None else self.context(values, lengths)

    def recur(self, values: Tensor, lengths: Tensor, reads: Reads = "outputs") -> Tensor:
        """As `outputs`, from the results of `entering`.

        With ``reads`` "last" or "mean" only the last output or the mean, [B, H], which kernels compute with less work.
        """
        values = self.with_context(values, lengths)
        *lower, last = self.recurrence()
        for layer in lower:
            values = F.dropout(layer(values, lengths), self.config.dropout, self.training)
        outputs: Tensor = last(values, lengths, reads)
        return outputs

    def prefix_logits(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The logits as if each sequence ended at each of its steps, [B, T, C].

        A network that reads forward reads each sequence once; any other reads every prefix anew.
        """
        if self.reads_forward:
            return self.advance(inputs, self.initial_state(len(inputs)))[0]
        return torch.stack(
            [self._of_prefix(inputs, lengths.clamp(max=end), end) for end in range(1, inputs.shape[1] + 1)], 1
        )

    def logits_at(self, inputs: Tensor, lengths: Tensor, ends: Tensor) -> Tensor:
        """The logits as if each sequence ended at some of its steps.

        Args:
            inputs: [B, T, F].
            lengths: [B].
            ends: numbers of steps to read, [B, K], each in 1..length.
        Returns:
            [B, K, C]. A network that reads forward reads each sequence once, any other K times.
        """
        if not self.reads_forward:
            return torch.stack([self._of_prefix(inputs, end, int(end.max())) for end in ends.unbind(1)], 1)
        logits = self.prefix_logits(inputs, lengths)
        return logits.gather(1, (ends - 1)[:, :, None].expand(-1, -1, logits.shape[-1]))

    def _of_prefix(self, inputs: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """The logits of the first ``lengths`` steps of each sequence, [B, C]."""
        go_on()
        logits: Tensor = self(inputs[:, :longest], lengths)
        return logits

    def parts(self) -> Iterator[tuple[str, Part]]:
        """The parts by name, in the order of the forward pass."""
        named: list[tuple[str, Part | None]] = [
            ("preparation", self.preparation),
            ("frames", self.frames),
            ("context", self.context),
            *((f"layers.{index}", layer) for index, layer in enumerate(self.recurrence())),
            ("pooling", self.pooling),
            ("segment_means", self.segment_means),
            ("convolutions", self.convolutions),
            ("ngrams", self.ngrams),
        ]
        return ((name, part) for name, part in named if part is not None)

    def obstacles(self) -> list[Obstacle]:
        """Why the network does not read forward; empty where it does."""
        return list(dict.fromkeys(part.obstacle for _, part in self.parts() if part.obstacle is not None))

    @property
    def reads_forward(self) -> bool:
        """Whether no output depends on later steps, so that one reading gives the logits of every prefix."""
        return not self.obstacles()

    @property
    def forgets(self) -> bool:
        """Whether it reads forward, and its answers can leave early steps behind, as in a stream that never ends."""
        return self.reads_forward and self.pooling.forgets

    def prefix_steps(self, length: int) -> int:
        """Steps that `prefix_logits` reads of a sequence of ``length`` steps."""
        return length if self.reads_forward else length * (length + 1) // 2

    def in_words(self) -> str:
        """A description of the network, for a person."""
        config = self.config
        words = {name.split(".")[0]: part.words for name, part in self.parts()}
        words |= {"pooling": words["pooling"] or f"pooling {config.pooling}"}
        first = [config.cell, f"{config.num_layers} × {config.hidden_size} units", words.pop("layers")]
        return ", ".join(part for part in [*first, *words.values()] if part)

    def remarks(self) -> str:
        """Sentences on the parts for a person who watches the network read."""
        return " ".join(dict.fromkeys(part.remark for _, part in self.parts() if part.remark))

    @property
    def cell(self) -> Cell:
        """A cell of the network; all are of one kind."""
        return self.recurrence()[0].cell

    def recurrence(self) -> list[Layer]:
        """The recurrent layers, the lowest first."""
        return cast("list[Layer]", list(self.layers))

    @property
    def normaliser(self) -> Normaliser:
        """The normaliser of a network of numbers."""
        assert isinstance(self.preparation, Preparation)  # noqa: S101
        return self.preparation.normaliser

    def initial_state(self, count: int) -> dict[str, Tensor]:
        """The state of a network that reads forward before the first step, by name, each [B, ·].

        Args:
            count: sequences that are read side by side, B.
        """
        like = self.output.weight
        return {
            f"{name}.{key}": value
            for name, part in self.parts()
            for key, value in zip(part.state_names, part.initial_state(like, count), strict=True)
        }

    def advance(self, inputs: Tensor, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Reads further steps of sequences, forward and without dropout.

        Args:
            inputs: [B, T, F], without padding.
            state: the state after the steps before, see `initial_state`; it is not changed.
        Returns:
            The logits as if the sequences ended at each of these steps, [B, T, C], and the state after them.
        """
        values, carried = inputs, dict[str, Tensor]()
        for name, part in self.parts():
            before = tuple(state[f"{name}.{key}"] for key in part.state_names)
            values, after = part.advance(values, before)
            carried |= {f"{name}.{key}": value for key, value in zip(part.state_names, after, strict=True)}
        logits: Tensor = self.output(values)
        return logits, carried

    def flop_per_step(self) -> int:
        """Floating-point operations of the recurrence for one step of one sequence, forward."""
        cells = [cell for layer in self.recurrence() for cell in layer.directions]
        return sum(2 * (cell.W.numel() + cell.U.numel()) for cell in cells) // self.frame_steps

    def _initialize(self, seed: int) -> None:
        generator = Generator().manual_seed(seed)
        for _, part in self.parts():
            part.initialize(generator)
        initialize_output(self.output, self.config.output_initializer, generator)


def _rename_former(_module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Gives the weights of old models, whose only preparation was a normaliser, their present names."""
    for name in [key for key in state if key.startswith(f"{prefix}normaliser.")]:
        state[f"{prefix}preparation.{name.removeprefix(prefix)}"] = state.pop(name)
