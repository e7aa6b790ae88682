"""Transactions on a realistic network: reorganisations, rising fees, nodes without subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chain import sender
from chain.anvil import Anvil
from chain.client import Chain
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable

SOMEONE = bytes.fromhex("00000000000000000000000000000000005eed01")


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    """A chain that mines a block for every transaction unless a test sets otherwise."""
    with Anvil() as running:
        yield running


@pytest.fixture
async def chain(anvil: Anvil) -> AsyncIterator[Chain]:
    """A connection to the chain."""
    async with Chain.connect(anvil.rpc, 31337) as connected:
        yield connected


async def balance(chain: Chain, address: bytes) -> int:
    """Balance, wei."""
    return int(await chain.request("eth_getBalance", to_hex(address), "latest"), 16)


async def until(condition: object) -> None:
    """Poll until the condition holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not await condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def test_a_transaction_of_a_replaced_block_is_sent_again_once(anvil: Anvil) -> None:
    """The block with the transfer is removed: the transfer is mined in another block, once."""
    async with Chain.connect(anvil.rpc, 31337, confirmations=3) as deep:
        before, start = await balance(deep, SOMEONE), (await deep.block()).number
        sending = asyncio.create_task(deep.send(anvil.keys[1], SOMEONE, b"", 5))

        async def mined() -> bool:
            return (await deep.block()).number > start

        await until(mined)
        assert not sending.done()
        await deep.request("anvil_rollback", 1)
        assert await balance(deep, SOMEONE) == before
        await until(mined)
        for _ in range(3):
            await deep.request("evm_mine")
        receipt = await asyncio.wait_for(sending, TIMEOUT_S)
        assert receipt.block > start
        assert await balance(deep, SOMEONE) == before + 5
        assert int(await deep.request("eth_getTransactionCount", to_hex(address_of(anvil.keys[1])), "latest"), 16) == 1


