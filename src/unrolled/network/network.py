"""The network: prepare (or embed) → perhaps context → recurrence → pool → logits, and perhaps a way past it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from unrolled.config import ModelConfig
from unrolled.nn import (
    CELLS,
    POOLINGS,
    Cell,
    Context,
    Kernel,
    Pooling,
    Reads,
    SegmentMeans,
    State,
    check_lengths,
    choose_kernel,
    count_frames,
    initialize_cell,
    initialize_output,
    stack_frames,
)
from unrolled.preparation import Embedding, Normaliser, Preparation


class Layer(nn.Module):
    """One recurrent layer: a cell, or one for each direction, over the steps."""

    def __init__(self, config: ModelConfig, input_size: int) -> None:
        super().__init__()
        directions = 2 if config.bidirectional else 1
        self.cells = nn.ModuleList(CELLS[config.cell](input_size, config.hidden_size) for _ in range(directions))
        self.recurrent_dropout = config.recurrent_dropout
        self.recompute_gates = config.recompute_gates
        self.output_size = directions * config.hidden_size

    def forward(self, inputs: Tensor, lengths: Tensor, reads: Reads = "outputs") -> Tensor:
        """[B, T, F], [B] → [B, T, H], or [B, H] where only the last output or the mean is asked for.

        Of two directions, the backward one's values stand behind: 2·H in all.
        """
        directions = [self._read(cell, inputs, lengths, bool(index), reads) for index, cell in enumerate(self.cells)]
        return directions[0] if len(directions) == 1 else torch.cat(directions, -1)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The parts of the cell's state."""
        return self._forward_cell.state_names

    def initial_state(self, like: Tensor, batch: int) -> State:
        """The state before the first step, of the forward direction."""
        return self._forward_cell.initial_state(like, batch)

    def advance(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Further steps of the forward direction, [B, T, F] → their outputs, [B, T, H], and the state after them."""
        return self.kernel().run(self._forward_cell, inputs, state, None)

    @property
    def _forward_cell(self) -> Cell:
        cell = self.cells[0]
        assert isinstance(cell, Cell)  # noqa: S101  # for the type checker: a ModuleList forgets
        return cell

    def kernel(self) -> Kernel:
        """What carries the cells over time, in the mode (training or not) that the layer is in."""
        return choose_kernel(self._forward_cell, recurrent_dropout=self.recurrent_dropout if self.training else 0.0)

    def _read(self, cell: nn.Module, inputs: Tensor, lengths: Tensor, reverse: bool, reads: Reads) -> Tensor:
        assert isinstance(cell, Cell)  # noqa: S101
        mask = None
        if self.training and self.recurrent_dropout:
            ones = inputs.new_ones(len(inputs), cell.hidden_size)
            mask = F.dropout(ones, self.recurrent_dropout)
        return self.kernel().read(cell, inputs, lengths, mask, reverse, reads, self.recompute_gates)


class Network(nn.Module):
    """Class logits for sequences.

    Args:
        config: cell, sizes, pooling, dropout.
        channels: values of a step, F.
        classes: C.
        seed: of the weights at the start; None leaves them undrawn, for weights that will be loaded.
        symbols: of text, how many codes there are; None for numbers.
    """

    def __init__(
        self, config: ModelConfig, channels: int, classes: int, seed: int | None = 0, symbols: int | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.preparation: Preparation | Embedding = (
            Preparation(channels, config.missing, config.normalisation)
            if symbols is None
            else Embedding(symbols, config.embedding_size)
        )
        self.layers = nn.ModuleList()
        assert config.frame_steps != "auto", "resolved before the network is made"  # noqa: S101
        self.frame_steps = config.frame_steps
        width = self.preparation.width * self.frame_steps
        entering = width
        self.context = Context(config.context_steps) if config.context_steps else None
        self.offsets = self.context.offsets if self.context else (0,)
        width *= len(self.offsets)
        self.reads_of_a_step = width
        for _ in range(config.num_layers):
            layer = Layer(config, width)
            self.layers.append(layer)
            width = layer.output_size
        self.pooling = POOLINGS[config.pooling](width, config.bidirectional)
        self.skip = SegmentMeans(config.skip_segments) if config.skip_segments else None
        self.read_widths = (self.pooling.output_size, *([config.skip_segments * entering] if self.skip else []))
        self.output = nn.Linear(sum(self.read_widths), classes)
        self.register_load_state_dict_pre_hook(_rename_former)  # type: ignore[no-untyped-call]
        if seed is not None:
            self._initialize(seed)

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
        pooled = self.pooled(inputs, lengths)
        logits: Tensor = self.output(F.dropout(pooled, self.config.output_dropout, self.training))
        return logits

    def pooled(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """What the output layer reads of each sequence, [B, ·].

        Of two parts where there is a way past the recurrence, as wide as ``read_widths`` says.
        """
        values, lengths = self.entering(inputs, lengths)
        read = self._recur(values, lengths, self.pooling.reads)
        pooled: Tensor = self.pooling(read, lengths) if self.pooling.reads == "outputs" else read
        return pooled if self.skip is None else torch.cat([pooled, self.skip(values, lengths)], -1)

    def outputs(self, inputs: Tensor, lengths: Tensor, reads: Reads = "outputs") -> Tensor:
        """The last layer's outputs at all steps, [B, T, H] (or 2·H); after a sequence's end they mean nothing.

        Where several steps are read as one, there is an output for each frame of them. Or only what ``reads`` says
        of them, [B, H] (or 2·H), which kernels can do with less work.
        """
        return self._recur(*self.entering(inputs, lengths), reads)

    def entering(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What is read, [B, T, ·], and its lengths: in frames, where several steps are read as one."""
        values = stack_frames(self.preparation(inputs, lengths), lengths, self.frame_steps)
        return values, count_frames(lengths, self.frame_steps)

    def with_context(self, values: Tensor, lengths: Tensor) -> Tensor:
        """What the first layer reads of these, [B, T, ·]: each step, or each with its neighbours."""
        return values if self.context is None else self.context(values, lengths)

    def _recur(self, values: Tensor, lengths: Tensor, reads: Reads) -> Tensor:
        values = self.with_context(values, lengths)
        *lower, last = self.layers
        for layer in lower:
            values = F.dropout(layer(values, lengths), self.config.dropout, self.training)
        values = last(values, lengths, reads)
        result: Tensor = values
        return result

    def prefix_logits(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """The logits as if each sequence ended at each of its steps, [B, T, C].

        One pass for a network that reads forward; any other has to read every prefix anew.
        """
        if self.reads_forward:
            return self.advance(inputs, self.initial_state(len(inputs)))[0]
        ends = range(1, inputs.shape[1] + 1)
        return torch.stack([self(inputs[:, :end], lengths.clamp(max=end)) for end in ends], 1)

    def logits_at(self, inputs: Tensor, lengths: Tensor, ends: Tensor) -> Tensor:
        """The logits as if each sequence ended at some of its steps.

        Args:
            inputs: [B, T, F].
            lengths: [B].
            ends: steps that are left, [B, K], each in 1..length.
        Returns:
            [B, K, C]. One pass for a network that reads forward, otherwise one for each of the K.
        """
        if not self.reads_forward:
            return torch.stack([self(inputs[:, : int(end.max())], end) for end in ends.unbind(1)], 1)
        logits = self.prefix_logits(inputs, lengths)
        return logits.gather(1, (ends - 1)[:, :, None].expand(-1, -1, logits.shape[-1]))

    @property
    def reads_forward(self) -> bool:
        """Whether what it makes of a step depends on no later one: so one pass gives the logits of every prefix too.

        Neither a backward direction does, nor standardising each sequence by its own mean, nor reading several
        steps as one, nor those that follow, nor parts of the sequence, which end where it is known how long it is.
        """
        forward = not self.config.bidirectional and self.preparation.causal
        return forward and self.frame_steps == 1 and self.context is None and self.skip is None

    @property
    def normaliser(self) -> Normaliser:
        """Of numbers, what is subtracted and divided by."""
        assert isinstance(self.preparation, Preparation)  # noqa: S101
        return self.preparation.normaliser

    def initial_state(self, count: int) -> dict[str, Tensor]:
        """What a network that reads forward carries before the first step, by name, each [B, ·].

        Args:
            count: sequences that are read side by side, B.
        """
        like = self.output.weight
        return {
            f"{name}.{part}": value
            for name, module in self._carriers()
            for part, value in zip(module.state_names, module.initial_state(like, count), strict=True)
        }

    def advance(self, inputs: Tensor, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Reads further steps of sequences, forward and without dropout.

        Args:
            inputs: [B, T, F], without padding.
            state: what was carried from the steps before, see `initial_state`; it is not changed.
        Returns:
            The logits as if the sequences ended at each of these steps, [B, T, C], and what to carry on.
        """
        values, carried = inputs, dict[str, Tensor]()
        for name, module in self._carriers():
            before = tuple(state[f"{name}.{part}"] for part in module.state_names)
            values, after = module.advance(values, before)
            carried |= {f"{name}.{part}": value for part, value in zip(module.state_names, after, strict=True)}
        logits: Tensor = self.output(values)
        return logits, carried

    def _carriers(self) -> Iterator[tuple[str, Preparation | Embedding | Layer | Pooling]]:
        """The parts that carry something from step to step, in the order in which values pass through them."""
        yield "preparation", self.preparation
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)  # noqa: S101
            yield f"layers.{index}", layer
        yield "pooling", self.pooling

    def flop_per_step(self) -> int:
        """Floating-point operations of the recurrence for one step of one sequence, forward."""
        cells = [module for module in self.modules() if isinstance(module, Cell)]
        return sum(2 * (cell.W.numel() + cell.U.numel()) for cell in cells) // self.frame_steps

    def _initialize(self, seed: int) -> None:
        generator = Generator().manual_seed(seed)
        if isinstance(self.preparation, Embedding):
            self.preparation.initialize(generator)
        for number, layer in enumerate(self.layers):
            offsets = (0,) if number else self.offsets
            for cell in layer.modules():
                if isinstance(cell, Cell):
                    initialize_cell(
                        cell,
                        self.config.initializer,
                        self.config.forget_bias,
                        generator,
                        self.config.memory_steps,
                        offsets,
                    )
        self.pooling.initialize(generator)
        initialize_output(self.output, self.config.output_initializer, generator)


def _rename_former(_module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Weights from before there was more to prepare than to normalise, by their present names."""
    for name in [key for key in state if key.startswith(f"{prefix}normaliser.")]:
        state[f"{prefix}preparation.{name.removeprefix(prefix)}"] = state.pop(name)
