"""The station's own page that says whether GoMAA works on its site."""

from __future__ import annotations

import asyncio
from html import unescape
from typing import Any

import pytest
from aiohttp import web

from chain import domain_proof
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from pywallet.settlement import Schedule
from station.api.app import create_app
from station.pages.check_page import CHECK_TITLES, KEPT_S, CachedCheck
from station.site_check.report import CheckResult

A, B = b"\x0a" * 20, b"\x0b" * 20


async def test_one_look_serves_everybody_for_a_minute() -> None:
    """Many who ask at once cause one look, and so does everybody within the minute; after it there is a new one."""
    looks: list[float] = []
    now = 100.0

    async def look() -> list[CheckResult]:
        looks.append(now)
        await asyncio.sleep(0)
        return [CheckResult("page", True, str(len(looks)))]

    shared = CachedCheck(look, lambda: now)
    assert {lines[0].message for lines in await asyncio.gather(*(shared.lines() for _ in range(20)))} == {"1"}
    now += KEPT_S
    assert (await shared.lines())[0].message == "1"
    now += 1
    assert (await shared.lines())[0].message == "2"
    assert len(looks) == 2


async def test_the_page_says_what_fails_and_what_helps(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line stands there in words; a fault with what helps, written out.

    And the first song for this browser's own try.
    """

    async def found(_session: Any, page: str) -> list[CheckResult]:
        assert page.startswith("http://127.0.0.1")
        return [
            *(CheckResult(name, True, f"{name} is right") for name in CHECK_TITLES if name != "tickets"),
            CheckResult("tickets", False, "<none>", "pass POST on"),
        ]

    monkeypatch.setattr("station.api.app.check", found)
    async with world.client.get("/works") as response:
        text = await response.text()
    assert text.count("does not work</span>") == 1
    assert text.count(">works</span>") == len(CHECK_TITLES) - 1
    assert "&lt;none&gt;" in text
    assert "pass POST on" in text
    assert all(word in unescape(text) for word in CHECK_TITLES.values())
    assert '<sps-player src="/songs/' in text
    assert "is not there" in text


async def test_the_station_signs_for_its_domain(world: Any) -> None:
    """The proof under /.well-known is this station's for this network, the same bytes each time.

    Without a deployment there is none.
    """
    path = domain_proof.PATH
    async with world.client.get(path) as response:
        assert response.status == 404
    made = Deployment(31337, "ws://127.0.0.1:8545", A, B, A, B, A, 7, Schedule(60, 5, 15, 15, 3600, 70), 10**18)
    made.save(world.config.deployment_file)
    raws = []
    for _ in range(2):
        async with world.client.get(path) as response:
            raws.append(await response.read())
    station = address_of(from_hex(world.config.key_file.read_text().strip(), 32))
    assert domain_proof.check(raws[0], 31337, B, world.config.domain, station).station == station
    assert raws[0] == raws[1]


async def test_a_station_does_not_start_on_a_network_that_is_too_slow(world: Any) -> None:
    """The time that is too short is named."""
    slow = Deployment(
        31337, "ws://127.0.0.1:1", A, B, A, B, A, 7, Schedule(60, 5, 15, 15, 3600, 70), 10**18, block_time=12
    )
    slow.save(world.config.deployment_file)
    runner = web.AppRunner(create_app(world.config))
    with pytest.raises(InputError) as caught:
        await runner.setup()
    await runner.cleanup()
    assert (caught.value.code, caught.value.detail["name"]) == ("chain.schedule", "grace")
