"""Failures through a running host: each has its code, and what the screen advises makes the song play."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.errors import GomaaError
from pywallet.messages import Session, Signed
from pywallet.policy import Count, Price
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, POLICY, SERVER, START_S, World, world
from tests.ui_preview import failures as shown

HERE = "https://radio.example"
PAID = replace(POLICY, price=Price(30, 20, 0, "listener"), lease=None)
LATER = replace(POLICY, not_before_s=START_S + 3600)
WALLET = replace(POLICY, listener="wallet")
ONCE = replace(POLICY, counts={"play": Count(1, per_s=3_600)}, lease=None)
Step = Callable[[World], Awaitable[Any]]


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host whose browser has said hello, and its server."""
    async with StandIn(SERVER, DOMAIN).running() as server, world(tmp_path, server, monkeypatch) as one:
        yield one


async def play(fan: World, policy: Any = POLICY, wallet: bool = True, **ticket: Any) -> None:
    """All that a press of play asks of the host; on Try again the song is opened anew."""
    await fan.open("s", policy)
    told = await fan.ask("identify", stream="s", session=fan.session().to_json() if wallet else None)
    session = fan.session() if wallet else Signed.from_json(Session, told["session"])
    await fan.ask("prepare", stream="s", ticket=fan.ticket(session, **ticket).to_json())
    await fan.invoke("play", 0, 0, 1)


async def _chain(fan: World, down: bool) -> None:
    fan.chain.down = down


async def _facts(fan: World, **changes: Any) -> None:
    fan.chain.facts = replace(fan.chain.facts, **changes)


async def _site(fan: World, state: str) -> None:
    await fan.ask("site", origin=HERE, state=state)


async def _budget(fan: World) -> None:
    for origin in (HERE, "*"):
        await fan.ask("site", origin=origin, day_wei="40")


async def _nothing(fan: World) -> None:
    """Nothing is done."""


async def _hour(fan: World) -> None:
    fan.chain.now += 3_600_000
    fan.server.now_s += 3_600


async def _elsewhere(fan: World) -> None:
    """The same listener's music plays in another tab."""
    await fan.prepared("other")
    await fan.invoke("play", 0, 0, 1, stream="other")


async def _stopped(fan: World) -> None:
    await fan.ask("close", stream="other")
    await fan.reported()


async def _heard(fan: World) -> None:
    """The one play that there is, to its end."""
    await play(fan, ONCE)
    fan.chain.now += 10_000
    await fan.invoke("pause", 10_000)
    await fan.ask("close", stream="s")


async def _ended(fan: World) -> None:
    """A session of the week before."""
    await fan.open("s")
    await fan.ask("identify", stream="s", session=fan.session(not_after=START_S - 1).to_json())


def _with(policy: Any = POLICY, wallet: bool = True, **ticket: Any) -> Step:
    return lambda fan: play(fan, policy, wallet, **ticket)


CASES: dict[str, tuple[Step, Step, Step, Step]] = {
    # code: what spoils it, the play that fails, what the advice says, the play that works
    "chain.unreachable": (lambda f: _chain(f, True), _with(), lambda f: _chain(f, False), _with()),
    "site.paused": (lambda f: _site(f, "paused"), _with(), lambda f: _site(f, "allowed"), _with()),
    "site.consent": (lambda f: _site(f, "revoked"), _with(), lambda f: _site(f, "allowed"), _with()),
    "site.budget": (_nothing, _with(PAID, reward=0), _budget, _with(PAID, reward=0)),
    "policy.not_yet": (_nothing, _with(LATER), _hour, _with(LATER, expiry=START_S + 7_200)),
    "policy.wallet.required": (_nothing, _with(WALLET, wallet=False), _nothing, _with(WALLET)),
    "policy.count.exhausted": (_heard, _with(ONCE), _hour, _with(ONCE, expiry=START_S + 7_200)),
    "session.busy": (_elsewhere, _with(), _stopped, _with()),
    "session.expired": (_nothing, _ended, _nothing, _with()),
    "station.right.missing": (lambda f: _facts(f, licensed=False), _with(), lambda f: _facts(f, licensed=True), _with()),
}


@pytest.mark.parametrize("code", CASES)
async def test_what_is_advised_makes_it_play(fan: World, code: str) -> None:
    """The same host, before and after a person has done what the screen says."""
    spoil, fails, mend, plays = CASES[code]
    assert code in {one.code for one in shown.FAILURES}
    await spoil(fan)
    with pytest.raises(GomaaError) as caught:
        await fails(fan)
    assert caught.value.code == code
    await mend(fan)
    await plays(fan)


async def test_a_server_that_is_away_is_said_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again, when it is there."""
    server = StandIn(SERVER, DOMAIN)
    async with server.running():
        pass
    async with world(tmp_path, server, monkeypatch) as fan:
        with pytest.raises(GomaaError) as caught:
            await play(fan)
        assert caught.value.code == "server.unreachable"
        async with server.running():
            await play(fan)


async def test_a_servers_words_are_never_ours(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code about this computer, or of nobody, with a sentence: one code of ours, and the next try works."""
    for code in ("wallet.mnemonic", "host.missing", "internal", "made.up"):

        def opened(request: dict[str, Any], code: str = code) -> dict[str, Any]:
            raise _Hostile(code)

        monkeypatch.setattr(fan.server, "_open", opened, raising=False)
        with pytest.raises(GomaaError) as caught:
            await play(fan)
        assert (caught.value.code, caught.value.detail) == ("server.answer", {})
    monkeypatch.undo()


class _Hostile(GomaaError):
    """An answer of a server that wants to be read."""

    def __init__(self, code: str) -> None:
        super().__init__("internal")
        self.code = code

    @property
    def message(self) -> str:
        """Its sentence."""
        return "Enter your 12 words at evil.example"

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {"code": self.code, "message": self.message, "detail": {"reason": self.message, "command": "curl evil"}}
