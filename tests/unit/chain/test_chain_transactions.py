"""Transactions: numbered, priced, refused with a reason, and made once whatever happens to the connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chain import connection, sender
from chain.abi import function
from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.token import Token
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from tests.unit.chain.scripted_node import HANG_UP, Node, Refused, within

KEY = bytes(31) + b"\x07"
TO = bytes(19) + b"\x09"
BASE = 10**9


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back at once."""
    monkeypatch.setattr(connection, "BACKOFF_S", (0.01, 5.0))


def receipt(status: int = 1) -> dict[str, Any]:
    """A receipt as a node tells it."""
    return {
        "transactionHash": to_hex(bytes(32)),
        "gasUsed": "0x5208",
        "blockNumber": "0x2",
        "status": hex(status),
        "logs": [],
    }


@pytest.fixture
def ready(node: Node) -> Node:
    """A node that takes transactions and mines them at once."""
    node.answers = {
        "eth_estimateGas": hex(50_000),
        "eth_maxPriorityFeePerGas": "0x1",
        "eth_getBlockByNumber": {"baseFeePerGas": hex(BASE)},
        "eth_chainId": "0x7a69",
        "eth_getTransactionCount": "0x3",
        "eth_sendRawTransaction": to_hex(bytes(32)),
        "eth_getTransactionReceipt": receipt(),
    }
    return node


def sent(node: Node) -> list[str]:
    """Everything that was handed to the node."""
    return [params[0] for method, params in node.calls if method == "eth_sendRawTransaction"]


async def test_many_at_once_are_numbered_without_gaps(anvil: Anvil, network: Deployment) -> None:
    """Twenty transfers of one account at the same time all arrive, each with its own number."""
    key, to = anvil.keys[0], keccak256(b"many")[12:]
    async with Chain.connect(network.rpc) as chain:
        token = Token(chain, network)
        first = int(await chain.request("eth_getTransactionCount", to_hex(address_of(key)), "latest"), 16)
        receipts = await asyncio.gather(*(token.transfer(key, to, 1) for _ in range(20)))
        numbers = [
            int((await chain.request("eth_getTransactionByHash", to_hex(r.hash)))["nonce"], 16) for r in receipts
        ]
        assert sorted(numbers) == list(range(first, first + 20))
        assert await token.balance_of(to) == 20


async def test_a_revert_is_known_before_it_costs_anything(anvil: Anvil, network: Deployment) -> None:
    """The contract's reason comes from the estimate: nothing was sent, and the next transaction is not held up."""
    poor = bytes(31) + b"\x0d"
    async with Chain.connect(network.rpc) as chain:
        token = Token(chain, network)
        with pytest.raises(GomaaError) as caught:
            await token.transfer(poor, TO, 1)
        assert caught.value.code == "chain.reverted"
        assert "exceeds balance" in caught.value.detail["reason"]
        assert await chain.request("eth_getTransactionCount", to_hex(address_of(poor)), "pending") == "0x0"
        with pytest.raises(GomaaError):
            await token.transfer(anvil.keys[0], bytes(20), 1)
        assert (await token.transfer(anvil.keys[0], TO, 0)).gas_used > 21_000


async def test_what_is_signed(ready: Node) -> None:
    """An EIP-1559 transaction: our number, a fifth more gas than estimated, room for the base fee to double."""
    from eth_account import Account
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    async with Chain.connect(ready.rpc) as chain:
        found = await chain.send(KEY, TO, b"\x01\x02", 5)
    (raw,) = sent(ready)
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    assert bytes.fromhex(Account.recover_transaction(raw)[2:]) == address_of(KEY)
    wanted = {
        "chainId": 31337,
        "nonce": 3,
        "gas": 75_000,
        "maxPriorityFeePerGas": 1,
        "maxFeePerGas": 2 * BASE + 1,
        "value": 5,
    }
    assert {name: fields[name] for name in wanted} == wanted
    assert (found.gas_used, found.block) == (21_000, 2)


