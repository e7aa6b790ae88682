"""Reports to the security server, its refusals, revocations and receipts, and failures of server and chain."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pywallet.errors import GomaaError
from tests.integration.host_server import StandIn
from tests.integration.host_world import (
    CONTENT,
    DOMAIN,
    LISTENER,
    PAYEE,
    POLICY,
    World,
)

ONLINE = replace(POLICY, lease=None)


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_a_repeated_play_without_keys_is_counted_once(fan: World) -> None:
    """The connection ends between commit and reply: the repetition is the same invocation."""
    await fan.prepared(policy=ONLINE)
    fan.server.silent.add("grant")
    work = fan.invoke("play", 0, 0, 2)

    async def cut() -> None:
        while "grant" not in fan.server.asked:
            await fan.server.push({"event": "epoch", "epoch": 1, "state": "posted"})
        for line in list(fan.server.lines):
            await line.close()

    code, _ = await asyncio.gather(refusal(work), cut())
    fan.server.silent.clear()
    play = await fan.invoke("play", 0, 0, 2)
    await fan.reported()

    assert code == "server.unreachable"
    assert fan.good(play["grant"], range(2))
    assert (fan.server.counted("play"), fan.states()) == (1, [(1, "play", "reported", None)])


async def test_reports_precede_a_later_grant(fan: World) -> None:
    """Actions under the lease reach the server before a grant with a higher sequence number."""
    await fan.prepared()
    fan.server.silent.add("lease")
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("pause", 0)
    await fan.invoke("resume", 0)
    await fan.invoke("seek", 170_000, 85, 2)

    assert [number for _, number, _ in fan.server.order] == [1, 2, 3, 4]


async def test_a_refusal_of_the_server_reverts_the_count(fan: World) -> None:
    """The seek has the code of the refusal, its count is reverted, and a ``problem`` event is sent."""
    await fan.prepared()
    fan.server.refuse["seek"] = "station.escrow.short"
    await fan.invoke("play", 0, 0, 1)
    await fan.invoke("seek", 1_000, 0, 1)
    problem = await fan.event("problem")

    assert problem["code"] == "station.escrow.short"
    assert fan.states()[1] == (2, "seek", "refused", "station.escrow.short")
    assert fan.host.streams["s"].lease is None


async def test_a_revoked_content_releases_no_further_key(fan: World) -> None:
    """The event is sent, the lease is erased, and the next renewal is ``content.revoked``."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.host.withdrawals.withdraw(CONTENT, "content.revoked")
    event = await fan.event("revoked")

    assert event["code"] == "content.revoked"
    assert fan.host.streams["s"].lease.keys == {}  # type: ignore[union-attr]
    assert await refusal(fan.invoke("renew", 1_000, 1, 1)) == "content.revoked"
    await fan.invoke("stop", 1_000)


async def test_a_play_continues_while_the_chain_is_unreachable(fan: World) -> None:
    """Nothing new opens; the play continues within its lease."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    fan.chain.down = True

    assert await refusal(fan.open("other")) == "chain.unreachable"
    assert (await fan.invoke("renew", 0, 1, 2))["grant"] is not None


async def test_receipts_are_verified_and_never_lowered(fan: World) -> None:
    """A valid receipt is sent as an event and stored; a lower or forged one is not."""
    session = await fan.prepared()
    identity = fan.host.streams["s"].session.id  # type: ignore[union-attr]
    forged = StandIn(LISTENER, DOMAIN).receipt(PAYEE, 5, 900, identity, CONTENT)
    for event in (
        fan.server.receipt(PAYEE, 5, 100, identity, CONTENT),
        forged,
        fan.server.receipt(PAYEE, 5, 90, identity, CONTENT),
        fan.server.receipt(PAYEE, 5, 110, identity, CONTENT),
    ):
        await fan.server.push(event)
    amounts = [(await fan.event("receipt"))["amount_wei"], (await fan.event("receipt"))["amount_wei"]]
    held = fan.host.ledger.receipt(fan.server.address, 5, session.message.payee)

    assert amounts == ["100", "110"]
    assert held is not None
    assert held.amount_wei == 110
