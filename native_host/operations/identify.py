"""``identify``: the wallet's session for this station, or one of the host's own listener."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from native_host.host import Host
from native_host.ledger import SessionRow
from native_host.messaging.requests import Identify
from native_host.playback.stream import Stream
from pywallet.crypto import address_of
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import Refusal
from pywallet.protocol import (
    Session,
    Signed,
    digest,
    require_signer,
    sign,
)
from pywallet.rules.limits import session_is_current

OWN_SESSION_S: Final = 86_400
"""A session without a wallet lasts for the longest play that begins in its hour."""
HOUR_S: Final = 3_600
"""Every hour has its own session, as a wallet's has its own payee.

What is published of one hour says nothing of the next.
"""


async def run(host: Host, request: Identify) -> dict[str, Any]:
    """Bind a listener to the stream. Raises ``session.*``, ``station.unknown``, ``policy.wallet.required``."""
    stream = host.stream(request.stream)
    if stream.facts.station is None:
        raise Refusal("station.unknown")
    now_s = host.now_ms(stream.network) // 1000
    given = None if request.session is None else Signed.from_json(Session, request.session)
    row = _own(host, stream, now_s) if given is None else _given(host, stream, given, now_s)
    with host.ledger.write():
        host.ledger.add_session(row)
    if stream.session is None or stream.session.id != row.id:
        stream.ticket = None
        stream.unanswered = None
        if stream.lease is not None:
            stream.lease.discard()
            stream.lease = None
        stream.server, stream.server_url = stream.facts.server, stream.facts.server_url
    stream.session = row
    return {"session": msgspec.json.decode(row.signed), "id": to_hex(row.id), "now_s": now_s}


def _given(host: Host, stream: Stream, signed: Signed[Session], now_s: int) -> SessionRow:
    message = signed.message
    require_signer(signed, stream.network.domain, message.listener, "session.signature")
    if stream.facts.station is None or message.station != stream.facts.station.address:
        raise Refusal("session.station", session=to_hex(message.station))
    require_device(host, stream, message.device)
    if not session_is_current(message.not_before, message.not_after, now_s * 1000):
        raise Refusal("session.expired", not_after_s=message.not_after, now_s=now_s)
    if stream.policy.listener == "wallet" and message.payee == ZERO_ADDRESS:
        raise Refusal("policy.wallet.required")
    return _row(stream, signed)


def require_device(host: Host, stream: Stream, named: bytes) -> None:
    """Raise Refusal ``session.device`` unless a session names the device that it has to.

    ``device`` of the refusal is that one.
    """
    device = host.device_at(stream)
    if device is None:
        raise Refusal("station.unknown")
    if named != device:
        raise Refusal("session.device", session=to_hex(named), device=to_hex(device))


def _own(host: Host, stream: Stream, now_s: int) -> SessionRow:
    """Someone without a wallet: a listener key of this host, one per station, and nobody to pay."""
    if stream.policy.listener == "wallet":
        raise Refusal("policy.wallet.required")
    station, device = stream.facts.station, host.device_at(stream)
    if station is None or device is None:
        raise Refusal("station.unknown")
    key = host.device.listener_key(station.address)
    # The same for the whole hour, and another one in the next: its id is the digest of this.
    begin_s = now_s - now_s % HOUR_S
    message = Session(
        station=station.address,
        listener=address_of(key),
        device=device,
        payee=ZERO_ADDRESS,
        not_before=max(0, begin_s - 60),
        not_after=begin_s + OWN_SESSION_S,
    )
    return _row(stream, sign(message, stream.network.domain, key))


def _row(stream: Stream, signed: Signed[Session]) -> SessionRow:
    message, domain = signed.message, stream.network.domain
    return SessionRow(
        id=digest(message, domain),
        chain_id=domain.chain_id,
        settlement=domain.settlement,
        station=message.station,
        listener=message.listener,
        payee=message.payee,
        not_after_s=message.not_after,
        signed=msgspec.json.encode(signed.to_json()).decode(),
    )
