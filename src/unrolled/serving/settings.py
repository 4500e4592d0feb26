"""Limits and batching of a server; each field is also an option of ``unrolled serve``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from unrolled.config import Names, Positive, Section
from unrolled.errors import present_name

MIB = 1024 * 1024


class ServerSettings(Section):
    """Limits, batching and threads of a server. An error about a limit names it.

    Attributes:
        max_batch: largest number of sequences that are computed together; 1 turns batching off.
        batch_wait_ms: time that a batch waits for further requests, in ms, while there is more than one client.
        queue_size: requests that may wait; the next one is answered with 429.
        deadline_ms: time for an answer, in ms; after it the request is answered with 504.
        max_body_bytes: largest body of a request, in bytes.
        max_pending_bytes: largest size of all bodies that are in memory at one time, in bytes; beyond it 429.
        body_timeout_s: time in which a body must arrive, in seconds; beyond it 408.
        max_sequences: largest number of sequences in a request.
        max_steps: largest number of steps of a sequence.
        max_values: largest number of values in an answer of /v1/predict/steps: probabilities and state of each step.
        max_gflop: largest work of a request, in billions of floating-point operations: the network's work for a step
            times the steps that it reads; a core does some 20 in a second.
        max_streams: largest number of open WebSocket streams.
        stream_timeout_s: seconds after which the server closes a stream whose client neither sends nor reads.
        threads: CPU threads that compute a batch; one is best if the web server needs the other core.
        origins: web origins that may send requests besides the server's own, as https://example.org; * for all.

    Example:
        >>> settings = unrolled.ServerSettings(max_sequences=16, deadline_ms=2_000)
        >>> settings.max_sequences
        16
    """

    max_batch: Positive = 64
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = 2.0
    queue_size: Positive = 256
    deadline_ms: Positive = 10_000
    max_body_bytes: Positive = 4 * MIB
    max_pending_bytes: Positive = 64 * MIB
    body_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    max_sequences: Positive = 256
    max_steps: Positive = 10_000
    max_values: Positive = 2_000_000
    max_gflop: Positive = 200
    max_streams: Positive = 64
    stream_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    threads: Positive = 1
    origins: Names = ()

    @model_validator(mode="before")
    @classmethod
    def _by_present_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {present_name(name): value for name, value in values.items()}
