"""``linked_fans`` and ``collect_cost``: what collecting in private hides, and what it costs."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.gas import _GENESIS, Bench, Posted, _key, furnished
from benchmarks.scale import scaled
from chain.anvil import Anvil
from chain.contracts.settlement import ClaimItem
from pywallet.crypto import address_of
from pywallet.protocol import Claim, compact, sign

FANS: Final = scaled(20, 2)
STATIONS: Final = 3
HOURS: Final = scaled(20, 2)
"""Hours of a month in which a fan listened at each station; an epoch is an hour."""
OTHERS: Final = scaled(62, 2)
"""Leaves of others in each epoch."""


async def _month(anvil: Anvil) -> Figure:
    """Gas of claiming a month's leaves: each alone to its payee, against all in batches to the account."""
    account = address_of(_key("wallet", "month"))
    async with furnished(anvil, account) as bench:
        private: list[int] = []
        leaves: list[tuple[Posted, int, bytes]] = []
        for hour in range(HOURS):
            mine = [_key("payee", way, hour, number) for way in ("private", "once") for number in range(STATIONS)]
            others = [_key("other", hour, number) for number in range(OTHERS)]
            posted = await bench.close([(address_of(key), 10**15 + at) for at, key in enumerate([*mine, *others])], 1)
            for at, key in enumerate(mine[:STATIONS]):
                item = _signed(bench, posted, at, key, address_of(key))
                private.append(
                    (await bench.settlement.claim(bench.relayer, [item], posted.tree.proof(at), item.payee)).gas_used
                )
            leaves += [(posted, STATIONS + at, key) for at, key in enumerate(mine[STATIONS:])]
        once = 0
        for start in range(0, len(leaves), 32):
            some = leaves[start : start + 32]
            items = [_signed(bench, posted, at, key, account) for posted, at, key in some]
            nodes = [node for posted, at, _ in some for node in posted.tree.proof(at)]
            once += (await bench.settlement.claim(bench.relayer, items, nodes, account)).gas_used
    detail = {"leaves": len(private), "transactions": len(private), "transactions_at_once": -(-len(leaves) // 32)}
    return Figure("collect_cost", sum(private), "gas", "all at once to the account", once, "lower", detail)


def _signed(bench: Bench, posted: Posted, at: int, key: bytes, to: bytes) -> ClaimItem:
    plain = bench.item(posted, at)
    signature = compact(
        sign(Claim(plain.server, posted.epoch, plain.payee, to, 0), bench.deployment.domain, key).signature
    )
    return replace(plain, r=signature[0], vs=signature[1])


def _linked() -> Figure:
    """Fans whom an attacker links to another station or to their account, by how they collect."""
    # Here and not above: the simulation needs an EVM in this process.
    linked = importlib.import_module("tests.simulation.linking").linked
    private, once = linked("private", FANS), linked("once", FANS)
    late = linked("late", FANS)
    detail = {
        "fans": FANS,
        "guesses_right": private.correct_guesses,
        "guesses_right_at_once": once.correct_guesses,
        "signed_late": len(late.fans),
    }
    return Figure(
        "linked_fans", len(private.fans), "fans", "all at once to the account", len(once.fans), "lower", detail
    )


def run() -> list[dict[str, Any]]:
    """Both figures; gas is exact, and the attack runs on virtual time."""
    with Anvil(extra=("--timestamp", str(_GENESIS))) as anvil:
        month = asyncio.run(_month(anvil))
    return [_linked().to_json(), month.to_json()]
