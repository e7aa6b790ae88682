"""Checks of signed requests: their signers, and numbers that fit the database."""

from __future__ import annotations

from typing import Any

from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.protocol import require_signer
from security_server.context import Core


def check_times(**values: int) -> None:
    """Times and counters that fit the database and are times at all. Raises InputError ``message.schema``."""
    for name, value in values.items():
        if value >= 1 << 53:
            raise InputError("message.schema", field=name, reason="too large")


def require_refusing(signed: Any, core: Core, address: bytes, code: str) -> None:
    """Like pywallet's ``require_signer``, but a bad signature is a refusal that is recorded."""
    try:
        require_signer(signed, core.domain, address, code)
    except GomaaError:
        raise Refusal(code, address=to_hex(address)) from None
