"""Runs the native host and records the time of every frame in and out.

Usage: ``host.py STARTER STAMPS ...``: ``STARTER`` is the file that ``gomaa host install`` writes, ``STAMPS`` the file
that gets a line ``microseconds TAB text`` for each frame, by CLOCK_MONOTONIC and by the wall clock. Only the benchmark
starts the host this way; nothing in the host records frames.
"""

from __future__ import annotations

import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

_LENGTH_BYTES: Final = 4


class Head(msgspec.Struct):
    """Fields of a frame that say what it is."""

    id: int | None = None
    op: str | None = None
    action: str | None = None
    event: str | None = None


def describe(body: bytes, requests: dict[int | None, str]) -> str:
    """Operation and action of a frame; an answer has those of its request.

    Args:
        body: The frame without its length.
        requests: Texts of the pending requests by id; a request is added, an answered one removed.
    """
    try:
        head = msgspec.json.decode(body, type=Head)
    except msgspec.DecodeError:
        return "a part of a message"
    if head.op is not None:
        text = " ".join(part for part in (head.op, head.action) if part)
        requests[head.id] = text
        return text
    return f"event {head.event}" if head.event else f"answer to {requests.pop(head.id, 'a request')}"


def wrap(framing: ModuleType, stamps: Path) -> None:
    """Wrap the functions of ``native_host.messaging.framing`` that read and write frames."""
    requests: dict[int | None, str] = {}
    out = stamps.open("a", buffering=1)
    read, write = framing.frames, framing.write_all

    def record(now: tuple[int, int], text: str) -> None:
        monotonic, wall = now
        out.write(f"{monotonic // 1000}\t{wall // 1000}\t{text}\n")

    def now() -> tuple[int, int]:
        return time.monotonic_ns(), time.time_ns()

    def frames(source: Any) -> Iterator[Any]:
        for item in read(source):
            at = now()
            yield item
            # Recorded once the frame is on its way.
            record(at, f"receives {describe(item, requests) if isinstance(item, bytes) else 'a broken frame'}")

    def write_all(descriptor: int, data: bytes) -> None:
        at = now()
        write(descriptor, data)
        record(at, f"posts {describe(data[_LENGTH_BYTES:], requests)}")

    framing.frames, framing.write_all = frames, write_all  # type: ignore[attr-defined]


def main(starter: str, stamps: str) -> None:
    """Run the host's starter with wrapped frames."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from native_host.messaging import framing

    wrap(framing, Path(stamps))
    runpy.run_path(starter, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:3])
