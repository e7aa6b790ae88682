"""Recordings in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ENDINGS: Final = "wav wave w64 rf64 aif aiff aifc flac mp3 ogg oga opus m4a mp4 aac wma wv ape tta caf au mka webm"
SUFFIXES: Final = frozenset(f".{ending}" for ending in _ENDINGS.split())
"""Endings of recordings in a folder; a file given by itself may have any ending."""


def recordings_in(folder: Path) -> Iterator[Path]:
    """The recordings in a folder and its subfolders, sorted, without hidden ones."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(base) / name
