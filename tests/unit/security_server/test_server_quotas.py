"""Quotas of stations: what is counted, and what is forgotten."""

from __future__ import annotations

import pytest

from messages.host_server.playback import Open, Report
from pywallet.errors import Refusal
from pywallet.protocol import Action, Domain, Invocation, Session, Signed, Ticket, digest
from security_server.operations import quotas
from security_server.operations.quotas import StationQuotas

DOMAIN = Domain(31337, b"\x55" * 20)
STATION, OTHER, SERVER, CONTENT = (bytes([number]) * 20 for number in range(1, 5))


def opening(number: int, station: bytes = STATION) -> Open:
    """A request to open a ticket; nobody checks its signatures here."""
    session = Session(station, bytes(20), bytes(20), bytes(20), 0, 1)
    ticket = Ticket(SERVER, station, CONTENT, digest(session, DOMAIN), number, 1, 1, 500, 1)
    return Open(1, Signed(session, bytes(65)).to_json(), Signed(ticket, bytes(65)).to_json())


def report(request: Open, action: Action, number: int = 1) -> Report:
    """A report of one action of an opened ticket."""
    ticket = Signed.from_json(Ticket, request.ticket).message
    message = Invocation(ticket.session, digest(ticket, DOMAIN), CONTENT, int(action), 0, number, 0)
    return Report(1, [Signed(message, bytes(65)).to_json()])


async def test_each_station_has_its_own_plays() -> None:
    """A station's listeners would be refused because of another's."""
    limits = StationQuotas(DOMAIN, 1, 0)
    first = opening(1)
    limits.require(first)
    limits.served(first)
    limits.require(first)
    with pytest.raises(Refusal) as full:
        limits.require(opening(2))
    assert full.value.detail["retry_after"] == quotas.RETRY_S
    limits.require(opening(3, OTHER))
    limits.served(report(first, Action.STOP))
    assert limits.open_plays(STATION) == 0
    limits.require(opening(2))


async def test_idle_plays_and_old_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A play whose host is gone would count for ever, and the memory would grow without limit."""
    limits = StationQuotas(DOMAIN, 1, 1)
    monkeypatch.setattr(quotas, "KEPT", 4)
    first = opening(1)
    limits.served(first)
    monkeypatch.setattr(quotas, "IDLE_S", -1.0)
    assert limits.open_plays(STATION) == 0
    for number in range(2, 20):
        limits.served(opening(number))
    assert len(limits._plays[STATION]) == 0
    assert len(limits._stations) == 4


async def test_requests_count_for_the_station_of_their_session() -> None:
    """One station's listeners would take all of the writer's time."""
    limits = StationQuotas(DOMAIN, 0, 2)
    first, unknown = opening(1), opening(2, OTHER)
    limits.served(first)
    for _ in range(2):
        limits.require(report(first, Action.RENEW))
    with pytest.raises(Refusal) as often:
        limits.require(report(first, Action.RENEW))
    assert often.value.detail["retry_after"] > 0
    for _ in range(5):
        limits.require(report(unknown, Action.RENEW))


async def test_without_quotas_nothing_is_counted() -> None:
    """Two signed messages would be decoded again for each request."""
    limits = StationQuotas(DOMAIN, 0, 0)
    limits.served(opening(1))
    assert not limits.limited
    assert limits.open_plays(STATION) == 0
