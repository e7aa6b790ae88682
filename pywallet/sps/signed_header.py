"""The signed header: COSE_Sign1 over the payload, by the content's owner."""

from __future__ import annotations

from typing import Final

from pywallet import crypto
from pywallet.encoding import cbor
from pywallet.errors import InputError
from pywallet.sps import cose, payload
from pywallet.sps.container import MAGIC
from pywallet.sps.header import Header

CONTENT_TYPE: Final = "application/sps-header"


def encode_header(header: Header) -> bytes:
    """Encode the payload that is signed."""
    return cbor.dumps(payload.to_map(header))


def sign_header(header: Header, private_key: bytes) -> bytes:
    """Sign a header, as COSE_Sign1. It is parsed first, so that no header is signed that readers refuse.

    Raises:
        InputError: ``sps.header.malformed`` naming the field, or for a header above ``MAX_HEADER``;
            ``sps.header.signature`` for another key than the owner's.
    """
    if crypto.address_of(private_key) != header.owner:
        raise InputError("sps.header.signature", reason="the key is not the owner's")
    encoded = encode_header(header)
    payload.from_map(cbor.loads(encoded))
    return cose.sign(encoded, CONTENT_TYPE, MAGIC + header.content, private_key)


def open_header(signed: bytes) -> Header:
    """Verify a header's signature, and parse it.

    Raises:
        InputError: ``sps.header.malformed``, ``sps.header.signature``, ``sps.version``, ``sps.header.critical``.
    """
    parts = cose.read(signed, CONTENT_TYPE)
    value = cbor.loads(parts.payload)
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, bytes) or len(content) != 20:
        raise InputError("sps.header.malformed", field="content")
    parts.verify(MAGIC + content)
    if value.get("owner") != parts.signer:
        raise InputError("sps.header.signature", reason="signed by somebody else than the owner it names")
    return payload.from_map(value)
