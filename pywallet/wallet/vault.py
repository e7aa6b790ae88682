"""The vault: a wallet's secret encrypted under its password, as one CBOR map, the same in browser and CPython.

The map, deterministic CBOR: v, kdf, iterations, salt (16), cipher "aes-256-gcm",
nonce (12), data (ciphertext ‖ tag), sum (first 8 bytes of SHA-256 over the map
without it). The additional authenticated data are the map without data and sum,
so every parameter is authenticated.

v 2, written now: kdf "pbkdf2-sha512"; the secret is preceded by its length (2 bytes,
big-endian) and padded with zeros to 512 bytes, so that the size of a vault does not
reveal the number of words. v 1, still read: kdf "pbkdf2-sha256", the secret
without padding. ``is_current`` is False for a vault that should be encrypted again.

A damaged vault has a wrong sum, which does not depend on the password. A vault with
a right sum that cannot be decrypted has another password (or was forged with a
recomputed sum, which is indistinguishable).
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
# Bounds the time that a forged vault takes: ten million iterations take seconds.
MAX_ITERATIONS: Final = 10_000_000
MIN_PASSWORD: Final = 8
_FIXED: Final[dict[int, dict[str, Any]]] = {
    1: {"v": 1, "kdf": "pbkdf2-sha256", "cipher": "aes-256-gcm"},
    2: {"v": 2, "kdf": "pbkdf2-sha512", "cipher": "aes-256-gcm"},
}
_HASHES: Final[dict[int, Hash]] = {1: "sha256", 2: "sha512"}
_SIZES: Final = {"salt": 16, "nonce": 12, "sum": 8}
_MAX_SIZE: Final = 4096
_PADDED_SIZE: Final = 512


async def seal(secret: bytes, password: str, iterations: int = ITERATIONS) -> bytes:
    """Encrypt a secret. Raises WalletError ``wallet.password.weak`` below ``MIN_PASSWORD`` characters."""
    if len(password) < MIN_PASSWORD:
        raise WalletError("wallet.password.weak")
    if not ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise ValueError(f"iterations from {ITERATIONS} to {MAX_ITERATIONS}")
    if len(secret) > _PADDED_SIZE - 2:
        raise ValueError(f"at most {_PADDED_SIZE - 2} bytes")
    vault = {
        **_FIXED[VERSION],
        "iterations": iterations,
        "salt": crypto.random_bytes(16),
        "nonce": crypto.random_bytes(12),
    }
    key = await _key(vault, password)
    padded = (len(secret).to_bytes(2, "big") + secret).ljust(_PADDED_SIZE, b"\0")
    vault["data"] = await crypto.get().aes_gcm_seal(key, vault["nonce"], padded, cbor.dumps(vault))
    return cbor.dumps({**vault, "sum": _sum(vault)})


async def unseal(vault: bytes, password: str) -> bytes:
    """Decrypt a vault. Raises WalletError ``wallet.vault`` for damage, ``wallet.password`` for a wrong password."""
    stored = _read(vault)
    data = stored.pop("data")
    key = await _key(stored, password)
    try:
        plaintext = await crypto.get().aes_gcm_open(key, stored["nonce"], data, cbor.dumps(stored))
    except InputError:
        raise WalletError("wallet.password") from None
    return plaintext if stored["v"] == 1 else plaintext[2 : 2 + int.from_bytes(plaintext[:2], "big")]


def is_current(vault: bytes) -> bool:
    """True if the vault has the present format and iterations. Raises WalletError ``wallet.vault`` for damage."""
    stored = _read(vault)
    return bool(stored["v"] == VERSION and stored["iterations"] >= ITERATIONS)


async def _key(vault: dict[str, Any], password: str) -> bytes:
    # NFKC: the same password typed on another keyboard or system gives the same bytes.
    # JavaScript allows lone surrogates in strings.
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
