"""Rewards of a station: the day's cap on tokens, points for vouchered time, and passes bought with points."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.rewards import SignedPass
from pywallet.rewards.caps import TokenCap
from pywallet.rewards.points_request import PointsRequest
from pywallet.rules.limits import REQUEST_AGE_S
from station.api import keys
from station.config import from_dict
from station.db.listener_tickets import ListenerTickets
from station.rewards.book import RewardBook
from station.rewards.loyalty import Loyalty, RewardSettings

WEI = 10**18
REWARD = WEI // 500
LISTENER_KEY, OTHER_KEY = bytes([4]) * 32, bytes([9]) * 32
LISTENER, BAND, NEW_BAND = address_of(LISTENER_KEY), address_of(bytes([3]) * 32), b"\x0b" * 20
SHIRT = {"name": "shirt", "kind": "offer", "cost": 3, "days": 30, "text": "10 % off a shirt"}
QUIET = {"name": "quiet", "kind": "ad-free", "cost": 2, "days": 7, "text": "A week without ads"}
RULES = {"points_per_minute": 2, "minimum_s": 30, "offers": [SHIRT, QUIET]}


def generous(world: Any, raw: dict[str, Any]) -> Loyalty:
    """Gives the services of the running station these rules."""
    given, station, app = RewardSettings.from_dict(raw), world.station, world.client.app
    book = RewardBook(world.config.points_file, bytes([1]) * 32, station.address, given.programme, given.offers)
    loyalty = Loyalty(given, ListenerTickets(station.store.engine), book)
    for service in (station.issuer, station.rounds, app[keys.POINTS], app[keys.AD_FREE]):
        service._loyalty = loyalty
    return loyalty


async def heard(world: Any, minutes: int) -> None:
    """A ticket, so many minutes under it, and the voucher for them."""
    ticket = await world.ticket()
    world.chain.now += minutes * 60_000
    world.server.epoch = world.chain.now // 60_000
    world.server.heard(ticket, minutes * 2)
    await world.station.rounds.run_once()


async def points(
    world: Any,
    what: str,
    key: bytes = LISTENER_KEY,
    late_s: int = 0,
    change: Any = None,
    domain: str = "127.0.0.1:8080",
) -> tuple[int, dict[str, Any]]:
    """One request of a listener; status and answer."""
    asking = PointsRequest(world.station.address, domain, world.chain.now // 1000 - late_s, what)
    value = {"time_s": asking.time_s, "what": what, "signature": to_hex(asking.sign(key)), **(change or {})}
    async with world.client.post("/gomaa/points", json=value) as response:
        return response.status, await response.json()


async def test_over_the_days_cap_a_play_is_heard_and_earns_nothing(world: Any) -> None:
    """Under the cap the policy's reward, over it none and the band's price as before; the next day begins anew."""
    generous(world, {"tokens": {"per_day": "0.008"}})
    assert (await world.ticket()).reward == REWARD
    await heard(world, 1)
    await heard(world, 1)
    capped = await world.ticket()
    assert (capped.price, capped.reward) == (WEI // 125, 0)
    world.chain.now += 86_400_000
    assert (await world.ticket(session=world.session(not_after=world.chain.now // 1000 + 500))).reward == REWARD


async def test_tickets_beside_each_other_stay_under_the_cap(world: Any) -> None:
    """Fifteen tickets asked for at once: those that promise a reward come to the cap, heard to their ends."""
    generous(world, {"tokens": {"per_day": "0.042"}})
    sessions = [world.session(payee=bytes([n + 1]) * 20) for n in range(15)]
    tickets = await asyncio.gather(*(world.ticket(session=session) for session in sessions))
    assert sorted(ticket.reward for ticket in tickets) == [0] * 12 + [REWARD] * 3
    world.chain.now += 200_000
    world.server.epoch = world.chain.now // 60_000
    for ticket in tickets:
        world.server.heard(ticket, 7)
    await world.station.rounds.run_once()
    rows = world.station.store.tickets(ticket.number for ticket in tickets).values()
    assert sum(row.vouchered * row.reward for row in rows) <= 42 * WEI // 1000


async def test_a_ticket_counts_as_heard_until_it_can_no_longer_be(world: Any) -> None:
    """A song heard for a minute counts whole while it may go on, then for a minute, once a later one was heard."""
    loyalty = generous(world, {"tokens": {"per_day": "1"}})
    await heard(world, 1)
    assert loyalty._tickets.rewards_today(LISTENER, world.chain.now) == 7 * REWARD
    world.chain.now += 3_600_000
    assert loyalty._tickets.rewards_today(LISTENER, world.chain.now) == 7 * REWARD
    await heard(world, 1)
    assert loyalty._tickets.rewards_today(LISTENER, world.chain.now) == (2 + 7) * REWARD


async def test_a_listener_who_was_paid_for_more_time_than_there_was_earns_again_when_it_has_passed(world: Any) -> None:
    """Two songs at once, as at two servers: tickets earn nothing until the clock has caught up with the vouchers."""
    first, second = await world.ticket(), await world.ticket("letters")
    world.chain.now += 120_000
    world.server.epoch = world.chain.now // 60_000
    for ticket in (first, second):
        world.server.heard(ticket, 4)
    await world.station.rounds.run_once()
    assert (await world.ticket()).reward == 0
    world.chain.now += 90_000
    assert (await world.ticket()).reward == REWARD


async def test_a_share_is_kept_for_new_bands(world: Any) -> None:
    """With half for discovery, a band that was paid for earns up to the first half, a new one up to the whole."""
    loyalty = generous(world, {"tokens": {"per_day": "0.028", "discovery_percent": 50}})
    await heard(world, 1)
    now = world.chain.now
    assert await loyalty.reward(LISTENER, BAND, REWARD, now) == 0
    assert await loyalty.reward(LISTENER, NEW_BAND, REWARD, now) == REWARD
    assert await loyalty.reward(b"\x01" * 20, BAND, REWARD, now) == REWARD


@pytest.mark.parametrize(
    ("earned", "known", "allowed"), [(39, True, True), (40, True, False), (99, False, True), (100, False, False)]
)
def test_the_caps_edges(earned: int, known: bool, allowed: bool) -> None:
    """To the wei."""
    assert TokenCap(100, 60).allows(earned, known) is allowed
    assert TokenCap().allows(10**30, known)


async def test_points_come_with_the_voucher_and_once(world: Any) -> None:
    """Three minutes and a discovery are nine points when the next play begins, also when asked again and again.

    Another has none.
    """
    generous(world, RULES)
    await heard(world, 3)
    assert (await points(world, "look"))[1]["points"] == 0
    await world.ticket()
    for _ in range(2):
        status, account = await points(world, "look")
        assert (status, account["points"]) == (200, 9)
        await world.station.rounds.run_once()
    assert (await points(world, "look", OTHER_KEY))[1]["points"] == 0


async def test_an_unvouchered_play_gives_no_points(world: Any) -> None:
    """A ticket that was never played is worth nothing, however often it is requested."""
    generous(world, RULES)
    for _ in range(3):
        await world.ticket()
    world.chain.now += 3_600_000
    assert (await points(world, "look"))[1]["points"] == 0


async def test_points_buy_passes_that_are_used_once(world: Any) -> None:
    """A purchase names the balance it starts from: the same word again buys nothing.

    An offer is redeemed once, by its holder.
    """
    generous(world, RULES)
    await heard(world, 3)
    await world.ticket()
    status, answer = await points(world, "buy shirt 9")
    assert (status, answer["points"]) == (200, 6)
    bought = SignedPass.from_json(answer["bought"])
    bought.require(world.station.address, LISTENER, world.chain.now // 1000)
    assert (await points(world, "buy shirt 9"))[1]["error"]["code"] == "station.points"
    serial = str(bought.message.serial)
    assert (await points(world, f"redeem {serial}", OTHER_KEY))[1]["error"]["code"] == "station.points"
    assert (await points(world, f"redeem {serial}"))[1]["redeemed"]["text"] == SHIRT["text"]
    assert (await points(world, f"redeem {serial}"))[1]["error"]["code"] == "station.points"
    assert (await points(world, "buy gold 6"))[1]["error"]["code"] == "station.points"


async def test_an_ad_free_pass_holds_until_it_ends(world: Any) -> None:
    """From its use to its last second, for its holder; too few points buy none."""
    loyalty = generous(world, RULES)
    await heard(world, 1)
    await world.ticket()
    bought = SignedPass.from_json((await points(world, "buy quiet 3"))[1]["bought"])
    assert not await loyalty.free_of_ads(LISTENER, world.chain.now)
    await points(world, f"redeem {bought.message.serial}")
    assert await loyalty.free_of_ads(LISTENER, world.chain.now)
    assert not await loyalty.free_of_ads(LISTENER, bought.message.not_after * 1000)
    assert (await points(world, "buy quiet 1"))[1]["error"]["code"] == "station.points"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"what": "buy shirt 100"}, None),
        ({"what": "steal"}, "message.schema"),
        ({"what": "buy shirt -1"}, "message.schema"),
        ({"what": 3}, "message.schema"),
        ({"time_s": "now"}, "message.schema"),
        ({"signature": "0x12"}, "message.schema"),
        ({"signature": "0x" + "00" * 65}, "session.signature"),
    ],
)
async def test_an_invalid_request_is_refused(world: Any, change: dict[str, Any], code: str | None) -> None:
    """Anything that isn't a listener's fresh signed request is refused.

    One changed after signing is another listener's, who has no points.
    """
    generous(world, RULES)
    await heard(world, 3)
    await world.ticket()
    status, answer = await points(world, "look", change=change)
    assert status >= 400
    assert answer["error"]["code"] == (code or "station.points")


async def test_an_old_request_is_refused(world: Any) -> None:
    """A request that was intercepted two minutes ago gives no access."""
    generous(world, RULES)
    assert (await points(world, "look", late_s=REQUEST_AGE_S))[0] == 200
    assert (await points(world, "look", late_s=REQUEST_AGE_S + 1))[1]["error"]["code"] == "invocation.time"


async def test_a_request_for_another_site_is_refused(world: Any) -> None:
    """A request signed for a site that names this station as its own is another listener's here."""
    generous(world, RULES)
    await heard(world, 3)
    await world.ticket()
    assert (await points(world, "buy shirt 9", domain="evil.example"))[1]["error"]["code"] == "station.points"
    assert (await points(world, "look"))[1]["points"] == 9


