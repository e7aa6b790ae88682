"""``gas_claims``: mean gas of a claim where every leaf of an epoch is claimed in a transaction of its own.

256 leaves beside each other share a word of the bitmap; the first claim of a
word writes it from zero and pays 17,100 more than the others. Each leaf is
signed by its payee for one wallet that holds tokens, and sent by a relayer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.gas import _GENESIS, Bench, _key, furnished
from benchmarks.scale import scaled
from chain.anvil import Anvil
from pywallet.crypto import address_of
from pywallet.protocol import Claim, compact, sign

LEAVES: Final = scaled((30, 256, 1_000), (1, 3, 5))
GOAL: Final = 77_000
WORD: Final = 256
"""Leaves of a word of the bitmap."""


async def _epoch(bench: Bench, wallet: bytes, count: int) -> dict[str, float]:
    """Claim every leaf of an epoch, and sort the gas by whether the claim was the first of its word."""
    payees = [_key("payee of", count, number) for number in range(count)]
    posted = await bench.close([(address_of(payee), 10**15 + number) for number, payee in enumerate(payees)], 1)
    first: list[int] = []
    later: list[int] = []
    words: set[int] = set()
    for number, payee in enumerate(payees):
        plain = bench.item(posted, number)
        signature = compact(
            sign(Claim(plain.server, posted.epoch, plain.payee, wallet, 0), bench.deployment.domain, payee).signature
        )
        item = replace(plain, r=signature[0], vs=signature[1])
        gas = (await bench.settlement.claim(bench.relayer, [item], posted.tree.proof(number), wallet)).gas_used
        word = ((1 << posted.tree.depth) | number) // WORD
        (later if word in words else first).append(gas)
        words.add(word)
    every = first + later
    return {
        "mean": round(sum(every) / count),
        "words": len(words),
        "mean_first_of_a_word": round(sum(first) / len(first)),
        "mean_later": round(sum(later) / len(later)) if later else 0,
        "most": max(every),
    }


async def _measure(anvil: Anvil) -> list[Figure]:
    wallet = address_of(_key("wallet", "all"))
    async with furnished(anvil, wallet) as bench:
        found = {count: await _epoch(bench, wallet, count) for count in LEAVES}
        return [
            Figure(f"gas_claims_{count}", seen["mean"], "gas", "the goal", GOAL, "lower", {"leaves": count, **seen})
            for count, seen in found.items()
        ]


def run() -> list[dict[str, Any]]:
    """The figures; gas is exact and the same in every run."""
    with Anvil(extra=("--timestamp", str(_GENESIS))) as anvil:
        return [figure.to_json() for figure in asyncio.run(_measure(anvil))]
