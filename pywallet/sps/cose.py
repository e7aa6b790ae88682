"""COSE_Sign1 (RFC 9052) in the profile of SPS: ES256K (RFC 8812), with the signer's address as key id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import cbor2

from pywallet import crypto
from pywallet.encoding import cbor
from pywallet.errors import InputError
from pywallet.sps.container import MAX_HEADER

ES256K: Final = -47
_COSE_SIGN1: Final = 18
_OUTER: Final = cbor.DecodeLimits(items=16, string=MAX_HEADER, entries=4, pairs=0)


@dataclass(frozen=True)
class CoseSign1:
    """Parts of the outer structure, not verified; see ``verify``."""

    protected: bytes
    signer: bytes
    payload: bytes
    signature: bytes

    def verify(self, external: bytes) -> None:
        """Verify the signature by the key id.

        Args:
            external: The external additional authenticated data.

        Raises:
            InputError: ``sps.header.signature``.
        """
        digest = _digest(self.protected, external, self.payload)
        # COSE has no recovery id, so both are tried.
        for v in (27, 28):
            try:
                if crypto.recover(digest, self.signature + bytes([v])) == self.signer:
                    return
            except InputError:
                continue
        raise InputError("sps.header.signature")


def protected_header(content_type: str, signer: bytes) -> bytes:
    """The protected header of a content type and signer; there is no other encoding of it."""
    return cbor.dumps({1: ES256K, 3: content_type, 4: signer})


def sign(payload: bytes, content_type: str, external: bytes, private_key: bytes) -> bytes:
    """Sign a payload. Raises InputError ``sps.header.malformed`` for a structure longer than ``MAX_HEADER``."""
    protected = protected_header(content_type, crypto.address_of(private_key))
    signature = crypto.sign(private_key, _digest(protected, external, payload))
    cose = cbor2.dumps(cbor2.CBORTag(_COSE_SIGN1, [protected, {}, payload, signature[:64]]), canonical=True)
    if len(cose) > MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=len(cose))
    return cose


def read(cose: bytes, content_type: str) -> CoseSign1:
    """Parse the structure. Raises InputError ``sps.header.malformed``."""
    if len(cose) > MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=len(cose))
    tag = cbor.loads(cose, frozenset({_COSE_SIGN1}), _OUTER)
    parts = tag.value if isinstance(tag, cbor2.CBORTag) else None
    if not isinstance(parts, list) or len(parts) != 4:
        raise InputError("sps.header.malformed", reason="not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if (
        unprotected != {}
        or not all(isinstance(p, bytes) for p in (protected, payload, signature))
        or len(signature) != 64
    ):
        raise InputError("sps.header.malformed", reason="not a COSE_Sign1 of this profile")
    signer = protected[-20:]
    if protected != protected_header(content_type, signer):
        raise InputError("sps.header.malformed", reason="protected header")
    return CoseSign1(protected, signer, payload, signature)


def _digest(protected: bytes, external: bytes, payload: bytes) -> bytes:
    # Sig_structure of RFC 9052 section 4.4.
    return hashlib.sha256(cbor.dumps(["Signature1", protected, external, payload])).digest()
