"""Commission rounding and HTTP statuses at their edges, and in security server and station."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_host.playback.site_grants import max_cost
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.protocol.commission import commission, gross, gross_bound, largest_net, smallest_net
from pywallet.protocol.http_status import http_status
from security_server.billing.accounts import most_net
from station.api.responses import problem

NETS, RATES = st.integers(0, 10**24), st.integers(0, 10_000)


@given(net=NETS, bps=RATES)
def test_rounding(net: int, bps: int) -> None:
    """A debit would be rounded up, or a bound down."""
    assert gross(net, bps) == net + commission(net, bps)
    assert commission(net, bps) * 10_000 <= net * bps < (commission(net, bps) + 1) * 10_000
    assert 0 <= gross_bound(net, bps) - gross(net, bps) <= 1
    assert max_cost(3, net, bps) == gross_bound(3 * net, bps)


@given(amount=NETS, bps=RATES)
def test_nets_of_a_gross(amount: int, bps: int) -> None:
    """The largest net would exceed the amount, or the smallest not reach it."""
    net = largest_net(amount, bps)
    assert gross(net, bps) <= amount < gross(net + 1, bps)
    assert most_net(amount, bps, 0) == net
    least = smallest_net(amount, bps)
    assert least * (10_000 + bps) >= amount * 10_000
    assert least == 0 or (least - 1) * (10_000 + bps) < amount * 10_000


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refusal("content.revoked"), 410),
        (InputError("content.unknown"), 404),
        (Refusal("station.escrow.short"), 402),
        (Refusal("server.busy"), 429),
        (Refusal("station.busy"), 429),
        (InputError("message.denied"), 401),
        (InputError("message.schema"), 400),
        (InputError("session.signature"), 403),
        (Refusal("claim.small"), 403),
        (Unavailable("chain.unreachable"), 503),
        (GomaaError("internal"), 500),
        (GomaaError("server.protocol"), 502),
    ],
)
def test_an_error_has_one_status(error: GomaaError, status: int) -> None:
    """Security server and station would answer one error with different statuses."""
    assert http_status(error) == status
    response = problem(error)
    assert response.status == status
    assert json.loads(response.text or "")["error"]["code"] == error.code
