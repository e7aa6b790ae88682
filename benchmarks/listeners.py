"""``listeners_2k``, ``reports_p99_2k``, ``listeners_most`` and ``memory_per_listener``.

A security server with SQLite on disk, a station that issues the tickets and settles, a chain with a block a second:
each a process of its own, as an operator starts them. Listeners (``benchmarks.listener_load``) are added until the
99th percentile of the reports is above a second; with ``LISTENERS`` of them the other three figures are measured. The
peer takes as many connections and reports before.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from benchmarks.echo import PEER
from benchmarks.figure import Figure, percentile
from benchmarks.listener_load import Scene, Tally, simulate
from benchmarks.listener_scene import chain_now_s, epochs_missed, server_pid, sounding
from benchmarks.process_usage import cpu_s, rss_bytes
from benchmarks.scale import scaled, setting
from demo.paths import ROOT
from pywallet.protocol import Domain

LISTENERS: Final = setting("GOMAA_BENCH_LISTENERS", 2_000, 4)
STEP: Final = scaled(500, 2)
MOST: Final = setting("GOMAA_BENCH_MOST_LISTENERS", 16_000, 6)
"""Listeners at which the search for ``listeners_most`` ends."""
SECONDS: Final = scaled(60, 12)
"""Of the measurement with ``LISTENERS``."""
STEP_S: Final = scaled(20, 12)
"""Of one with another number; each listener reports at least once."""
WARM_S: Final = scaled(15, 1)
PER_PROCESS: Final = 2_000
"""Listeners of one child process."""
P99_MS: Final = 1_000
"""Bound of ``listeners_most``."""


@dataclass(frozen=True)
class Measured:
    """A measurement.

    Attributes:
        listeners: Connections.
        seconds: Length.
        percent: Processor time of the server, percent of a core.
        tally: What the listeners counted.
    """

    listeners: int
    seconds: float
    percent: float
    tally: Tally

    @property
    def p99_ms(self) -> float:
        """99th percentile of the time from a report to its answer, milliseconds."""
        return round(percentile(self.tally.reports_ms, 0.99), 2)

    @property
    def is_held(self) -> bool:
        """True if every listener was served, and nearly every report within ``P99_MS``."""
        return self.p99_ms <= P99_MS and not self.tally.refused and not self.tally.lost

    def detail(self) -> dict[str, Any]:
        """The counts for people."""
        return {
            "listeners": self.listeners,
            "seconds": round(self.seconds, 1),
            "reports": len(self.tally.reports_ms),
            "p50_ms": round(percentile(self.tally.reports_ms, 0.5), 2),
            "answered": dict(self.tally.answered),
            "refused": dict(self.tally.refused),
            "lost": self.tally.lost,
        }


class Crowd:
    """Listeners in child processes."""

    def __init__(self, scene: Scene) -> None:
        self.count = 0
        self._scene = scene
        self._children: list[tuple[BaseProcess, Connection]] = []

    def grow(self, count: int) -> None:
        """Add listeners until there are ``count``; returns once they are connected.

        Raises:
            RuntimeError: Some could not.
        """
        while self.count < count:
            room = PER_PROCESS - self.count % PER_PROCESS
            if room == PER_PROCESS:
                self._start()
            added = min(count - self.count, room)
            commands = self._children[-1][1]
            commands.send(("connect", self.count, added))
            if (made := commands.recv()) != added:
                raise RuntimeError(f"{made} of {added} listeners could connect")
            self.count += added

    def measure(self, pid: int, seconds: float) -> Measured:
        """Measure the server with this process id."""
        before, began = cpu_s(pid), time.monotonic()
        for _, commands in self._children:
            commands.send(("measure", seconds))
        tallies = [commands.recv() for _, commands in self._children]
        elapsed = time.monotonic() - began
        percent = round((cpu_s(pid) - before) / elapsed * 100, 1)
        whole = Tally()
        for tally in tallies:
            whole.reports_ms += tally.reports_ms
            whole.answered += tally.answered
            whole.refused += tally.refused
            whole.lost += tally.lost
        return Measured(self.count, elapsed, percent, whole)

    def close(self) -> None:
        """End the listeners."""
        for child, commands in self._children:
            commands.send(("close",))
            child.join()

    def _start(self) -> None:
        # Not forked: this process has threads.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(target=simulate, args=(theirs, self._scene), daemon=True)
        child.start()
        theirs.close()
        self._children.append((child, ours))


@contextmanager
def crowd(scene: Scene) -> Iterator[Crowd]:
    """Listeners that are ended on exit."""
    made = Crowd(scene)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Ours:
    """Measurements of the security server.

    Attributes:
        at: With ``LISTENERS``.
        most: Most listeners that it held.
        steps: Number of listeners to 99th percentile, milliseconds.
        bytes_before: Resident size before the first connection.
        bytes_each: Growth of it for each of ``LISTENERS``.
        epochs: Ended and missed epochs.
    """

    at: Measured
    most: int
    steps: dict[int, float]
    bytes_before: int
    bytes_each: int
    epochs: dict[str, int]


def run() -> list[dict[str, Any]]:
    """The peer, then ours with more and more listeners."""
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", ignore_cleanup_errors=True) as name:
        peer, peer_bytes = _peer()
        ours = _ours(Path(name))
    at = ours.at
    load = {**at.detail(), **ours.epochs, "peer": peer.detail()}
    steps = {"p99_ms": ours.steps, "bound_ms": P99_MS}
    memory = {"listeners": at.listeners, "before": ours.bytes_before}
    figures = (
        Figure("listeners_2k", at.percent, "% of a core", PEER, peer.percent, "lower", load),
        Figure("reports_p99_2k", at.p99_ms, "ms", PEER, peer.p99_ms, "lower", {"listeners": at.listeners}),
        Figure("listeners_most", ours.most, "listeners", "those of listeners_2k", LISTENERS, "higher", steps),
        Figure("memory_per_listener", ours.bytes_each, "bytes", PEER, peer_bytes, "lower", memory),
    )
    return [figure.to_json() for figure in figures]


def _peer() -> tuple[Measured, int]:
    """The echo with as many connections and reports, and its bytes for each."""
    command = [sys.executable, "-m", "benchmarks.echo"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        before = rss_bytes(process.pid)
        scene = Scene(url, "", b"", b"", bytes(20), Domain(31337, bytes(20)), (0,), 1, 1, 1)
        with crowd(scene) as listeners:
            listeners.grow(LISTENERS)
            time.sleep(WARM_S)
            measured = listeners.measure(process.pid, SECONDS)
            each = (rss_bytes(process.pid) - before) // LISTENERS
        assert process.stdin is not None
        process.stdin.close()
    return measured, each


def _ours(folder: Path) -> Ours:
    with sounding(folder) as (stack, scene), crowd(scene) as listeners:
        pid = server_pid(stack)
        before, most, steps = rss_bytes(pid), 0, {}
        at: Measured | None = None
        each, epochs = 0, {}
        count = STEP
        while at is None or (most == listeners.count and count <= MOST):
            # The step that reaches the named number ends at it.
            count = LISTENERS if at is None and count > LISTENERS else count
            listeners.grow(count)
            time.sleep(WARM_S)
            began_s = chain_now_s(stack)
            measured = listeners.measure(pid, SECONDS if count == LISTENERS else STEP_S)
            steps[count] = measured.p99_ms
            print(f"> {count} listeners: p99 {measured.p99_ms} ms, {measured.percent} %", file=sys.stderr, flush=True)
            if measured.is_held and most == max((n for n in steps if n < count), default=0):
                most = count
            if count == LISTENERS:
                at, each = measured, (rss_bytes(pid) - before) // count
                epochs = epochs_missed(stack, began_s)
            count += STEP
    return Ours(at, most, steps, before, each, epochs)
