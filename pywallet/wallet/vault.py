"""The sealed secret at rest: one CBOR map that opens alike in the browser and on CPython.

The map, deterministic CBOR: v, kdf, iterations, salt (16), cipher "aes-256-gcm",
nonce (12), data (ciphertext ‖ tag), sum (first 8 bytes of SHA-256 over the map
without it). The additional data of the seal are the map without data and sum,
so every parameter is bound to the key.

v 2, written now: kdf "pbkdf2-sha512", the secret preceded by its length (2 bytes,
big-endian) and filled up with zeros to 512 bytes, so that the size of a vault
does not tell 12 words from 24. v 1, still opened: kdf "pbkdf2-sha256", the secret
as it is. ``is_current`` says whether an opened vault should be sealed anew.

A damaged vault fails its sum, which says nothing about the password; what has
a good sum and doesn't open was given a wrong password (or was forged with a
recomputed sum, which a person can't tell from a wrong password either).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final
from unicodedata import normalize

from pywallet import crypto
from pywallet.crypto.interface import Hash
from pywallet.encoding import cbor
from pywallet.errors import InputError, WalletError

VERSION: Final = 2
ITERATIONS: Final = 600_000
# A forged vault must not hang the wallet: ten million rounds take seconds.
MAX_ITERATIONS: Final = 10_000_000
MIN_PASSWORD: Final = 8
_FIXED: Final[dict[int, dict[str, Any]]] = {
    1: {"v": 1, "kdf": "pbkdf2-sha256", "cipher": "aes-256-gcm"},
    2: {"v": 2, "kdf": "pbkdf2-sha512", "cipher": "aes-256-gcm"},
}
_HASHES: Final[dict[int, Hash]] = {1: "sha256", 2: "sha512"}
_SIZES: Final = {"salt": 16, "nonce": 12, "sum": 8}
_MAX_SIZE: Final = 4096
_FILLED: Final = 512


async def seal(secret: bytes, password: str, iterations: int = ITERATIONS) -> bytes:
    """The vault of ``secret``. Raises WalletError wallet.password.weak below 8 characters."""
    if len(password) < MIN_PASSWORD:
        raise WalletError("wallet.password.weak")
    if not ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise ValueError(f"iterations from {ITERATIONS} to {MAX_ITERATIONS}")
    if len(secret) > _FILLED - 2:
        raise ValueError(f"at most {_FILLED - 2} bytes")
    vault = {
        **_FIXED[VERSION],
        "iterations": iterations,
        "salt": crypto.random_bytes(16),
        "nonce": crypto.random_bytes(12),
    }
    key = await _key(vault, password)
    filled = (len(secret).to_bytes(2, "big") + secret).ljust(_FILLED, b"\0")
    vault["data"] = await crypto.get().aes_gcm_seal(key, vault["nonce"], filled, cbor.dumps(vault))
    return cbor.dumps({**vault, "sum": _sum(vault)})


async def unseal(vault: bytes, password: str) -> bytes:
    """The secret. Raises WalletError wallet.vault for damage, wallet.password for a wrong password."""
    stored = _read(vault)
    data = stored.pop("data")
    key = await _key(stored, password)
    try:
        found = await crypto.get().aes_gcm_open(key, stored["nonce"], data, cbor.dumps(stored))
    except InputError:
        raise WalletError("wallet.password") from None
    return found if stored["v"] == 1 else found[2 : 2 + int.from_bytes(found[:2], "big")]


def is_current(vault: bytes) -> bool:
    """Whether a new vault would be sealed no better. Raises WalletError wallet.vault for damage."""
    stored = _read(vault)
    return bool(stored["v"] == VERSION and stored["iterations"] >= ITERATIONS)


async def _key(vault: dict[str, Any], password: str) -> bytes:
    # NFKC: the same password typed on another keyboard or system gives the same bytes.
    # A lone surrogate, which JavaScript allows in a string, is a character like any other.
    text = normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return await crypto.get().pbkdf2(_HASHES[vault["v"]], text, vault["salt"], vault["iterations"], 32)


def _sum(vault: dict[str, Any]) -> bytes:
    return hashlib.sha256(cbor.dumps(vault)).digest()[:8]


def _read(vault: bytes) -> dict[str, Any]:
    if len(vault) > _MAX_SIZE:
        raise WalletError("wallet.vault", reason="size")
    try:
        stored = cbor.loads(vault)
    except InputError:
        raise WalletError("wallet.vault", reason="not CBOR") from None
    if not isinstance(stored, dict) or stored.keys() != {*_FIXED[VERSION], *_SIZES, "iterations", "data"}:
        raise WalletError("wallet.vault", reason="fields")
    expected = _FIXED.get(stored["v"]) if type(stored["v"]) is int else None
    fixed = expected is not None and all(
        type(stored[name]) is type(value) and stored[name] == value for name, value in expected.items()
    )
    sizes = all(isinstance(stored[name], bytes) and len(stored[name]) == size for name, size in _SIZES.items())
    rounds = type(stored["iterations"]) is int and ITERATIONS <= stored["iterations"] <= MAX_ITERATIONS
    if not (fixed and sizes and rounds and isinstance(stored["data"], bytes)):
        raise WalletError("wallet.vault", reason="values")
    if stored.pop("sum") != _sum(stored):
        raise WalletError("wallet.vault", reason="sum")
    return stored
