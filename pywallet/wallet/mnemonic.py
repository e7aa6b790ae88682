"""Mnemonics of a wallet (BIP-39, English list): generation, spelling check, seed."""

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
_MIN_ABBREVIATION: Final = 4
_MAX_SUGGESTIONS: Final = 3
# Number signs that NFKD would replace by letters.
_ORDINAL: Final = re.compile("[0-9]*[\u00aa\u00ba\u2116]")
# Read at import, so that the browser's memory snapshot has the word list.
_ENGLISH: Final = Mnemonic("english")


@dataclass(frozen=True)
class UnknownWord:
    """A word that is not in the list: its position from 1, and similar words of the list, most similar first."""

    position: int
    suggestions: tuple[str, ...]


@dataclass(frozen=True)
class SpellingCheck:
    """Result of a spelling check.

    Attributes:
        words: The words, abbreviated ones completed.
        slips: Those that are not in the list.
        holds: True if the words are a mnemonic: all known, a valid number of them, and the checksum is right.
    """

    words: tuple[str, ...]
    slips: tuple[UnknownWord, ...]
    holds: bool


def propose(words: int = 12) -> str:
    """Generate a mnemonic of 12, 15, 18, 21 or 24 words. Raises WalletError ``wallet.mnemonic`` for another number."""
    if words not in SIZES:
        raise WalletError("wallet.mnemonic", words=words)
    return str(_ENGLISH.to_mnemonic(crypto.random_bytes(words // 3 * 4)))


def split(text: str) -> list[str]:
    """Split a text into words of lower-case letters.

    White space, punctuation and symbols separate words; digits, accents and invisible characters (zero-width ones, soft
    hyphens, direction marks) are removed, and with them the numbers of a list (``1.``, ``2)``, ``3 -``).

    Args:
        text: As typed or pasted, such as ``1. Legal, 2. winner``.

    Returns:
        The words in order, including those that are not in the word list.
    """
    plain = normalize("NFKD", _ORDINAL.sub(" ", text)).lower()
    apart = "".join(" " if char.isspace() or category(char)[0] in "PSZ" else char for char in plain)
    words: list[str] = []
    for token in apart.split():
        pieces = "".join(char if char.isalpha() else " " for char in token).split()
        joined = "".join(pieces)
        all_listed = (
            len(pieces) > 1 and joined not in _ENGLISH.wordlist and all(piece in _ENGLISH.wordlist for piece in pieces)
        )
        words += pieces if all_listed else [joined] if joined else []
    return words


def check(text: str) -> str:
    """Normalise a mnemonic to lower case and single spaces. Raises WalletError ``wallet.mnemonic`` if invalid."""
    words = split(text)
    plain = " ".join(words)
    if len(words) not in SIZES or not _ENGLISH.check(plain):
        raise WalletError("wallet.mnemonic", words=len(words))
    return plain


def spelling(text: str) -> SpellingCheck:
    """Check words as typed.

    The first four letters identify a word (BIP-39), so an abbreviation of at least that length is completed.
    """
    words, slips = [], []
    for position, typed in enumerate(split(text), 1):
        matches = [typed] if typed in _ENGLISH.wordlist else _completions(typed)
        if len(matches) != 1:
            slips.append(UnknownWord(position, tuple(get_close_matches(typed, _ENGLISH.wordlist, _MAX_SUGGESTIONS))))
        words.append(matches[0] if len(matches) == 1 else typed)
    return SpellingCheck(
        tuple(words), tuple(slips), not slips and len(words) in SIZES and _ENGLISH.check(" ".join(words))
    )


def _completions(letters: str) -> list[str]:
    return [word for word in _ENGLISH.wordlist if word.startswith(letters)] if len(letters) >= _MIN_ABBREVIATION else []


async def seed(text: str, passphrase: str = "") -> bytes:
    """Derive the 64-byte seed of a mnemonic (BIP-39: PBKDF2-HMAC-SHA512, 2048 rounds).

    Raises:
        WalletError: ``wallet.mnemonic`` for an invalid mnemonic.
    """
    salt = normalize("NFKD", "mnemonic" + passphrase).encode()
    return await crypto.get().pbkdf2("sha512", check(text).encode(), salt, _ROUNDS, 64)
