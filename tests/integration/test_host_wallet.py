"""Sending tokens: signed by the core, simulated and sent by the host, confirmed by a real chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.anvil import Anvil
from chain.deploy import deploy
from chain.deployment import Deployment
from demo.waiting import TIMEOUT_S
from native_host.context import Services, open_services
from native_host.messaging import requests
from native_host.operations import (
    read,
    send,
    simulate,
    summary,
    transaction,
    transfers,
)
from native_host.paths import Paths
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from pywallet.worker_api import call, wallet
from tests.host_messages import as_json

# The node's own well-known test words: account 0 is rich, in tokens and in the network's coin.
WORDS = "test test test test test test test test test test test junk"
FRIEND = "0x" + "77" * 20
GOMAA = 10**18


@pytest.fixture(scope="module")
def network() -> Iterator[Deployment]:
    """Contracts on a chain that mines at once; account 0 has the whole supply."""
    with Anvil() as anvil:
        yield asyncio.run(deploy(anvil.rpc, anvil.keys[0], Schedule(20, 2, 4, 4, 60, 22)))


@pytest.fixture
async def host(network: Deployment, tmp_path: Path) -> AsyncIterator[Services]:
    """A host with this network, and an open wallet."""
    await wallet._unlock(WORDS)
    one = open_services(Paths(tmp_path / "data", tmp_path / "config"), lambda event: None, {network.chain_id: network})
    yield one
    await one.close()
    wallet._open = None


async def account(index: int = 0) -> str:
    """An account's address."""
    return str((await call("account", {"index": index}))["account"])


async def ask(host: Services, action: Any, op: str, **fields: Any) -> dict[str, Any]:
    """Run one operation with a parsed request."""
    chain_id = next(iter(host.networks))
    result: dict[str, Any] = as_json(await action.run(host, requests.parse({"op": op, "chain_id": chain_id, **fields})))
    return result


async def quoted(host: Services, to: str, amount: int, index: int = 0) -> dict[str, Any]:
    """A simulated transfer."""
    token = to_hex(next(iter(host.networks.values())).deployment.token)
    data = (await call("transfer", {"to": to, "amount_wei": str(amount)}))["data"]
    quote = await ask(host, simulate, "simulate", account=await account(index), to=token, data=data)
    return {**quote, "to": token, "data": data}


