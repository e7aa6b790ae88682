"""The host's master secret, in a file that only this user can read, and the keys derived from it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from pywallet.crypto import address_of, keccak256
from pywallet.errors import GomaaError

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Device:
    """Keys of this host, derived from one secret, which ``repr`` leaves out.

    Attributes:
        private_key: The master secret, 32 bytes. As a device key itself it serves only sessions of earlier versions.
    """

    private_key: bytes

    def __repr__(self) -> str:
        return "Device()"

    def key(self, server: bytes, station: bytes) -> bytes:
        """Private key of the device at one server and station; each pair has its own device address.

        Sessions name its address; it signs invocations, destruction notices and the connection's hello.

        Args:
            server: Address, 20 bytes.
            station: Address, 20 bytes.
        """
        return _derived(b"gomaa host device", self.private_key, server + station)

    def address(self, server: bytes, station: bytes) -> bytes:
        """The device's address at one server and station, 20 bytes."""
        return _address(self.key(server, station))

    def key_of(self, address: bytes, servers: Iterable[bytes], station: bytes) -> bytes | None:
        """Private key of the device with an address; None where it is no device of this host.

        Args:
            address: Address of the device, 20 bytes.
            servers: Addresses of the servers whose device it may be.
            station: Address of the session's station, 20 bytes.
        """
        # Sessions of versions without derived keys have the master secret as device key.
        keys = chain((self.key(server, station) for server in servers), (self.private_key,))
        return next((key for key in keys if _address(key) == address), None)

    def listener_key(self, station: bytes) -> bytes:
        """Private key of a listener without a wallet: one for each station, because limits count by listener."""
        return _derived(b"gomaa host listener", self.private_key, station)


def fresh_key() -> bytes:
    """A random private key for one anonymous connection."""
    return _scalar(os.urandom(32))


@cache
def _derived(purpose: bytes, master: bytes, place: bytes) -> bytes:
    return _scalar(keccak256(purpose + master + place))


_address: Final = cache(address_of)


def _scalar(digest: bytes) -> bytes:
    # Non-zero and below the order; the bias of the reduction is below 2^-127.
    return (int.from_bytes(digest, "big") % (_ORDER - 1) + 1).to_bytes(32, "big")


def load(path: Path) -> Device:
    """Read the key file, or create it where there is none.

    Raises:
        GomaaError: ``host.device.key`` where others can read the file, or it holds no key.
    """
    if not os.path.lexists(path):
        _create(path)
    if not path.is_file():
        raise GomaaError("host.device.key", path=str(path), reason="not a file")
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
    """Refuse a key file that group or others can access. Raises GomaaError ``host.device.key``."""
    if sys.platform == "win32":
        return  # profile directories are private there, without mode bits
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise GomaaError("host.device.key", path=str(path), reason=f"mode {mode:o}, must be 600")


def _create(path: Path) -> None:
    # Written beside its place, then linked: a second host that starts now reads the same complete key.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # Left behind by an earlier process with this number.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_scalar(os.urandom(32)).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:
            # A file system without hard links.
            if not path.exists():
                temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
