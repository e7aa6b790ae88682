"""One epoch settled and claimed honestly, the next one posted with a lie and slashed: the same on every chain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chain.client import Chain
from chain.contracts.registry import Registry
from chain.contracts.settlement import ClaimItem, Entry, Settlement
from chain.contracts.token import Token
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.protocol import (
    Claim,
    Receipt,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import EpochHeader, SumTree, entries_digest, gross, rest

COUNTS, DATA = bytes([2]) * 32, bytes([3]) * 32
BPS = 500
COIN = 10**18
PassUntil = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """Balances on the chain afterwards, wei."""

    claimed: int
    tip: int
    bond: int
    stake_back: int
    refunded: int


async def settle_and_slash(
    chain: Chain, deployment: Deployment, platform: bytes, pass_until: PassUntil, *, at_once: bool
) -> Outcome:
    """Deposit, post and claim; then post without a promised leaf, be challenged and slashed.

    ``at_once``: several transactions of one account wait for the same block, which not every node's pool supports.
    """

    async def all_of(*sending: Awaitable[object]) -> None:
        if at_once:
            await asyncio.gather(*sending)
        else:
            for one in sending:
                await one

    keys = {name: keccak256(name.encode()) for name in ("server", "station", "fan", "watcher", "relayer")}
    who = {name: address_of(key) for name, key in keys.items()}
    token, settlement, registry = Token(chain, deployment), Settlement(chain, deployment), Registry(chain, deployment)
    schedule = deployment.schedule
    await all_of(
        *(chain.send(platform, address, b"", COIN) for address in who.values()),
        registry.add_server(platform, who["server"], "http://127.0.0.1:1", bytes([9]) * 32),
        registry.add_station(platform, who["station"], "localhost:1", "Radio"),
        *(token.transfer(platform, who[name], 1000 * COIN) for name in ("station", "watcher")),
        token.approve(platform, deployment.settlement, 2**256 - 1),
    )
    await all_of(*(token.approve(keys[name], deployment.settlement, 2**256 - 1) for name in ("station", "watcher")))
    await all_of(
        settlement.bond(platform, who["server"], 10 * deployment.stake),
        settlement.deposit(keys["station"], who["server"], who["station"], 100 * COIN),
    )

    first = schedule.epoch_of((await chain.block()).timestamp)
    book = SumTree([(who["fan"], 700), (bytes([5]) * 20, 300)])
    header = await _post(chain, deployment, keys, first, book, pass_until)
    await pass_until((await settlement.epoch(who["server"], first)).ready)
    safe = bytes([0x77]) * 20
    signature = compact(
        sign(Claim(who["server"], first, who["fan"], safe, 20), deployment.domain, keys["fan"]).signature
    )
    item = ClaimItem(who["server"], first, header, who["fan"], 700, 0, book.depth, *signature)
    await settlement.claim(keys["relayer"], [item], book.proof(0), safe, 20)

    second = schedule.epoch_of((await chain.block()).timestamp)
    lie = SumTree([(bytes([5]) * 20, 1000)])
    promised = sign(Receipt(who["server"], second, who["fan"], 600, bytes([6]) * 32), deployment.domain, keys["server"])
    before = await token.balance_of(who["watcher"])
    header = await _post(chain, deployment, keys, second, lie, pass_until)
    await pass_until(schedule.ends(second) + schedule.grace)
    await settlement.challenge(keys["watcher"], promised)
    open_one = await settlement.open_challenge(who["server"], second, who["fan"], 600)
    assert open_one is not None
    await pass_until(open_one.deadline + 1)
    await settlement.slash(keys["watcher"], who["server"], second, who["fan"], 600)
    _, escrow = await settlement.account(who["server"], who["station"])
    await settlement.refund(keys["watcher"], who["server"], second, header, COUNTS, DATA, [(who["station"], 1000)])
    _, after = await settlement.account(who["server"], who["station"])
    return Outcome(
        claimed=await token.balance_of(safe),
        tip=await token.balance_of(who["relayer"]),
        bond=(await settlement.server_state(who["server"])).bond,
        stake_back=await token.balance_of(who["watcher"]) - before,
        refunded=after - escrow,
    )


async def _post(
    chain: Chain, deployment: Deployment, keys: dict[str, bytes], epoch: int, book: SumTree, pass_until: PassUntil
) -> EpochHeader:
    """Post an epoch whose whole total the station pays."""
    settlement = Settlement(chain, deployment)
    server, station = address_of(keys["server"]), address_of(keys["station"])
    spent, _ = await settlement.account(server, station)
    cap = spent + gross(book.total, BPS)
    voucher = compact(sign(Voucher(server, station, cap, epoch), deployment.domain, keys["station"]).signature)
    await pass_until(deployment.schedule.ends(epoch))
    await settlement.post(
        keys["server"], epoch, book.root, COUNTS, DATA, [Entry(station, book.total, cap, epoch, *voucher)]
    )
    digest = entries_digest([(station, book.total)])
    return EpochHeader(book.root, book.total, rest(digest, COUNTS, DATA))
