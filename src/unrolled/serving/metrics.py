"""Counters of a server, in the format of Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Requests, their time, batches and the queue of one application."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        ProcessCollector(registry=own)
        PlatformCollector(registry=own)
        endpoint = ("endpoint",)
        self.requests = Counter(
            "unrolled_requests", "Requests by endpoint and status.", (*endpoint, "status"), registry=own
        )
        told = "Time from the head of a request to its answer."
        self.seconds = Histogram("unrolled_request_seconds", told, endpoint, buckets=_SECONDS, registry=own)
        told = "Sequences computed together."
        self.batch_sequences = Histogram("unrolled_batch_sequences", told, buckets=_SIZES, registry=own)
        told = "Time that a batch took to compute."
        self.batch_seconds = Histogram("unrolled_batch_seconds", told, buckets=_SECONDS, registry=own)
        self.queue_size = Gauge("unrolled_queue_requests", "Waiting requests.", registry=own)
        self.open_streams = 0
        streams = Gauge("unrolled_streams", "Open WebSocket streams.", registry=own)
        streams.set_function(lambda: self.open_streams)
        self.reloads = Counter("unrolled_reloads", "Reloads of models, by result.", ("model", "result"), registry=own)
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def saw_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts an answered request."""
        key = (endpoint, status)
        if key not in self._children:  # to look up labels takes longer than to count
            self._children[key] = self.requests.labels(endpoint, str(status)), self.seconds.labels(endpoint)
        counter, histogram = self._children[key]
        counter.inc()
        histogram.observe(seconds)

    def saw_batch(self, sequences: int, seconds: float) -> None:
        """Counts a computed batch."""
        self.batch_sequences.observe(sequences)
        self.batch_seconds.observe(seconds)

    def text(self) -> bytes:
        """All figures in the format of Prometheus."""
        return generate_latest(self.registry)
