"""``rejoin``: resume a play that a crash of browser, engine or host interrupted; it is not counted again."""

from __future__ import annotations

import contextlib
from typing import Final, Literal, cast

import msgspec

from messages.browser_host.playback import Rejoin, RejoinResult
from messages.host_server.playback import OpenResult
from native_host.context import Services
from native_host.ledger import SessionRow, TicketRow
from native_host.operations.prepare import read_ticket
from native_host.playback.pacing import Pacer
from native_host.playback.stream import Stream
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.errors import Refusal, Unavailable
from pywallet.protocol import digest
from pywallet.rules.limits import is_silent

LIVE: Final = ("playing", "paused")


async def run(services: Services, request: Rejoin) -> RejoinResult:
    """Restore the stream's ticket from the ledger.

    Raises:
        Refusal: ``ticket.missing`` where there is none, ``ticket.used``, ``ticket.expired``, ``session.*``.
    """
    stream = services.streams.require(request.stream)
    signed = None if request.ticket is None else read_ticket(request.ticket)
    identity = stream.interrupted if signed is None else digest(signed.message, stream.network.domain)
    row = None if identity is None else services.ledger.ticket(identity)
    if (
        row is None
        or row.content != stream.header.content
        or stream.facts.station is None
        or stream.facts.station.domain != row.station_domain
    ):
        raise Refusal("ticket.missing", reason="nothing to go on with")
    if row.state not in LIVE or _plays_elsewhere(services, stream, row.id):
        raise Refusal("ticket.used", state=row.state)
    now_s = services.clock.now_ms(stream.network) // 1000
    session = services.ledger.session(row.session)
    if session is None or now_s >= session.not_after_s:
        raise Refusal("session.expired", now_s=now_s)
    if now_s >= row.expiry_s:
        raise Refusal("ticket.expired", expiry_s=row.expiry_s, now_s=now_s)
    # The play resumes at the server that opened it, also after its content has moved.
    if row.server != stream.server:
        stream.server, stream.server_url = row.server, row.server_url
    server = services.servers.of_session(session, stream.server, stream.server_url, stream.network)
    if signed is not None:
        # The server has both; its answer repeats the territory. In an outage the play resumes without it.
        with contextlib.suppress(Unavailable):
            opened = await server.request(
                "open", OpenResult, session=msgspec.json.decode(session.signed_json), ticket=request.ticket
            )
            stream.territory, stream.purpose = opened.place.territory, opened.place.purpose
    _restore(services, stream, session, row)
    services.reporters.of(server, session.id).wake()
    if stream.policy.lease is not None and stream.policy.price.payer != "listener":
        with contextlib.suppress(Unavailable):
            await services.leases.fetch(stream, stream.table.index.segment_at(row.position_ms))
    meter = row.meter
    return RejoinResult(
        state=cast('Literal["playing", "paused"]', row.state),
        position_ms=row.position_ms,
        heard_ms=meter.heard_ms,
        intervals=meter.intervals(row.interval_s),
        rewarded=session.payee != ZERO_ADDRESS,
        expiry_s=row.expiry_s,
    )


def find(services: Services, stream: Stream, before: bytes | None) -> TicketRow | None:
    """The play that a stream could resume.

    Args:
        services: The host's.
        stream: An open stream.
        before: Digest of the ticket of the stream that it replaces; None: the content's last play, if it is silent.
    """
    station = stream.facts.station
    if station is None:
        return None
    now_ms = services.clock.now_ms(stream.network)
    row = (
        services.ledger.ticket(before)
        if before is not None
        else services.ledger.last_ticket(stream.header.content, station.domain, LIVE)
    )
    if (
        row is None
        or row.state not in LIVE
        or now_ms >= row.expiry_s * 1000
        or _plays_elsewhere(services, stream, row.id)
    ):
        return None
    # Another browser of this computer may be playing it now.
    return row if before is not None or is_silent(row.time_ms, now_ms) else None


def _plays_elsewhere(services: Services, stream: Stream, ticket: bytes) -> bool:
    return any(
        other is not stream and other.name != stream.name and other.ticket == ticket
        for other in services.streams.values()
    )


def _restore(services: Services, stream: Stream, session: SessionRow, row: TicketRow) -> None:
    if stream.lease is not None:
        stream.lease.discard()
    last = services.ledger.last_invocation(row.id)
    stream.session, stream.ticket, stream.lease, stream.interrupted = session, row.id, None, None
    stream.pacer = Pacer(row.position_ms, 0, row.state == "playing", row.time_ms, stream.policy.fastest)
    stream.start_action = services.ledger.start_action(row.id)
    # Its keys may never have arrived: the same request again is the same invocation.
    stream.unanswered = last
