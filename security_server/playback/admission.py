"""Admission of a play: checks and stores a session and a ticket before anything is counted for them."""

from __future__ import annotations

import asyncio

from messages.host_server.playback import Open, OpenResult, Place, UsageCounters
from pywallet.encoding.hex import ZERO_ADDRESS, to_b64
from pywallet.errors import Refusal
from pywallet.protocol import Domain, Session, Signed, Ticket, digest
from pywallet.rules.content_check import withdrawal
from pywallet.rules.limits import session_is_current
from pywallet.settlement import Schedule
from security_server.billing.accounts import Outstanding, is_beyond_credit, missing_escrow, outstanding
from security_server.billing.intake_limits import require_terms
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore, Song
from security_server.content.takeover import Takeover, is_complete
from security_server.db.connection import Connection
from security_server.db.queries import get, new
from security_server.db.refusal_counts import count_refusal
from security_server.db.tables import sessions, tickets, tracked
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.running_epoch import running_epoch
from security_server.playback.invocation_facts import TicketRow, ticket_row
from security_server.playback.signed_requests import check_times
from security_server.playback.usage import Counters
from security_server.signatures import require_refusing


class Admission:
    """The operation ``open`` of docs/protocol.md section 4.

    Args:
        config: Places of stations and credit settings.
        keys: The server's keys.
        domain: The settlement's EIP-712 domain.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents.
        agreement: Agreement of database and chain.
        takeover: Contents that this server has taken over.
    """

    def __init__(
        self,
        *,
        config: Config,
        keys: Keys,
        domain: Domain,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
        agreement: ChainAgreement,
        takeover: Takeover,
    ) -> None:
        self._config = config
        self._keys = keys
        self._address = keys.address
        self._domain = domain
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._agreement = agreement
        self._takeover = takeover

    async def open(self, device: bytes, request: Open) -> OpenResult:
        """Check a session and a ticket, and store both; the result of ``admit`` for the host alone."""
        return (await self.admit(device, request))[0]

    async def admit(self, device: bytes, request: Open) -> tuple[OpenResult, TicketRow]:
        """Check a session and a ticket, and store both.

        Args:
            device: Address of the requesting device, 20 bytes.
            request: Session, ticket, and the listener's choice of tracking.

        Returns:
            The listener's usage of the content, the session's last sequence number, the listener's tag secret, and
            territory and purpose of the station; and the stored ticket.

        Raises:
            Refusal: ``session.*``, ``ticket.*``, ``station.*``, ``content.*``; each refusal is counted by code and day.
        """
        self._agreement.require()
        session = Signed.from_json(Session, request.session)
        ticket = Signed.from_json(Ticket, request.ticket)
        check_times(
            notBefore=session.message.not_before, notAfter=session.message.not_after, expiry=ticket.message.expiry
        )
        try:
            await self._check(device, session, ticket)
        except Refusal as refusal:
            code, now_ms = refusal.code, await self._chain.now_ms()
            await self._store.run(
                lambda connection: count_refusal(connection, now_ms, "ticket", code), for_listener=True
            )
            raise
        song = await self._songs.get(ticket.message.content)
        now_ms = await self._chain.now_ms()
        sequence, usage, row = await self._store.run(
            lambda connection: self._write(connection, session, ticket, song, now_ms, request.tracking),
            for_listener=True,
        )
        secret = self._keys.tag_secret(session.message.listener, ticket.message.content)
        place = Place(*self._config.place(await self._chain.station_domain(ticket.message.station)))
        return OpenResult(usage=usage, sequence=sequence, secret=to_b64(secret), place=place), row

    async def _check(self, device: bytes, session: Signed[Session], ticket: Signed[Ticket]) -> None:
        message, order = session.message, ticket.message
        require_refusing(session, self._domain, message.listener, "session.signature")
        if ZERO_ADDRESS in (message.listener, message.device):
            raise Refusal("session.signature", reason="zero address")
        if message.device != device:
            raise Refusal("session.device")
        now_s = await self._chain.now_ms() // 1000
        if not session_is_current(message.not_before, message.not_after, now_s * 1000):
            raise Refusal("session.expired")
        require_refusing(ticket, self._domain, order.station, "ticket.signature")
        if order.station != message.station:
            raise Refusal("session.station")
        if order.server != self._address or order.session != digest(message, self._domain):
            raise Refusal("ticket.mismatch", reason="server" if order.server != self._address else "session")
        if now_s >= order.expiry:
            raise Refusal("ticket.expired")
        epoch = self._schedule.epoch_of(now_s)
        (is_open, complete, owed, is_beyond), _ = await asyncio.gather(
            self._store.run(lambda connection: self._stored(connection, order, epoch, now_s), for_listener=True),
            self._chain.read_ahead(order.content, order.station, epoch),
        )
        if await self._chain.station_domain(order.station) is None:
            raise Refusal("station.unknown")
        song = await self._songs.get(order.content)
        if not is_open:
            # A ticket that was opened before its content moved continues here.
            await self._takeover.require_serving(order.content, complete)
        await self._check_content(song, order, message.payee != ZERO_ADDRESS, now_s)
        if song.policy.price.payer == "listener":
            # A listener's escrow is checked when it plays: a preview needs none.
            return
        if not is_open and order.price + order.reward:
            await self._check_money(song, order, owed, is_beyond)

    def _stored(
        self, connection: Connection, order: Ticket, epoch: int, now_s: int
    ) -> tuple[bool, bool, Outstanding, bool]:
        """Read the facts of a ticket's admission.

        Returns:
            True if it is open, True if its content's counters are complete, what its station owes, and True if that is
            beyond its credit.
        """
        owed = outstanding(connection, order.station, running_epoch(connection, epoch))
        limits = (self._config.credit_plays, self._config.credit_s)
        return (
            get(connection, tickets, id=digest(order, self._domain)) is not None,
            is_complete(connection, order.content),
            owed,
            is_beyond_credit(connection, order.station, owed.plays, now_s * 1000, *limits),
        )

    async def _check_content(self, song: Song, order: Ticket, rewarded: bool, now_s: int) -> None:
        facts = await self._chain.content(order.content)
        code = withdrawal(facts)
        if code is not None:
            raise Refusal(code)
        if not await self._chain.licensed(order.content, order.station):
            raise Refusal("station.right.missing")
        price = song.policy.price
        # Where the listener pays, the station's ticket pays nothing.
        paid = price.payer != "listener"
        # Above the station's daily cap a play earns nothing: the reward is the policy's or zero.
        wanted = price.reward if rewarded and paid else 0
        if (paid and order.price < max(price.owner, facts.price)) or order.reward not in (wanted, 0):
            raise Refusal("ticket.mismatch", reason="price")
        epoch = self._schedule.epoch_of(now_s)
        # A ticket signed just before an epoch's end may be opened just after it.
        if order.bps not in {await self._chain.rate(epoch), await self._chain.rate(max(0, epoch - 1))}:
            raise Refusal("ticket.mismatch", reason="bps")

    async def _check_money(self, song: Song, order: Ticket, owed: Outstanding, is_beyond: bool) -> None:
        money = await self._chain.money(order.station)
        if is_beyond and not owed.is_below_minimum(money.bps, self._config.least_wei):
            raise Refusal("station.credit.exhausted")
        intervals = max(1, song.duration_ms // (song.policy.price.interval_s * 1000))
        missing = missing_escrow(money, owed, intervals * (order.price + order.reward))
        if missing:
            raise Refusal("station.escrow.short", short_wei=missing)

    def _write(
        self,
        connection: Connection,
        session: Signed[Session],
        ticket: Signed[Ticket],
        song: Song,
        now_ms: int,
        tracking: bool | None,
    ) -> tuple[int, UsageCounters, TicketRow]:
        domain, message, order = self._domain, session.message, ticket.message
        session_id, ticket_id = digest(message, domain), digest(order, domain)
        listener_pays = song.policy.price.payer == "listener"
        row = get(connection, sessions, id=session_id)
        if row is None:
            values = {name: getattr(message, name) for name in ("listener", "device", "payee")}
            times = {"not_before_s": message.not_before, "not_after_s": message.not_after, "opened_ms": now_ms}
            signed = {"station_address": message.station, "signature": session.signature}
            new(connection, sessions, id=session_id, **signed, **values, **times)
        if get(connection, tickets, id=ticket_id) is None:
            if get(connection, tickets, station_address=order.station, number=order.number) is not None:
                raise Refusal("ticket.used", reason="number")
            price = song.policy.price
            epoch = running_epoch(connection, self._schedule.epoch_of(now_ms // 1000))
            # Where the listener pays, the station's ticket has price zero: the price is the signed header's.
            owed = price.owner if listener_pays else order.price
            most = self._config.most_terms
            require_terms(connection, epoch, order.station, owed, order.reward, price.interval_s, most)
            new(
                connection,
                tickets,
                id=ticket_id,
                session=session_id,
                station_address=order.station,
                listener=message.listener,
                payee=message.payee,
                content=order.content,
                header_owner=song.owner,
                number=order.number,
                price=owed,
                reward=order.reward,
                payer=message.listener if listener_pays else order.station,
                bps=order.bps,
                interval_s=price.interval_s,
                expiry_s=order.expiry,
                signature=ticket.signature,
                opened_ms=now_ms,
            )
            if song.policy.tracks(tracking):
                new(connection, tracked, ticket=ticket_id)
        stored = ticket_row(connection, ticket_id)
        assert stored is not None
        totals = Counters(connection, message.listener, order.content).totals()
        return row["last_sequence"] if row else 0, totals, stored
