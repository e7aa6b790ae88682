"""Invariants of a simulation, looked at once all is quiet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.run import AuditResult
from audit.run import audit as audit_chain
from chain.contracts.settlement import ClaimItem
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Claim, compact, sign
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import NO_TERMS, EpochData, EpochHeader, verify_leaf
from tests.simulation.fans import private_key
from tests.simulation.hosts import HostFan
from tests.simulation.restoring import published

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Broken:
    """Invariants that do not hold, each in words."""

    lines: list[str] = field(default_factory=list)

    def unless(self, holds: bool, text: str) -> None:
        """Note a violation."""
        if not holds:
            self.lines.append(text)


async def check(world: World) -> Broken:
    """Every invariant, once all is quiet."""
    broken = Broken()
    await _receipts(world, broken)
    await _rewards(world, broken)
    await _books(world, broken)
    await _money(world, broken)
    _plays(world, broken)
    result = await _audit(world)
    for fault in result.faults:
        broken.lines.append(f"audit: {fault}")
    for did in world.watch.did:
        # Data of a server that was down when the watcher looked are missing, and are there later: the audit asks again.
        told = did.what == "slash" or (did.what == "lie" and did.reason != "data.missing")
        broken.unless(not told, f"the watcher says {did.to_json()}")
    broken.lines += world.operator.broken
    for fan in world.fans:
        broken.unless(not fan.records.codes["internal"], f"{fan.name} was answered internal")
    return broken


async def _audit(world: World) -> AuditResult:
    promised: dict[tuple[bytes, int], dict[bytes, int]] = {}
    for fan in world.fans:
        for (server, epoch, payee), receipt in fan.records.receipts.items():
            promised.setdefault((server, epoch), {})[payee] = receipt.message.amount
    return await audit_chain(world.chain, world.deployment, promised=promised)


async def _receipts(world: World, broken: Broken) -> None:
    """Every receipt has a leaf under the chain's commitment, and the leaf is paid."""
    for fan in world.fans:
        for (server, epoch, payee), receipt in sorted(fan.records.receipts.items(), key=lambda item: item[0]):
            place = f"{fan.name}, epoch {epoch}, {receipt.message.amount} wei"
            try:
                leaf = await fan.ask(server, "leaf", epoch=epoch, payee=to_hex(payee))
            except GomaaError as error:
                broken.lines.append(f"no leaf for {place}: {error.code}")
                continue
            header = EpochHeader(
                from_hex(leaf["header"]["root"], 32), int(leaf["header"]["total"]), from_hex(leaf["header"]["rest"], 32)
            )
            proof = [(from_hex(node, 32), int(total)) for node, total in leaf["proof"]]
            amount = int(leaf["amount"])
            broken.unless(amount >= receipt.message.amount, f"leaf of {amount} wei for {place}")
            broken.unless(
                verify_leaf(header, payee, amount, leaf["index"], proof), f"a proof that leads nowhere for {place}"
            )
            key = next(
                private_key("payee", fan.name, hour)
                for hour in range(*_hours(world))
                if _belongs(fan.name, hour, payee)
            )
            to = address_of(private_key("purse", fan.name))
            claim = sign(Claim(server=server, epoch=epoch, payee=payee, to=to, tip=0), world.deployment.domain, key)
            r, vs = compact(claim.signature)
            item = ClaimItem(server, epoch, header, payee, amount, leaf["index"], len(proof), r, vs)
            try:
                await world.settlement.claim(world.platform, [item], proof, to, 0)
            except GomaaError as error:
                broken.lines.append(f"claim refused for {place}: {error.detail.get('reason', error.code)}")


async def _rewards(world: World, broken: Broken) -> None:
    """At each server, nobody is promised more than one honest listener of the same time."""
    for fan in world.fans:
        if fan.records.first_s is None:
            continue
        elapsed_s = fan.records.last_s - fan.records.first_s + 5
        most = (int(elapsed_s) // world.interval_s + 1) * 10**15
        for server in world.servers:
            promised = sum(one.message.amount for (at, *_), one in fan.records.receipts.items() if at == server)
            broken.unless(promised <= most, f"{fan.name} is promised {promised} wei, an honest listener {most} at most")


async def _books(world: World, broken: Broken) -> None:
    """Station and servers agree: nothing is left to sign for, and nothing is refused."""
    assert world.station.station is not None
    for server, url in world.urls.items():
        outcome = None
        try:
            for _ in range(4):
                outcome = await world.station.ask(lambda station, at=(server, url): station.bookkeeper.round(*at))  # type: ignore[misc]
        except GomaaError as error:
            broken.lines.append(f"station and server disagree: {error.code} {error.detail}")
        if outcome is not None:
            broken.unless(outcome.new == 0, f"{outcome.new} lines stay unsigned")


async def _money(world: World, broken: Broken) -> None:
    for server in world.servers:
        state = await world.settlement.server_state(server)
        broken.unless(state.bond >= world.bond, f"an honest server's bond is {state.bond}")
        broken.unless(not await world.settlement.history("Slashed", server), "an honest server was slashed")
    gain = await world.thief.gain()
    broken.unless(gain <= 0, f"the thief gained {gain} wei")


def _plays(world: World, broken: Broken) -> None:
    """Every honest play is paid once: never more than sounded, and all of it where no report was refused or late.

    What a restored copy has lost is paid to nobody, so nothing is expected then.
    """
    paid: Counter[tuple[bytes, int]] = Counter()
    for address, server in world.servers.items():
        for raw in published(server.database).values():
            for row in EpochData.decode(raw).plays:
                if row.outcome != PlayOutcome.REFUSED and row.terms != NO_TERMS:
                    paid[(address, row.ticket)] += row.heard_s
    for fan in world.fans:
        if isinstance(fan, HostFan):
            broken.lines += fan.settle()
        broken.unless(not fan.records.cut, f"{fan.name}: {fan.records.cut} plays ended because their content moved")
        for key, play in fan.records.plays.items():
            place = f"{fan.name}, ticket {key[1]}: {paid[key]} s are paid, {play.position_s:.1f} s sounded"
            broken.unless(paid[key] <= play.position_s + 1, place)
            whole = play.whole and not world.operator.restored
            broken.unless(not whole or paid[key] >= play.position_s - 2 * world.interval_s, place)


def _hours(world: World) -> tuple[int, int]:
    now = int(world.now_s()) // 60
    return now - 120, now + 1


def _belongs(name: str, hour: int, payee: bytes) -> bool:
    return address_of(private_key("payee", name, hour)) == payee
