"""Facts that an invocation is decided by: its ticket, its content, and what chain and clock say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from pywallet.crypto import recover
from pywallet.errors import InputError, Refusal
from pywallet.protocol import Action, Invocation, Signed, digest
from pywallet.protocol.actions import STARTS
from security_server.billing.accounts import Money
from security_server.content.contents import Song
from security_server.context import Core
from security_server.db.tables import sessions, tickets
from security_server.playback.invocations import Now, Received
from security_server.playback.signed_requests import check_times

_MOST_TICKETS: Final = 10_000


class InvocationFacts:
    """Reads them, and keeps the rows of tickets."""

    def __init__(self, core: Core) -> None:
        """Share the server's state."""
        self._core = core
        self._tickets: dict[bytes, dict[str, Any]] = {}

    def receive(self, device: bytes, message: Any) -> Received:
        """Read a signed invocation. Raises InputError ``message.schema``, Refusal ``invocation.signature``."""
        signed = Signed.from_json(Invocation, message)
        check_times(position=signed.message.position, sequence=signed.message.sequence, time=signed.message.time)
        if signed.message.action not in Action.__members__.values():
            raise InputError("message.schema", field="action", sequence=signed.message.sequence)
        identity = digest(signed.message, self._core.domain)
        try:
            genuine = recover(identity, signed.signature) == device
        except InputError:
            genuine = False
        if not genuine:
            raise Refusal("invocation.signature", sequence=signed.message.sequence)
        return Received(identity, signed.message, signed.signature, device)

    async def of(self, item: Received) -> tuple[dict[str, Any], Song, Now]:
        """Ticket, content, and what chain and clock say. Raises Refusal ``ticket.missing``, ``content.*``."""
        # Of a ticket that was read once, only what never changes is used here: the rest is read again when it counts.
        row = self._tickets.get(item.message.ticket)
        if row is None:
            row = await self._core.store.run(lambda connection: ticket_row(connection, item.message.ticket))
            if row is not None:
                if len(self._tickets) >= _MOST_TICKETS:
                    self._tickets.clear()
                self._tickets[item.message.ticket] = row
        if row is None or row["device"] != item.device:
            raise Refusal("ticket.missing", sequence=item.message.sequence)
        song = await self._core.songs.get(row["content"])
        return (
            row,
            song,
            await self.now(row, paying=bool(row["price"] + row["reward"]), starting=item.action in STARTS),
        )

    async def now(self, row: Mapping[str, Any], paying: bool, starting: bool = False) -> Now:
        """State of chain and clock for a ticket.

        Args:
            row: The ticket, with its session's device.
            paying: Whether its payer's escrow is needed.
            starting: A play begins, so the escrow is read anew.

        Raises:
            Refusal: ``station.unknown``.
        """
        core, content, station = self._core, row["content"], row["station_address"]
        time_ms = await core.now_ms()
        facts = await core.chain.content(content)
        domain = await core.chain.station_domain(station)
        if domain is None:
            raise Refusal("station.unknown")
        # A listener may have put money in a moment ago: whoever presses play is not told what was true before.
        fresh = starting and row["payer"] != row["station_address"]
        money: Money | None = await core.chain.money(row["payer"], fresh=fresh) if paying else None
        place = core.config.place(domain)
        epoch = core.schedule.epoch_of(time_ms // 1000)
        credit = (core.config.listener_credit, core.config.credit_plays, core.config.least_wei)
        return Now(time_ms, epoch, domain, facts.revoked, facts.destroyed, money, *place, *credit)


def ticket_row(connection: Connection, identity: bytes) -> dict[str, Any] | None:
    """A ticket with its session's device and end, or None."""
    joined = select(tickets, sessions.c.device, sessions.c.not_after_s).join(
        sessions, sessions.c.id == tickets.c.session
    )
    row = connection.execute(joined.where(tickets.c.id == identity)).mappings().first()
    return dict(row) if row else None
