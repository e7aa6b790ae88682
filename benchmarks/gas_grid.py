"""``gas_grid``: gas per play over plays x contents x stations, beside both peers.

And a plain claim beside Uniswap's distributor.

Peers in the same run: one transaction per play, and batches of two hundred
signed receipts that a contract recovers. The claim repeats the measurement of
Uniswap's merkle-distributor tests: a tree of 100,000 leaves for one wallet, 25
claims evenly spaced (every one in a bitmap word of its own), mean gas; its
published figure is 77,075.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode

from benchmarks.figure import Figure
from benchmarks.gas import _GENESIS, _PEER_NAME, _SCHEDULE, PRICE, Bench, _key
from benchmarks.scale import scaled
from chain.anvil import Anvil
from chain.client import Chain
from chain.deploy import deploy
from pywallet import crypto
from pywallet.crypto import address_of, keccak256

PLAYS: Final = scaled((1_000, 10_000, 100_000), (20, 40, 60))
CONTENTS: Final = scaled((20, 100, 1_000), (2, 4, 6))
STATIONS: Final = (1, scaled(20, 2))
BATCH: Final = scaled(200, 4)
UNISWAP: Final = 77_075
LEAVES, SAMPLES = scaled((100_000, 25), (100, 2))
_BATCHED: Final = Path(__file__).resolve().parent / "peers" / "batched.vy"
_TYPE: Final = keccak256(b"Play(address station,address content,address owner,uint256 price,uint256 number)")


async def _batched(bench: Bench, contents: int) -> tuple[float, float]:
    """Gas per play of a batch in which stations and contents take turns.

    The first batch, and one when every word is in use.
    """
    from vyper.compiler import compile_code

    code = bytes.fromhex(compile_code(_BATCHED.read_text(), output_formats=["bytecode"])["bytecode"][2:])
    made = await bench.create(code)
    found = await bench.chain.request("eth_getTransactionReceipt", "0x" + made.hash.hex())
    contract = bytes.fromhex(found["contractAddress"][2:])
    fund = keccak256(b"fund(address,uint256)")[:4]
    for station in bench.stations:
        await bench.chain.send(
            bench.platform, contract, fund + encode(["address", "uint256"], [address_of(station), 10**24])
        )
    kind = "(address,address,address,uint256,uint256,uint256,uint256,uint256)"
    settle = keccak256(f"settle({kind}[])".encode())[:4]
    figures = []
    for round_ in range(max(2, contents // BATCH + 1)):
        rows = []
        for number in range(BATCH):
            station = bench.stations[number % len(bench.stations)]
            play = (round_ * BATCH + number) % contents
            fields = (
                address_of(station),
                address_of(_key("content", play)),
                address_of(_key("owner", play)),
                PRICE,
                round_ * BATCH + number + 1,
            )
            digest = keccak256(_TYPE + encode(["address", "address", "address", "uint256", "uint256"], fields))
            raw = crypto.sign(station, digest)
            rows.append((*fields, raw[64], int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")))
        data = settle + encode([f"{kind}[]"], [rows])
        figures.append((await bench.chain.send(bench.platform, contract, data)).gas_used / BATCH)
    return figures[0], figures[-1]


async def _uniswap(bench: Bench) -> float:
    """Mean gas of evenly spaced, unsigned claims by a wallet that holds every leaf and tokens already."""
    key = _key("wallet", "uniswap")
    wallet = address_of(key)
    await bench.token.transfer(bench.platform, wallet, 1)
    await bench.chain.send(bench.platform, wallet, b"", 10**18)
    posted = await bench.close([(wallet, 100)] * LEAVES, 1)
    spent = [await bench.claim([posted], index, sender=key) for index in range(0, LEAVES, LEAVES // SAMPLES)]
    return sum(spent) / len(spent)


async def _measure(anvil: Anvil) -> list[Figure]:
    deployment = await deploy(anvil.rpc, anvil.keys[0], _SCHEDULE)
    async with Chain.connect(anvil.rpc) as chain:
        bench = Bench(chain, deployment, anvil.keys)
        await bench.furnish()
        first, later = await bench.peer()
        batched = {contents: await _batched(bench, contents) for contents in (CONTENTS[0], CONTENTS[1])}
        cells: dict[str, float] = {}
        # One epoch that is not counted: the first post of each station writes words that are written only once.
        await bench.close_epoch(PLAYS[0])
        for stations in STATIONS:
            for contents in CONTENTS:
                for plays in PLAYS:
                    posted = await bench.close_epoch(plays, contents, stations)
                    cells[f"{plays} plays, {contents} contents, {stations} stations"] = round(posted.gas / plays, 2)
        value, detail = (
            cells[f"{PLAYS[1]} plays, {CONTENTS[1]} contents, {STATIONS[1]} stations"],
            {"peer_first_play_of_a_content": round(first)},
        )
        for contents, pair in batched.items():
            detail |= {
                f"peer, {contents} contents, first": round(pair[0]),
                f"peer, {contents} contents, later": round(pair[1]),
            }
        claim = round(await _uniswap(bench))
        batch_name = f"batches of {BATCH} receipts recovered on chain, all words in use"
        uniswap_name = f"Uniswap merkle-distributor, published: {LEAVES} leaves, {SAMPLES} samples"
        return [
            Figure("gas_grid", value, "gas per play", _PEER_NAME, round(later), "lower", dict(cells)),
            Figure(
                "gas_grid_batched", value, "gas per play", batch_name, round(batched[CONTENTS[1]][1]), "lower", detail
            ),
            Figure("gas_grid_flat", _flatness(cells), "ratio", "the same plays over 20 contents", 1.0, "lower"),
            Figure("gas_claim_average", claim, "gas", uniswap_name, UNISWAP, "lower"),
        ]


def _flatness(cells: dict[str, float]) -> float:
    """The worst ratio of a thousand contents to twenty, over plays and stations."""
    rows = [(plays, stations) for plays in PLAYS for stations in STATIONS]
    many, few = (
        {(p, s): cells[f"{p} plays, {contents} contents, {s} stations"] for p, s in rows}
        for contents in (CONTENTS[-1], CONTENTS[0])
    )
    return round(max(many[row] / few[row] for row in rows), 4)


def run() -> list[dict[str, Any]]:
    """The figures; gas is exact and the same in every run."""
    with Anvil(extra=("--timestamp", str(_GENESIS))) as anvil:
        return [figure.to_json() for figure in asyncio.run(_measure(anvil))]
