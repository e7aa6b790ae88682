"""Binding of a stream to the wallet's session, or to a session of this host's own listener."""

from __future__ import annotations

from typing import Final

import msgspec

from messages.browser_host.playback import BoundSession
from messages.signed import SignedSession
from native_host.context import Services
from native_host.ledger import SessionRow
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
"""Length of a session without a wallet: the longest play that begins in its hour."""
HOUR_S: Final = 3_600
"""Period of a session without a wallet. Each has its own session, so that published data do not link them."""


def bind(services: Services, stream: Stream, session: SignedSession | None) -> BoundSession:
    """Bind a session to a stream.

    Args:
        services: The host's.
        stream: An open stream.
        session: The wallet's, signed; None: the host's own.

    Raises:
        GomaaError: ``session.*``, ``station.unknown``, ``policy.wallet.required``; ``host.ledger.*``.
    """
    if stream.facts.station is None:
        raise Refusal("station.unknown")
    now_s = services.clock.now_ms(stream.network) // 1000
    signed = None if session is None else Signed.from_json(Session, session)
    row = _own_session(services, stream, now_s) if signed is None else _wallet_session(services, stream, signed, now_s)
    with services.ledger.write():
        services.ledger.add_session(row)
    if stream.session is None or stream.session.id != row.id:
        stream.ticket = None
        stream.unanswered = None
        if stream.lease is not None:
            stream.lease.discard()
            stream.lease = None
        stream.server, stream.server_url = stream.facts.server, stream.facts.server_url
    stream.session = row
    return BoundSession(msgspec.json.decode(row.signed_json), to_hex(row.id), now_s)


def _wallet_session(services: Services, stream: Stream, signed: Signed[Session], now_s: int) -> SessionRow:
    message = signed.message
    require_signer(signed, stream.network.domain, message.listener, "session.signature")
    if stream.facts.station is None or message.station != stream.facts.station.address:
        raise Refusal("session.station", session=to_hex(message.station))
    require_device(services, stream, message.device)
    if not session_is_current(message.not_before, message.not_after, now_s * 1000):
        raise Refusal("session.expired", not_after_s=message.not_after, now_s=now_s)
    if stream.policy.listener == "wallet" and message.payee == ZERO_ADDRESS:
        raise Refusal("policy.wallet.required")
    return _row(stream, signed)


def require_device(services: Services, stream: Stream, named: bytes) -> None:
    """Refuse a session that names another device than the stream's.

    Args:
        services: The host's.
        stream: An open stream.
        named: The device's address in the session, 20 bytes.

    Raises:
        Refusal: ``session.device``, whose ``device`` is the right one; ``station.unknown``.
    """
    device = services.keys.address_for(stream)
    if device is None:
        raise Refusal("station.unknown")
    if named != device:
        raise Refusal("session.device", session=to_hex(named), device=to_hex(device))


def _own_session(services: Services, stream: Stream, now_s: int) -> SessionRow:
    """A session without a wallet: signed by this host's listener key for the station, with no payee."""
    if stream.policy.listener == "wallet":
        raise Refusal("policy.wallet.required")
    station, device = stream.facts.station, services.keys.address_for(stream)
    if station is None or device is None:
        raise Refusal("station.unknown")
    key = services.device.listener_key(station.address)
    # Equal for the whole hour, so that its id, the digest, is too.
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
        station_address=message.station,
        listener=message.listener,
        payee=message.payee,
        not_after_s=message.not_after,
        signed_json=msgspec.json.encode(signed.to_json()).decode(),
    )
