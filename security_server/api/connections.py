"""The hosts that are connected, by device, and what is pushed to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

_QUEUE: Final = 1024


class Line:
    """One connected host. Frames leave in order; a host that doesn't read is let go."""

    def __init__(self) -> None:
        self.device: bytes | None = None
        self.frames: asyncio.Queue[str | None] = asyncio.Queue(_QUEUE)

    def send(self, frame: Mapping[str, Any]) -> None:
        """Queue a frame; None (the end) if the queue is full."""
        try:
            self.frames.put_nowait(json.dumps(frame, separators=(",", ":")))
        except asyncio.QueueFull:
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(None)


class Hub:
    """Who is connected."""

    def __init__(self) -> None:
        self._lines: set[Line] = set()

    def enter(self, line: Line) -> None:
        """A host has connected."""
        self._lines.add(line)

    def leave(self, line: Line) -> None:
        """A host has gone."""
        self._lines.discard(line)

    def push(self, event: Mapping[str, Any], devices: Iterable[bytes] | None = None) -> None:
        """Send an event to these devices, or to every host that said hello."""
        wanted = None if devices is None else set(devices)
        for line in list(self._lines):
            if line.device is not None and (wanted is None or line.device in wanted):
                line.send(event)

    def close(self) -> None:
        """End every line."""
        for line in list(self._lines):
            if line.frames.full():
                line.frames.get_nowait()
            line.frames.put_nowait(None)
