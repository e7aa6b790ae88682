"""Time limits: the functions at their edges, and their use by host, security server and station."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from native_host.operations import listener, rejoin
from pywallet.crypto import address_of, keccak256
from pywallet.errors import Refusal
from pywallet.protocol import Domain, Session, Signed, sign
from pywallet.rewards.points_request import PointsRequest
from pywallet.rules.limits import (
    REQUEST_AGE_S,
    SESSION_SKEW_S,
    SILENCE_MS,
    is_silent,
    request_is_fresh,
    session_is_current,
)
from security_server.config import Config
from security_server.playback.admission import Admission
from station.tickets.issue import TicketIssuer

NOW_S = 1_800_000_000
DOMAIN = Domain(31337, bytes(20))
KEY = keccak256(b"listener")
STATION, DEVICE, PAYEE = (bytes([n]) * 20 for n in (1, 2, 3))
EDGES = [(-1, True), (SESSION_SKEW_S, True), (SESSION_SKEW_S + 1, False)]


def session(starts_s: int) -> Signed[Session]:
    """A session of an hour that begins a number of seconds from now."""
    begin = NOW_S + starts_s
    return sign(Session(STATION, address_of(KEY), DEVICE, PAYEE, begin, begin + 3_600), DOMAIN, KEY)


@pytest.mark.parametrize(("starts_s", "current"), EDGES)
def test_a_session_may_begin_thirty_seconds_ahead(starts_s: int, current: bool) -> None:
    """Host, station and security server would accept different sessions."""
    signed = session(starts_s)
    message = signed.message
    assert session_is_current(message.not_before, message.not_after, NOW_S * 1000) == current
    for check in (_host, _station, _server):
        try:
            check(signed)
        except Refusal as refusal:
            assert (refusal.code, current) == ("session.expired", False), check.__name__
        else:
            assert current, check.__name__


def test_a_session_ends_at_its_second() -> None:
    """A session would be valid at its end."""
    assert session_is_current(0, 100, 99_999)
    assert not session_is_current(0, 100, 100_000)


def _host(signed: Signed[Session]) -> None:
    stream: Any = SimpleNamespace(
        network=SimpleNamespace(domain=DOMAIN),
        facts=SimpleNamespace(station=SimpleNamespace(address=STATION)),
        policy=SimpleNamespace(listener="anyone"),
    )
    services: Any = SimpleNamespace(keys=SimpleNamespace(address_for=lambda _: DEVICE))
    listener._wallet_session(services, stream, signed, NOW_S)


def _station(signed: Signed[Session]) -> None:
    desk = TicketIssuer.__new__(TicketIssuer)
    desk._address = STATION
    desk._chain = SimpleNamespace(domain=DOMAIN)  # type: ignore[assignment]
    desk._check_session(signed, NOW_S)


def _server(signed: Signed[Session]) -> None:
    async def now_ms() -> int:
        return NOW_S * 1000

    admission = Admission.__new__(Admission)
    admission._domain, admission._chain = DOMAIN, SimpleNamespace(now_ms=now_ms)  # type: ignore[assignment]
    ticket: Any = SimpleNamespace(message=SimpleNamespace(station=bytes(20)), signature=bytes(65))
    # With the session taken, the ticket, which is none, is looked at.
    with contextlib.suppress(AttributeError):
        asyncio.run(admission._check(DEVICE, signed, ticket))


def test_a_play_is_silent_after_twenty_seconds() -> None:
    """Host and server would have different limits of silence."""
    assert not is_silent(1_000, 1_000 + SILENCE_MS - 1)
    assert is_silent(1_000, 1_000 + SILENCE_MS)
    assert Config.__dataclass_fields__["silence_s"].default * 1000 == SILENCE_MS
    row = SimpleNamespace(state="playing", expiry_s=NOW_S, time_ms=0, id=b"t")
    for now_ms, expected in ((SILENCE_MS - 1, None), (SILENCE_MS, row)):
        clock = SimpleNamespace(now_ms=lambda _, now_ms=now_ms: now_ms)
        services: Any = SimpleNamespace(ledger=SimpleNamespace(last_ticket=lambda *_: row), streams={}, clock=clock)
        stream: Any = SimpleNamespace(
            facts=SimpleNamespace(station=SimpleNamespace(domain="d")),
            network=None,
            header=SimpleNamespace(content=b""),
        )
        assert rejoin.find(services, stream, None) is expected


@pytest.mark.parametrize("late_s", [-REQUEST_AGE_S - 1, -REQUEST_AGE_S, 0, REQUEST_AGE_S, REQUEST_AGE_S + 1])
def test_a_signed_request_is_valid_for_two_minutes(late_s: int) -> None:
    """A request would be valid for longer at server or station."""
    fresh = abs(late_s) <= REQUEST_AGE_S
    assert request_is_fresh((NOW_S - late_s) * 1000, NOW_S * 1000) == fresh
    asking = PointsRequest(STATION, "radio.example", NOW_S - late_s, "look")
    if fresh:
        assert asking.listener(asking.sign(KEY), NOW_S) == address_of(KEY)
    else:
        with pytest.raises(Refusal) as refused:
            asking.listener(asking.sign(KEY), NOW_S)
        assert refused.value.code == "invocation.time"
