"""Every form of a model beside every other on labelled sequences: accuracy, size, time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from unrolled.data import Sequences
from unrolled.errors import UnrolledError
from unrolled.export.c import Compiled, find_compiler, make, needed
from unrolled.statistics import Groups, Proportion, share

if TYPE_CHECKING:
    from unrolled.data import Integers
    from unrolled.model import Model

Array = npt.NDArray[Any]
Answer = Callable[[Sequences], "tuple[Integers, Array]"]
"""From sequences to the numbers of the most probable classes, [N], and the probabilities, [N, C]."""

SINGLES, ROUNDS = 20, 3
"""Sequences that are timed one by one, and how often; the fastest counts."""


@dataclass(frozen=True)
class Form:
    """A form of a model on labelled sequences.

    Attributes:
        name: ``package``, ``ONNX``, ``ONNX int8``, ``C`` or ``C int8``.
        accuracy: on the sequences; None where it could not be made or run.
        difference: the largest between two probabilities, its own and the package's.
        size_bytes: of the file, or of the constants.
        one_seconds: for one sequence alone, the median.
        many_seconds: for a sequence among all.
        reason: why it could not be made or run.

    Example:
        >>> forms = unrolled.compare_forms(model, dataset.test)
        >>> [form.name for form in forms][:2]
        ['package', 'ONNX']
    """

    name: str
    accuracy: Proportion | None = None
    difference: float = 0.0
    size_bytes: int = 0
    one_seconds: float = 0.0
    many_seconds: float = 0.0
    reason: str = ""


def compare_forms(model: Model, sequences: Sequences, *, max_steps: int | None = None) -> list[Form]:
    """Each form of a model on the same labelled sequences; a form that this machine cannot make has its reason.

    Times are of this machine in its present state, C compiled by its compiler with -O3.

    Args:
        model: the trained model.
        sequences: labelled.
        max_steps: of the longest sequence, for C of a model that reads a sequence at its end.
    Raises:
        MismatchError: for sequences that do not fit the model, or have no labels.

    Example:
        >>> forms = unrolled.compare_forms(model, dataset.test)
        >>> forms[0].accuracy == forms[1].accuracy  # the package's and ONNX's
        True
    """
    accepted = model.accept(sequences)
    truth = model.targets(accepted)
    expected = model.predict_proba(accepted)
    groups = Groups.of(accepted.groups, len(accepted))
    longest = max(int(accepted.lengths.max()), *(len(example.sequence) for example in model.examples), 1)
    steps = (max_steps or longest) if not model.network.reads_forward or model.facts.keep_steps == "last" else None
    found = []
    for name, build in _builders(model, accepted, steps):
        try:
            answer, size = build()
            started = time.perf_counter()
            best, shares = answer(accepted)
            many = (time.perf_counter() - started) / len(accepted)
            difference = float(np.abs(shares - expected).max())
            found.append(Form(name, share(best == truth, groups), difference, size, _one(answer, accepted), many))
        except UnrolledError as error:
            found.append(Form(name, reason=str(error)))
    return found


def _one(answer: Answer, sequences: Sequences) -> float:
    """Seconds for one sequence alone."""
    times = []
    for index in range(min(SINGLES, len(sequences))):
        single = sequences.take(np.array([index]))
        times.append(min(_seconds(partial(answer, single)) for _ in range(ROUNDS)))
    return statistics.median(times)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _builders(
    model: Model, sequences: Sequences, steps: int | None
) -> Iterator[tuple[str, Callable[[], tuple[Answer, int]]]]:
    weights = sum(weight.numel() * weight.element_size() for weight in model.network.parameters())
    yield "package", lambda: (partial(_by_package, model), weights)
    yield "ONNX", lambda: _in_onnx(model, None)
    yield "ONNX int8", lambda: _in_onnx(model, sequences)
    yield "C", lambda: _in_c(model, steps, None)
    yield "C int8", lambda: _in_c(model, steps, sequences)


def _by_package(model: Model, sequences: Sequences) -> tuple[Integers, Array]:
    given: Any = sequences
    if len(sequences) == 1 and sequences.symbols is None:  # as a program has it
        given = [sequences.scaled(0)]
    shares = model.predict_proba(given)
    return shares.argmax(1), shares


def _in_onnx(model: Model, int8_data: Sequences | None) -> tuple[Answer, int]:
    from unrolled.export.onnx import checked_onnx

    proto, session, _ = checked_onnx(model)
    content = proto.SerializeToString()
    if int8_data is not None:
        from unrolled.export.quantize import quantize
        from unrolled.export.running import open_session

        content, _ = quantize(model, proto, int8_data)
        session = open_session(content)
    return partial(_by_session, session), len(content)


def _by_session(session: Any, sequences: Sequences) -> tuple[Integers, Array]:
    from unrolled.export.running import predict_in_runtime

    _, shares = predict_in_runtime(session, sequences)
    return shares.argmax(1), shares


def _in_c(model: Model, steps: int | None, int8_data: Sequences | None) -> tuple[Answer, int]:
    made = make(model, "compared", steps, int8_data)
    program: Compiled = made.compiled(needed(find_compiler()))
    return program.answers, made.flash_bytes
