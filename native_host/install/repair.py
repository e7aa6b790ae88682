"""Repair of the host's files except the ledger: folders, device key, network files."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from native_host import device_key
from native_host.ledger.faults import failure
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.errors import GomaaError

OWNER: Final = 0o700
"""Mode of the host's folders."""
FILE: Final = 0o600
"""Mode of its files."""


def repair_files(paths: Paths) -> Iterator[str]:
    """Repair folders, key and networks, so that the host can start.

    Args:
        paths: The host's folders.

    Yields:
        A line for each change.

    Raises:
        Unavailable: As ``native_host.ledger.faults.failure``, naming the folder that cannot be written.
    """
    try:
        for folder in (paths.data, paths.config, paths.networks):
            yield from _folder(folder)
        yield from _key(paths.device_key)
        for end in ("", "-wal", "-shm"):
            yield from _writable(paths.ledger.with_name(f"{paths.ledger.name}{end}"))
        for file in sorted(paths.networks.glob("*.json")):
            yield from _writable(file)
        for file in network_files.damaged(paths):
            yield f"{file} is no network: put aside as {_set_aside(file).name}"
    except OSError as e:
        raise failure(e) from None


def _folder(folder: Path) -> Iterator[str]:
    if folder.exists() and not folder.is_dir():
        yield f"{folder} is no folder: put aside as {_set_aside(folder).name}"
    folder.mkdir(mode=OWNER, parents=True, exist_ok=True)
    if sys.platform != "win32" and folder.stat().st_mode & OWNER != OWNER:
        folder.chmod(OWNER)
        yield f"{folder} can be written again"
    # Mode bits do not show a read-only or full disk.
    probe = folder / f".probe.{os.getpid()}"
    try:
        probe.write_bytes(bytes(4096))
    finally:
        probe.unlink(missing_ok=True)


def _writable(file: Path) -> Iterator[str]:
    if sys.platform != "win32" and file.is_file() and file.stat().st_mode & FILE != FILE:
        file.chmod(FILE)
        yield f"{file} can be written again"


def _key(file: Path) -> Iterator[str]:
    if not os.path.lexists(file):
        return
    yield from _writable(file)
    if file.is_file():
        try:
            device_key.check(file)
        except GomaaError:
            file.chmod(FILE)
            yield f"{file} is open to this user alone"
    try:
        device_key.load(file)
    except GomaaError:
        yield f"{file} holds no key: put aside as {_set_aside(file).name}, and the host makes a new one"


def _set_aside(file: Path) -> Path:
    return file.replace(file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"))
