"""Facts of an invocation's decision: its ticket, its content, state of chain and clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pywallet.crypto import recover
from pywallet.errors import InputError, Refusal
from pywallet.protocol import Action, Domain, Invocation, Signed, digest
from pywallet.protocol.actions import STARTS
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.config import Config
from security_server.content.contents import ContentStore, Song
from security_server.db.connection import Connection
from security_server.db.queries import get
from security_server.db.tables import sessions, tickets
from security_server.db.writer import Store
from security_server.playback.conditions import Conditions, VerifiedInvocation
from security_server.playback.signed_requests import check_times

TicketRow = dict[str, Any]
"""A ticket, with ``device`` and ``not_after_s`` of its session."""
_MOST_TICKETS: Final = 10_000
"""Cached rows; beyond that the cache starts anew."""


class InvocationFacts:
    """Verifies invocations and reads the facts of their decision; caches the rows of tickets.

    Args:
        config: Places of stations and credit settings.
        domain: The settlement's EIP-712 domain.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents.
    """

    def __init__(
        self,
        *,
        config: Config,
        domain: Domain,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
    ) -> None:
        self._config = config
        self._domain = domain
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._tickets: dict[bytes, dict[str, Any]] = {}

    def verified(self, device: bytes, message: Any) -> VerifiedInvocation:
        """Parse a signed invocation and verify its signature.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``invocation.signature``.
        """
        signed = Signed.from_json(Invocation, message)
        check_times(position=signed.message.position, sequence=signed.message.sequence, time=signed.message.time)
        if signed.message.action not in Action.__members__.values():
            raise InputError("message.schema", field="action", sequence=signed.message.sequence)
        identity = digest(signed.message, self._domain)
        try:
            genuine = recover(identity, signed.signature) == device
        except InputError:
            genuine = False
        if not genuine:
            raise Refusal("invocation.signature", sequence=signed.message.sequence)
        return VerifiedInvocation(identity, signed.message, signed.signature, device)

    async def of(self, item: VerifiedInvocation) -> tuple[dict[str, Any], Song, Conditions]:
        """Ticket, content, and state of chain and clock. Raises Refusal ``ticket.missing``, ``content.*``."""
        # Of a cached ticket only columns that never change are used here: the rest is read again when it counts.
        row = self._tickets.get(item.message.ticket)
        if row is None:
            row = await self._store.run(
                lambda connection: ticket_row(connection, item.message.ticket), for_listener=True
            )
            if row is not None:
                if len(self._tickets) >= _MOST_TICKETS:
                    self._tickets.clear()
                self._tickets[item.message.ticket] = row
        if row is None or row["device"] != item.device:
            raise Refusal("ticket.missing", sequence=item.message.sequence)
        song = await self._songs.get(row["content"])
        paying = bool(row["price"] + row["reward"])
        return row, song, await self.conditions(row, paying=paying, starting=item.action in STARTS)

    async def conditions(self, row: Mapping[str, Any], paying: bool, starting: bool = False) -> Conditions:
        """State of chain and clock for a ticket.

        Args:
            row: The ticket, with its session's device.
            paying: True if its payer's escrow is needed.
            starting: True if a play begins: a paying listener's escrow is read anew then.

        Raises:
            Refusal: ``station.unknown``.
        """
        content, station, config = row["content"], row["station_address"], self._config
        time_ms = await self._chain.now_ms()
        facts = await self._chain.content(content)
        domain = await self._chain.station_domain(station)
        if domain is None:
            raise Refusal("station.unknown")
        # A listener may have deposited a moment ago: a play is not refused for the escrow of before.
        fresh = starting and row["payer"] != row["station_address"]
        money = await self._chain.money(row["payer"], fresh=fresh) if paying else None
        territory, purpose = config.place(domain)
        return Conditions(
            time_ms,
            self._schedule.epoch_of(time_ms // 1000),
            domain,
            facts.revoked,
            facts.destroyed,
            money,
            territory,
            purpose,
            config.listener_credit,
            config.credit_plays,
            config.credit_s,
            config.least_wei,
        )


def ticket_row(connection: Connection, identity: bytes) -> TicketRow | None:
    """A ticket with its session's device and end, or None."""
    ticket = get(connection, tickets, id=identity)
    session = None if ticket is None else get(connection, sessions, id=ticket["session"])
    if ticket is None or session is None:
        return None
    return {**ticket, "device": session["device"], "not_after_s": session["not_after_s"]}
