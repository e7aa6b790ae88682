"""``identify``: the wallet's session for this station, or one of the host's own listener."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from native_host.host import Host
from native_host.ledger import SessionRow
from native_host.schema import Identify
from native_host.stream import Stream
from pywallet.errors import Refusal
from pywallet.hexes import ZERO_ADDRESS, to_hex
from pywallet.messages import Session, Signed, digest, require_signer, sign
from pywallet.platform import address_of

OWN_SESSION_S: Final = 7 * 86_400
RENEW_S: Final = 3_600
SKEW_S: Final = 300


async def run(host: Host, request: Identify) -> dict[str, Any]:
    """Bind a listener to the stream. Raises ``session.*``, ``station.unknown``, ``policy.wallet.required``."""
    stream = host.stream(request.stream)
    if stream.facts.station is None:
        raise Refusal("station.unknown")
    now_s = host.now_ms(stream.network) // 1000
    if request.session is None:
        row = _own(host, stream, stream.facts.station.address, now_s)
    else:
        row = _given(host, stream, Signed.from_json(Session, request.session), now_s)
    with host.ledger.write():
        host.ledger.add_session(row)
    if stream.session is not None and stream.session.id != row.id:
        stream.ticket = None
        stream.unanswered = None
        if stream.lease is not None:
            stream.lease.shred()
            stream.lease = None
    stream.session = row
    return {"session": msgspec.json.decode(row.signed), "id": to_hex(row.id)}


def _given(host: Host, stream: Stream, signed: Signed[Session], now_s: int) -> SessionRow:
    message = signed.message
    require_signer(signed, stream.network.domain, message.listener, "session.signature")
    if message.device != host.device.address:
        raise Refusal("session.device", session=to_hex(message.device))
    if stream.facts.station is None or message.station != stream.facts.station.address:
        raise Refusal("session.station", session=to_hex(message.station))
    if not message.not_before <= now_s + SKEW_S or now_s >= message.not_after:
        raise Refusal("session.expired", not_after_s=message.not_after, now_s=now_s)
    if stream.policy.listener == "wallet" and message.payee == ZERO_ADDRESS:
        raise Refusal("policy.wallet.required")
    return _row(stream, signed)


def _own(host: Host, stream: Stream, station: bytes, now_s: int) -> SessionRow:
    """Someone without a wallet: a listener key of this device, one per station, and nobody to pay."""
    if stream.policy.listener == "wallet":
        raise Refusal("policy.wallet.required")
    key = host.device.listener_key(station)
    known = host.ledger.session_of(station, address_of(key), now_s + RENEW_S)
    if known is not None and known.chain_id == stream.header.chain and known.settlement == stream.network.deployment.settlement:
        return known
    message = Session(
        station=station,
        listener=address_of(key),
        device=host.device.address,
        payee=ZERO_ADDRESS,
        not_before=max(0, now_s - 60),
        not_after=now_s + OWN_SESSION_S,
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
