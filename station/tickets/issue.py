"""Issues tickets for content that the station may play and can pay for (docs/protocol.md sections 2 and 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import Refusal
from pywallet.policy import Context, Usage, decide
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
    digest,
    require_signer,
    sign,
)
from pywallet.rules.content_check import content_fault
from pywallet.rules.limits import session_is_current
from pywallet.settlement import gross
from station.catalogue.songs import Catalogue, Song
from station.chain_interface import ChainView, ContentFacts
from station.config import StationConfig
from station.db.ledger import Store
from station.db.rows import TicketRow
from station.payments.server_client import Servers
from station.rewards.loyalty import Loyalty


def life_s(duration_ms: int, slack_s: int) -> int:
    """Validity of a song's ticket, s: one and a half times its length plus the slack; a right may end it earlier."""
    return -(-duration_ms * 3 // 2000) + slack_s


class TicketIssuer:
    """Issues tickets (``/gomaa/tickets``).

    Args:
        config: Limits, domain and slack.
        key: The station's private key, 32 bytes.
        address: The station's address, 20 bytes.
        chain: Content, account and time.
        servers: For the escrow that a server counts.
        catalogue: The songs.
        store: The database.
        loyalty: Rewards and limits of listeners.
        url_of: Returns the URL of a server by its address.
    """

    def __init__(
        self,
        config: StationConfig,
        key: bytes,
        address: bytes,
        chain: ChainView,
        servers: Servers,
        catalogue: Catalogue,
        store: Store,
        loyalty: Loyalty,
        url_of: Callable[[bytes], Awaitable[str]],
    ) -> None:
        self._config = config
        self._key = key
        self._address = address
        self._chain = chain
        self._servers = servers
        self._catalogue = catalogue
        self._store = store
        self._loyalty = loyalty
        self._url_of = url_of

    async def issue(self, session: Signed[Session], content: bytes) -> Signed[Ticket]:
        """A ticket for one play of ``content`` in this session.

        Raises:
            Refusal: ``session.*``, ``station.right.missing``, ``station.escrow.short``, ``station.busy``,
                ``content.*``,
                ``sps.policy.mismatch``, ``policy.*``.
            Unavailable: ``chain.unreachable``, ``server.unreachable``.
        """
        now_ms = await self._chain.now_ms()
        self._check_session(session, now_ms // 1000)
        song = self._catalogue.of(content)
        if song is None:
            raise Refusal("station.right.missing", reason="catalogue", content=to_hex(content))
        rewarded = session.message.payee != ZERO_ADDRESS
        # End of the session at the latest: nothing is played after it, so no escrow is held for it.
        expiry_s = min(
            now_ms // 1000 + life_s(song.duration_ms, self._config.ticket_slack_s), session.message.not_after
        )
        # One round of reads: a listener waits for the ticket. A rented or borrowed right can end within a song.
        facts, expiry_s, bps = await asyncio.gather(
            self._chain.content(content, self._address),
            self._chain.right_until(content, self._address, expiry_s),
            self._chain.rate(self._chain.schedule.epoch_of(now_ms // 1000)),
        )
        self._check_content(song, facts, now_ms // 1000, rewarded)
        assert facts is not None
        listener, owner = session.message.listener, facts.owner
        row = self._draft(song, facts.server, session, now_ms, rewarded, expiry_s, bps)
        usable, spent = await self._check_escrow(row, now_ms // 1000)
        song_intervals = -(-song.duration_ms // (row.interval_s * 1000))
        rules = self._loyalty.rules_for(
            listener, owner if rewarded else None, song_intervals, self._config.tickets_unplayed
        )
        number = await asyncio.to_thread(self._store.issue, row, usable, spent, self._config.tickets_per_minute, rules)
        # The row as written: above the daily cap it has no reward.
        row = (await asyncio.to_thread(self._store.tickets, [number]))[number]
        ticket = Ticket(
            server=row.server,
            station=self._address,
            content=row.content,
            session=row.session,
            number=number,
            price=row.price,
            reward=row.reward,
            bps=row.bps,
            expiry=row.expiry_s,
        )
        return sign(ticket, self._chain.domain, self._key)

    def _check_session(self, session: Signed[Session], now_s: int) -> None:
        message = session.message
        if message.station != self._address:
            raise Refusal("session.station", station=to_hex(message.station))
        if ZERO_ADDRESS in (message.listener, message.device):
            raise Refusal("session.signature", reason="zero address")
        require_signer(session, self._chain.domain, message.listener, "session.signature")
        if not session_is_current(message.not_before, message.not_after, now_s * 1000):
            raise Refusal("session.expired", now_s=now_s, not_before=message.not_before, not_after=message.not_after)

    def _check_content(self, song: Song, facts: ContentFacts | None, now_s: int, rewarded: bool) -> None:
        # After a sale of the recording the new owner has to sign the file again.
        fault = content_fault(facts, song.content, song.owner, song.policy_hash)
        if fault is not None:
            raise fault.error(Refusal)
        assert facts is not None  # ``content.unknown`` otherwise
        policy = song.policy
        # Territory and purpose are checked by the security server.
        territory, purpose = next(iter(policy.territories), None), next(iter(policy.purposes), None)
        context = Context(
            now_s, self._config.domain, rewarded, facts.revoked, facts.destroyed, territory=territory, purpose=purpose
        )
        # The station does not know whether a listener has paid.
        action = "preview" if policy.price.payer == "listener" and policy.permits("preview") else "play"
        decide(policy, Usage(), context, action).require()
        if facts.price != policy.price.owner:
            raise Refusal("sps.policy.mismatch", content=to_hex(song.content))
        if not facts.licensed:
            raise Refusal("station.right.missing", reason="license", content=to_hex(song.content))

    def _draft(
        self, song: Song, server: bytes, session: Signed[Session], now_ms: int, rewarded: bool, expiry_s: int, bps: int
    ) -> TicketRow:
        price = song.policy.price
        return TicketRow(
            server=server,
            content=song.content,
            session=digest(session.message, self._chain.domain),
            issued_ms=now_ms,
            expiry_s=expiry_s,
            interval_s=price.interval_s,
            price=price.owner if price.payer != "listener" else 0,
            reward=price.reward if rewarded and price.payer != "listener" else 0,
            bps=bps,
            max_intervals=max(0, expiry_s - now_ms // 1000) * song.policy.fastest // price.interval_s + 1,
        )

    async def _check_escrow(self, row: TicketRow, now_s: int) -> tuple[int, int]:
        """Escrow left on the chain and the cumulative debit, wei; the server must count enough escrow as well."""
        if not row.outstanding:
            return 0, 0
        url = await self._url_of(row.server)
        usable_there = self._servers.usable(url, row.server, self._address, self._key, now_s)
        account, usable = await asyncio.gather(self._chain.account(row.server, self._address), usable_there)
        free = max(0, account.escrow - account.requested)
        needed = gross(row.outstanding, row.bps)
        if min(free, usable) < needed:
            raise Refusal("station.escrow.short", short_wei=needed - min(free, usable))
        return free, account.spent