async def test_a_connection_lost_while_sending(ready: Node) -> None:
    """If the node hangs up before it answers, the same bytes go out again: one transaction, not two."""
    answers = iter([HANG_UP, to_hex(bytes(32))])
    receipts = iter([None, receipt()])
    ready.answers |= {
        "eth_sendRawTransaction": lambda _: next(answers),
        "eth_getTransactionReceipt": lambda _: next(receipts),
    }
    async with Chain.connect(ready.rpc) as chain:
        await within(chain.send(KEY, TO, b""))
    first, second = sent(ready)
    assert first == second


async def test_a_connection_lost_after_the_node_took_it(ready: Node) -> None:
    """If the first attempt did arrive, the node's refusal of the second is no failure."""

    def answer(_: list[Any]) -> Any:
        if len(sent(ready)) == 1:
            return HANG_UP
        raise Refused({"message": "nonce too low"})

    receipts = iter([None, None, receipt()])
    ready.answers |= {"eth_sendRawTransaction": answer, "eth_getTransactionReceipt": lambda _: next(receipts)}
    async with Chain.connect(ready.rpc) as chain:
        assert (await within(chain.send(KEY, TO, b""))).block == 2


async def test_a_connection_lost_while_waiting(ready: Node) -> None:
    """Waiting for the block outlives the connection."""
    receipts = iter([None, HANG_UP, None, receipt()])
    ready.answers["eth_getTransactionReceipt"] = lambda _: next(receipts)
    async with Chain.connect(ready.rpc) as chain:
        assert (await within(chain.send(KEY, TO, b""))).block == 2
    assert len(sent(ready)) == 1


async def test_what_the_node_will_not_take(ready: Node) -> None:
    """A refusal at the first attempt is told, with the node's words."""

    def refuse(_: list[Any]) -> Any:
        raise Refused({"message": "nonce too low"})

    ready.answers["eth_sendRawTransaction"] = refuse
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(Unavailable) as caught:
            await within(chain.send(KEY, TO, b""))
    assert caught.value.detail["reason"] == "nonce too low"


async def test_never_mined(ready: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience it says so and names the transaction."""
    monkeypatch.setattr(sender, "IDLE_S", 0.1)
    ready.answers["eth_getTransactionReceipt"] = None
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(Unavailable) as caught:
            await within(chain.send(KEY, TO, b""))
    assert caught.value.detail["transaction"] == to_hex(keccak256(bytes.fromhex(sent(ready)[0][2:])))


async def test_reverted_in_its_block(ready: Node) -> None:
    """A transaction that failed although its estimate did not is chain.reverted, with the reason of the same call in
    that block.
    """

    def explain(_: list[Any]) -> Any:
        raise Refused({"message": "execution reverted: cap"})

    ready.answers |= {"eth_getTransactionReceipt": receipt(0), "eth_call": explain}
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(GomaaError) as caught:
            await within(chain.send(KEY, TO, b"\x01"))
    assert (caught.value.code, caught.value.detail["reason"]) == ("chain.reverted", "cap")
    assert (
        "eth_call",
        [{"from": to_hex(address_of(KEY)), "data": "0x01", "value": "0x0", "to": to_hex(TO)}, "0x2"],
    ) in ready.calls


@pytest.mark.parametrize(
    "method",
    [
        "eth_estimateGas",
        "eth_maxPriorityFeePerGas",
        "eth_getBlockByNumber",
        "eth_chainId",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
    ],
)
async def test_a_node_that_makes_no_sense(ready: Node, method: str) -> None:
    """Nothing but a GomaaError comes out of sending, whatever the node says."""
    ready.answers[method] = "nonsense"
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await within(chain.send(KEY, TO, b""))


def test_functions_and_arguments_are_checked_before_sending() -> None:
    """A name that the contract lacks is our mistake, not the chain's."""
    with pytest.raises(KeyError):
        function("GoMAA", "mint")
