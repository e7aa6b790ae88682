"""Decoding of hosts' requests and of HTTP bodies, with coded errors."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from messages.fields import Number
from messages.host_server.billing import Books, LeafRequest, Owed, Pay, ReceiptsRequest, UsageRequest
from messages.host_server.playback import Destroyed, GrantRequest, Hello, LeaseRequest, Open, Report
from messages.host_server.relay import ClaimRequest, RelayerRequest, SweepRequest
from pywallet.errors import InputError

Operation = (
    Hello
    | Open
    | LeaseRequest
    | GrantRequest
    | Report
    | Destroyed
    | Owed
    | Pay
    | Books
    | ReceiptsRequest
    | LeafRequest
    | UsageRequest
    | ClaimRequest
    | RelayerRequest
    | SweepRequest
)


class _Numbered(Struct):
    id: Number


_OPERATION: Final = msgspec.json.Decoder(Operation)
_NUMBERED: Final = msgspec.json.Decoder(_Numbered)
S = TypeVar("S", bound=Struct)


def operation(text: str | bytes) -> Operation:
    """Decode a host's request. Raises InputError ``message.schema``."""
    try:
        decoded: Operation = _OPERATION.decode(text)
        return decoded
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
        raise InputError("message.schema", reason=str(e)[:200]) from None


def request_id(text: str | bytes) -> int:
    """The ``id`` of a request that could not be decoded, or 0."""
    try:
        return _NUMBERED.decode(text).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return 0


def body(kind: type[S], raw: bytes) -> S:
    """Decode an HTTP body. Raises InputError ``message.schema``."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
        raise InputError("message.schema", reason=str(e)[:200]) from None