async def test_the_page_carries_no_advertising_for_a_pass_in_use(world: Any) -> None:
    """Seen by everybody, not by a browser that uses a redeemed ad-free pass.

    Neither an unused pass nor a forged one hides it.
    """
    loyalty = generous(world, RULES)
    world.client.app[keys.AD_FREE]._sponsor = "Supported by Hartley & Sons, boat builders"
    await heard(world, 1)
    await world.ticket()
    bought = (await points(world, "buy quiet 3"))[1]["bought"]

    async def page(cookie: str | None = None) -> bool:
        headers = {"Cookie": f"gomaa_pass={cookie}"} if cookie else {}
        async with world.client.get("/", headers=headers) as response:
            return "Hartley &amp; Sons" in await response.text()

    token = base64.urlsafe_b64encode(json.dumps(bought).encode()).decode().rstrip("=")
    assert await page()
    assert await page(token)
    async with world.client.get("/gomaa/ad-free", params={"pass": token}, allow_redirects=False) as response:
        assert response.status == 403
    redeemed = (await points(world, f"redeem {bought['serial']}"))[1]["redeemed"]
    assert redeemed == bought
    async with world.client.get("/gomaa/ad-free", params={"pass": token}, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/")
        assert response.cookies["gomaa_pass"]["httponly"]
        kept = response.cookies["gomaa_pass"].value
    assert not await page()
    world.client.session.cookie_jar.clear()
    assert await page()
    assert not await page(kept)
    forged = base64.urlsafe_b64encode(json.dumps({**bought, "not_after": bought["not_after"] + 1}).encode()).decode()
    assert await page(forged)
    assert await page("nonsense")
    world.chain.now = bought["not_after"] * 1000
    assert await page(kept)
    assert not await loyalty.free_of_ads(LISTENER, world.chain.now)


async def test_a_listener_who_declines_rewards_is_not_stored(world: Any) -> None:
    """A session without a payee leaves no link from its ticket to a listener."""
    generous(world, RULES)
    ticket = await world.ticket(session=world.session(payee=bytes(20)))
    world.server.heard(ticket, 2)
    world.chain.now += 3_600_000
    await world.station.rounds.run_once()
    assert ListenerTickets(world.station.store.engine).finished_plays(world.chain.now // 1000 + 10**6) == []


@pytest.mark.parametrize(
    "raw",
    [
        3, {"offers": 3}, {"offers": [{}]}, {"offers": [SHIRT, SHIRT]}, {"offers": [{**SHIRT, "cost": 0}]},
        {"offers": [{**SHIRT, "kind": "x"}]}, {"offers": [{**SHIRT, "days": "7"}]}, {"points": 3},
        {"tokens": 3}, {"tokens": {"per_day": 1}}, {"tokens": {"per_day": "x"}}, {"tokens": {"discovery_percent": 101}},
        {"tokens": {"other": 1}},
    ],
)  # fmt: skip
def test_invalid_rules_are_refused(raw: Any, tmp_path: Path) -> None:
    """A station doesn't start with unknown rules."""
    base = {"domain": "d", "name": "n", "key_file": "k", "deployment_file": "f", "catalogue": "c"}
    with pytest.raises(InputError):
        from_dict({**base, "rewards": raw}, tmp_path)
    good = from_dict({**base, "rewards": RULES}, tmp_path)
    assert [offer.name for offer in good.rewards.offers] == ["shirt", "quiet"]
    assert replace(good, name="m").points_file == good.points_file
