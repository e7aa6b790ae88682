"""Admission of a play: a session and a ticket are checked and stored before anything is counted for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert

from messages.host_server.playback import Open
from pywallet.encoding.hex import ZERO_ADDRESS, to_b64
from pywallet.errors import Refusal
from pywallet.protocol import Session, Signed, Ticket, digest
from pywallet.rules.content_check import withdrawal
from pywallet.rules.limits import session_is_current
from security_server.billing.accounts import outstanding, short
from security_server.billing.intake_limits import require_terms
from security_server.content.contents import Song
from security_server.content.moves import Moves
from security_server.context import Core
from security_server.db.queries import get
from security_server.db.refusal_counts import note
from security_server.db.tables import sessions, tickets, tracked
from security_server.playback.signed_requests import check_times
from security_server.playback.usage import Counters
from security_server.signatures import require_refusing


class Admission:
    """The operation ``open`` of docs/protocol.md section 4."""

    def __init__(self, core: Core, moves: Moves) -> None:
        """Share the server's state.

        Args:
            core: Chain, contents and database.
            moves: Whether a content is served here.
        """
        self._core = core
        self._moves = moves

    async def open(self, device: bytes, request: Open) -> dict[str, Any]:
        """Check a session and a ticket, and store both.

        Args:
            device: Address of the device that asks, 20 bytes.
            request: Session, ticket, and whether the listener agrees to be counted.

        Returns:
            What the listener has used of the content, the session's last sequence number, the listener's tag secret,
            and territory and purpose of the station.

        Raises:
            Refusal: ``session.*``, ``ticket.*``, ``station.*``, ``content.*``; each is counted by code and day.
        """
        self._core.agreement.require()
        session = Signed.from_json(Session, request.session)
        ticket = Signed.from_json(Ticket, request.ticket)
        check_times(
            notBefore=session.message.not_before, notAfter=session.message.not_after, expiry=ticket.message.expiry
        )
        try:
            await self._check(device, session, ticket)
        except Refusal as refusal:
            code, now_ms = refusal.code, await self._core.now_ms()
            await self._core.store.run(lambda connection: note(connection, now_ms, "ticket", code))
            raise
        song = await self._core.songs.get(ticket.message.content)
        now_ms = await self._core.now_ms()
        sequence, usage = await self._core.store.run(
            lambda connection: self._remember(connection, session, ticket, song, now_ms, request.tracking)
        )
        secret = self._core.secret(session.message.listener, ticket.message.content)
        territory, purpose = self._core.config.place(await self._core.chain.station_domain(ticket.message.station))
        place = {"territory": territory, "purpose": purpose}
        return {"usage": usage, "sequence": sequence, "secret": to_b64(secret), "place": place}

    async def _check(self, device: bytes, session: Signed[Session], ticket: Signed[Ticket]) -> None:
        core, message, order = self._core, session.message, ticket.message
        require_refusing(session, core.domain, message.listener, "session.signature")
        if ZERO_ADDRESS in (message.listener, message.device):
            raise Refusal("session.signature", reason="zero address")
        if message.device != device:
            raise Refusal("session.device")
        now_s = await core.now_ms() // 1000
        if not session_is_current(message.not_before, message.not_after, now_s * 1000):
            raise Refusal("session.expired")
        require_refusing(ticket, core.domain, order.station, "ticket.signature")
        if order.station != message.station:
            raise Refusal("session.station")
        if order.server != core.address or order.session != digest(message, core.domain):
            raise Refusal("ticket.mismatch", reason="server" if order.server != core.address else "session")
        if now_s >= order.expiry:
            raise Refusal("ticket.expired")
        if await core.chain.station_domain(order.station) is None:
            raise Refusal("station.unknown")
        song = await core.songs.get(order.content)
        known = await core.store.run(
            lambda connection: get(connection, tickets, id=digest(order, core.domain)) is not None
        )
        if not known:
            # One that was opened before its content moved goes on here.
            await self._moves.require_serving(order.content)
        await self._check_content(song, order, message.payee != ZERO_ADDRESS, now_s)
        if song.policy.price.payer == "listener":
            # Whether a listener has put money in is asked when it plays: a preview needs none.
            return
        if not known and order.price + order.reward:
            await self._check_money(song, order)

    async def _check_content(self, song: Song, order: Ticket, rewarded: bool, now_s: int) -> None:
        core = self._core
        facts = await core.chain.content(order.content)
        code = withdrawal(facts)
        if code is not None:
            raise Refusal(code)
        if not await core.chain.licensed(order.content, order.station):
            raise Refusal("station.right.missing")
        price = song.policy.price
        # What the listener pays for, the station's ticket does not: it brings the preview.
        paid = price.payer != "listener"
        # Over the station's cap for the day a play earns nothing: its reward is the policy's or zero.
        wanted = price.reward if rewarded and paid else 0
        if (paid and order.price < max(price.owner, facts.price)) or order.reward not in (wanted, 0):
            raise Refusal("ticket.mismatch", reason="price")
        epoch = core.schedule.epoch_of(now_s)
        # A ticket signed just before an epoch's end may be opened just after it.
        if order.bps not in {await core.chain.rate(epoch), await core.chain.rate(max(0, epoch - 1))}:
            raise Refusal("ticket.mismatch", reason="bps")

    async def _check_money(self, song: Song, order: Ticket) -> None:
        core = self._core
        money = await core.chain.money(order.station)
        epoch = core.schedule.epoch_of(await core.now_ms() // 1000)
        owed = await core.store.run(
            lambda connection: outstanding(connection, order.station, core.running(connection, epoch))
        )
        if owed.plays >= core.config.credit_plays and not owed.small_change(money.bps, core.config.least_wei):
            raise Refusal("station.credit.exhausted")
        intervals = max(1, song.duration_ms // (song.policy.price.interval_s * 1000))
        missing = short(money, owed, intervals * (order.price + order.reward))
        if missing:
            raise Refusal("station.escrow.short", short_wei=missing)

    def _remember(
        self,
        connection: Connection,
        session: Signed[Session],
        ticket: Signed[Ticket],
        song: Song,
        now_ms: int,
        tracking: bool | None,
    ) -> tuple[int, dict[str, Any]]:
        domain, message, order = self._core.domain, session.message, ticket.message
        session_id, ticket_id = digest(message, domain), digest(order, domain)
        listener_pays = song.policy.price.payer == "listener"
        row = get(connection, sessions, id=session_id)
        if row is None:
            values = {name: getattr(message, name) for name in ("listener", "device", "payee")}
            times = {"not_before_s": message.not_before, "not_after_s": message.not_after, "opened_ms": now_ms}
            connection.execute(
                insert(sessions).values(
                    id=session_id, station_address=message.station, signature=session.signature, **values, **times
                )
            )
        if get(connection, tickets, id=ticket_id) is None:
            if get(connection, tickets, station_address=order.station, number=order.number) is not None:
                raise Refusal("ticket.used", reason="number")
            price = song.policy.price
            epoch = self._core.running(connection, self._core.schedule.epoch_of(now_ms // 1000))
            # A station's ticket for what the listener pays says zero: the price is the signed header's.
            owed = price.owner if listener_pays else order.price
            most = self._core.config.most_terms
            require_terms(connection, epoch, order.station, owed, order.reward, price.interval_s, most)
            connection.execute(
                insert(tickets).values(
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
            )
            if song.policy.tracks(tracking):
                connection.execute(insert(tracked).values(ticket=ticket_id))
        return row["last_sequence"] if row else 0, Counters(connection, message.listener, order.content).to_json()
