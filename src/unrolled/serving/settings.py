"""What a server allows and how it batches; each field is also an option of ``unrolled serve``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unrolled.config import Positive, Section

MIB = 1024 * 1024


class ServerSettings(Section):
    """Limits, batching and threads of a server. Whoever goes beyond a limit is told its name.

    Example:
        >>> settings = unrolled.ServerSettings(max_sequences=16, deadline_ms=2_000)
        >>> settings.max_sequences
        16
    """

    max_batch: Positive = Field(default=64, description="sequences computed together at most; 1 turns batching off")
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=2.0, description="how long a batch waits for others, in ms, while more than one client is asking"
    )
    queue_size: Positive = Field(default=256, description="requests that may wait; the next one is answered 429")
    deadline_ms: Positive = Field(default=10_000, description="a request not answered by then gets 504, in ms")
    max_body_bytes: Positive = Field(default=4 * MIB, description="largest body of a request, in bytes")
    max_pending_bytes: Positive = Field(
        default=64 * MIB, description="bodies that are held at one time, all together, in bytes; beyond it 429"
    )
    body_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="seconds that a body may take to arrive; beyond it 408"
    )
    max_sequences: Positive = Field(default=256, description="sequences in one request")
    max_steps: Positive = Field(default=10_000, description="steps of one sequence")
    max_values: Positive = Field(
        default=2_000_000, description="numbers in the answer of /v1/predict/steps: each step's probabilities and state"
    )
    max_streams: Positive = Field(default=64, description="WebSocket streams that may be open at one time")
    stream_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="seconds after which a stream is closed whose client neither sends nor reads"
    )
    inference_threads: Positive = Field(
        default=1, description="threads that compute a batch; one is best where the web server needs the other core"
    )
    origins: tuple[str, ...] = Field(
        default=(), description="web origins that may ask besides the server's own, as https://example.org; * for all"
    )
