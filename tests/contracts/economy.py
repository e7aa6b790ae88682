"""Costs and gains of challenges, block by block, on the model of the contract.

Robbery, self-challenges of a server, and silence.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pywallet.crypto import keccak256
from pywallet.settlement import Schedule, SumTree, entries_digest, gross
from pywallet.settlement.schedule import ANSWER_GAS, ANSWERS_A_BATCH
from tests.contracts.settlement_model import TREASURY, Debiting, Model, Refusal, Signed

GAS: Final[dict[str, int]] = json.loads(Path(__file__).with_name("gas.json").read_text())
BLOCK_GAS: Final = 30_000_000
STAKE: Final = 10**18
FEE: Final = STAKE // (2 * ANSWER_GAS)
"""Wei of GoMAA that a unit of gas costs: a stake pays for two answers, and the deployment assumes no dearer gas."""
NET: Final = 10**16
"""Wei of a payee's leaf."""
SERVER, STATION, THIEF, OWNER, WATCHER, VICTIM, BOT = (
    keccak256(name.encode())[:20] for name in ["server", "station", "thief", "owner", "watcher", "victim", "bot"]
)


class Network(NamedTuple):
    """Seconds between blocks, and the number of confirmations."""

    block_time: int
    confirmations: int


@dataclass(frozen=True)
class Outcome:
    """Result of a scenario: gains, gas and the bond.

    Gains of the thief and of the server's owner over their initial tokens in wei, gas paid, and whether the bond was
    lost.
    """

    thief: int
    server: int
    slashed: bool


class Economy:
    """One posted epoch, its server, and accounts that attack its bond."""

    def __init__(
        self, schedule: Schedule, network: Network, leaves: list[tuple[bytes, int]], bond: int, owed: int | None = None
    ) -> None:
        self.s, self.network, self.leaves = schedule, network, leaves
        self.m, self.tree = Model(schedule, 500, STAKE), SumTree(leaves)
        self.place = {payee: place for place, (payee, _) in enumerate(leaves)}
        self.gas: Counter[bytes] = Counter()
        self.seen: list[tuple[int, tuple[bytes, int, bytes, int]]] = []
        m, total = self.m, sum(amount for _, amount in leaves) if owed is None else owed
        m.bond(OWNER, SERVER, bond)
        m.deposit(STATION, SERVER, STATION, gross(total, 500))
        m.now = schedule.ends(0)
        m.post(
            SERVER,
            0,
            self.tree.root,
            bytes(32),
            bytes(32),
            entries_digest([]),
            [Debiting(STATION, total, 10**30, 0, STATION)],
        )

    def pay(self, who: bytes, gas: int) -> None:
        """Pay for gas."""
        self.gas[who] += gas

    def challenge(self, who: bytes, payee: bytes, amount: int) -> bool:
        """Challenge a leaf with the server's genuine receipt."""
        self.pay(who, GAS["challenge"])
        try:
            self.m.challenge(who, SERVER, 0, payee, amount, Signed(SERVER))
        except Refusal:
            return False
        self.seen.append((self.m.now, (SERVER, 0, payee, amount)))
        return True

    def slash(self, who: bytes) -> bool:
        """Slash the bond, or only the stakes once it is taken; return whether it was possible."""
        found = False
        for demand, waiting in list(self.m.demands.items()):
            if self.m.now > waiting.deadline and demand[3] > self.m.shown(*demand[:3]):
                self.m.slash(*demand)
                self.pay(who, GAS["slash"])
                found = True
        return found

    def respond(self) -> None:
        """Send the honest server's transaction of a block: answers to confirmed challenges, the nearest deadline first.

        Dismissals follow.
        """
        trusted = self.m.now - (self.network.confirmations - 1) * self.network.block_time
        shown: dict[bytes, tuple[bytes, int, int, int, list[tuple[bytes, int]]]] = {}
        for since, (_, _, payee, amount) in self.seen:
            if since > trusted or len(shown) == ANSWERS_A_BATCH:
                break
            place = self.place.get(payee)
            if place is not None and amount <= self.leaves[place][1] and self.m.shown(SERVER, 0, payee) < amount:
                shown.setdefault(payee, (payee, amount, self.leaves[place][1], place, self.tree.proof(place)))
        header = self.m.posts[SERVER, 0].header
        if shown:
            self.m.answer(SERVER, 0, header, list(shown.values()))
            self.pay(OWNER, GAS["answer"] if len(shown) == 1 else len(shown) * GAS["answer_each_of_32"])
        for demand in [one for _, one in self.seen if one in self.m.demands and one[3] <= self.m.shown(*one[:3])]:
            self.m.dismiss(*demand)
            self.pay(OWNER, GAS["dismiss"])
        self.seen = [one for one in self.seen if one[1] in self.m.demands]

    def outcome(self) -> Outcome:
        """Return the outcome; the owner's balance includes its bond."""
        m = self.m
        bond = m.server_state(SERVER).bond
        thief = m.balance[THIEF] - self.gas[THIEF] * FEE
        return Outcome(thief, m.balance[OWNER] + bond - self.gas[OWNER] * FEE, m.balance[TREASURY] > 0)


def payees(count: int) -> list[tuple[bytes, int]]:
    """Return one leaf for each of ``count`` listeners."""
    return [(keccak256(number.to_bytes(8, "big"))[:20], NET) for number in range(count)]


def robbery(
    schedule: Schedule, network: Network, count: int, receipts: int, bond: int, begin: int, server: bool = True
) -> Outcome:
    """A thief demands ``receipts`` amounts of each of ``count`` payees, as fast as blocks take them from second
    ``begin`` after the grace.

    With ``server`` it runs and answers; else it is silent.
    """
    here = Economy(schedule, network, payees(count), bond)
    wanted = [(payee, NET - less) for payee, _ in here.leaves for less in range(receipts)]
    fit = BLOCK_GAS // GAS["challenge"]
    here.m.now = schedule.ends(0) + schedule.grace + begin
    end = here.m.now + len(wanted) // fit * network.block_time + 2 * schedule.answer
    while here.m.now <= end:
        # A void post can be neither answered nor robbed any more.
        lost = here.slash(THIEF) or not here.m.server_state(SERVER).bond
        if server and not lost:
            here.respond()
        for payee, amount in wanted[: 0 if lost else fit]:
            here.challenge(THIEF, payee, amount)
        del wanted[:fit]
        here.m.now += network.block_time
    return here.outcome()


def fraud(schedule: Schedule, network: Network, bond: int, stolen: int, friends: int) -> Outcome:
    """Simulate a server that moves a watched listener's leaf to its bot and lets its friend slash first.

    It challenges and answers itself ``friends`` times. The outcome's thief is the friend, whose gain is the server's.
    """
    here = Economy(schedule, network, [(BOT, stolen), *payees(friends)], bond)
    here.m.now = schedule.ends(0) + schedule.grace
    for payee, amount in here.leaves[1:]:
        here.challenge(THIEF, payee, amount)
    # The friend's own unanswered receipt at once; the listener's watcher in the same block.
    here.challenge(THIEF, VICTIM, stolen - 1)
    here.challenge(WATCHER, VICTIM, stolen)
    while here.m.now <= schedule.ends(0) + schedule.grace + 2 * schedule.answer:
        here.respond()
        here.slash(THIEF)
        here.m.now += network.block_time
    assert not here.m.final(SERVER, 0)
    return here.outcome()
