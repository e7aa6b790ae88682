"""A recording's bytes as FFmpeg may read them: by position, under no name that FFmpeg could take for an address."""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import av

from audio import ogg, riff

SOLELY: Final = {"protocol_whitelist": "none"}
"""FFmpeg opens nothing besides the file that it is given.

No address or other file that a playlist or reference names.
"""


class View:
    """A seekable file, read only, with bytes put over it at some positions and nothing after ``end``."""

    def __init__(
        self, file: BinaryIO, name: str, patches: Mapping[int, bytes] | None = None, end: int | None = None
    ) -> None:
        self.name = name
        self._file = file
        self._patches = sorted((patches or {}).items())
        self._places = [at for at, _ in self._patches]
        self._end = file.seek(0, 2) if end is None else end
        self._at = file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most ``size``; all that are left for -1."""
        at, left = self._at, max(0, self._end - self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        place = max(0, bisect_left(self._places, at) - 1)
        if place >= len(self._places) or self._places[place] >= at + len(data):
            return data
        out = bytearray(data)
        for begin, patch in self._patches[place:]:
            if begin >= at + len(data):
                break
            for offset, value in enumerate(patch, begin - at):
                if 0 <= offset < len(out):
                    out[offset] = value
        return bytes(out)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position."""
        base = (0, self._at, self._end)[whence]
        self._at = self._file.seek(max(0, base + offset))
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False


def view(file: BinaryIO, name: str) -> View:
    """The file with patches for FFmpeg: the length of a WAV's sound, an Ogg's negative granule positions."""
    wave = riff.look(file)
    if wave is not None and wave.unsaid and wave.patches:
        # A length that the 32 bits of its field can't say is said by the file's end instead.
        wide = wave.end - wave.start >= 0xFFFFFFFF and not any(len(patch) == 8 for patch in wave.patches.values())
        return View(file, name, wave.patches, wave.end if wide or wave.end == wave.start else None)
    pages = ogg.look(file) if wave is None else None
    return View(file, name, pages.patches if pages else None)


@contextmanager
def opened(path: Path) -> Iterator[View]:
    """An audio file's view.

    Raises:
        OSError: The file is missing or not readable.
    """
    with path.open("rb") as file:
        yield view(file, path.name)


@contextmanager
def spooled(stream: BinaryIO, folder: Path | None = None) -> Iterator[BinaryIO]:
    """A pipe's bytes in a temporary file on disk, so that declared lengths can be checked against the actual ones.

    Args:
        stream: The pipe, read to its end.
        folder: Where the temporary file is made; the system's folder by default.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.seek(0)
        yield file


def open_container(source: View | BinaryIO, options: Mapping[str, str] | None = None) -> Any:
    """FFmpeg's input for a view or a pipe; bytes of tags that are not UTF-8 are kept (surrogateescape).

    Raises:
        av.FFmpegError: The source cannot be opened.
    """
    return av.open(source, "r", options={**SOLELY, **(options or {})}, metadata_errors="surrogateescape")
