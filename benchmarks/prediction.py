"""Times prediction: 10,000 pictures at once, one alone, and a step of a stream.

unrolled, plain PyTorch and, where it is installed, ONNX Runtime on the exported model, interleaved.

    python benchmarks/prediction.py
    python benchmarks/prediction.py --rounds 40 --threads 1

From bytes to probabilities, one LSTM layer of 128 units, MNIST rows from UNROLLED_DATA, else random bytes.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch

from measuring import (
    CHANNELS,
    CLASSES,
    HIDDEN_SIZE,
    Calls,
    available_cores,
    interleave,
    let_idle_threads_sleep,
    pictures,
    print_table,
    settings,
    test_rows,
)
from torch_loops import PlainNetwork
from unrolled.config import ModelConfig
from unrolled.data.sequences import Sequences
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network

BATCH_SIZES = (1000, 2048)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="measured rounds (20)")
    parser.add_argument("--calls", type=int, default=200, help="single predictions in a round (200)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="threads (as many as cores)")
    arguments = parser.parse_args()
    let_idle_threads_sleep()
    rows, note = test_rows()
    model, network = make_model(rows), PlainNetwork().eval()
    with settings(arguments.threads):
        print(f"{note}; {arguments.rounds} rounds\n")
        print_table(interleave(of_many(model, network, rows), arguments.rounds, 1), f"prediction of {len(rows):,}")
        print_table(interleave(of_one(model, network, rows), arguments.rounds, arguments.calls), "prediction of one")
        print_table(interleave(of_a_step(model, rows), arguments.rounds, arguments.calls), "a step of a stream")


def make_model(rows: Sequences) -> Model:
    """A model of these pictures that has learned nothing, which takes as long."""
    config = ModelConfig(hidden_size=HIDDEN_SIZE)
    facts = ModelFacts(
        classes=rows.classes, channels=rows.channels, scale=rows.scale, pictures=rows.pictures, model=config
    )
    return Model(Network(config, CHANNELS, CLASSES).eval(), facts)


def of_many(model: Model, network: PlainNetwork, rows: Sequences) -> list[Calls]:
    """All pictures at once."""
    array = pictures(rows)
    return [
        Calls("unrolled, an array of bytes", partial(model.predict_proba, array)),
        Calls("unrolled, `Sequences`", partial(model.predict_proba, rows)),
        *(
            Calls(f"plain PyTorch, batches of {size:,}", partial(predict_plainly, network, array, size))
            for size in BATCH_SIZES
        ),
        *in_onnx_runtime(model, (array / 255).astype(np.float32)),
    ]


def of_one(model: Model, network: PlainNetwork, rows: Sequences) -> list[Calls]:
    """A single picture: the latency."""
    array = pictures(rows)[:1]
    return [
        Calls("unrolled, an array of bytes", partial(model.predict_proba, array)),
        Calls("plain PyTorch", partial(predict_plainly, network, array, 1)),
        *in_onnx_runtime(model, (array / 255).astype(np.float32)),
    ]


def of_a_step(model: Model, rows: Sequences) -> list[Calls]:
    """One row of a picture, read into a stream."""
    return [Calls("unrolled, `Stream.push`", partial(model.stream().push, (pictures(rows)[0, 0] / 255)))]


def in_onnx_runtime(model: Model, array: np.ndarray) -> list[Calls]:
    """The exported model on these sequences of equal lengths; nothing where the extra ``export`` is not installed."""
    try:
        from unrolled.export.network import to_onnx
        from unrolled.export.running import open_session
    except ImportError:
        return []
    session = open_session(to_onnx(model).SerializeToString())
    inputs = {"sequences": array, "lengths": np.full(len(array), array.shape[1])}
    return [Calls("ONNX Runtime", partial(session.run, None, inputs))]


@torch.inference_mode()
def predict_plainly(network: PlainNetwork, array: np.ndarray, batch_size: int) -> np.ndarray:
    """Probabilities, [N, C], as a tutorial has it."""
    batches = torch.from_numpy(array).split(batch_size)
    return torch.cat([network(batch.float() / 255).softmax(-1) for batch in batches]).numpy()


if __name__ == "__main__":
    main()
