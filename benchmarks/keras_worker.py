"""Trains with Keras in a process of its own, round by round as it is told; `training_step.py` starts it.

`Model.fit` runs over the whole array as anyone would call it. Only between two steps, in
``on_train_batch_begin``, it waits for its next round: that hook gets no figures, so Keras goes on handing
the steps' figures to its own threads and nothing is read from the device that would not be otherwise.

Standard input brings the number of steps of a round, a line each; standard output answers with seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from keras_settings import KerasSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path, help="a JSON file of KerasSettings")
    settings = KerasSettings.read(parser.parse_args().settings)
    answers = claim_standard_output()
    restrict_threads(settings.threads)
    os.environ["KERAS_BACKEND"] = settings.backend
    with np.load(settings.data) as arrays:
        inputs, targets = arrays["inputs"], arrays["targets"]
    train(settings, inputs, targets, answers)


def claim_standard_output() -> TextIO:
    """The pipe to who asked; whatever else is printed goes to standard error."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return pipe


def restrict_threads(count: int) -> None:
    """Confines the process to so many cores: TensorFlow and JAX make a thread for each that they may use."""
    if hasattr(os, "sched_getaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def train(settings: KerasSettings, inputs: np.ndarray, targets: np.ndarray, answers: TextIO) -> None:
    """`Model.fit`, until no more rounds are wanted."""
    import keras

    model = make_model(settings, inputs.shape[1:], int(targets.max()) + 1)
    pacer = Pacer(model, settings.backend, answers)
    hook = keras.callbacks.LambdaCallback(on_train_begin=pacer.begin)
    hook.on_train_batch_begin = pacer.step  # the constructor would wrap it for both ends of a batch
    model.fit(
        inputs,
        targets,
        batch_size=settings.batch_size,
        epochs=1_000_000,
        shuffle=True,
        verbose=0,
        callbacks=[hook],
    )


def make_model(settings: KerasSettings, shape: tuple[int, ...], classes: int) -> Any:
    """An LSTM layer and a dense one, compiled with Keras's own defaults."""
    import keras

    layers = keras.layers
    recurrent = layers.LSTM(settings.hidden_size, unroll=settings.unroll)
    model = keras.Sequential([layers.Input(shape), recurrent, layers.Dense(classes)])
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate, global_clipnorm=settings.clip_norm or None),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


class Pacer:
    """Lets `Model.fit` run so many steps at a time, and times them."""

    def __init__(self, model: Any, backend: str, answers: TextIO) -> None:
        self.model, self.backend, self.answers = model, backend, answers
        self.done = self.wanted = 0
        self.started = 0.0

    def begin(self, logs: object = None) -> None:
        """Says that the rounds may come."""
        del logs
        print("ready", file=self.answers)

    def step(self, batch: int, logs: object = None) -> None:
        """Before each step; the first of a round is not timed."""
        del batch, logs
        if self.done == 1:
            self.finish_step()
            self.started = time.perf_counter()
        elif self.wanted and self.done == self.wanted + 1:
            self.finish_step()
            print(time.perf_counter() - self.started, file=self.answers)
            self.wanted = 0
        if not self.wanted:
            self.await_round()
        self.done += 1

    def await_round(self) -> None:
        """Blocks until a round is wanted; ends the process when none will be."""
        line = sys.stdin.readline()
        if not line.strip():
            os._exit(0)
        self.done, self.wanted = 0, int(line)

    def finish_step(self) -> None:
        """Waits until the last step is computed; JAX returns when it has only been begun.

        `jax.block_until_ready` does not wait for these arrays (seen with JAX 0.10.2), reading them does.
        """
        if self.backend == "jax":
            for weights in self.model._jax_state["trainable_variables"]:
                np.asarray(weights)


if __name__ == "__main__":
    main()
