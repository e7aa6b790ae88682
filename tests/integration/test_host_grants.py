"""Grants and origins through a running host: frames in, the ledger behind, a security server beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Price
from tests.integration.host_server import StandIn
from tests.integration.host_world import CHAIN_ID, CONTENT, DOMAIN, PAYEE, POLICY, SERVER, STATION, World, world

REWARD = POLICY.price.reward
PAID = replace(POLICY, price=Price(30, 20, 0, "listener"), lease=None)


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host after ``hello``, and its server."""
    async with StandIn(SERVER, DOMAIN).running() as server, world(tmp_path, server, monkeypatch) as one:
        yield one


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


def here(fan: World) -> str:
    """Origin of the page with the content."""
    return fan.host.streams["s"].origin


async def listen(fan: World, seconds: int) -> None:
    """Play for some time, with a renewal every five seconds."""
    await fan.invoke("play", 0, 0, 1)
    for at in range(5, seconds + 1, 5):
        fan.chain.now += 5000
        await fan.invoke("renew", at * 1000)


async def test_a_pause_takes_effect_at_the_next_renewal(fan: World) -> None:
    """The play may be stopped and not renewed; the refusal is recorded, and a new grant resumes it."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 1)
    await fan.ask("site", origin=here(fan), state="paused")
    fan.chain.now += 5000
    assert await refusal(fan.invoke("renew", 5000)) == "site.paused"
    assert "site.paused" in fan.refused()
    assert (await fan.invoke("pause", 5000))["heard_ms"] == 5000
    await fan.ask("site", origin=here(fan), state="allowed")
    assert (await fan.invoke("resume", 5000, 2, 1))["grant"]


async def test_a_content_paid_by_the_listener_needs_a_budget(fan: World) -> None:
    """Without one nothing is counted.

    With one the first interval is debited at the play, and ``sites`` returns the cost.
    """
    await fan.open("s", PAID)
    session = fan.session()
    await fan.identify(session.to_json())
    await fan.prepare(fan.ticket(session, reward=0).to_json())
    assert await refusal(fan.invoke("play", 0, 0, 1)) == "site.budget"
    assert fan.states() == []
    for origin in (here(fan), "*"):
        await fan.ask("site", origin=origin, day_wei="20")
    await fan.invoke("play", 0, 0, 1)
    told = await fan.ask("sites")
    assert (told["day_wei"], [site["day_wei"] for site in told["sites"]]) == ("20", ["20"])
    ledger = fan.host.ledger
    assert ledger.spent("*", fan.chain.now // 86_400_000) == 20


async def test_receipt_parts_add_up(fan: World) -> None:
    """Two whole intervals of this computer; the rest of the receipt is a part without a play."""
    await fan.prepared()
    await listen(fan, 65)
    session = fan.host.streams["s"].session
    assert session is not None
    await fan.server.push(fan.server.receipt(PAYEE, 5, 3 * REWARD, session.id, CONTENT))
    await fan.event("receipt")

    told = await fan.ask("origin", server=to_hex(fan.server.address), epoch=5, payee=to_hex(PAYEE))

    assert [(part["content"], part["title"], part["amount_wei"]) for part in told["parts"]] == [
        (to_hex(CONTENT), "Slow Tide", str(2 * REWARD)),
        (None, "", str(REWARD)),
    ]
    assert told["receipt"]["message"]["amount"] == str(3 * REWARD)
    assert (told["detail"]["session"], told["transaction"]) == (to_hex(session.id), None)
    assert (
        await refusal(fan.ask("origin", server=to_hex(fan.server.address), epoch=6, payee=to_hex(PAYEE)))
        == "claim.unknown"
    )


async def test_today_begins_at_since_s(fan: World) -> None:
    """Plays since then count, to the wei, and none before."""
    await fan.prepared()
    await listen(fan, 65)
    wallet = "0x" + "12" * 20
    where = {
        "station": to_hex(address_of(STATION)),
        "chain_id": CHAIN_ID,
        "settlement": to_hex(DOMAIN.settlement),
        "number": 1,
    }
    await fan.ask("payees", wallet=wallet, payees=[{"payee": to_hex(PAYEE), **where}])
    now_s = fan.chain.now // 1000
    assert (await fan.ask("summary", wallet=wallet, since_s=now_s - 100))["today_wei"] == str(2 * REWARD)
    assert (await fan.ask("summary", wallet=wallet, since_s=now_s + 1))["today_wei"] == "0"
    assert (await fan.ask("summary", wallet="0x" + "13" * 20, since_s=now_s - 100))["today_wei"] == "0"
