"""Verification of signed requests of payers."""

from __future__ import annotations

from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError, Refusal
from pywallet.protocol import statement_digest
from pywallet.rules.limits import request_is_fresh


def require_payer(server: bytes, address: str, time_s: int, signature: str, now_s: int) -> bytes:
    """Return the payer that signed a request.

    Args:
        server: This server's address, 20 bytes.
        address: The payer's address in the request.
        time_s: Time of the request, Unix seconds.
        signature: The request's signature.
        now_s: The server's clock, Unix seconds.

    Raises:
        InputError: ``invocation.time``.
        Refusal: ``voucher.signature``: another key signed it.
    """
    payer = from_hex(address, 20)
    if not request_is_fresh(time_s * 1000, now_s * 1000):
        raise InputError("invocation.time", time_s=time_s, now_s=now_s)
    try:
        signer = recover(statement_digest(server, time_s), from_hex(signature, 65))
    except InputError:
        signer = b""
    if signer != payer:
        raise Refusal("voucher.signature", reason="the request is not the payer's")
    return payer
