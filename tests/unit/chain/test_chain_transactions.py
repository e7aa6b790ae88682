"""Sending of transactions: nonces, fees, reverts, and loss of the connection."""

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
    """Shorten the pause before a reconnection."""
    monkeypatch.setattr(connection, "BACKOFF_S", (0.01, 5.0))


def receipt(status: int = 1) -> dict[str, Any]:
    """A receipt as JSON."""
    return {
        "transactionHash": to_hex(bytes(32)),
        "gasUsed": "0x5208",
        "blockNumber": "0x2",
        "status": hex(status),
        "logs": [],
    }


@pytest.fixture
def ready(node: Node) -> Node:
    """A node that mines transactions at once."""
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
    """All raw transactions that the node received."""
    return [params[0] for method, params in node.calls if method == "eth_sendRawTransaction"]


async def test_many_at_once_are_numbered_without_gaps(anvil: Anvil, network: Deployment) -> None:
    """Parallel transactions of one account would share a nonce, or leave a gap."""
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


async def test_a_revert_is_reported_before_sending(anvil: Anvil, network: Deployment) -> None:
    """A transaction that reverts would be sent, or block the next one."""
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


async def test_fields_of_the_signed_transaction(ready: Node) -> None:
    """Type, nonce, gas limit or fees would be wrong."""
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
    """A transaction would be duplicated when the node disconnects before its response."""
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


async def test_a_connection_lost_after_acceptance(ready: Node) -> None:
    """The refusal of a duplicate would count as a failure."""

    def answer(_: list[Any]) -> Any:
        if len(sent(ready)) == 1:
            return HANG_UP
        raise Refused({"message": "nonce too low"})

    receipts = iter([None, None, receipt()])
    ready.answers |= {"eth_sendRawTransaction": answer, "eth_getTransactionReceipt": lambda _: next(receipts)}
    async with Chain.connect(ready.rpc) as chain:
        assert (await within(chain.send(KEY, TO, b""))).block == 2


async def test_a_connection_lost_while_waiting(ready: Node) -> None:
    """Waiting for the block would end with the connection."""
    receipts = iter([None, HANG_UP, None, receipt()])
    ready.answers["eth_getTransactionReceipt"] = lambda _: next(receipts)
    async with Chain.connect(ready.rpc) as chain:
        assert (await within(chain.send(KEY, TO, b""))).block == 2
    assert len(sent(ready)) == 1


async def test_a_refused_transaction_is_reported(ready: Node) -> None:
    """The node's objection would be lost."""

    def refuse(_: list[Any]) -> Any:
        raise Refused({"message": "nonce too low"})

    ready.answers["eth_sendRawTransaction"] = refuse
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(Unavailable) as caught:
            await within(chain.send(KEY, TO, b""))
    assert caught.value.detail["reason"] == "nonce too low"


async def test_a_transaction_that_is_never_mined_times_out(ready: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending would wait for ever, or not name the transaction."""
    monkeypatch.setattr(sender, "IDLE_S", 0.1)
    ready.answers["eth_getTransactionReceipt"] = None
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(Unavailable) as caught:
            await within(chain.send(KEY, TO, b""))
    assert caught.value.detail["transaction"] == to_hex(keccak256(bytes.fromhex(sent(ready)[0][2:])))


async def test_a_transaction_that_reverts_in_its_block(ready: Node) -> None:
    """A revert after a good estimate would have no reason."""

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
async def test_malformed_responses_are_coded_errors(ready: Node, method: str) -> None:
    """A malformed response would raise another exception than GomaaError."""
    ready.answers[method] = "nonsense"
    async with Chain.connect(ready.rpc) as chain:
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await within(chain.send(KEY, TO, b""))


def test_functions_and_arguments_are_checked_before_sending() -> None:
    """A wrong name or argument would count as an error of the chain."""
    with pytest.raises(KeyError):
        function("GoMAA", "mint")
