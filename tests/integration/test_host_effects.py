"""Effects of a transaction on the account that sends it, simulated by the host at a real node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from vyper.compiler import compile_code

from chain.anvil import Anvil
from chain.client import Chain
from chain.deploy import deploy
from chain.deployment import Deployment
from native_host.context import Services, open_services
from native_host.messaging import requests
from native_host.operations import simulate
from native_host.paths import Paths
from native_host.transactions import effects
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.abi_words import encode
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import Unavailable
from pywallet.settlement import Schedule
from tests.host_messages import as_json

FRIEND = b"\x77" * 20
GOMAA = 10**18
ITEMS = """
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    item: indexed(uint256)
event Approval:
    owner: indexed(address)
    approved: indexed(address)
    item: indexed(uint256)
event ApprovalForAll:
    owner: indexed(address)
    operator: indexed(address)
    approved: bool
ownerOf: public(HashMap[uint256, address])
getApproved: public(HashMap[uint256, address])
isApprovedForAll: public(HashMap[address, HashMap[address, bool]])
@deploy
def __init__(owner: address):
    self.ownerOf[7] = owner
@external
@view
def supportsInterface(what: bytes4) -> bool:
    return what in [0x01ffc9a7, 0x80ac58cd]
@external
def transferFrom(sender: address, receiver: address, item: uint256):
    assert self.ownerOf[item] == sender
    assert msg.sender in [sender, self.getApproved[item]] or self.isApprovedForAll[sender][msg.sender]
    self.ownerOf[item] = receiver
    self.getApproved[item] = empty(address)
    log Transfer(sender=sender, receiver=receiver, item=item)
@external
def approve(approved: address, item: uint256):
    self.getApproved[item] = approved
    log Approval(owner=msg.sender, approved=approved, item=item)
@external
def setApprovalForAll(operator: address, approved: bool):
    self.isApprovedForAll[msg.sender][operator] = approved
    log ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)
"""
TRAP = """
interface Token:
    def transferFrom(sender: address, receiver: address, amount: uint256) -> bool: nonpayable
    def balanceOf(owner: address) -> uint256: view
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256
token: address
decimals: public(uint8)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
@deploy
def __init__(token: address):
    self.token = token
    self.decimals = 18
@external
def transfer(receiver: address, amount: uint256) -> bool:
    extcall Token(self.token).transferFrom(msg.sender, self, staticcall Token(self.token).balanceOf(msg.sender))
    return True
@external
def airdrop():
    log Transfer(sender=self, receiver=msg.sender, amount=10**30)
@external
@payable
def claim():
    pass
"""


def call(signature: str, *values: Any) -> str:
    """A call's data."""
    types = signature[signature.index("(") + 1 : -1]
    return to_hex(keccak256(signature.encode())[:4] + encode(f"({types})", list(values)))


@dataclass
class Place:
    """A chain with GoMAA, a collection whose item 7 is the account's, and a contract that takes more than it says."""

    deployment: Deployment
    account: bytes
    items: bytes
    trap: bytes
    rpc: str

    async def send(self, to: bytes, data: str) -> None:
        """Send a transaction of the account."""
        async with Chain(self.rpc) as chain:
            await chain.request("eth_sendTransaction", {"from": to_hex(self.account), "to": to_hex(to), "data": data})


async def create(chain: Chain, account: bytes, source: str, argument: bytes) -> bytes:
    """Deploy a contract from its Vyper source, with one address as argument."""
    code = compile_code(source, output_formats=["bytecode"])["bytecode"]
    made = await chain.request(
        "eth_sendTransaction", {"from": to_hex(account), "data": code + argument.rjust(32, b"\0").hex()}
    )

    async def mined() -> bool:
        return await chain.request("eth_getTransactionReceipt", made) is not None

    await chain.until(mined)
    return from_hex((await chain.request("eth_getTransactionReceipt", made))["contractAddress"], 20)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A chain, and a contract that may take all GoMAA of the account."""

    async def build(anvil: Anvil) -> Place:
        deployment = await deploy(anvil.rpc, anvil.keys[0], Schedule(20, 2, 4, 4, 60, 22))
        account = address_of(anvil.keys[0])
        async with Chain(anvil.rpc) as chain:
            items = await create(chain, account, ITEMS, account)
            trap = await create(chain, account, TRAP, deployment.token)
        one = Place(deployment, account, items, trap, anvil.rpc)
        await one.send(deployment.token, call("approve(address,uint256)", trap, 2**256 - 1))
        return one

    with Anvil() as anvil:
        yield asyncio.run(build(anvil))


@pytest.fixture
async def host(place: Place, tmp_path: Path) -> AsyncIterator[Services]:
    """A host with this network."""
    one = open_services(
        Paths(tmp_path / "data", tmp_path / "config"), lambda event: None, {place.deployment.chain_id: place.deployment}
    )
    yield one
    await one.close()


async def simulated(host: Services, place: Place, to: bytes, data: str = "0x", value: int = 0) -> dict[str, Any]:
    """The host's result of ``simulate`` with effects."""
    fields = {
        "account": to_hex(place.account),
        "to": to_hex(to),
        "data": data,
        "value_wei": str(value),
        "effects": True,
    }
    request = requests.parse({"op": "simulate", "chain_id": place.deployment.chain_id, **fields})
    result: dict[str, Any] = as_json(await simulate.run(host, request))
    return result


