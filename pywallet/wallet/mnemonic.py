"""The words that are the wallet (BIP-39, English list)."""

from __future__ import annotations

from typing import Final
from unicodedata import normalize

from mnemonic import Mnemonic

from pywallet import platform
from pywallet.errors import WalletError

SIZES: Final = (12, 15, 18, 21, 24)
_ROUNDS: Final = 2048
# Read once, at import: in the browser the word list then lives in the memory snapshot.
_ENGLISH: Final = Mnemonic("english")


def propose(words: int = 12) -> str:
    """A fresh mnemonic of 12, 15, 18, 21 or 24 words. Raises WalletError wallet.mnemonic for another number."""
    if words not in SIZES:
        raise WalletError("wallet.mnemonic", words=words)
    return str(_ENGLISH.to_mnemonic(platform.random_bytes(words // 3 * 4)))


def check(text: str) -> str:
    """The words in lower case with single spaces. Raises WalletError wallet.mnemonic unless their checksum holds."""
    words = normalize("NFKD", text).lower().split()
    plain = " ".join(words)
    if len(words) not in SIZES or not _ENGLISH.check(plain):
        raise WalletError("wallet.mnemonic", words=len(words))
    return plain


async def seed(text: str, passphrase: str = "") -> bytes:
    """The 64-byte seed of a mnemonic (BIP-39: PBKDF2-HMAC-SHA512, 2048 rounds). Raises WalletError wallet.mnemonic."""
    salt = normalize("NFKD", "mnemonic" + passphrase).encode()
    return await platform.get().pbkdf2("sha512", check(text).encode(), salt, _ROUNDS, 64)
