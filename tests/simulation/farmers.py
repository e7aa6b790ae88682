"""Listeners with patched hosts, who report what pays."""

from __future__ import annotations

import asyncio
from typing import Any

from pywallet.protocol import Session, Signed, Ticket
from tests.simulation.fans import Fan


class Farmer(Fan):
    """A patched host of one listener key.

    Tickets beside each other, times and positions as it likes, keys without listening.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._used: list[tuple[Signed[Session], Signed[Ticket]]] = []

    async def play(self) -> None:
        """Open several tickets and report whatever may pay."""
        content = self.dice.choice(sorted(self.songs))
        tickets = []
        for _ in range(self.dice.randint(1, 4)):
            session = self.session()
            ticket = await self.ticket(session, content)
            self._used.append((session, ticket))
            await self.open(session, ticket)
            tickets.append(ticket)
        if self.dice.random() < 0.3:
            # A server that lost its database may have lost its use.
            session, ticket = self.dice.choice(self._used)
            await self.open(session, ticket)
            tickets.append(ticket)
        shift_ms = self.dice.choice((0, 0, 3_000, 20_000, -20_000, -60_000))
        for ticket in tickets:
            await self.act(ticket, "play", 0, time_ms=self._time(shift_ms), grant=self.dice.random() < 0.5, tries=2)
        for _ in range(self.dice.randint(2, 8)):
            await asyncio.sleep(self.dice.random() * 6)
            for ticket in tickets:
                action = self.dice.choice(("renew", "renew", "renew", "pause", "resume", "seek"))
                position_ms = self.dice.randint(0, int(self.songs[content] * 1500))
                await self.act(ticket, action, position_ms, time_ms=self._time(shift_ms), tries=2)
            shift_ms += self.dice.choice((0, 5_000, 30_000))
        for ticket in tickets:
            await self.act(ticket, "stop", int(self.songs[content] * 1000), time_ms=self._time(shift_ms), tries=2)
        await self.fetch()

    def _time(self, shift_ms: int) -> int:
        return max(0, int(self.now_s() * 1000) + shift_ms)
