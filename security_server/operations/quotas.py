"""Quotas of stations, so that one station's listeners do not take the server from the others'.

All counts are in memory and of this process: with several processes each allows as much.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from common.http_limits import RateLimiter
from messages.host_server.playback import GrantRequest, LeaseRequest, Open, Report
from pywallet.encoding.hex import from_hex
from pywallet.errors import Refusal
from pywallet.protocol import Action, Domain, Invocation, Session, Signed, Ticket, digest

PlayRequest = Open | LeaseRequest | GrantRequest | Report
"""Requests that belong to a station's plays."""

KEPT: Final = 200_000
"""Most tickets and sessions that are remembered; the one that was used longest ago is forgotten."""
IDLE_S: Final = 900.0
"""Seconds without a request after which a play counts as ended."""
RETRY_S: Final = 10
"""Seconds after which a host tries again."""
_OVER: Final = frozenset({Action.STOP, Action.RELEASE})


class StationQuotas:
    """Open plays and requests of each station.

    A station is known by a ticket that was opened here; what names none is not counted.

    Args:
        domain: The settlement's EIP-712 domain.
        plays: Most open plays of a station; 0: any number.
        requests_per_minute: Most requests about its plays; 0: any number.
    """

    def __init__(self, domain: Domain, plays: int, requests_per_minute: int) -> None:
        self._domain = domain
        self._most_plays = plays
        self._rate = (
            RateLimiter(requests_per_minute, lambda: asyncio.get_running_loop().time(), code="server.busy")
            if requests_per_minute
            else None
        )
        self._stations: OrderedDict[bytes, bytes] = OrderedDict()
        """Station by session and by ticket."""
        self._plays: dict[bytes, OrderedDict[bytes, float]] = {}
        """By station: the last request of each open play, seconds of the loop's clock, oldest first."""

    @property
    def limited(self) -> bool:
        """True if any quota is set."""
        return bool(self._most_plays) or self._rate is not None

    def open_plays(self, station: bytes) -> int:
        """Plays of a station that this process serves now."""
        plays = self._plays.get(station)
        if plays is None:
            return 0
        _forget_idle(plays, asyncio.get_running_loop().time())
        if not plays:
            del self._plays[station]
        return len(plays)

    def require(self, request: PlayRequest) -> None:
        """Require that a request is within its station's quotas.

        Raises:
            Refusal: ``server.busy`` with ``retry_after``.
            InputError: ``message.schema``.
        """
        if not self.limited:
            return
        if isinstance(request, Open):
            order = Signed.from_json(Ticket, request.ticket).message
            ticket = digest(order, self._domain)
            full = self._most_plays and self.open_plays(order.station) >= self._most_plays
            if full and ticket not in self._plays[order.station]:
                raise Refusal("server.busy", reason="plays of the station", retry_after=RETRY_S)
            # The station's name is not verified yet: it is counted once its ticket was opened.
            return
        station = self._station_of(request)
        if station is not None and self._rate is not None:
            self._rate.take(station.hex())

    def served(self, request: PlayRequest) -> None:
        """Count a request that was answered without an error."""
        if not self.limited:
            return
        now_s = asyncio.get_running_loop().time()
        if isinstance(request, Open):
            session = Signed.from_json(Session, request.session).message
            ticket = digest(Signed.from_json(Ticket, request.ticket).message, self._domain)
            self._remember(digest(session, self._domain), session.station)
            self._remember(ticket, session.station)
            self._touch(session.station, ticket, now_s)
        elif isinstance(request, LeaseRequest):
            self._touch_known(from_hex(request.ticket, 32), now_s)
        else:
            for message in _invocations(request):
                station = self._stations.get(message.session)
                if station is None:
                    continue
                if message.action in _OVER:
                    self._plays.get(station, OrderedDict()).pop(message.ticket, None)
                else:
                    self._touch(station, message.ticket, now_s)

    def _station_of(self, request: LeaseRequest | GrantRequest | Report) -> bytes | None:
        if isinstance(request, LeaseRequest):
            return self._stations.get(from_hex(request.ticket, 32))
        return next((self._stations.get(message.session) for message in _invocations(request)), None)

    def _remember(self, name: bytes, station: bytes) -> None:
        self._stations[name] = station
        self._stations.move_to_end(name)
        while len(self._stations) > KEPT:
            self._stations.popitem(last=False)

    def _touch_known(self, ticket: bytes, now_s: float) -> None:
        station = self._stations.get(ticket)
        if station is not None:
            self._touch(station, ticket, now_s)

    def _touch(self, station: bytes, ticket: bytes, now_s: float) -> None:
        plays = self._plays.setdefault(station, OrderedDict())
        plays[ticket] = now_s
        plays.move_to_end(ticket)
        _forget_idle(plays, now_s)


def _forget_idle(plays: OrderedDict[bytes, float], now_s: float) -> None:
    while plays and next(iter(plays.values())) < now_s - IDLE_S:
        plays.popitem(last=False)


def _invocations(request: GrantRequest | Report) -> list[Invocation]:
    signed = [request.invocation] if isinstance(request, GrantRequest) else request.invocations
    return [Signed.from_json(Invocation, one).message for one in signed]
