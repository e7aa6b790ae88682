"""Prometheus metrics of one server (docs/operate-server.md, Metrics).

No label names a listener, device, payee, session, ticket or key: stations are the finest that is told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from common.version import VERSION

OK: Final = "ok"
"""Label ``code`` of a request that was answered without an error."""
DURATIONS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the durations' buckets, seconds."""
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Upper bounds of the buckets of functions in one commit."""


class Metrics:
    """The counters and histograms of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter("gomaa_server_requests", "Answered requests", ("operation", "code"), registry=registry)
        self._durations = Histogram(
            "gomaa_server_request_duration_seconds",
            "Time from a decoded request to its answer",
            ("operation",),
            buckets=DURATIONS_S,
            registry=registry,
        )
        self._lag = Histogram(
            "gomaa_server_event_loop_lag_seconds",
            "Delay of a periodic task of the event loop",
            buckets=DURATIONS_S,
            registry=registry,
        )
        self._commits = Histogram(
            "gomaa_server_commit_duration_seconds",
            "Time of one transaction of the writer, with its flush to disk",
            buckets=DURATIONS_S,
            registry=registry,
        )
        self._groups = Histogram(
            "gomaa_server_commit_group_size", "Functions in one transaction", buckets=SIZES, registry=registry
        )
        self._conflicts = Counter(
            "gomaa_server_conflicts",
            "Attempts at a transaction that failed because of another process",
            registry=registry,
        )
        self._conflict_cpu = Counter(
            "gomaa_server_conflict_cpu_seconds", "Processor time of those attempts", registry=registry
        )
        self._wait = Gauge(
            "gomaa_server_writer_wait_seconds",
            "Estimated time until the writer takes a request about a play that is queued now",
            registry=registry,
        )
        Gauge("gomaa_server_build", "1, with the release", ("version",), registry=registry).labels(VERSION).set(1)

    def watch_writer(self, wait_s: Callable[[], float]) -> None:
        """Read the estimated wait for the writer, seconds, whenever the metrics are read."""
        self._wait.set_function(wait_s)

    def request_ended(self, operation: str, code: str, duration_s: float) -> None:
        """Count a request.

        Args:
            operation: Name of the host's operation, or method and route.
            code: The error's code, or ``OK``.
            duration_s: Seconds from its decoding to its answer.
        """
        self._requests.labels(operation, code).inc()
        self._durations.labels(operation).observe(duration_s)

    def loop_delayed(self, lag_s: float) -> None:
        """Record by how many seconds a periodic task of the event loop was late."""
        self._lag.observe(lag_s)

    def committed(self, duration_s: float, size: int) -> None:
        """Record a transaction of the writer; callable from its thread.

        Args:
            duration_s: Seconds from its begin to the end of its commit.
            size: Functions that it committed together.
        """
        self._commits.observe(duration_s)
        self._groups.observe(size)

    def conflicted(self, cpu_s: float) -> None:
        """Record an attempt at a transaction that another process's made fail; callable from the writer's thread.

        Args:
            cpu_s: Processor time of the attempt, seconds.
        """
        self._conflicts.inc()
        self._conflict_cpu.inc(cpu_s)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
