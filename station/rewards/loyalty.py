"""The station's reward programme: caps on reward tokens, points, and passes bought with points (docs/rewards.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Connection

from messages.station_http import OfferEntry, PassEntry, PointsResult
from pywallet.errors import InputError, Refusal
from pywallet.rewards import KINDS, Programme, SignedPass
from pywallet.rewards.caps import TokenCap
from station.db.ledger import ListenerRules
from station.db.listener_tickets import ListenerTickets
from station.db.rows import TicketRow
from station.rewards.book import PassOffer, RewardBook


@dataclass(frozen=True)
class RewardSettings:
    """``[rewards]`` of a station's settings: rules of points, offers, and the cap on reward tokens."""

    programme: Programme = field(default_factory=Programme)
    offers: tuple[PassOffer, ...] = ()
    tokens: TokenCap = field(default_factory=TokenCap)

    @classmethod
    def from_dict(cls, raw: Any) -> RewardSettings:
        """From TOML: the rules by name, ``contents``, ``tokens`` and ``offers``.

        Raises:
            InputError: ``message.schema``.
        """
        if not isinstance(raw, Mapping):
            raise InputError("message.schema", field="rewards")
        offers = raw.get("offers", [])
        if not isinstance(offers, Sequence) or isinstance(offers, str):
            raise InputError("message.schema", field="rewards.offers")
        made = tuple(_offer(entry) for entry in offers)
        if len({offer.name for offer in made}) != len(made):
            raise InputError("message.schema", field="rewards.offers", reason="two of one name")
        rules = {name: value for name, value in raw.items() if name not in ("offers", "tokens")}
        return cls(Programme.from_dict(rules), made, TokenCap.from_dict(raw.get("tokens", {})))


class Loyalty:
    """Grants rewards and points, and sells passes; everything is written to the database first.

    Args:
        settings: The settings.
        tickets: Tickets by listener.
        book: Points and passes.
    """

    def __init__(self, settings: RewardSettings, tickets: ListenerTickets, book: RewardBook) -> None:
        self._settings = settings
        self._tickets = tickets
        self._book = book

    async def reward(self, listener: bytes, owner: bytes, reward: int, now_ms: int) -> int:
        """Reward per interval of a ticket issued now, wei: the policy's, or zero above the daily cap."""
        return await asyncio.to_thread(self._reward_now, listener, owner, reward, now_ms)

    def rules_for(self, listener: bytes, owner: bytes | None, song_intervals: int, max_unplayed: int) -> ListenerRules:
        """The listener's rules for the transaction that writes a ticket.

        Args:
            listener: Their address at this station, 20 bytes.
            owner: The content owner's address; None: the listener takes no rewards.
            song_intervals: Intervals of the whole song.
            max_unplayed: Unplayed tickets that the listener may hold at once.
        """
        return _Rules(self, self._tickets, listener, owner, song_intervals, max_unplayed)

    def _reward_now(self, listener: bytes, owner: bytes, reward: int, now_ms: int, db: Connection | None = None) -> int:
        if db is not None and reward and self._tickets.exceeds_real_time(listener, now_ms, db):
            return 0
        tokens = self._settings.tokens
        if not reward or tokens.per_day is None:
            return reward
        earned = self._tickets.rewards_today(listener, now_ms, db)
        known_owner = self._tickets.was_paid(listener, owner, db)
        return reward if tokens.allows(earned, known_owner) else 0

    async def award_points(self, now_ms: int) -> int:
        """Award points for finished plays; returns the number of plays."""
        plays = await asyncio.to_thread(self._tickets.finished_plays, now_ms // 1000)
        if plays:
            await asyncio.to_thread(self._book.give, plays)
            # Safe to repeat after a crash between the two: the book skips tickets that have points.
            await asyncio.to_thread(self._tickets.mark_awarded, [number for number, _ in plays])
        return len(plays)

    async def account(self, listener: bytes) -> PointsResult:
        """A listener's points, the offers, the rules and the passes they hold."""
        points = await asyncio.to_thread(self._book.balance, listener)
        passes = await asyncio.to_thread(self._book.passes, listener)
        rules = self._settings.programme.station
        return PointsResult(
            points=points,
            points_per_minute=rules.points_per_minute,
            minimum_s=rules.minimum_s,
            cap_per_day=rules.cap_per_day,
            discovery_percent=rules.discovery_percent,
            offers=[OfferEntry(o.name, o.kind, o.cost, o.days, o.text) for o in self._settings.offers],
            passes=[PassEntry(**row) for row in passes],
        )

    async def buy(self, listener: bytes, name: str, balance: int, now_ms: int) -> SignedPass:
        """Sell a pass for points.

        Args:
            listener: Their address at this station, 20 bytes.
            name: The offer's name.
            balance: Points that the listener was shown.
            now_ms: The chain's time, Unix ms.

        Raises:
            Refusal: ``station.points``.
        """
        return await asyncio.to_thread(self._book.buy, listener, name, now_ms // 1000, balance)

    async def redeem(self, listener: bytes, serial: int, now_ms: int) -> SignedPass:
        """Redeem a pass.

        Raises:
            Refusal: ``station.points``, ``ticket.expired``.
        """
        signed = await asyncio.to_thread(self._book.sold, listener, serial)
        await asyncio.to_thread(self._book.redeem, signed, listener, now_ms // 1000)
        return signed

    async def free_of_ads(self, listener: bytes, now_ms: int) -> bool:
        """True if this listener has a redeemed ad-free pass that has not ended."""
        return await asyncio.to_thread(self._book.free_of_ads, listener, now_ms // 1000)


@dataclass(frozen=True)
class _Rules:
    """Rules of one ticket of one listener; implements ``ListenerRules``."""

    loyalty: Loyalty
    tickets: ListenerTickets
    listener: bytes
    owner: bytes | None
    song_intervals: int
    max_unplayed: int

    def approve(self, db: Connection, ticket: TicketRow) -> TicketRow:
        if self.tickets.count_unplayed(db, self.listener, ticket.issued_ms // 1000) >= self.max_unplayed:
            raise Refusal("station.busy", unplayed=self.max_unplayed)
        if self.owner is None:
            return ticket
        return replace(
            ticket, reward=self.loyalty._reward_now(self.listener, self.owner, ticket.reward, ticket.issued_ms, db)
        )

    def record(self, db: Connection, number: int, ticket: TicketRow) -> None:
        self.tickets.record(
            db, number, self.listener, self.owner, ticket.issued_ms // 1000, ticket.expiry_s, self.song_intervals
        )


def _offer(entry: Any) -> PassOffer:
    types = {"name": str, "kind": str, "cost": int, "days": int, "text": str}
    if not isinstance(entry, Mapping) or set(entry) != set(types):
        raise InputError("message.schema", field="rewards.offers", reason=f"each has {', '.join(types)}")
    for name, kind in types.items():
        if type(entry[name]) is not kind:
            raise InputError("message.schema", field=f"rewards.offers.{name}")
    if entry["kind"] not in KINDS or entry["cost"] < 1 or entry["days"] < 1 or not entry["name"].isidentifier():
        raise InputError(
            "message.schema", field="rewards.offers", reason=f"kind is one of {', '.join(KINDS)}; cost and days from 1"
        )
    return PassOffer(**entry)
