"""Encoding of the second reader: CBOR, COSE signatures and Merkle roots.

The input is valid if a general decoder reads it and a canonical encoder gives the same bytes.
"""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import cbor2
from btclib_secp256k1 import recovery
from Crypto.Hash import keccak

MAGIC: Final = bytes.fromhex("895350530d0a1a0a")
HALF: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class Refused(Exception):
    """Input that the format forbids; the text is the code."""


def require(holds: bool, code: str = "malformed") -> None:
    """Raise ``Refused`` unless ``holds``."""
    if not holds:
        raise Refused(code)


def envelope(data: bytes, content_type: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Return protected header, key id, payload and signature of a COSE_Sign1 envelope."""
    require(len(data) <= 4_194_304)
    outer = decode(data)
    require(
        isinstance(outer, cbor2.CBORTag) and outer.tag == 18 and type(outer.value) is list and len(outer.value) == 4
    )
    protected, unprotected, payload, signature = outer.value
    require(
        all(type(part) is bytes for part in (protected, payload, signature))
        and unprotected == {}
        and len(signature) == 64
    )
    names = decode(protected)
    require(type(names) is dict and list(names) == [1, 3, 4] and names[1] == -47 and names[3] == content_type)
    require(type(names[4]) is bytes and len(names[4]) == 20)
    return protected, names[4], payload, signature


def verify(protected: bytes, external: bytes, payload: bytes, signature: bytes, signer: bytes) -> None:
    """Verify an ES256K signature by the key whose address is ``signer``."""
    digest = sha256(cbor2.dumps(["Signature1", protected, external, payload], canonical=True)).digest()
    require(0 < int.from_bytes(signature[32:], "big") <= HALF, "signature")
    for parity in (0, 1):
        try:
            key = bytes(recovery.recover(digest, signature, parity, compressed=False))
        except ValueError:
            continue
        if keccak.new(digest_bits=256, data=key[1:]).digest()[12:] == signer:
            return
    raise Refused("signature")


def decode(data: bytes) -> Any:
    """Return the item whose deterministic encoding is ``data``."""
    stream = BytesIO(data)
    try:
        value = cbor2.load(stream)
        again = cbor2.dumps(value, canonical=True)
    except Exception:
        raise Refused("malformed") from None
    require(again == data)
    return value


def plain(data: bytes, items: int = 400_000, entries: int = 100_000, pairs: int = 1024) -> Any:
    """Return an item of plain data (no tags, no floats) within limits of items, list entries and map pairs."""
    value = decode(data)
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        count += 1
        kind = type(item)
        require(kind in (int, bytes, str, list, dict, bool, type(None)) and count <= items)
        if kind is int:
            require(-(1 << 64) <= item < 1 << 128)
            # Tag and byte string.
            count += item >= 1 << 64
            require(count <= items)
        elif kind in (bytes, str):
            require(len(item if kind is bytes else item.encode()) <= 65_536)
        elif kind is list:
            require(depth < 16 and len(item) <= entries)
            waiting += [(each, depth + 1) for each in item]
        elif kind is dict:
            require(depth < 16 and len(item) <= pairs and all(type(key) is str for key in item))
            waiting += [(each, depth + 1) for pair in item.items() for each in pair]
    return value


def tree(hashes: list[bytes]) -> bytes:
    """Merkle tree hash, RFC 6962, section 2.1."""
    if len(hashes) == 1:
        return sha256(b"\0" + hashes[0]).digest()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + tree(hashes[:k]) + tree(hashes[k:])).digest()
