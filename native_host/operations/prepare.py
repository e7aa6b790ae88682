"""``prepare``: bind a session, and open the station's ticket at the security server with a lease of its first keys."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, to_builtins
from msgspec.structs import asdict

from messages.browser_host.playback import (
    LeaseEntry,
    OpenedTicket,
    Prepare,
    PrepareResult,
    SessionPart,
    TicketPart,
)
from messages.browser_host.stream import Open
from messages.fields import ErrorObject
from messages.host_server.playback import OpenResult
from messages.signed import SignedTicket
from native_host.context import Services
from native_host.ledger import SessionRow, TicketRow
from native_host.ledger.voucher_store import PaymentRow
from native_host.operations import listener
from native_host.operations.close import end
from native_host.playback.content_check import check_content
from native_host.playback.lease_manager import Wish
from native_host.playback.pacing import Pacer
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.encoding.hex import ZERO_ADDRESS, from_b64
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol import (
    Signed,
    Ticket,
    digest,
    require_signer,
)
from pywallet.protocol.foreign_errors import error_from
from pywallet.rules.admissibility import NOT_STARTED


async def run(services: Services, request: Prepare) -> PrepareResult:
    """Prepare the next play of a stream.

    Raises:
        GomaaError: ``host.stream.unknown``, ``host.ledger.*``; refusals are in the result.
    """
    stream = services.streams.require(request.stream)
    return await prepare(services, stream, request)


async def prepare(services: Services, stream: Stream, request: Open | Prepare) -> PrepareResult:
    """Bind the request's session, then open its ticket. What is refused is in the result."""
    session = SessionPart()
    if request.session is not UNSET:
        try:
            session = SessionPart(listener.bind(services, stream, request.session))
        except GomaaError as e:
            return PrepareResult(SessionPart(error=_error_of(e)), TicketPart())
    if request.ticket is None:
        return PrepareResult(session, TicketPart())
    try:
        opened = await _open_ticket(services, stream, request.ticket, request.tracking)
    except GomaaError as e:
        return PrepareResult(session, TicketPart(error=_error_of(e)))
    return PrepareResult(session, TicketPart(opened))


def _error_of(error: GomaaError) -> ErrorObject:
    return ErrorObject(error.code, error.message, error.public_detail())


async def _open_ticket(services: Services, stream: Stream, ticket: SignedTicket, tracking: bool | None) -> OpenedTicket:
    """Open a ticket for the stream.

    Raises:
        GomaaError: ``ticket.*``, ``station.*``, ``session.device`` (the content has moved), the server's refusal,
            ``server.unreachable``.
    """
    session, station = stream.session, stream.facts.station
    if session is None or station is None:
        raise Refusal("ticket.missing", reason="a session comes first")
    signed = read_ticket(ticket)
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
        # This host is another device at another server: ``session.device`` until a session names it.
        listener.require_device(services, stream, session.device)
    server = services.servers.of_session(session, address, url, stream.network)
    # A play whose listener pays has no lease.
    has_lease = stream.policy.lease is not None and stream.policy.price.payer != "listener"
    wish = await services.leases.wish(stream, 0) if has_lease else None
    opened = await _open(services, stream, session, signed, identity, tracking, server, wish)
    if stream.ticket not in (None, identity):
        end(services, stream, ("held",))
    # Up to here the previous ticket's play continues at its server.
    stream.server, stream.server_url = address, url
    _store(services, stream, session, signed, identity, opened)
    if stream.lease is not None:
        stream.lease.discard()
    stream.ticket, stream.lease, stream.unanswered, stream.start_action = identity, None, None, None
    stream.pacer = Pacer(fastest=stream.policy.fastest)
    stream.territory, stream.purpose = opened.place.territory, opened.place.purpose
    services.reporters.of(server, session.id).wake()
    if wish is None:
        return OpenedTicket(None)
    part = opened.lease
    if part is UNSET or (part.result is None and part.error is None):
        raise Unavailable("server.answer", server=url, op="open")
    if part.result is None:
        raise error_from("server", to_builtins(part.error))
    lease = await services.leases.take(stream, identity, wish, part.result)
    return OpenedTicket(LeaseEntry(lease.first, lease.count, lease.expires_s, lease.budget))


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
    tracking: bool | None,
    server: Server,
    wish: Wish | None,
) -> OpenResult:
    """Check the ticket, and open it at its server."""
    _check(stream, session, signed, services.clock.now_ms(stream.network, server) // 1000, server.address)
    row = services.ledger.ticket(identity)
    if row is not None and row.state not in NOT_STARTED:
        raise Refusal("ticket.used")
    choice: dict[str, Any] = {} if tracking is None else {"tracking": tracking}
    if wish is not None:
        choice["lease"] = to_builtins(wish.wanted)
    return await server.request(
        "open", OpenResult, session=msgspec.json.decode(session.signed_json), ticket=signed.to_json(), **choice
    )


async def _follow(stream: Stream, server: bytes) -> None:
    """Update the stream to the content's new server, which a ticket names, if the chain has it.

    Raises:
        GomaaError: As ``open``; ``ticket.mismatch`` where the chain names another server than the ticket.
    """
    stream.network.forget(stream.header.content)
    facts = await check_content(stream.network, stream.header, stream.origin)
    if facts.server != server:
        raise Refusal("ticket.mismatch", field="server")
    stream.facts = facts


def _check(stream: Stream, session: SessionRow, signed: Signed[Ticket], now_s: int, server: bytes) -> None:
    ticket, price = signed.message, stream.policy.price
    require_signer(signed, stream.network.domain, ticket.station, "ticket.signature")
    # The station's ticket pays nothing where the listener pays.
    paid = price.payer != "listener"
    reward = price.reward if session.payee != ZERO_ADDRESS and paid else 0
    wanted = {
        "station": (ticket.station, session.station_address),
        "server": (ticket.server, server),
        "content": (ticket.content, stream.header.content),
        "session": (ticket.session, session.id),
        # Above a station's daily cap a play earns nothing.
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


def _store(
    services: Services,
    stream: Stream,
    session: SessionRow,
    signed: Signed[Ticket],
    identity: bytes,
    opened: OpenResult,
) -> None:
    try:
        secret = from_b64(opened.secret)
    except InputError:
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
        services.ledger.raise_sequence(session.id, opened.sequence)
        services.ledger.set_server_usage(
            session.listener, stream.header.content, asdict(opened.usage), secret, stream.server
        )
