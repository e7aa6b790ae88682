"""Words and keys: the published vectors of BIP-39, BIP-32 and BIP-44, and GoMAA's own paths."""

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
    """Entropy gives the words, the words give the seed, the seed gives the root key."""
    monkeypatch.setattr("pywallet.crypto.random_bytes", lambda count: bytes.fromhex(case["entropy"]))
    assert mnemonic.propose(len(case["mnemonic"].split())) == case["mnemonic"]
    seed = await mnemonic.seed(case["mnemonic"], BIP39["passphrase"])
    assert seed.hex() == case["seed"]
    root = ExtendedKey.master(seed)
    assert (root.key, root.chain_code) == extended(case["xprv"])


@pytest.mark.parametrize("case", BIP32["vectors"], ids=lambda case: f"{case['seed'][:4]} {case['path']}")
def test_bip32(case: Any) -> None:
    """Key and chain code at each path, leading zeros kept."""
    found = extended_key(bytes.fromhex(case["seed"]), case["path"])
    assert (found.key, found.chain_code) == extended(case["xprv"])


@pytest.mark.parametrize("case", BIP44["vectors"], ids=lambda case: case["address"][:6])
async def test_bip44(case: Any) -> None:
    """The accounts that other wallets show for the same words."""
    key = derive(await mnemonic.seed(case["mnemonic"]), f"m/44'/60'/0'/0/{case['index']}")
    assert key == from_hex(case["key"], 32)
    assert checksum(address_of(key)) == case["address"]


@pytest.mark.parametrize("count", mnemonic.SIZES)
def test_proposed_words_are_good_and_fresh(count: int) -> None:
    """A proposal has the asked number of words, passes the check and is not repeated."""
    one, two = mnemonic.propose(count), mnemonic.propose(count)
    assert len(one.split()) == count
    assert mnemonic.check(one) == one
    assert one != two


def test_words_are_read_as_people_write_them() -> None:
    """Capitals, line breaks and several spaces don't matter."""
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
    """Too few, too many, unknown words and a wrong checksum give wallet.mnemonic."""
    with pytest.raises(WalletError) as caught:
        mnemonic.check(text)
    assert caught.value.code == "wallet.mnemonic"
    with pytest.raises(WalletError):
        await mnemonic.seed(text)


@pytest.mark.parametrize("count", [0, 3, 11, 13, 25])
def test_other_numbers_of_words_are_refused(count: int) -> None:
    """Only the numbers that BIP-39 knows."""
    with pytest.raises(WalletError) as caught:
        mnemonic.propose(count)
    assert caught.value.code == "wallet.mnemonic"


@pytest.mark.parametrize(
    "path",
    ["", "44'/60'", "m/", "m//1", "m/-1", "m/x", "m/1h", "m/2147483648", "m/2147483648'", "m/1''", "M/1", "m/1 "],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    """A path that could be read in two ways is not read."""
    with pytest.raises(ValueError, match="not a path"):
        parse(path)


def test_paths() -> None:
    """The account's path is BIP-44's; every step of the others is hardened."""
    assert parse(ACCOUNT) == (44 + HARDENED, 60 + HARDENED, HARDENED, 0, 0)
    for path in (listener_path(STATION), payee_path(STATION, 7)):
        assert all(index >= HARDENED for index in parse(path))
    assert payee_path(STATION, 7).endswith("/7'")


async def test_stations_and_sessions_see_different_addresses() -> None:
    """Account, listeners and payees of one seed share no key."""
    seed = await mnemonic.seed(WORDS)
    paths = [ACCOUNT]
    for station in (STATION, b"\x52" * 20, bytes(20)):
        paths += [listener_path(station), *(payee_path(station, n) for n in (0, 1, HARDENED - 1))]
    assert len({derive(seed, path) for path in paths}) == len(paths) == 13


async def test_gomaas_own_paths_as_recorded() -> None:
    """The listener and payee of a known seed and station never change: a restored wallet must find them again."""
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
def test_what_stands_around_a_word_is_no_letter_of_it(form: str) -> None:
    """Numbers of a list, quotes, brackets, bullets and full stops."""
    text = " ".join(form.format(n=n, w=word) for n, word in enumerate(WORDS.split(), 1))
    assert mnemonic.check(text) == WORDS
    told = mnemonic.spelling(text)
    assert (told.words, told.slips, told.holds) == (tuple(WORDS.split()), (), True)


@given(st.data())
def test_words_are_read_however_they_were_pasted(data: st.DataObject) -> None:
    """Any mixture of separators, cases, full-width letters and characters that are not seen."""
    text = ""
    for word in WORDS.split():
        at = data.draw(st.integers(0, len(word)))
        wide = "".join(chr(ord(char) + 0xFEE0) for char in word)
        shape = data.draw(st.sampled_from([word, word.upper(), word.title(), wide]))
        text += shape[:at] + data.draw(st.sampled_from(_UNSEEN)) + shape[at:] + data.draw(st.sampled_from(_BETWEEN))
    assert mnemonic.check(text) == WORDS


def test_words_that_only_an_unseen_character_parts_are_two() -> None:
    """Joined they are no word of the list, apart they are."""
    assert mnemonic.check(WORDS.replace(" ", "\u200b")) == WORDS


def test_a_slip_is_named_as_it_was_typed() -> None:
    """Letters of another script stay, so that the place and the word of the message are right."""
    told = mnemonic.spelling("1. legal 2. w1nner 3. th\u0430nk 4. \u4f60")
    assert told.words == ("legal", "wnner", "th\u0430nk", "\u4f60")
    assert [slip.position for slip in told.slips] == [2, 3, 4]
    assert told.slips[0].suggestions[0] == "winner"
