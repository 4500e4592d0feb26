"""Limits and batching of a server; each field is also an option of ``unrolled serve``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unrolled.config import Names, Positive, Section

MIB = 1024 * 1024


class ServerSettings(Section):
    """Limits, batching and threads of a server. An error about a limit names it.

    Example:
        >>> settings = unrolled.ServerSettings(max_sequences=16, deadline_ms=2_000)
        >>> settings.max_sequences
        16
    """

    max_batch: Positive = Field(
        default=64, description="largest number of sequences that are computed together; 1 turns batching off"
    )
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=2.0,
        description="time that a batch waits for further requests, in ms, while there is more than one client",
    )
    queue_size: Positive = Field(default=256, description="requests that may wait; the next one is answered with 429")
    deadline_ms: Positive = Field(
        default=10_000, description="time for an answer, in ms; after it the request is answered with 504"
    )
    max_body_bytes: Positive = Field(default=4 * MIB, description="largest body of a request, in bytes")
    max_pending_bytes: Positive = Field(
        default=64 * MIB,
        description="largest size of all bodies that are in memory at one time, in bytes; beyond it 429",
    )
    body_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="time in which a body must arrive, in seconds; beyond it 408"
    )
    max_sequences: Positive = Field(default=256, description="largest number of sequences in a request")
    max_steps: Positive = Field(default=10_000, description="largest number of steps of a sequence")
    max_values: Positive = Field(
        default=2_000_000,
        description="largest number of values in an answer of /v1/predict/steps: probabilities and state of each step",
    )
    max_streams: Positive = Field(default=64, description="largest number of open WebSocket streams")
    stream_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="seconds after which the server closes a stream whose client neither sends nor reads"
    )
    inference_threads: Positive = Field(
        default=1, description="threads that compute a batch; one is best if the web server needs the other core"
    )
    origins: Names = Field(
        default=(),
        description="web origins that may send requests besides the server's own, as https://example.org; * for all",
    )
