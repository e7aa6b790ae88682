"""What comes in is bounded: refused plays, different terms, and the widths of the published format."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from pywallet.errors import Refusal
from security_server.billing import intake_limits
from security_server.billing.intake_limits import REFUSED_PER_TICKET, require_terms
from security_server.db.queries import get
from security_server.db.tables import epoch_contents, invocations, sessions
from tests.unit.security_server.server_desk import CONTENT, STATION, Desk


def rows(desk: Desk) -> int:
    """How many refused plays are kept."""
    return desk.connection.execute(
        select(func.count()).select_from(invocations).where(invocations.c.code.is_not(None))
    ).scalar_one()


def refuse(desk: Desk, session: bytes, ticket: bytes, times: int) -> None:
    """Play a ticket that is used already."""
    for _ in range(times):
        assert desk.act(session, ticket, "play").code == "ticket.used"


def test_refused_plays_of_one_ticket_are_kept_a_few_times_only(desk: Desk) -> None:
    """Fifty refused plays: a few signed rows, as many in the epoch's data, and the session's sequence advances."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code is None
    refuse(desk, session, ticket, 50)
    assert rows(desk) == REFUSED_PER_TICKET
    counted = get(desk.connection, epoch_contents, epoch=7, content=CONTENT)
    assert counted is not None
    # The audit holds this number against the published rows.
    assert counted["unvalidated"] == REFUSED_PER_TICKET
    row = get(desk.connection, sessions, id=session)
    assert row is not None
    assert row["last_sequence"] == 51
    assert desk.act(session, ticket, "renew").code is None


def test_refused_plays_of_one_station_are_bounded_in_an_epoch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of a station's tickets does not raise the number of stored refused plays of an epoch."""
    monkeypatch.setattr(intake_limits, "REFUSED_PER_STATION", 6)
    session = desk.session()
    for number in range(1, 4):
        ticket = desk.ticket(session, number)
        assert desk.act(session, ticket, "play").code is None
        refuse(desk, session, ticket, 3)
        assert desk.act(session, ticket, "stop").code is None
    assert rows(desk) == 6


def test_a_station_has_so_many_different_terms_in_one_epoch(desk: Desk) -> None:
    """A third price is refused where two are allowed; known ones are not.

    The next epoch and other stations have their own.
    """
    for price in (1, 2, 1, 2):
        require_terms(desk.connection, 7, STATION, price, 0, 10, most=2)
    with pytest.raises(Refusal) as refused:
        require_terms(desk.connection, 7, STATION, 3, 0, 10, most=2)
    assert (refused.value.code, refused.value.detail["reason"]) == ("ticket.mismatch", "terms")
    require_terms(desk.connection, 8, STATION, 3, 0, 10, most=2)
    require_terms(desk.connection, 7, b"\x77" * 20, 3, 0, 10, most=2)


@pytest.mark.parametrize(("price", "reward"), [(1 << 96, 0), ((1 << 96) - 1, 1), (1 << 127, 1 << 127)])
def test_an_interval_that_no_entry_holds_is_refused(desk: Desk, price: int, reward: int) -> None:
    """An entry of a post holds less than 2^96 wei net."""
    with pytest.raises(Refusal) as refused:
        require_terms(desk.connection, 7, STATION, price, reward, 10, most=2)
    assert refused.value.detail["reason"] == "price"