async def signed(host: Services, quote: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """The transaction of a quote."""
    fields = {name: quote[name] for name in ("nonce", "gas", "tip_wei", "max_fee_wei", "to", "data")}
    return await call("transaction.sign", {"chain_id": next(iter(host.networks)), "index": index, **fields})


async def decided(host: Services, name: str) -> dict[str, Any]:
    """State of a transaction once it is in a block."""
    async with asyncio.timeout(TIMEOUT_S):
        while (state := await ask(host, transaction, "transaction", transaction=name))["state"] in (
            "unknown",
            "pending",
        ):
            await asyncio.sleep(0.02)
    return state


async def test_a_transfer_from_quote_to_confirmation(host: Services) -> None:
    """Simulated, signed in the core, sent and confirmed, to the wei; both accounts' transfers have it."""
    quote = await quoted(host, FRIEND, 3 * GOMAA + 1)
    made = await signed(host, quote)
    assert (await ask(host, transaction, "transaction", transaction=made["transaction"]))["state"] == "unknown"

    sent = await ask(host, send, "send", raw=made["raw"])

    assert sent == {"transaction": made["transaction"]}
    state = await decided(host, made["transaction"])
    assert state["state"] == "confirmed"
    assert 0 < int(state["fee_wei"]) <= int(quote["fee_wei"]) <= int(quote["most_wei"])
    assert (await ask(host, summary, "summary", account=FRIEND))["balance_wei"] == str(3 * GOMAA + 1)
    (movement,) = (await ask(host, transfers, "transfers", account=FRIEND))["transfers"]
    assert movement["amount_wei"] == str(3 * GOMAA + 1)
    assert (movement["from"], movement["to"], movement["transaction"]) == (await account(), FRIEND, made["transaction"])
    assert movement["time_s"] == state["time_s"]
    ours = (await ask(host, transfers, "transfers", account=await account()))["transfers"]
    assert movement in ours


async def test_sending_the_same_bytes_again_is_no_error(host: Services) -> None:
    """A transaction that the node has already moves nothing more."""
    made = await signed(host, await quoted(host, "0x" + "78" * 20, 5))
    for _ in range(3):
        assert (await ask(host, send, "send", raw=made["raw"]))["transaction"] == made["transaction"]
        await decided(host, made["transaction"])
    assert (await ask(host, summary, "summary", account="0x" + "78" * 20))["balance_wei"] == "5"


async def test_a_transfer_above_the_balance_fails_in_the_simulation(host: Services) -> None:
    """Account 2 has coin and no tokens: ``chain.reverted`` before anything is signed."""
    with pytest.raises(GomaaError) as caught:
        await quoted(host, FRIEND, 1, index=2)
    assert caught.value.code == "chain.reverted"


async def test_a_used_nonce_is_refused(host: Services) -> None:
    """Another transaction with a used nonce is ``chain.reverted``."""
    quote = await quoted(host, FRIEND, 1)
    await decided(host, (await ask(host, send, "send", raw=(await signed(host, quote))["raw"]))["transaction"])
    other = await signed(host, {**quote, "data": quote["data"][:-1] + "2"})
    with pytest.raises(GomaaError) as caught:
        await ask(host, send, "send", raw=other["raw"])
    assert caught.value.code == "chain.reverted"
    assert (await ask(host, transaction, "transaction", transaction=other["transaction"]))["state"] == "unknown"


async def test_a_replaced_transaction_is_found(host: Services, network: Deployment) -> None:
    """With the hash of the other one, once its block is deep enough; other blocks do not mislead."""
    quote = await quoted(host, FRIEND, 1)
    one = next(iter(host.networks.values()))
    chain = one.chain
    one.deployment = replace(network, confirmations=3)
    made = await signed(host, quote)
    other = await signed(host, {**quote, "data": quote["data"][:-1] + "2"})
    where = {"account": await account(), "nonce": quote["nonce"]}
    lost = await ask(host, transaction, "transaction", transaction=made["transaction"], **where)
    assert (lost["state"], lost["by"]) == ("unknown", None)
    await ask(host, send, "send", raw=other["raw"])
    states = []
    for _ in range(9):
        states.append(await ask(host, transaction, "transaction", transaction=made["transaction"], **where))
        await chain.request("evm_mine")
    assert [one["state"] for one in states] == ["unknown"] * 2 + ["replaced"] * 7
    assert {one["by"] for one in states[2:]} == {other["transaction"]}
    assert (await ask(host, transaction, "transaction", transaction=other["transaction"], **where))[
        "state"
    ] == "confirmed"


async def test_a_node_without_history_does_not_end_a_transaction(
    host: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count ahead of the receipts is not sufficient: the transaction is unknown, not replaced."""
    quote = await quoted(host, FRIEND, 1)
    made = await signed(host, quote)
    await decided(host, (await ask(host, send, "send", raw=made["raw"]))["transaction"])
    chain = next(iter(host.networks.values())).chain
    honest = chain.request

    async def behind(method: str, *params: Any) -> Any:
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return None
        if method == "eth_getTransactionCount" and params[1] != hex((await chain.block()).number):
            raise GomaaError("chain.unreachable", method=method, reason="missing trie node")
        return await honest(method, *params)

    monkeypatch.setattr(chain, "request", behind)
    told = await ask(
        host, transaction, "transaction", transaction=made["transaction"], account=await account(), nonce=quote["nonce"]
    )
    assert (told["state"], told["by"]) == ("unknown", None)


async def test_a_transaction_that_fails_in_its_block_is_failed(host: Services) -> None:
    """The tokens are gone by the time of the block: failed, with the fee that was paid."""
    quote = await quoted(host, FRIEND, 1)
    amount = (2**256 - 1).to_bytes(32, "big").hex()
    made = await signed(host, {**quote, "data": quote["data"][:-64] + amount})
    await ask(host, send, "send", raw=made["raw"])
    state = await decided(host, made["transaction"])
    assert state["state"] == "failed"
    assert int(state["fee_wei"]) > 0


async def test_a_transaction_is_pending_until_its_block_is_deep(host: Services, network: Deployment) -> None:
    """With three confirmations, the first block leaves it pending."""
    made = await signed(host, await quoted(host, FRIEND, 1))
    await ask(host, send, "send", raw=made["raw"])
    await decided(host, made["transaction"])
    one = next(iter(host.networks.values()))
    one.deployment = replace(network, confirmations=3)
    states = []
    for _ in range(3):
        states.append((await ask(host, transaction, "transaction", transaction=made["transaction"]))["state"])
        await one.chain.request("evm_mine")
    assert states == ["pending", "pending", "confirmed"]


async def test_an_unknown_network_is_refused(host: Services) -> None:
    """With ``host.network.missing``."""
    with pytest.raises(GomaaError) as caught:
        await transfers.run(host, requests.parse({"op": "transfers", "chain_id": 5, "account": FRIEND}))
    assert caught.value.code == "host.network.missing"


async def test_read_permits_only_reading_methods(host: Services) -> None:
    """Results of the node are passed on; other methods are refused by the host."""
    balance = await ask(host, read, "read", method="eth_getBalance", params=[await account(), "latest"])
    assert int(balance["value"], 16) > GOMAA
    token = to_hex(next(iter(host.networks.values())).deployment.token)
    name = await ask(host, read, "read", method="eth_call", params=[{"to": token, "data": "0x06fdde03"}, "latest"])
    assert b"GoMAA" in bytes.fromhex(name["value"][2:])
    for method in (
        "eth_sign",
        "eth_sendTransaction",
        "eth_sendRawTransaction",
        "anvil_setBalance",
        "eth_accounts",
        "debug_traceCall",
        "__init__",
    ):
        with pytest.raises(GomaaError) as caught:
            await ask(host, read, "read", method=method, params=[])
        assert caught.value.code == "wallet.unsupported"
    with pytest.raises(GomaaError) as caught:
        await ask(host, read, "read", method="eth_blockNumber", params=[1])
    assert caught.value.code == "message.schema"


async def test_read_passes_on_errors_of_parameters(host: Services) -> None:
    """An unreachable node has another code."""
    for method, params in (
        ("eth_getBalance", ["x"]),
        ("eth_getBalance", [FRIEND, "0xffffff"]),
        ("eth_call", [{"to": "0x12"}, "latest"]),
    ):
        with pytest.raises(GomaaError) as caught:
            await ask(host, read, "read", method=method, params=params)
        assert (caught.value.code, caught.value.detail["field"]) == ("message.schema", "params")
