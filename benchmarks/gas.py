"""``gas``: what a play costs the chain, beside one transaction per play on the same chain in the same run.

20 stations and 100 contents; ``gas_grid`` has the other sizes. A post costs the
same for a thousand plays and for ten thousand: it grows with the stations.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode

from benchmarks.figure import Figure
from benchmarks.scale import scaled
from chain.anvil import Anvil
from chain.client import Chain, TxReceipt
from chain.contracts.registry import Registry
from chain.contracts.settlement import ClaimItem, Entry, Settlement
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.protocol import (
    Claim,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import EpochHeader, Schedule, SumTree, entries_digest, gross, rest

STATIONS: Final = scaled(20, 2)
CONTENTS: Final = scaled(100, 4)
PLAYS: Final = scaled((1_000, 10_000), (1_000, 2_000))
PLAYS_PER_LISTENER: Final = 10
BATCH: Final = scaled(30, 3)
PRICE: Final = 10**16
"""Wei of one play to the owner; a fifth of it is the listener's."""

_SCHEDULE: Final = Schedule(3600, 300, 1500, 1200, 14 * 86_400, 4500)
_GENESIS: Final = 1_800_000_000
_PEER: Final = Path(__file__).resolve().parent / "peers" / "per_play.vy"
_PEER_NAME: Final = "one transaction per play: an ERC-20 transfer and a counter"


@dataclass(frozen=True)
class Posted:
    """A final epoch: its leaves, their tree, the posted header, and the gas of the post."""

    epoch: int
    leaves: Sequence[tuple[bytes, int]]
    tree: SumTree
    header: EpochHeader
    gas: int


def _key(*parts: object) -> bytes:
    return keccak256(repr(parts).encode())


