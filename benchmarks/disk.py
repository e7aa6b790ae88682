"""Temporary folders on a disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache"


@contextmanager
def disk_folder() -> Iterator[Path]:
    """A temporary folder that is not in memory, as the system's may be.

    It is in ``.cache``, which ``build.py clean`` removes with whatever a killed run has left.
    """
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", dir=CACHE) as name:
        yield Path(name)
