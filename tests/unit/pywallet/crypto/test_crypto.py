"""Platform functions: published vectors on CPython and Pyodide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto
from pywallet.crypto.interface import ORDER
from pywallet.encoding.hex import checksum
from pywallet.errors import InputError

KEY = bytes(range(1, 33))
DIGEST = crypto.keccak256(b"a message")

GCM_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
GCM_NONCE = bytes.fromhex("cafebabefacedbaddecaf888")
GCM_AAD = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
GCM_CLEAR = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
GCM_SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (b"a" * 136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"),
    ],
)
def test_keccak(data: bytes, expected: str) -> None:
    """Keccak-256 would have another padding than Ethereum's, or fail at the length of a block."""
    assert crypto.keccak256(data).hex() == expected


def test_recovery_gives_the_signers_address() -> None:
    """Signing and recovering would disagree."""
    signature = crypto.sign(KEY, DIGEST)
    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert 0 < int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert crypto.recover(DIGEST, signature) == crypto.address_of(KEY)


def test_signing_is_deterministic() -> None:
    """A nonce could repeat, which reveals the key (RFC 6979)."""
    assert crypto.sign(KEY, DIGEST) == crypto.sign(KEY, DIGEST)


def _with(s: int | None = None, r: int | None = None, v: int | None = None) -> bytes:
    signature = crypto.sign(KEY, DIGEST)
    parts = (
        int.from_bytes(signature[:32], "big") if r is None else r,
        int.from_bytes(signature[32:64], "big") if s is None else s,
    )
    return parts[0].to_bytes(32, "big") + parts[1].to_bytes(32, "big") + bytes([signature[64] if v is None else v])


def test_a_high_s_is_refused() -> None:
    """A signature would have two valid forms (EIP-2)."""
    signature = crypto.sign(KEY, DIGEST)
    twin = _with(s=ORDER - int.from_bytes(signature[32:64], "big"), v=55 - signature[64])
    with pytest.raises(InputError, match="canonical"):
        crypto.recover(DIGEST, twin)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        crypto.sign(KEY, DIGEST)[:64],
        crypto.sign(KEY, DIGEST) + b"\0",
        _with(v=0),
        _with(v=1),
        _with(v=26),
        _with(v=29),
        _with(r=0),
        _with(s=0),
        _with(r=ORDER),
        _with(s=ORDER),
        _with(r=5),
    ],
)
def test_malformed_signatures_are_refused(signature: bytes) -> None:
    """A malformed signature would raise another exception."""
    with pytest.raises(InputError) as caught:
        crypto.recover(DIGEST, signature)
    assert caught.value.code == "message.schema"


@given(st.binary(min_size=65, max_size=65))
def test_any_bytes_are_an_address_or_a_coded_error(signature: bytes) -> None:
    """Recovering would raise another exception than InputError."""
    try:
        assert len(crypto.recover(DIGEST, signature)) == 20
    except InputError as e:
        assert e.code == "message.schema"


def test_checksum_addresses() -> None:
    """A checksum would differ from the examples of EIP-55."""
    for text in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ):
        assert checksum(bytes.fromhex(text[2:])) == text


async def test_pbkdf2_sha256() -> None:
    """A key would differ from the vector of RFC 7914 section 11."""
    derived = await crypto.get().pbkdf2("sha256", b"passwd", b"salt", 1, 64)
    assert derived.hex() == (
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
    )


async def test_aes_gcm() -> None:
    """A ciphertext would differ from test case 16 of the GCM specification."""
    assert await crypto.get().aes_gcm_seal(GCM_KEY, GCM_NONCE, GCM_CLEAR, GCM_AAD) == GCM_SEALED
    assert await crypto.get().aes_gcm_open(GCM_KEY, GCM_NONCE, GCM_SEALED, GCM_AAD) == GCM_CLEAR


async def test_aes_gcm_detects_changes() -> None:
    """A changed bit in key, nonce, data, tag or additional data would be accepted."""
    good = (GCM_KEY, GCM_NONCE, GCM_SEALED, GCM_AAD)
    for place in range(4):
        for at in (0, -1):
            parts = [bytearray(part) for part in good]
            parts[place][at] ^= 1
            with pytest.raises(InputError) as caught:
                await crypto.get().aes_gcm_open(*map(bytes, parts))
            assert caught.value.code == "sps.segment.tag"


async def test_aes_gcm_refuses_short_data() -> None:
    """Data shorter than a tag would be an internal error."""
    for size in (0, 1, 15):
        with pytest.raises(InputError) as caught:
            await crypto.get().aes_gcm_open(GCM_KEY, GCM_NONCE, bytes(size), GCM_AAD)
        assert caught.value.code == "sps.segment.tag"


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        ("0b" * 22, "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ],
)
async def test_hkdf(secret: str, salt: str, info: str, expected: str) -> None:
    """A key would differ from test cases 1 and 3 of RFC 5869."""
    derived = await crypto.get().hkdf_sha256(
        bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), len(expected) // 2
    )
    assert derived.hex() == expected


def test_random_bytes_differ() -> None:
    """The generator would repeat, or return another length."""
    first, second = crypto.random_bytes(32), crypto.random_bytes(32)
    assert len(first) == 32
    assert first != second


def test_the_clock_counts_milliseconds() -> None:
    """The clock would have another unit."""
    assert 1_760_000_000_000 < crypto.now_ms() < 95_000_000_000_000
