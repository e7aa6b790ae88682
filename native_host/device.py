"""The device's secp256k1 key: made once, kept in a file that only this user can read."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pywallet.errors import GomaaError
from pywallet.platform import address_of, keccak256

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Device:
    """The host's signing key. ``repr`` never shows it."""

    private_key: bytes

    def __repr__(self) -> str:
        return f"Device(0x{self.address.hex()})"

    @cached_property
    def address(self) -> bytes:
        """20 bytes; sessions name it."""
        return address_of(self.private_key)

    def listener_key(self, station: bytes) -> bytes:
        """The key of a listener without a wallet: one per station, so stations cannot compare notes."""
        return _scalar(keccak256(b"gomaa host listener" + self.private_key + station))


def _scalar(digest: bytes) -> bytes:
    # Non-zero and below the order; the bias of the reduction is below 2^-127.
    return (int.from_bytes(digest, "big") % (_ORDER - 1) + 1).to_bytes(32, "big")


def load(path: Path) -> Device:
    """The key in ``path``, made there if there is none.

    Raises GomaaError ``host.device.key`` when others can read the file or it
    does not hold a key.
    """
    if not path.exists():
        _create(path)
    check(path)
    text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < _ORDER:
        raise GomaaError("host.device.key", path=str(path), reason="not a key")
    return Device(key)


def check(path: Path) -> None:
    """Refuse a key file that group or others can touch. Raises GomaaError ``host.device.key``."""
    if sys.platform == "win32":
        return  # profile directories are private there; mode bits say nothing
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise GomaaError("host.device.key", path=str(path), reason=f"mode {mode:o}, must be 600")


def _create(path: Path) -> None:
    # Written in full beside its place, then linked: a second host starting now gets one whole key, the same one.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_scalar(os.urandom(32)).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