async def test_a_pending_transaction_raises_its_fee(
    anvil: Anvil, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base fee rises above the offer: the same nonce is offered at higher fees until a block includes it."""
    monkeypatch.setattr(sender, "FEE_BUMP_S", 0.1)
    await chain.request("evm_setAutomine", False)
    try:
        before = await balance(chain, SOMEONE)
        base = int((await chain.request("eth_getBlockByNumber", "latest", False))["baseFeePerGas"], 16)
        sending = asyncio.create_task(chain.send(anvil.keys[2], SOMEONE, b"", 7))

        async def block() -> bool:
            await chain.request("anvil_setNextBlockBaseFeePerGas", hex(20 * base))
            await chain.request("evm_mine")
            return sending.done()

        await until(block)
        receipt = await sending
        mined = await chain.request("eth_getTransactionByHash", to_hex(receipt.hash))
        assert int(mined["maxFeePerGas"], 16) >= 20 * base
        assert await balance(chain, SOMEONE) == before + 7
    finally:
        await chain.request("evm_setAutomine", True)


async def test_a_refused_first_fee_is_raised_at_once(
    anvil: Anvil, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node refuses the first offer as below the base fee: a higher one follows under the same nonce."""
    ask, before = chain.request, await balance(chain, SOMEONE)
    refused = []

    async def rising(method: str, *params: Any) -> Any:
        if method == "eth_sendRawTransaction" and not refused:
            block = await ask("eth_getBlockByNumber", "latest", False)
            await ask("anvil_setNextBlockBaseFeePerGas", hex(20 * int(block["baseFeePerGas"], 16)))
            await ask("evm_mine")
            try:
                return await ask(method, *params)
            except Unavailable as e:
                refused.append(e.detail["reason"])
                raise
        return await ask(method, *params)

    monkeypatch.setattr(chain, "request", rising)
    receipt = await chain.send(anvil.keys[2], SOMEONE, b"", 9)

    assert ["base fee" in reason for reason in refused] == [True]
    assert await balance(chain, SOMEONE) == before + 9
    sent = await ask("eth_getTransactionByHash", to_hex(receipt.hash))
    assert int(await ask("eth_getTransactionCount", sent["from"], "latest"), 16) == int(sent["nonce"], 16) + 1


async def test_a_fee_above_the_limit_sends_nothing(anvil: Anvil) -> None:
    """The operator's limit holds, with a code, before anything is sent."""
    async with Chain.connect(anvil.rpc, 31337, max_fee=1) as careful:
        before = await careful.request("eth_getTransactionCount", to_hex(address_of(anvil.keys[3])), "pending")
        with pytest.raises(GomaaError) as caught:
            await careful.send(anvil.keys[3], SOMEONE, b"", 1)
        assert caught.value.code == "chain.fee.high"
        assert await careful.request("eth_getTransactionCount", to_hex(address_of(anvil.keys[3])), "pending") == before


async def test_a_node_without_subscriptions_is_polled(anvil: Anvil, chain: Chain) -> None:
    """Over HTTP there are no subscriptions: blocks are noticed nevertheless, and transactions are sent."""
    async with Chain.connect(anvil.rpc.replace("ws://", "http://"), 31337) as plain:
        heads = plain.heads()
        first = asyncio.create_task(anext(heads))  # type: ignore[arg-type]
        before = await balance(plain, SOMEONE)

        async def noticed() -> bool:
            await chain.request("evm_mine")
            return first.done()

        await until(noticed)
        assert (await first).number <= (await chain.block()).number
        await plain.send(anvil.keys[4], SOMEONE, b"", 9)
        assert await balance(chain, SOMEONE) == before + 9


async def test_a_web_server_that_is_no_node_is_unreachable(anvil: Anvil) -> None:
    """No listener there, or another service: chain.unreachable, at once."""
    with pytest.raises(GomaaError) as caught:
        async with Chain.connect("http://127.0.0.1:9", 31337):
            raise AssertionError("connected to nothing")
    assert caught.value.code == "chain.unreachable"


async def test_twelve_confirmations_of_twelve_seconds(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented example: 144 seconds of waiting with new blocks are no timeout."""
    time_s = 0.0
    monkeypatch.setattr("common.idle_timeout.now_s", lambda: time_s)
    monkeypatch.setattr(sender, "POLL_S", (0.005, 0.005))
    async with Chain.connect(anvil.rpc, 31337, confirmations=12) as deep:
        before, start = await balance(deep, SOMEONE), (await deep.block()).number
        await deep.request("evm_setAutomine", False)
        try:
            sending = asyncio.create_task(deep.send(anvil.keys[5], SOMEONE, b"", 5))
            while not sending.done():
                if int((await deep.request("txpool_status"))["pending"], 16) or (await deep.block()).number > start:
                    time_s += 12
                    await deep.request("evm_mine")
                await asyncio.sleep(0.01)
            receipt = await sending
        finally:
            await deep.request("evm_setAutomine", True)
        assert (await deep.block()).number - receipt.block + 1 >= 12
        assert time_s >= 144
        assert await balance(deep, SOMEONE) == before + 5


async def test_a_stopped_chain_ends_the_wait(anvil: Anvil, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a block, and no other block for two minutes: chain.unreachable, naming the transaction."""
    time_s = 0.0
    monkeypatch.setattr("common.idle_timeout.now_s", lambda: time_s)
    async with Chain.connect(anvil.rpc, 31337, confirmations=12) as deep:
        sending = asyncio.create_task(deep.send(anvil.keys[5], SOMEONE, b"", 5))
        for _ in range(3):
            await deep.request("evm_mine")
        while not sending.done():
            await asyncio.sleep(0.01)
            time_s += 1
        with pytest.raises(Unavailable) as caught:
            await sending
        assert caught.value.detail["transaction"].startswith("0x")
        assert time_s >= sender.IDLE_S
