"""The words that are the wallet (BIP-39, English list)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from unicodedata import category, normalize

from mnemonic import Mnemonic

from pywallet import crypto
from pywallet.errors import WalletError

SIZES: Final = (12, 15, 18, 21, 24)
_ROUNDS: Final = 2048
_NAMING: Final = 4
_NEAR: Final = 3
# Number signs that NFKD would turn into letters.
_ORDINAL: Final = re.compile("[0-9]*[\u00aa\u00ba\u2116]")
# Read once, at import: in the browser the word list then lives in the memory snapshot.
_ENGLISH: Final = Mnemonic("english")


@dataclass(frozen=True)
class Slip:
    """A word that the list does not hold.

    Its place from 1, and the words of the list that look like it, most alike first.
    """

    position: int
    near: tuple[str, ...]


@dataclass(frozen=True)
class Spelling:
    """Words as they were meant, those that need a person, and whether they are a wallet's."""

    words: tuple[str, ...]
    slips: tuple[Slip, ...]
    holds: bool


def propose(words: int = 12) -> str:
    """A fresh mnemonic of 12, 15, 18, 21 or 24 words. Raises WalletError wallet.mnemonic for another number."""
    if words not in SIZES:
        raise WalletError("wallet.mnemonic", words=words)
    return str(_ENGLISH.to_mnemonic(crypto.random_bytes(words // 3 * 4)))


def split(text: str) -> list[str]:
    """The words of a text in lower case, of letters only.

    White space, punctuation and symbols stand between words; digits, accents and characters that are not seen
    (zero-width ones, soft hyphens, marks of direction) are left out. A list's numbers (``1.``, ``2)``, ``3 -``) vanish
    with them.

    Args:
        text: As typed or pasted, such as ``1. Legal, 2. winner``.

    Returns:
        Words in their order, whether or not the list of words has them.
    """
    plain = normalize("NFKD", _ORDINAL.sub(" ", text)).lower()
    apart = "".join(" " if char.isspace() or category(char)[0] in "PSZ" else char for char in plain)
    words: list[str] = []
    for token in apart.split():
        pieces = "".join(char if char.isalpha() else " " for char in token).split()
        joined = "".join(pieces)
        known = (
            len(pieces) > 1 and joined not in _ENGLISH.wordlist and all(piece in _ENGLISH.wordlist for piece in pieces)
        )
        words += pieces if known else [joined] if joined else []
    return words


def check(text: str) -> str:
    """The words in lower case with single spaces. Raises WalletError wallet.mnemonic unless their checksum holds."""
    words = split(text)
    plain = " ".join(words)
    if len(words) not in SIZES or not _ENGLISH.check(plain):
        raise WalletError("wallet.mnemonic", words=len(words))
    return plain


def spelling(text: str) -> Spelling:
    """Look at words as typed.

    The first four letters of a word name it (BIP-39), so a unique beginning of that length stands for it.
    """
    words, slips = [], []
    for position, typed in enumerate(split(text), 1):
        meant = [typed] if typed in _ENGLISH.wordlist else _beginning(typed)
        if len(meant) != 1:
            slips.append(Slip(position, tuple(get_close_matches(typed, _ENGLISH.wordlist, _NEAR))))
        words.append(meant[0] if len(meant) == 1 else typed)
    return Spelling(tuple(words), tuple(slips), not slips and len(words) in SIZES and _ENGLISH.check(" ".join(words)))


def _beginning(letters: str) -> list[str]:
    return [word for word in _ENGLISH.wordlist if word.startswith(letters)] if len(letters) >= _NAMING else []


async def seed(text: str, passphrase: str = "") -> bytes:
    """The 64-byte seed of a mnemonic (BIP-39: PBKDF2-HMAC-SHA512, 2048 rounds). Raises WalletError wallet.mnemonic."""
    salt = normalize("NFKD", "mnemonic" + passphrase).encode()
    return await crypto.get().pbkdf2("sha512", check(text).encode(), salt, _ROUNDS, 64)
