"""Mnemonics and keys: vectors of BIP-39, BIP-32 and BIP-44, and GoMAA's paths."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import address_of
from pywallet.encoding.hex import checksum, from_hex
from pywallet.errors import WalletError
from pywallet.wallet import mnemonic
from pywallet.wallet.derivation import (
    ACCOUNT,
    HARDENED,
    ExtendedKey,
    derive,
    extended_key,
    listener_path,
    parse,
    payee_path,
)

VECTORS = Path(__file__).parents[3] / "vectors"
BIP39: Any = json.loads((VECTORS / "bip39.json").read_text())
BIP32: Any = json.loads((VECTORS / "bip32.json").read_text())
BIP44: Any = json.loads((VECTORS / "bip44.json").read_text())
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
STATION = b"\x51" * 20


def extended(text: str) -> tuple[bytes, bytes]:
    """Key and chain code of an xprv (base58 with checksum, 78 bytes)."""
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    raw = number.to_bytes(82, "big")
    assert hashlib.sha256(hashlib.sha256(raw[:78]).digest()).digest()[:4] == raw[78:]
    return raw[46:78], raw[13:45]


@pytest.mark.parametrize("case", BIP39["vectors"], ids=lambda case: case["entropy"][:8])
async def test_bip39(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mnemonic, seed or master key would differ from the vectors."""
    monkeypatch.setattr("pywallet.crypto.random_bytes", lambda count: bytes.fromhex(case["entropy"]))
    assert mnemonic.propose(len(case["mnemonic"].split())) == case["mnemonic"]
    seed = await mnemonic.seed(case["mnemonic"], BIP39["passphrase"])
    assert seed.hex() == case["seed"]
    root = ExtendedKey.master(seed)
    assert (root.key, root.chain_code) == extended(case["xprv"])


@pytest.mark.parametrize("case", BIP32["vectors"], ids=lambda case: f"{case['seed'][:4]} {case['path']}")
def test_bip32(case: Any) -> None:
    """A key or chain code would differ from the vectors."""
    found = extended_key(bytes.fromhex(case["seed"]), case["path"])
    assert (found.key, found.chain_code) == extended(case["xprv"])


@pytest.mark.parametrize("case", BIP44["vectors"], ids=lambda case: case["address"][:6])
async def test_bip44(case: Any) -> None:
    """An account would differ from that of other wallets."""
    key = derive(await mnemonic.seed(case["mnemonic"]), f"m/44'/60'/0'/0/{case['index']}")
    assert key == from_hex(case["key"], 32)
    assert checksum(address_of(key)) == case["address"]


@pytest.mark.parametrize("count", mnemonic.SIZES)
def test_generated_mnemonics_are_valid_and_differ(count: int) -> None:
    """A generated mnemonic would be invalid or repeat."""
    one, two = mnemonic.propose(count), mnemonic.propose(count)
    assert len(one.split()) == count
    assert mnemonic.check(one) == one
    assert one != two


def test_mnemonics_are_normalised() -> None:
    """Capitals, line breaks or spaces would matter."""
    assert mnemonic.check("  Legal winner\nTHANK year wave  sausage worth useful legal winner thank yellow\t") == WORDS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "legal",
        WORDS + " legal",
        WORDS.rsplit(" ", 1)[0],
        WORDS.replace("yellow", "year"),
        WORDS.replace("wave", "wavy"),
        "0 " * 12,
    ],
)
async def test_other_words_are_refused(text: str) -> None:
    """A wrong number, an unknown word or a wrong checksum would pass."""
    with pytest.raises(WalletError) as caught:
        mnemonic.check(text)
    assert caught.value.code == "wallet.mnemonic"
    with pytest.raises(WalletError):
        await mnemonic.seed(text)


@pytest.mark.parametrize("count", [0, 3, 11, 13, 25])
def test_other_numbers_of_words_are_refused(count: int) -> None:
    """A mnemonic of another length would be generated."""
    with pytest.raises(WalletError) as caught:
        mnemonic.propose(count)
    assert caught.value.code == "wallet.mnemonic"


@pytest.mark.parametrize(
    "path",
    ["", "44'/60'", "m/", "m//1", "m/-1", "m/x", "m/1h", "m/2147483648", "m/2147483648'", "m/1''", "M/1", "m/1 "],
)
def test_malformed_paths_are_refused(path: str) -> None:
    """An ambiguous path would be parsed."""
    with pytest.raises(ValueError, match="not a path"):
        parse(path)


