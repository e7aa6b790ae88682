"""Verification of signed messages."""

from __future__ import annotations

from typing import Any

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import Domain, require_signer


def require_refusing(signed: Any, domain: Domain, address: bytes, code: str) -> None:
    """Verify a message's signature as pywallet's ``require_signer``, with a refusal, which is recorded.

    Args:
        signed: A ``Signed`` message.
        domain: The settlement's EIP-712 domain.
        address: The required signer, 20 bytes.
        code: The refusal's error code.

    Raises:
        Refusal: ``code``: another key signed it, or the signature is invalid.
    """
    try:
        require_signer(signed, domain, address, code)
    except GomaaError:
        raise Refusal(code, address=to_hex(address)) from None
