"""``prepare``: open the station's ticket at the security server, and fetch a lease where the policy has one."""

from __future__ import annotations

from typing import Any

import msgspec

from messages.browser_host.playback import Prepare, PrepareResult
from native_host.context import Services
from native_host.ledger import SessionRow, TicketRow
from native_host.ledger.voucher_store import PaymentRow
from native_host.operations.identify import require_device
from native_host.playback import lease_manager
from native_host.playback.content_check import check_content
from native_host.playback.pacing import Pacer
from native_host.playback.reporter import valid_usage
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.encoding.hex import ZERO_ADDRESS, from_b64
from pywallet.errors import InputError, Refusal, Unavailable
from pywallet.protocol import (
    Signed,
    Ticket,
    digest,
    require_signer,
)


async def run(services: Services, request: Prepare) -> PrepareResult | None:
    """Accept a ticket for the stream.

    Returns:
        The lease; None without one.

    Raises:
        GomaaError: ``ticket.*``, ``station.*``, ``session.device`` (the content has moved), the server's refusal,
            ``server.unreachable``.
    """
    stream = services.streams.require(request.stream)
    session, station = stream.session, stream.facts.station
    if session is None or station is None:
        raise Refusal("ticket.missing", reason="identify first")
    signed = read_ticket(request.ticket)
    identity = digest(signed.message, stream.network.domain)
    if signed.message.server not in (stream.server, stream.facts.server):
        await _follow(stream, signed.message.server)
    facts = stream.facts
    address, url = (
        (facts.server, facts.server_url)
        if signed.message.server == facts.server
        else (stream.server, stream.server_url)
    )
    if address != stream.server:
        # At another server this host is another device: ``session.device`` until there is a session that names it.
        require_device(services, stream, session.device)
    server = services.servers.of_session(session, address, url, stream.network)
    opened = await _open(services, stream, session, signed, identity, request, server)
    # Until here the play of the previous ticket continues at its server.
    stream.server, stream.server_url = address, url
    _store(services, stream, session, signed, identity, opened)
    if stream.lease is not None:
        stream.lease.discard()
    stream.ticket, stream.lease, stream.unanswered, stream.started = identity, None, None, None
    stream.pacer = Pacer(fastest=stream.policy.fastest)
    stream.place = place_of(opened)
    services.reporters.of(server, session.id).wake()
    # Where the listener pays, no keys are held ahead.
    if stream.policy.lease is None or stream.policy.price.payer == "listener":
        return None
    lease = await lease_manager.fetch(services, stream, 0)
    return PrepareResult(lease.first, lease.count, lease.expires_s, lease.budget)


def read_ticket(value: Any) -> Signed[Ticket]:
    """A station's ticket. Raises InputError ``station.answer`` for one of another shape."""
    try:
        return Signed.from_json(Ticket, value)
    except InputError:
        raise InputError("station.answer") from None


async def _open(
    services: Services,
    stream: Stream,
    session: SessionRow,
    signed: Signed[Ticket],
    identity: bytes,
    request: Prepare,
    server: Server,
) -> dict[str, Any]:
    """Check the ticket, and open it at its server; its answer."""
    _check(stream, session, signed, services.clock.now_ms(stream.network, server) // 1000, server.address)
    row = services.ledger.ticket(identity)
    if row is not None and row.state != "none":
        raise Refusal("ticket.used")
    choice = {} if request.tracking is None else {"tracking": request.tracking}
    return await server.request(
        "open", session=msgspec.json.decode(session.signed_json), ticket=request.ticket, **choice
    )


async def _follow(stream: Stream, server: bytes) -> None:
    """Take over a content's new server from the chain, which a ticket names.

    Raises:
        GomaaError: As ``open``; ``ticket.mismatch`` where the chain names another server than the ticket.
    """
    facts = await check_content(stream.network, stream.header, stream.origin)
    if facts.server != server:
        raise Refusal("ticket.mismatch", field="server")
    stream.facts = facts


def _check(stream: Stream, session: SessionRow, signed: Signed[Ticket], now_s: int, server: bytes) -> None:
    ticket, price = signed.message, stream.policy.price
    require_signer(signed, stream.network.domain, ticket.station, "ticket.signature")
    # Where the listener pays, the station's ticket pays nothing.
    paid = price.payer != "listener"
    reward = price.reward if session.payee != ZERO_ADDRESS and paid else 0
    wanted = {
        "station": (ticket.station, session.station_address),
        "server": (ticket.server, server),
        "content": (ticket.content, stream.header.content),
        "session": (ticket.session, session.id),
        # Above a station's cap for the day a play earns nothing.
        "reward": (ticket.reward, 0 if ticket.reward == 0 else reward),
    }
    for name, (has, must) in wanted.items():
        if has != must:
            raise Refusal("ticket.mismatch", field=name)
    if (paid and ticket.price < price.owner) or ticket.bps > 10_000:
        raise Refusal("ticket.mismatch", field="price" if ticket.price < price.owner else "bps")
    if now_s >= ticket.expiry:
        raise Refusal("ticket.expired", expiry_s=ticket.expiry, now_s=now_s)
    if not stream.facts.licensed:
        raise Refusal("station.right.missing")


def _payment(stream: Stream, session: SessionRow, ticket: Ticket, identity: bytes) -> PaymentRow:
    """The payment of a play under this ticket."""
    station = stream.facts.station
    return PaymentRow(
        ticket=identity,
        server=stream.server,
        payer=session.listener,
        station_address=ticket.station,
        station_domain=station.domain if station else "",
        chain_id=stream.header.chain,
        ticket_number=ticket.number,
        session=session.id,
        content=stream.header.content,
        price_wei=stream.policy.price.owner,
        bps=ticket.bps,
    )


def place_of(opened: dict[str, Any]) -> tuple[str | None, str | None]:
    """Territory and purpose in the server's answer to ``open``."""
    place = opened.get("place")
    values = [place.get(name) if isinstance(place, dict) else None for name in ("territory", "purpose")]
    territory, purpose = (value if isinstance(value, str) and len(value) <= 253 else None for value in values)
    return territory, purpose


def _store(
    services: Services,
    stream: Stream,
    session: SessionRow,
    signed: Signed[Ticket],
    identity: bytes,
    opened: dict[str, Any],
) -> None:
    usage, sequence = valid_usage(opened.get("usage")), opened.get("sequence")
    if usage is None or type(sequence) is not int or not 0 <= sequence < 1 << 62:
        raise Unavailable("server.answer", op="open")
    try:
        secret = from_b64(opened["secret"])
    except (KeyError, InputError):
        raise Unavailable("server.answer", op="open") from None
    station = stream.facts.station
    row = TicketRow(
        id=identity,
        session=session.id,
        content=stream.header.content,
        listener=session.listener,
        server=stream.server,
        server_url=stream.server_url,
        station_domain=station.domain if station else "",
        reward_wei=signed.message.reward,
        interval_s=stream.policy.price.interval_s,
        prepared_s=services.clock.now_ms(stream.network) // 1000,
        expiry_s=signed.message.expiry,
    )
    with services.ledger.write():
        services.ledger.add_content(row.content, stream.header.title, stream.header.artist)
        services.ledger.add_ticket(row)
        if stream.policy.price.payer == "listener" and stream.policy.price.owner and station is not None:
            services.ledger.add_payment(_payment(stream, session, signed.message, identity))
        services.ledger.raise_sequence(session.id, sequence)
        services.ledger.set_server_usage(session.listener, stream.header.content, usage, secret, stream.server)
