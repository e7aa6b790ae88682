"""All earnings are found again from the recovery words and the chain.

On a new computer, with an empty ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chain.contracts.content import Content
from chain.contracts.registry import Registry
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.protocol import Session, Signed
from pywallet.worker_api import call
from pywallet.worker_api import wallet as purse
from tests.integration.host_process import HostProcess, host_process
from tests.integration.real_host import renewed, settled
from tests.integration.server_songs import Upload
from tests.integration.server_world import TOKENS, World, make_world

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
OTHERS = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"


class Elsewhere(World):
    """The same world with a second station."""

    @property
    def station_key(self) -> bytes:
        """The second station's."""
        return self.anvil.keys[4]


@dataclass
class Fan:
    """A wallet of real words, and computers with the network's file."""

    world: World
    second: World
    song: Upload
    folder: Path
    earned: dict[tuple[str, int], int] = field(default_factory=dict)
    """(payee, epoch) to wei."""

    @property
    def wallet(self) -> str:
        """The first account of the words."""
        return to_hex(purse.keyring().account)

    def home(self, name: str) -> Path:
        """Return a home with the network's file and nothing else."""
        place = self.folder / name
        if not place.exists():
            network_files.add(Paths(place / "data", place / "config"), self.folder / "server" / "deployment.json")
        return place

    async def session(self, world: World, host: HostProcess, device: str) -> dict[str, Any]:
        """Sign a session by the core for the current hour, and send it to the host as the extension does."""
        now_s = await self.world.now_ms() // 1000
        where = {
            "station": to_hex(world.station),
            "chain_id": world.deployment.chain_id,
            "settlement": to_hex(world.deployment.settlement),
        }
        made = await call("session.sign", {**where, "device": device, "now_s": now_s})
        payee = {"payee": made["payee"], "number": made["number"], "name": "Radio", **where}
        await host.ask("payees", wallet=self.wallet, payees=[payee])
        return made

    async def listen(self, world: World, host: HostProcess, seconds: int) -> None:
        """Play a while at a station, which pays for it; wait for the receipt."""
        domain = "radio.example" if world is self.world else "second.example"
        opened = await host.open(self.song.cose, "s", f"https://{domain}")
        made = await self.session(world, host, opened["device"])
        await host.identify(made["session"])
        now_s = await self.world.now_ms() // 1000
        ticket = world.ticket(self.song, Signed.from_json(Session, made["session"]), now_s)
        await host.prepare(ticket.to_json())
        await host.invoke("play", 0, 0, 5)
        for step in range(1, seconds // 3 + 1):
            await self.world.travel(3)
            await renewed(host, step * 3_000, step)
        await host.invoke("stop", seconds * 1_000)
        await settled(host, self.home("old"))
        statement, _ = await world.statement()
        await world.vouch(statement.spent, statement.epoch)
        receipt = await host.event("receipt")
        self.earned[receipt["payee"], receipt["epoch"]] = int(receipt["amount_wei"])
        await host.ask("close", stream="s")

    async def posted(self) -> None:
        """Wait until the running epoch ends, is posted and becomes final."""
        epoch = max(epoch for _, epoch in self.earned)
        await self.world.to_epoch(epoch + 1)
        assert self.world.closing is not None
        await self.world.closing.round()
        await self.world.travel(40)

    async def summary(self, host: HostProcess) -> dict[str, Any]:
        """Request the summary as the popup does."""
        told: dict[str, Any] = await host.ask("summary", account=self.wallet, wallet=self.wallet)
        return told

    async def step(self, host: HostProcess, candidates: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Run one step of the search, with what the core derives for the next."""
        told = await host.ask(
            "scan", wallet=self.wallet, chain_id=self.world.deployment.chain_id, candidates=candidates
        )
        made = (await call("candidates", {"wants": told["wants"]}))["candidates"] if told["wants"] else []
        return told, made

    async def search(self, host: HostProcess) -> dict[str, Any]:
        """Run all steps that are possible now."""
        told, candidates = await self.step(host, [])
        while told["more"] or candidates:
            told, candidates = await self.step(host, candidates)
        return told

    async def collect(self, host: HostProcess, private: bool = False) -> int:
        """Claim all that can be collected, in pages of two; return the amount, wei.

        ``private``: each alone, to its own payee.
        """
        after, amount = None, 0
        while True:
            found = await host.ask("earnings", wallet=self.wallet, state="claimable", limit=2, after=after)
            claims = []
            for one in found["receipts"]:
                names = ("chain_id", "settlement", "server", "epoch", "number", "payee")
                fields = {name: one[name] for name in names} | ({"to": one["payee"]} if private else {})
                claims.append((await call("claim.sign", {**fields, "station": one["station_address"]}))["claim"])
            for some in [[one] for one in claims] if private else [claims] if claims else []:
                amount += int((await host.ask("claim", claims=some))["amount_wei"])
            after = found["next"]
            if after is None:
                return amount


@pytest.fixture
async def fan(tmp_path: Path) -> AsyncIterator[Fan]:
    """Two stations, one server; plays at both over three epochs, of which the first is collected."""
    (tmp_path / "server").mkdir()
    await purse._unlock(WORDS)
    async with make_world(tmp_path / "server", real_time=True) as world, world.server(silence_s=0):
        registry = Registry(world.chain, world.deployment)
        await registry.add_server(world.platform_key, world.keys.address, world.url, world.keys.exchange_public)
        second = Elsewhere(**{name: getattr(world, name) for name in World.__dataclass_fields__})
        await registry.add_station(world.platform_key, second.station, "second.example", "Second Radio")
        await world.settlement.deposit(world.platform_key, world.keys.address, second.station, 100 * TOKENS)
        song = await world.publish()
        await Content(world.chain, song.content).license(world.owner_key, second.station)
        one = Fan(world, second, song, tmp_path)
        async with host_process(one.home("old")) as host:
            await host.hello()
            await one.listen(world, host, 9)
            await one.posted()
            assert int((await one.summary(host))["totals"]["claimable_wei"]) == sum(one.earned.values())
            await one.collect(host)
            await one.listen(second, host, 12)
            await one.posted()
            await one.listen(world, host, 6)
            await one.posted()
        yield one
    purse._open = None


async def test_the_same_words_find_everything_on_a_new_computer(fan: Fan) -> None:
    """To the wei; collected amounts are shown as such, the rest is collected; a removed station has its name.

    Nothing is found twice.
    """
    world = fan.world
    registry = Registry(world.chain, world.deployment)
    await registry.add_station(world.platform_key, fan.second.station, "second.example", "Second Radio", False)
    first = min(epoch for _, epoch in fan.earned)
    collected = sum(amount for (_, epoch), amount in fan.earned.items() if epoch == first)
    rest = sum(fan.earned.values()) - collected
    assert collected
    assert rest

    async with host_process(fan.home("new")) as host:
        await host.hello()
        assert (await fan.summary(host))["receipts"] == []
        told = await fan.search(host)
        assert (told["left"], told["away"], told["found"]) == (0, [], len(fan.earned))
        before = await fan.summary(host)
        assert {(one["payee"], one["epoch"]): int(one["amount_wei"]) for one in before["receipts"]} == fan.earned
        assert {one["station_name"] for one in before["receipts"]} == {"Radio Example", "Second Radio"}
        sums = (before["totals"]["claimed_wei"], before["totals"]["claimable_wei"], before["totals"]["pending_wei"])
        assert sums == (str(collected), str(rest), "0")
        (claimed,) = (one for one in before["receipts"] if one["state"] == "claimed")
        assert claimed["transaction"] is not None
        proof = await host.ask(
            "origin", server=claimed["server"], epoch=claimed["epoch"], payee=claimed["payee"], wallet=fan.wallet
        )
        assert (proof["receipt"], proof["detail"], proof["station_address"]) == (None, None, claimed["station_address"])

        assert await fan.collect(host) == rest

        after = await fan.summary(host)
        assert (after["balance_wei"], after["totals"]["claimable_wei"]) == (str(collected + rest), "0")
        assert (await fan.search(host))["found"] == len(fan.earned)

        # Other words find none of it, here or anywhere; the first ones find it at once.
        await purse._unlock(OTHERS)
        assert (await fan.search(host))["found"] == 0
        assert (await fan.summary(host))["receipts"] == []
        await purse._unlock(WORDS)
        assert (await fan.summary(host))["totals"] == after["totals"]


async def test_private_collections_are_found_from_the_words(fan: Fan) -> None:
    """A computer that is killed while collecting, and new ones after it.

    Tokens at payees are found, the rest is collected.
    """
    first = min(epoch for _, epoch in fan.earned)
    home = sum(amount for (_, epoch), amount in fan.earned.items() if epoch == first)
    rest = {payee: amount for (payee, epoch), amount in fan.earned.items() if epoch != first}
    async with host_process(fan.home("old")) as host:
        await host.hello()
        await fan.summary(host)
        found = await host.ask("earnings", wallet=fan.wallet, state="claimable", limit=1)
        (one,) = found["receipts"]
        names = ("chain_id", "settlement", "server", "epoch", "number", "payee")
        fields = {name: one[name] for name in names}
        made = await call("claim.sign", {**fields, "station": one["station_address"], "to": one["payee"]})
        await host.ask("claim", claims=[made["claim"]])
        await host.kill()
    lies = {one["payee"]: int(one["amount_wei"])}

    async def held(host: HostProcess) -> dict[str, int]:
        chain_id = fan.world.deployment.chain_id
        told = await host.ask("holdings", chain_id=chain_id, account=fan.wallet, wallet=fan.wallet)
        assert all(int(one["owed_wei"]) == int(one["amount_wei"]) for one in told["holdings"])
        return {one["payee"]: int(one["amount_wei"]) for one in told["holdings"]}

    for name in ("second", "third"):
        async with host_process(fan.home(name)) as host:
            await host.hello()
            await fan.search(host)
            totals = (await fan.summary(host))["totals"]
            assert int(totals["at_payee_wei"]) == sum(lies.values())
            assert int(totals["claimable_wei"]) == sum(rest.values()) - sum(lies.values())
            assert int(totals["claimed_wei"]) == home
            assert await held(host) == lies
            if name == "second":
                assert await fan.collect(host, private=True) == sum(rest.values()) - sum(lies.values())
                lies = rest


async def test_a_search_resumes_and_waits_for_an_unreachable_server(fan: Fan) -> None:
    """Killed after its first step, the host repeats no request.

    Without the server it reports what is left, and finds it later.
    """
    async with host_process(fan.home("new")) as host:
        await host.hello()
        told, candidates = await fan.step(host, [])
        assert candidates
        assert told["left"] == told["listed"] >= 2
        await fan.step(host, candidates[:3])
        derived = {(one["station"], one["day"]) for one in candidates[:3]}
        await host.kill()
    registry, world = Registry(fan.world.chain, fan.world.deployment), fan.world
    await registry.add_server(world.platform_key, world.keys.address, "http://127.0.0.1:1", world.keys.exchange_public)
    async with host_process(fan.home("new")) as host:
        await host.hello()
        told = await fan.search(host)
        assert told["left"] == told["listed"]
        assert not told["more"]
        (away,) = told["away"]
        assert (away["server"], away["epochs"]) == (to_hex(world.keys.address), told["left"])
        assert away["code"] == "server.unreachable"
    await registry.add_server(world.platform_key, world.keys.address, world.url, world.keys.exchange_public)
    async with host_process(fan.home("new")) as host:
        await host.hello()
        told, candidates = await fan.step(host, [])
        assert not derived & {(one["station"], one["day"]) for one in told["wants"]}
        while told["more"] or candidates:
            told, candidates = await fan.step(host, candidates)
        assert (told["left"], told["away"], told["found"]) == (0, [], len(fan.earned))
        assert int((await fan.summary(host))["totals"]["claimable_wei"]) > 0


async def test_new_words_search_no_earlier_epochs(fan: Fan) -> None:
    """A wallet created here has no earlier earnings: only later epochs are searched."""
    await purse._unlock(OTHERS)
    where = {"wallet": fan.wallet, "chain_id": fan.world.deployment.chain_id}
    async with host_process(fan.home("new")) as host:
        await host.hello()
        told = await host.ask("scan", **where, fresh=True)
        assert (told["listed"], told["wants"], told["more"]) == (0, [], False)
        purse._open = None
        await purse._unlock(WORDS)
        assert from_hex(fan.wallet, 20) != from_hex(where["wallet"], 20) == address_of(await _key(OTHERS))
        assert (await fan.step(host, []))[0]["listed"] >= 2


async def _key(words: str) -> bytes:
    from pywallet.wallet import mnemonic
    from pywallet.wallet.derivation import ACCOUNT, derive

    return derive(await mnemonic.seed(words), ACCOUNT)
