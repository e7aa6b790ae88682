"""Content check: the function, and host, station and security server with the same codes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from native_host.playback.content_check import check_content
from pywallet.errors import GomaaError
from pywallet.policy import Policy, Price
from pywallet.rules.content_check import content_fault, terms_fault, withdrawal
from security_server.playback.admission import Admission
from station.tickets.issue import TicketIssuer
from tests.unit.rules.both_sides import CONTENT, OWNER, SERVER, song

POLICY = Policy(("play",), Price(30, 20, 10))
OTHER = bytes([9]) * 32


@dataclass(frozen=True)
class State:
    """State of a content's contract."""

    owner: bytes = OWNER
    policy_hash: bytes = POLICY.hash
    revoked: bool = False
    destroyed: bool = False
    price: int = 20
    licensed: bool = True
    open_license: bool = True


CASES = [
    (None, "content.unknown"),
    (State(owner=OTHER[:20]), "content.owner"),
    (State(policy_hash=OTHER), "sps.policy.mismatch"),
    (State(owner=OTHER[:20], policy_hash=OTHER, revoked=True), "content.owner"),
]
WITHDRAWN = [
    (State(revoked=True), "content.revoked"),
    (State(destroyed=True), "content.destroyed"),
    (State(revoked=True, destroyed=True), "content.destroyed"),
]


@pytest.mark.parametrize(("state", "code"), CASES)
def test_the_first_difference_is_named(state: State | None, code: str) -> None:
    """The codes would have another precedence."""
    fault = content_fault(state, CONTENT, OWNER, POLICY.hash)
    assert fault is not None
    assert fault.code == code
    assert content_fault(State(), CONTENT, OWNER, POLICY.hash) is None
    assert terms_fault(State(), POLICY.hash) is None


@pytest.mark.parametrize(("state", "code"), WITHDRAWN)
def test_a_withdrawn_content_has_one_code(state: State, code: str) -> None:
    """A destroyed content would be reported as revoked."""
    assert withdrawal(state) == code
    assert withdrawal(State()) is None


@pytest.mark.parametrize(("state", "code"), [*CASES, *WITHDRAWN])
def test_host_and_station_refuse_alike(state: State | None, code: str) -> None:
    """Host and station would report different codes."""
    assert _code(lambda: asyncio.run(_host(state))) == code
    assert _code(lambda: _station(state)) == code


@pytest.mark.parametrize(("state", "code"), WITHDRAWN)
def test_the_server_admits_no_withdrawn_content(state: State, code: str) -> None:
    """A withdrawn content would be admitted, or with another code."""
    assert _code(lambda: asyncio.run(_server(state))) == code


def _code(call: Any) -> str | None:
    try:
        call()
    except GomaaError as error:
        return error.code
    return None


def _answers(value: Any) -> Any:
    async def answer(*_: Any, **__: Any) -> Any:
        return value

    return answer


async def _host(state: State | None) -> None:
    facts: Any = SimpleNamespace(state=state, serving=SERVER, server=None, bond=None, bps=0, station=None)
    network: Any = SimpleNamespace(facts=_answers(facts), forget=lambda _: None)
    await check_content(network, song(POLICY), "https://radio.example")


def _station(state: State | None) -> None:
    desk = TicketIssuer.__new__(TicketIssuer)
    desk._config = SimpleNamespace(domain="radio.example")  # type: ignore[assignment]
    facts: Any = state
    item: Any = SimpleNamespace(content=CONTENT, owner=OWNER, policy_hash=POLICY.hash, policy=POLICY)
    desk._check_content(item, facts, 0, rewarded=True)


async def _server(state: State) -> None:
    admission = Admission.__new__(Admission)
    admission._chain = SimpleNamespace(content=_answers(state))  # type: ignore[assignment]
    order: Any = SimpleNamespace(content=CONTENT)
    await admission._check_content(None, order, True, 0)  # type: ignore[arg-type]


def test_the_helpers_accept_a_good_content() -> None:
    """The refusals above would be those of the stand-ins."""
    _station(replace(State(), price=20))
