"""Opening of recordings with FFmpeg: through a patched, seekable view, with all FFmpeg protocols off."""

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

NO_PROTOCOLS: Final = {"protocol_whitelist": "none"}
"""FFmpeg option: no URL or other file that a playlist or reference names is opened."""


class PatchedFile:
    """A read-only, seekable view of a file with some bytes replaced.

    Args:
        file: The file.
        name: Its name, for messages.
        patches: Replacement bytes by file offset.
        end: Where the view ends, bytes; None: the file's size.
    """

    def __init__(
        self, file: BinaryIO, name: str, patches: Mapping[int, bytes] | None = None, end: int | None = None
    ) -> None:
        self.name = name
        self._file = file
        self._patches = sorted((patches or {}).items())
        self._offsets = [at for at, _ in self._patches]
        self._end = file.seek(0, 2) if end is None else end
        self._at = file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Read at most ``size`` bytes; -1: all that remain."""
        at, left = self._at, max(0, self._end - self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        index = max(0, bisect_left(self._offsets, at) - 1)
        if index >= len(self._offsets) or self._offsets[index] >= at + len(data):
            return data
        out = bytearray(data)
        for begin, patch in self._patches[index:]:
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


def patched(file: BinaryIO, name: str) -> PatchedFile:
    """The file with patches for FFmpeg: a WAV's undeclared length, an Ogg's negative granule positions."""
    wave = riff.find_sound(file)
    if wave is not None and wave.length_unknown and wave.patches:
        # A length above the 32 bits of the field is given by the view's end instead.
        wide = wave.end - wave.start >= 0xFFFFFFFF and not any(len(patch) == 8 for patch in wave.patches.values())
        return PatchedFile(file, name, wave.patches, wave.end if wide or wave.end == wave.start else None)
    pages = ogg.read_pages(file) if wave is None else None
    return PatchedFile(file, name, pages.patches if pages else None)


@contextmanager
def open_patched(path: Path) -> Iterator[PatchedFile]:
    """Open an audio file with its patches.

    Raises:
        OSError: The file is missing or not readable.
    """
    with path.open("rb") as file:
        yield patched(file, path.name)


@contextmanager
def spooled(stream: BinaryIO, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Copy a stream to a temporary file, so that declared lengths can be compared with the actual ones.

    Args:
        stream: The stream, read to its end.
        folder: Folder of the temporary file; None: the system's.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        file.seek(0)
        yield file


def open_container(source: PatchedFile | BinaryIO, options: Mapping[str, str] | None = None) -> Any:
    """Open a container with PyAV; bytes of tags that are not UTF-8 are kept (surrogateescape).

    Args:
        source: A view or a forward-only stream.
        options: Further FFmpeg options.

    Raises:
        av.FFmpegError: The source cannot be opened.
    """
    return av.open(source, "r", options={**NO_PROTOCOLS, **(options or {})}, metadata_errors="surrogateescape")