def test_paths() -> None:
    """A path would differ from BIP-44, or a step not be hardened."""
    assert parse(ACCOUNT) == (44 + HARDENED, 60 + HARDENED, HARDENED, 0, 0)
    for path in (listener_path(STATION), payee_path(STATION, 7)):
        assert all(index >= HARDENED for index in parse(path))
    assert payee_path(STATION, 7).endswith("/7'")


async def test_stations_and_sessions_see_different_addresses() -> None:
    """Two keys of one seed would be the same."""
    seed = await mnemonic.seed(WORDS)
    paths = [ACCOUNT]
    for station in (STATION, b"\x52" * 20, bytes(20)):
        paths += [listener_path(station), *(payee_path(station, n) for n in (0, 1, HARDENED - 1))]
    assert len({derive(seed, path) for path in paths}) == len(paths) == 13


async def test_gomaas_own_paths_as_recorded() -> None:
    """A restored wallet would not find its keys."""
    seed = await mnemonic.seed(WORDS)
    assert listener_path(STATION) == "m/44'/60'/1'/228046862'/487606425'"
    assert checksum(address_of(derive(seed, listener_path(STATION)))) == "0xfe31912AEF41916c2b9AEFD823b8B61f80a0a334"
    assert (
        checksum(address_of(derive(seed, payee_path(STATION, 495000)))) == "0x5d189B277040ea6E41d4dea81E88FB2e8637D800"
    )


_NUMBERS = (
    "{n}. {w}",
    "{n} - {w}",
    "{n}) {w}",
    "({n}) {w}",
    "{n}.{w}",
    "#{n}: {w}",
    "{n}\u00ba {w}",
    "\u2116{n} {w}",
    "{n}\t{w}",
    "\uff11\uff0e{w}",
    "{n}{w}",
)
_AROUND = (
    '"{w}"',
    "\u201c{w}\u201d",
    "\u300c{w}\u300d",
    "'{w}'",
    "{w}.",
    "{w},",
    "{w};",
    "- {w}",
    "\u2022 {w}",
    "*{w}*",
    "[{w}]",
    "_{w}_",
    "\u3001{w}",
    "{w}\u3002",
)
_UNSEEN = ("\u200b", "\ufeff", "\u00ad", "\u200e", "\u2060", "\u200d", "\u2068", "\u0301", "\ufe0f")
_BETWEEN = (" ", "\n", "\r\n", "\u00a0", "\u3000", "\u2009", "\t", ", ", "\u2028", " \u200b ", " | ", "\uff0c")


@pytest.mark.parametrize("form", _NUMBERS + _AROUND)
def test_characters_around_words_are_removed(form: str) -> None:
    """A list number, quote, bracket or bullet would become part of a word."""
    text = " ".join(form.format(n=n, w=word) for n, word in enumerate(WORDS.split(), 1))
    assert mnemonic.check(text) == WORDS
    told = mnemonic.spelling(text)
    assert (told.words, told.slips, told.holds) == (tuple(WORDS.split()), (), True)


@given(st.data())
def test_pasted_mnemonics_are_split(data: st.DataObject) -> None:
    """A separator, case, width or invisible character would change the words."""
    text = ""
    for word in WORDS.split():
        at = data.draw(st.integers(0, len(word)))
        wide = "".join(chr(ord(char) + 0xFEE0) for char in word)
        shape = data.draw(st.sampled_from([word, word.upper(), word.title(), wide]))
        text += shape[:at] + data.draw(st.sampled_from(_UNSEEN)) + shape[at:] + data.draw(st.sampled_from(_BETWEEN))
    assert mnemonic.check(text) == WORDS


def test_words_separated_by_an_invisible_character_are_two() -> None:
    """Two words would be joined."""
    assert mnemonic.check(WORDS.replace(" ", "\u200b")) == WORDS


def test_an_unknown_word_is_reported_as_typed() -> None:
    """The reported position or word would differ from the typed one."""
    told = mnemonic.spelling("1. legal 2. w1nner 3. th\u0430nk 4. \u4f60")
    assert told.words == ("legal", "wnner", "th\u0430nk", "\u4f60")
    assert [slip.position for slip in told.slips] == [2, 3, 4]
    assert told.slips[0].suggestions[0] == "winner"