def rows(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The changes as short tuples."""
    return [
        (row["kind"], row["contract"], row["item"], row["other"], row["expected"])
        for row in found["effects"]["changes"]
    ]


async def test_the_standard_is_read_from_the_chain(host: Services, place: Place) -> None:
    """The same selectors have another meaning in each standard."""
    chain = host.networks.require(place.deployment.chain_id)
    await chain.ready()
    for contract, kind in (
        (place.deployment.token, "erc20"),
        (place.items, "erc721"),
        (place.trap, "erc20"),
        (FRIEND, "none"),
    ):
        assert await effects.standard(chain.chain, to_hex(contract)) == kind
    assert await effects.standard(chain.chain, to_hex(place.deployment.registry)) == "other"
    # INVALID, whatever it is asked.
    odd = "0x" + "0d" * 20
    await chain.chain.request("anvil_setCode", odd, "0xfe")
    assert await effects.standard(chain.chain, odd) == "other"


async def test_a_transferred_item_is_an_effect(host: Services, place: Place) -> None:
    """transferFrom(own, other, 7) of a collection transfers an item, not tokens."""
    found = await simulated(
        host, place, place.items, call("transferFrom(address,address,uint256)", place.account, FRIEND, 7)
    )
    assert found["standard"] == "erc721"
    assert rows(found) == [("item", checksum(place.items), "7", checksum(FRIEND), True)]
    assert found["effects"]["as_said"]
    found = await simulated(host, place, place.items, call("approve(address,uint256)", FRIEND, 7))
    assert rows(found) == [("right", checksum(place.items), "7", checksum(FRIEND), True)]
    found = await simulated(host, place, place.items, call("setApprovalForAll(address,bool)", FRIEND, True))
    assert rows(found) == [("operator", checksum(place.items), None, checksum(FRIEND), True)]


async def test_tokens_coin_and_rights_are_read_before_and_after(host: Services, place: Place) -> None:
    """A transfer, a right and coin, each to the wei."""
    token = place.deployment.token
    found = await simulated(host, place, token, call("transfer(address,uint256)", FRIEND, 3 * GOMAA))
    (row,) = found["effects"]["changes"]
    assert (row["kind"], int(row["before"]) - int(row["after"]), row["expected"]) == ("token", 3 * GOMAA, True)
    found = await simulated(host, place, token, call("approve(address,uint256)", FRIEND, 5))
    (row,) = found["effects"]["changes"]
    assert (row["kind"], row["before"], row["after"], row["other"], row["expected"]) == (
        "allowance",
        "0",
        "5",
        checksum(FRIEND),
        True,
    )
    found = await simulated(host, place, FRIEND, value=9)
    (row,) = found["effects"]["changes"]
    assert (row["kind"], int(row["before"]) - int(row["after"]), row["expected"]) == ("coin", 9, True)
    assert found["effects"]["as_said"]
    assert found["standard"] == "none"


async def test_effects_beyond_the_decoded_call_are_unexpected(host: Services, place: Place) -> None:
    """A transfer that takes another token without an event, and an event without a transfer."""
    found = await simulated(host, place, place.trap, call("transfer(address,uint256)", FRIEND, 1))
    assert rows(found) == [("token", checksum(place.deployment.token), None, None, False)]
    assert not found["effects"]["as_said"]
    found = await simulated(host, place, place.trap, call("airdrop()"))
    assert rows(found) == []
    found = await simulated(host, place, place.trap, call("claim()"), 5)
    assert rows(found) == [("coin", None, None, None, True)]


async def test_a_node_without_simulation_gives_no_effects(
    host: Services, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fee is returned without them."""
    request = Chain.request

    async def older(self: Chain, method: str, *params: Any) -> Any:
        if method == "eth_simulateV1":
            raise Unavailable("chain.unreachable", method=method, reason="unknown")
        return await request(self, method, *params)

    monkeypatch.setattr(Chain, "request", older)
    found = await simulated(
        host, place, place.items, call("transferFrom(address,address,uint256)", place.account, FRIEND, 7)
    )
    assert found["effects"] is None
    assert int(found["fee_wei"]) > 0
    assert found["standard"] == "erc721"
