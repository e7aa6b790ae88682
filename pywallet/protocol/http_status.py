"""HTTP status of an error (RFC 9110, section 15), the same from security server and station."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from pywallet.errors import GomaaError, InputError, Refusal, Unavailable

_STATUS: Final = MappingProxyType(
    {
        "message.denied": 401,
        "station.escrow.short": 402,
        "content.unknown": 404,
        "claim.unknown": 404,
        "content.revoked": 410,
        "content.destroyed": 410,
        "station.busy": 429,
        "server.busy": 429,
        "internal": 500,
    }
)


def http_status(error: GomaaError) -> int:
    """HTTP status of a response with an error.

    Returns:
        The code's own status where it has one; else 503 for an unavailability, 403 for a refusal and for codes of
        sessions and terms, 400 for an invalid request, 502 for a response of another party.
    """
    status = _STATUS.get(error.code)
    if status is not None:
        return status
    if isinstance(error, Unavailable):
        return 503
    if isinstance(error, Refusal) or error.code.startswith(("session.", "policy.")):
        return 403
    return 400 if isinstance(error, InputError) else 502