class Bench:
    """One server, its stations and their vouchers on a fresh chain."""

    def __init__(self, chain: Chain, deployment: Deployment, keys: Sequence[bytes]) -> None:
        self.chain, self.deployment = chain, deployment
        self.platform, self.server, self.relayer = keys[:3]
        self.stations = [_key("station", n) for n in range(STATIONS)]
        self.token, self.settlement = Token(chain, deployment), Settlement(chain, deployment)
        self.epoch = deployment.schedule.epoch_of(_GENESIS)
        self._caps = [0] * STATIONS

    async def furnish(self) -> None:
        """A bond, and escrow for every station."""
        await Registry(self.chain, self.deployment).add_server(
            self.platform, address_of(self.server), "http://127.0.0.1:1", bytes(32)
        )
        await self.token.approve(self.platform, self.deployment.settlement, 2**256 - 1)
        await self.settlement.bond(self.platform, address_of(self.server), 10**24)
        for station in self.stations:
            await self.settlement.deposit(self.platform, address_of(self.server), address_of(station), 10**24)
        # Only owners of contents are paid by push.
        owner, policy = _key("owner", 0), _key("policy of owner 0")
        await self.chain.send(self.platform, address_of(owner), b"", 10**18)
        registry = Registry(self.chain, self.deployment)
        await registry.create_content(owner, policy, PRICE, 30, address_of(self.server), True, bytes(32))

    async def at(self, timestamp: int) -> None:
        """An empty block at a second."""
        await self.chain.request("evm_setNextBlockTimestamp", timestamp)
        await self.chain.request("evm_mine")

    async def close_epoch(self, plays: int, contents: int = CONTENTS, stations: int = STATIONS) -> Posted:
        """Plays spread over stations, contents and fresh payees; posted, and its window passed."""
        reward = PRICE // 5
        owners = [address_of(_key("owner", n)) for n in range(contents)]
        payees = [_key("payee", self.epoch, n) for n in range(plays // PLAYS_PER_LISTENER)]
        leaves = [(owner, plays // contents * PRICE) for owner in owners]
        leaves += [(address_of(payee), PLAYS_PER_LISTENER * reward) for payee in payees]
        return await self.close(leaves, stations)

    async def close(self, leaves: Sequence[tuple[bytes, int]], stations: int) -> Posted:
        """Leaves that so many stations pay in equal parts; posted, and the window passed."""
        tree = SumTree(leaves)
        net = tree.total // stations
        entries = []
        for number, station in enumerate(self.stations[:stations]):
            self._caps[number] += gross(net, 500)
            voucher = Voucher(address_of(self.server), address_of(station), self._caps[number], self.epoch)
            signature = compact(sign(voucher, self.deployment.domain, station).signature)
            entries.append(Entry(address_of(station), net, self._caps[number], self.epoch, *signature))
        counts, data = _key("counts", self.epoch), _key("data", self.epoch)
        await self.at(_SCHEDULE.ends(self.epoch))
        receipt = await self.settlement.post(self.server, self.epoch, tree.root, counts, data, entries)
        await self.at(_SCHEDULE.due(self.epoch))
        header = EpochHeader(
            tree.root, tree.total, rest(entries_digest([(entry.payer, net) for entry in entries]), counts, data)
        )
        posted = Posted(self.epoch, leaves, tree, header, receipt.gas_used)
        self.epoch += 1
        return posted

    def item(self, posted: Posted, index: int, to: bytes | None = None) -> ClaimItem:
        """A leaf; signed by its listener for ``to``, or unsigned for its own payee."""
        payee, amount = posted.leaves[index]
        signature = (0, 0)
        if to is not None:
            key = _key("payee", posted.epoch, index - CONTENTS)
            claim = Claim(address_of(self.server), posted.epoch, payee, to, 0)
            signature = compact(sign(claim, self.deployment.domain, key).signature)
        return ClaimItem(
            address_of(self.server), posted.epoch, posted.header, payee, amount, index, posted.tree.depth, *signature
        )

    async def claim(
        self, epochs: Sequence[Posted], index: int, to: bytes | None = None, sender: bytes | None = None
    ) -> int:
        """Gas of one transaction of the relayer, or of another sender, that claims the same leaf of each epoch."""
        items = [self.item(posted, index, to) for posted in epochs]
        nodes = [node for posted in epochs for node in posted.tree.proof(index)]
        return (await self.settlement.claim(sender or self.relayer, items, nodes, to or items[0].payee)).gas_used

    async def create(self, code: bytes) -> TxReceipt:
        """Deploy something."""
        return await self.chain.send(self.platform, None, code)

    async def peer(self) -> tuple[float, float]:
        """Mean gas of a play in a transaction of its own: the first of each content, and all later ones."""
        from vyper.compiler import compile_code

        code = bytes.fromhex(compile_code(_PEER.read_text(), output_formats=["bytecode"])["bytecode"][2:])
        made = await self.create(code + encode(["address"], [self.deployment.token]))
        found = await self.chain.request("eth_getTransactionReceipt", "0x" + made.hash.hex())
        contract = bytes.fromhex(found["contractAddress"][2:])
        for station in self.stations:
            await self.chain.send(self.platform, address_of(station), b"", 10**18)
            await self.token.transfer(self.platform, address_of(station), 10**20)
            await self.token.approve(station, contract, 2**256 - 1)
        selector = keccak256(b"play(address,address,uint256)")[:4]

        async def play(content: int) -> int:
            # A holder of its own for each content, so that its first play is a first payment too.
            content_address, owner = address_of(_key("content", content)), address_of(_key("holder", content))
            data = selector + encode(["address", "address", "uint256"], [content_address, owner, PRICE])
            return (await self.chain.send(self.stations[content % STATIONS], contract, data)).gas_used

        first, later = [[await play(content) for content in range(CONTENTS)] for _ in range(2)]
        return sum(first) / CONTENTS, sum(later) / CONTENTS


@asynccontextmanager
async def furnished(anvil: Anvil, wallet: bytes) -> AsyncIterator[Bench]:
    """A fresh deployment with a server and its stations, and a wallet that holds tokens."""
    deployment = await deploy(anvil.rpc, anvil.keys[0], _SCHEDULE)
    async with Chain.connect(anvil.rpc) as chain:
        bench = Bench(chain, deployment, anvil.keys)
        await bench.furnish()
        await bench.token.transfer(bench.platform, wallet, 1)
        yield bench


async def _measure(anvil: Anvil) -> list[Figure]:
    deployment = await deploy(anvil.rpc, anvil.keys[0], _SCHEDULE)
    async with Chain.connect(anvil.rpc) as chain:
        bench = Bench(chain, deployment, anvil.keys)
        deployed = await _deployed(chain, deployment)
        await bench.furnish()
        clone, full = await _contents(bench)
        first, later = await bench.peer()
        epochs = [await bench.close_epoch(plays) for plays in (*PLAYS, *[PLAYS[0]] * (BATCH - len(PLAYS)))]
        claims = await _claims(bench, epochs)
        collected = (await bench.settlement.collect(bench.relayer, address_of(bench.server), epochs[0].epoch)).gas_used
        figures = [_per_play(plays, posted, first, later, claims) for plays, posted in zip(PLAYS, epochs, strict=False)]
        detail = {**claims, "collect_commission": collected}
        figures.append(
            Figure(
                "gas_claim",
                claims["signed_to_new_holder"],
                "gas",
                "ERC-20 transfer to a new holder",
                clone[1],
                "lower",
                detail,
            )
        )
        figures.append(
            Figure(
                "gas_deploy",
                sum(deployed.values()),
                "gas",
                "the ERC-20 token alone",
                deployed["GoMAA"],
                "lower",
                deployed,
            )
        )
        figures.append(
            Figure("gas_clone", clone[0], "gas", "the same contract deployed in full, without its entry", full, "lower")
        )
        return figures


async def _deployed(chain: Chain, deployment: Deployment) -> dict[str, int]:
    names = ("GoMAA", "Registry", "Rights", "Content", "set_implementation", "Settlement")
    out = {}
    for offset, name in enumerate(names, 1):
        block = await chain.request("eth_getBlockByNumber", hex(deployment.block + offset), False)
        (transaction,) = block["transactions"]
        out[name] = int((await chain.request("eth_getTransactionReceipt", transaction))["gasUsed"], 16)
    return out


async def _contents(bench: Bench) -> tuple[tuple[int, int], int]:
    """Gas of a clone with its registration; of a transfer to a new holder; of the content contract deployed in full."""
    from contracts.compile import artifacts

    registry = Registry(bench.chain, bench.deployment)
    made = await registry.create_content(
        bench.platform, _key("policy"), PRICE, 30, address_of(bench.server), True, bytes(32)
    )
    moved = await bench.token.transfer(bench.platform, address_of(_key("new holder")), PRICE)
    code = bytes.fromhex(artifacts()["Content"]["bytecode"][2:]) + encode(["address"], [bench.deployment.registry])
    return (made.gas_used, moved.gas_used), (await bench.create(code)).gas_used


async def _claims(bench: Bench, epochs: Sequence[Posted]) -> dict[str, int]:
    """Gas of the ways to be paid; all but the batch from the epoch of ten thousand plays."""
    large = epochs[1]
    signed = await bench.claim([large], CONTENTS, address_of(_key("wallet", 1)))
    pushed_new = await bench.claim([large], 0)
    pushed_known = await bench.claim([epochs[0]], 0)
    # The first claim of a leaf writes a new word of each epoch's bitmap; its neighbour's finds it in use.
    fresh = await bench.claim(epochs, CONTENTS + 1, address_of(_key("wallet", 2)))
    batch = await bench.claim(epochs, CONTENTS + 2, address_of(_key("wallet", 2)))
    return {
        "leaves": len(large.leaves),
        "signed_to_new_holder": signed,
        "push_to_new_holder": pushed_new,
        "push_to_known_holder": pushed_known,
        f"batch_of_{len(epochs)}_per_epoch": batch // len(epochs),
        f"batch_of_{len(epochs)}_per_epoch_in_new_words": fresh // len(epochs),
    }


def _per_play(plays: int, posted: Posted, first: float, later: float, claims: dict[str, int]) -> Figure:
    cheap = claims[f"batch_of_{BATCH}_per_epoch"]
    detail = {
        "post": posted.gas,
        "stations": STATIONS,
        "contents": CONTENTS,
        "leaves": len(posted.leaves),
        # Claims are the listeners' choice: when, and how many epochs at once. Both ends, for every leaf of the epoch.
        "with_every_leaf_claimed_alone": round(
            (posted.gas + len(posted.leaves) * claims["signed_to_new_holder"]) / plays, 1
        ),
        "with_every_leaf_claimed_in_batches": round((posted.gas + len(posted.leaves) * cheap) / plays, 1),
        "peer_first_play_of_a_content": round(first),
    }
    name = f"gas_per_play_{plays // 1000}k"
    return Figure(name, round(posted.gas / plays, 2), "gas", _PEER_NAME, round(later), "lower", detail)


def run() -> list[dict[str, Any]]:
    """The figures; gas is exact and the same in every run."""
    with Anvil(extra=("--timestamp", str(_GENESIS))) as anvil:
        return [figure.to_json() for figure in asyncio.run(_measure(anvil))]
