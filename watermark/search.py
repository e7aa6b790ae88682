"""Search of an archive: the watermarks of each recording, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from audio.recordings import recordings_in
from common.spread import Pool, in_order
from pywallet.errors import GomaaError, InputError
from watermark.detection import Detection


@dataclass(frozen=True)
class SearchTask:
    """One recording to read.

    Attributes:
        name: As it was given, or found in a folder that was given.
        path: The same, full.
        layers: Layers to look for.
        listed: Addresses, 20 bytes each.
    """

    name: str
    path: Path
    layers: tuple[str, ...]
    listed: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Found:
    """Watermarks of one recording, by position, and what could not be looked for."""

    marks: tuple[Detection, ...]
    note: str = ""


def read_recording(source: Path | BinaryIO, layers: tuple[str, ...], listed: Sequence[bytes]) -> Found:
    """Read one recording. Raises InputError ``media.decode``, ``media.unsupported``; OSError."""
    from watermark.read import stream
    from watermark.source import SampleSource

    with SampleSource(source) as opened:
        if not opened.ultrasonic and layers == ("ultrasonic",):
            raise InputError("media.unsupported", reason=f"{opened.rate} Hz cannot carry a mark above 20 kHz")
        note = (
            ""
            if opened.ultrasonic
            else f"{opened.rate} Hz cannot carry the mark above 20 kHz; only the in-band one was looked for"
        )
        return Found(tuple(sorted(stream(opened, layers, listed), key=lambda found: found.position_s)), note)


def search_recording(task: SearchTask) -> Found:
    """Read the recording of a task. Raises as ``read_recording``."""
    return read_recording(task.path, task.layers, task.listed)


def tasks(places: Sequence[Path], layers: tuple[str, ...], listed: Sequence[bytes]) -> Iterator[SearchTask]:
    """A task for each file and for each recording in a folder, in this order."""
    for place in places:
        for path in recordings_in(place) if place.is_dir() else (place,):
            yield SearchTask(str(path), path.absolute(), layers, tuple(listed))


def search(pool: Pool, work: Iterator[SearchTask]) -> Iterator[tuple[SearchTask, Found | GomaaError]]:
    """Each task with its watermarks or its error, in the order of the tasks."""
    for task, future in in_order(pool, search_recording, work, lambda task: task.name):
        try:
            yield task, future.result()
        except GomaaError as error:
            yield task, error


def to_json(task: SearchTask, found: Found | GomaaError) -> dict[str, Any]:
    """One line of ``gomaa watermark search --json``."""
    if isinstance(found, GomaaError):
        return {"file": task.name, "error": {"code": found.code, "message": found.message}}
    marks = {"marks": [mark.to_json() for mark in found.marks]}
    return {"file": task.name, **marks, **({"note": found.note} if found.note else {})}
