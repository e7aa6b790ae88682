"""A million mutated inputs through every reader of the format, each within a cap of time and memory.

``python -m benchmarks fuzz`` for the figure; ``python -m benchmarks.fuzz
--executions N --seed S [TARGET ...]`` for less or something else, ``--keep``
to put inputs with a new kind of answer into tests/fuzz/corpus.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import cbor2

from benchmarks.figure import Figure
from benchmarks.scale import scaled
from pywallet.errors import GomaaError
from tests.fuzz.mutate import bloat, mutate
from tests.fuzz.seed import keep
from tests.fuzz.targets import TARGETS, corpus

EXECUTIONS: Final = scaled(1_000_000, 1_000)
TIME_CAP_S: Final = 5
"""Processor time above which an input fails; the figure names the slowest."""
MEMORY_CAP: Final = 128 << 20
"""Bytes by which one input may raise the process's peak."""
ADDRESS_SPACE: Final = 2 << 30
_HUGE: Final = 2_000
"""One input in so many is of megabytes."""
_PEER: Final = 20
"""One input in so many is also given to the peer, and both are timed."""
_POOL: Final = 400


@dataclass
class Tally:
    """Result of one target."""

    executions: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    slowest_size: int = 0
    slowest: bytes = b""
    growth: int = 0
    failures: list[str] = field(default_factory=list)
    ours_ns: int = 0
    peer_ns: int = 0
    timed: int = 0


class Slow(BaseException):
    """The time cap; no reader may swallow it."""


def fuzz(names: list[str], executions: int, seed: int, keeping: bool = False) -> dict[str, Tally]:
    """Run every target its share of the executions, in turns."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGPROF, _too_slow)
    out = {}
    for name in names:
        out[name] = _target(name, executions // len(names), Random(f"{seed} {name}"), keeping)
        tally = out[name]
        slowest = f"slowest {tally.slowest_ms:.0f} ms: {tally.slowest!r}" if tally.slowest_ms > 1_000 else ""
        print(
            f"> {name}: {tally.executions} inputs, {len(tally.failures)} failures {slowest}",
            file=sys.stderr,
            flush=True,
        )
    return out


def _target(name: str, executions: int, random: Random, keeping: bool) -> Tally:
    tally, target = Tally(), TARGETS[name]
    kept = corpus(name)
    answers = [_once(target, data, Tally()) for data in kept]
    seen, others = set(answers), kept
    taken = [data for data, answer in zip(kept, answers, strict=True) if answer == ("taken",)]
    for number in range(executions):
        huge = number % _HUGE == 1
        # Half from what is taken, or the refused ones would soon be all there is.
        data = (bloat if huge else mutate)(random, taken if random.random() < 0.5 else others)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = _once(target, data, tally)
        tally.growth = max(tally.growth, 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
        if tally.growth > MEMORY_CAP:
            tally.failures.append(f"memory: {tally.growth} bytes more for {data[:200]!r}")
            tally.growth = 0
        if number % _PEER == 0 and not huge:
            _peer(data, tally)
        # An answer of a new kind is worth going on from: coverage in little.
        if answer not in seen and len(data) < 8_192:
            seen.add(answer)
            others = [*others[-_POOL:], data]
            if keeping:
                keep(name, data)
    return tally


def _once(target: Any, data: bytes, tally: Tally) -> tuple[str, ...]:
    began, spent = time.perf_counter_ns(), time.process_time_ns()
    signal.setitimer(signal.ITIMER_PROF, TIME_CAP_S)
    try:
        target(data)
        answer: tuple[str, ...] = ("taken",)
    except GomaaError as e:
        answer = (e.code, *(str(e.detail.get(name, ""))[:60] for name in ("field", "reason")))
    except (Exception, Slow) as e:
        tally.failures.append(f"{type(e).__name__}: {e} for {len(data)} bytes {data[:200]!r}")
        answer = ("failed", type(e).__name__)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    # The processor's time judges an input, since the machine has other work; its clock is too coarse for a mean.
    took, wall = time.process_time_ns() - spent, time.perf_counter_ns() - began
    tally.executions += 1
    tally.ours_ns += wall if tally.executions % _PEER == 1 else 0
    tally.codes[answer[0]] += 1
    if took > 1e6 * tally.slowest_ms:
        tally.slowest_ms, tally.slowest_size, tally.slowest = took / 1e6, len(data), data[:200]
    return answer


def _peer(data: bytes, tally: Tally) -> None:
    began = time.perf_counter_ns()
    with suppress(Exception):
        cbor2.loads(data)
    tally.peer_ns += time.perf_counter_ns() - began
    tally.timed += 1


def _too_slow(*_: Any) -> None:
    raise Slow(f"over {TIME_CAP_S} s")


def figure(tallies: dict[str, Tally], elapsed_s: float, seed: int) -> Figure:
    """The figure of a run. The peer gives no safety, only the price of reading the same inputs at all."""
    ours, peer, timed = (sum(getattr(t, name) for t in tallies.values()) for name in ("ours_ns", "peer_ns", "timed"))
    detail = {
        "executions": sum(t.executions for t in tallies.values()),
        "failures": sum(len(t.failures) for t in tallies.values()),
        "elapsed_s": round(elapsed_s, 1),
        "seed": seed,
        "caps": {"time_s": TIME_CAP_S, "memory_mib": MEMORY_CAP >> 20, "address_space_mib": ADDRESS_SPACE >> 20},
        "targets": {
            name: {
                "executions": t.executions,
                "taken": t.codes["taken"],
                "codes": dict(sorted(t.codes.items())),
                "slowest_ms": round(t.slowest_ms, 1),
                "slowest_bytes": t.slowest_size,
                "peak_growth_mib": round(t.growth / (1 << 20), 1),
            }
            for name, t in tallies.items()
        },
    }
    return Figure(
        "fuzz",
        round(ours / timed / 1e3, 1),
        "us/input",
        "cbor2.loads, same inputs",
        round(peer / timed / 1e3, 1),
        "lower",
        detail,
    )


def run(
    executions: int = EXECUTIONS, seed: int = 1, names: list[str] | None = None, keeping: bool = False
) -> list[dict[str, Any]]:
    """Measure; one figure. Raises RuntimeError for any answer but a code."""
    began = time.monotonic()
    tallies = fuzz(names or sorted(TARGETS), executions, seed, keeping)
    failures = [f"{name}: {failure}" for name, tally in tallies.items() for failure in tally.failures]
    for failure in failures[:20]:
        print(f"> {failure}", file=sys.stderr)
    if failures:
        raise RuntimeError(f"{len(failures)} inputs were answered wrongly")
    return [figure(tallies, time.monotonic() - began, seed).to_json()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument(
        "targets", nargs="*", choices=[*sorted(TARGETS), []], metavar="TARGET", help=f"of {', '.join(sorted(TARGETS))}"
    )
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    for line in run(options.executions, options.seed, options.targets, options.keep):
        print(json.dumps(line))
