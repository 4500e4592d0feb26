"""What a Keras worker is told at its start."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class KerasSettings:
    """How a worker trains.

    Attributes:
        backend: ``tensorflow`` or ``jax``.
        unroll: Keras's own option: the loop over time written out in the graph.
        data: an .npz file with inputs [N, T, F], float32, and targets [N].
        threads: cores it may use.
        batch_size, hidden_size, learning_rate: as everyone's.
        clip_norm: largest norm of the gradient; 0 for any.
    """

    backend: str
    unroll: bool
    data: str
    threads: int
    batch_size: int
    hidden_size: int
    learning_rate: float
    clip_norm: float

    def write(self, path: Path) -> None:
        """As a JSON file."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> KerasSettings:
        """From that file."""
        return cls(**json.loads(path.read_text()))
