"""Derivation of keys from a seed (BIP-32), and the paths of GoMAA's keys (after BIP-44, coin type 60)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Final

from pywallet.crypto import keccak256, public_key
from pywallet.crypto.interface import ORDER
from pywallet.errors import WalletError

HARDENED: Final = 1 << 31
ACCOUNT: Final = "m/44'/60'/0'/0/0"
_PATH: Final = re.compile(r"m(/[0-9]{1,10}'?)*")


@dataclass(frozen=True, repr=False)
class ExtendedKey:
    """Extended private key (BIP-32): key and chain code, 32 bytes each."""

    key: bytes
    chain_code: bytes

    @classmethod
    def master(cls, seed: bytes) -> ExtendedKey:
        """The master key of a seed of 16 to 64 bytes."""
        return cls._of(hmac.digest(b"Bitcoin seed", seed, "sha512"), 0)

    def child(self, index: int) -> ExtendedKey:
        """Child key (CKDpriv); an index of ``HARDENED`` or more gives a hardened child."""
        if index >= HARDENED:
            data = b"\0" + self.key
        else:
            point = public_key(self.key)
            data = bytes([2 + point[63] % 2]) + point[:32]
        return self._of(
            hmac.digest(self.chain_code, data + index.to_bytes(4, "big"), "sha512"), int.from_bytes(self.key, "big")
        )

    @classmethod
    def _of(cls, digest: bytes, parent: int) -> ExtendedKey:
        left = int.from_bytes(digest[:32], "big")
        key = (left + parent) % ORDER
        if left >= ORDER or key == 0:
            # Invalid by BIP-32; about one key in 2^127.
            raise WalletError("internal", reason="this path has no key")
        return cls(key.to_bytes(32, "big"), digest[32:])


def parse(path: str) -> tuple[int, ...]:
    """Parse a path such as ``m/44'/60'/0'`` into indices; ``'`` marks hardened ones. Raises ValueError."""
    if _PATH.fullmatch(path) is None:
        raise ValueError(f"not a path: {path!r}")
    out = []
    for part in path.split("/")[1:]:
        index = int(part.rstrip("'"))
        if index >= HARDENED:
            raise ValueError(f"not a path: {path!r}")
        out.append(index + HARDENED if part.endswith("'") else index)
    return tuple(out)


def extended_key(seed: bytes, path: str) -> ExtendedKey:
    """The extended key at ``path``."""
    key = ExtendedKey.master(seed)
    for index in parse(path):
        key = key.child(index)
    return key


def derive(seed: bytes, path: str) -> bytes:
    """The private key at ``path``, 32 bytes."""
    return extended_key(seed, path).key


def _station_indices(station: bytes) -> tuple[int, int]:
    # Two 31-bit indices of the hash of the address: no two stations of one wallet share a key.
    digest = keccak256(b"gomaa station" + station)
    return int.from_bytes(digest[:4], "big") % HARDENED, int.from_bytes(digest[4:8], "big") % HARDENED


def account_path(index: int) -> str:
    """Path of the fan's account number ``index`` (below 2^31, 0 is the first)."""
    return f"m/44'/60'/0'/0/{index}"


def listener_path(station: bytes) -> str:
    """Path of the listener key at one station (address, 20 bytes)."""
    a, b = _station_indices(station)
    return f"m/44'/60'/1'/{a}'/{b}'"


def payee_parent(station: bytes) -> str:
    """Parent path of all payees at one station (address, 20 bytes)."""
    a, b = _station_indices(station)
    return f"m/44'/60'/2'/{a}'/{b}'"


def payee_path(station: bytes, number: int) -> str:
    """Path of the one-time payee of session ``number`` (below 2^31) at one station."""
    return f"{payee_parent(station)}/{number}'"
