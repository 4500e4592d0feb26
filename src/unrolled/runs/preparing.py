"""A run that is ready to train: its sequences prepared, its network built, and both described."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from unrolled.config import Recipe
from unrolled.data import Dataset, Sequences
from unrolled.errors import option
from unrolled.network import Network
from unrolled.preparation import Preprocessor, learn_preprocessor
from unrolled.readout import Training, go_on, set_up
from unrolled.runs.folder import RunFolder
from unrolled.runs.starting import Start, network_from, notes_on
from unrolled.runtime import choose_device, describe_device, describe_processor, using_threads
from unrolled.training import Plan, describe_steps, make_plan, training_threads
from unrolled.version import VERSION


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to train.

    Attributes:
        folder: its folder.
        dataset: the sequences as they were read.
        ready: the sequences as they are batched.
        preprocessor: what makes the latter from the former.
        training: the network and its training, at the first update.
        whole: all sequences, for a cross-validation; None without one.
        start: the model that it starts from; None for new weights.
    """

    folder: RunFolder
    dataset: Dataset
    ready: Dataset
    preprocessor: Preprocessor
    training: Training
    whole: Sequences | None
    start: Start | None

    @property
    def plan(self) -> Plan:
        """The length of the training."""
        return make_plan(self.training.config, self.training.train)

    def length(self) -> dict[str, int]:
        """The same for config.json."""
        return {"epochs": self.plan.epochs, "steps": self.plan.total_steps}

    @property
    def threads(self) -> int:
        """CPU threads of the training."""
        return training_threads(self.training.recipe.train, self.ready.train, self.training.state.network)

    def conditions(self) -> dict[str, Any]:
        """Versions, device and kernel, which config.json records: the last bits of the weights depend on them."""
        network = self.training.state.network
        kernel = network.layers[0].kernel()  # type: ignore[operator]
        with using_threads(self.threads):
            device = describe_device(network.output.weight.device)
        return {
            "versions": {
                "unrolled": VERSION,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
            "device": device,
            "processor": describe_processor(),
            "kernel": f"{kernel.name}: {kernel.reason}",
        }


def prepare(
    folder: RunFolder, recipe: Recipe, dataset: Dataset, whole: Sequences | None, start: Start | None
) -> Prepared:
    """Learns the preparation, or takes that of a start, and sets the training up."""
    device = choose_device(recipe.train.device)
    if start is None:
        preprocessor = learn_preprocessor(dataset.train, recipe.data)
        ready = preprocessor.dataset(dataset)
        training = set_up(recipe, ready.train, ready.validation, device)
    else:
        preprocessor = start.model.preprocessor
        if dataset.train.cut is not None:
            preprocessor = replace(preprocessor, max_length=dataset.train.cut.rule.steps, keep_steps="last")
        ready = preprocessor.dataset(dataset)
        network = network_from(start.model, ready, recipe).to(device)
        training = go_on(recipe, network, ready.train, ready.validation)
    return Prepared(folder, dataset, ready, preprocessor, training, whole, start)


def describe(prepared: Prepared) -> list[str]:
    """Describes a training before it starts: data, network, method, device, kernel and origin, a line each."""
    training, dataset, start = prepared.training, prepared.ready, prepared.start
    train, network = dataset.train, training.state.network
    steps = f"{train.equal_length}" if train.equal_length else f"{train.lengths.min()} to {train.lengths.max()}"
    held = [f"{len(dataset.validation):,} for validation"] if dataset.validation else []
    held += [f"{len(dataset.test):,} for the test"] if dataset.test else []
    layer = network.layers[0]
    kernel = layer.kernel()  # type: ignore[operator]
    weights = sum(parameter.numel() for parameter in network.parameters())
    device = network.output.weight.device
    done = describe_steps(training.config, train, device)
    return [
        f"data: {dataset.note}",
        f"{', '.join([f'{len(train):,} sequences to train', *held])}; {steps} steps of {_step(train)}, "
        f"{len(train.classes)} classes",
        f"network: {network.in_words()}, {weights:,} weights",
        f"method: {training.method}; {training.outlook}",
        *_on_streams(network, train),
        f"on {describe_device(device)} with the {kernel.name} kernel: {kernel.reason}{done and f'; {done}'}",
        *([] if start is None else notes_on(prepared.dataset, start.model)),
    ]


def _on_streams(network: Network, train: Sequences) -> list[str]:
    """A line on streams that never end, where the model's answer is about everything since their start."""
    if train.cut is not None:
        return [f"streams may never end: the last {train.cut.rule.steps:,} steps are read anew for each answer"]
    if train.pictures or train.symbols is not None or network.forgets:
        return []
    why = f"pooling {network.config.pooling} is over all steps" if network.reads_forward else "it does not read forward"
    return [
        f"streams: one that never ends is not followed ({why}); predict --stream --stream-window "
        f"{int(np.median(train.lengths))} reads its last steps only, and {option('window')} trains on such windows"
    ]


def _step(train: Sequences) -> str:
    """The content of a step, in words."""
    if train.symbols is None:
        return f"{len(train.channels)} values"
    return f"text, {len(train.symbols) - 1:,} different {train.text_kind}"
