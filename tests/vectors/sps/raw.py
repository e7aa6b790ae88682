"""Bytes for the vectors, wrong ones included: a CBOR writer that does what it is told, and the signature over it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from btclib_secp256k1 import recovery

from pywallet.crypto import address_of

MAGIC: Final = b"\x89SPS\r\n\x1a\n"
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
OWNER_KEY: Final = bytes(range(1, 33))
OWNER: Final = address_of(OWNER_KEY)
STRANGER_KEY: Final = bytes(range(2, 34))
STRANGER: Final = address_of(STRANGER_KEY)


@dataclass(frozen=True)
class Raw:
    """Bytes that stand for an item as they are."""

    data: bytes


@dataclass(frozen=True)
class Pairs:
    """A map with its pairs in the order given, repeated keys included."""

    pairs: tuple[tuple[Any, Any], ...]


def head(major: int, value: int, size: int | None = None) -> bytes:
    """Major type and argument, in ``size`` bytes if given, else the shortest."""
    if size is None:
        if value < 24:
            return bytes([major << 5 | value])
        size = next(n for n in (1, 2, 4, 8) if value < 1 << 8 * n)
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + value.to_bytes(size, "big")


def encode(value: Any) -> bytes:
    """CBOR, deterministic except where ``value`` says otherwise."""
    match value:
        case Raw(data):
            return data
        case None | True | False:
            return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
        case int():
            if value >= 1 << 64:
                return b"\xc2" + encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
            if value < -(1 << 64):
                return b"\xc3" + encode((-1 - value).to_bytes(((-1 - value).bit_length() + 7) // 8, "big"))
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case list() | tuple():
            return head(4, len(value)) + b"".join(map(encode, value))
        case dict():
            return encode(Pairs(tuple(sorted(value.items(), key=lambda pair: encode(pair[0])))))
        case Pairs(pairs):
            return head(5, len(pairs)) + b"".join(encode(key) + encode(item) for key, item in pairs)
    raise TypeError(type(value))


def items(value: Any) -> int:
    """Items as docs/format/README.md counts them: keys included, an integer beyond 64 bits as two."""
    match value:
        case dict():
            return 1 + len(value) + sum(map(items, value.values()))
        case list() | tuple():
            return 1 + sum(map(items, value))
        case bool():
            return 1
        case int():
            return 1 if -(1 << 64) <= value < 1 << 64 else 2
    return 1


def protected(content_type: str, signer: bytes = OWNER, **changes: Any) -> bytes:
    """The protected header; ``alg``, ``type``, ``kid`` and ``more`` change it."""
    fields = [
        (1, changes.get("alg", -47)),
        (3, changes.get("type", content_type)),
        (4, changes.get("kid", signer)),
        *changes.get("more", []),
    ]
    return encode(Pairs(tuple(fields)))


def sign(
    payload: bytes, shielded: bytes, external: bytes, key: bytes = OWNER_KEY, context: str = "Signature1"
) -> bytes:
    """R and s over the Sig_structure, 64 bytes."""
    digest = sha256(encode([context, shielded, external, payload])).digest()
    return bytes(recovery.sign(digest, key)[0])


def cose(parts: list[Any], tag: int | None = 18) -> bytes:
    """The tagged array of the four parts."""
    return (b"" if tag is None else head(6, tag)) + encode(parts)


def signed(payload: bytes, content: bytes, content_type: str, key: bytes = OWNER_KEY) -> bytes:
    """A whole COSE_Sign1 over ``payload``."""
    shielded = protected(content_type, address_of(key))
    return cose([shielded, {}, payload, sign(payload, shielded, MAGIC + content, key)])
