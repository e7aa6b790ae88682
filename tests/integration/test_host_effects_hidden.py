"""Effects that a contract hides: without events, under other events, or only where it is not simulated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.anvil import Anvil
from chain.client import Chain
from chain.deploy import deploy
from native_host.context import Services, open_services
from native_host.paths import Paths
from native_host.transactions import effects
from pywallet.crypto import address_of
from pywallet.encoding.hex import checksum, to_hex
from pywallet.settlement import Schedule
from tests.integration.test_host_effects import FRIEND, Place, call, create, rows, simulated

TRICKS = """

interface Token:
    def transferFrom(sender: address, receiver: address, amount: uint256) -> bool: nonpayable
    def balanceOf(owner: address) -> uint256: view
interface Quiet:
    def seize(owner: address): nonpayable
struct Allowed:
    amount: uint160
    expiration: uint48
    nonce: uint48
token: address
quiet: address
decimals: public(uint8)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
ownerOf: public(HashMap[uint256, address])
isOperatorFor: public(HashMap[address, HashMap[address, bool]])
allowances: HashMap[address, HashMap[address, HashMap[address, Allowed]]]
both: bool
waste: HashMap[uint256, uint256]
@deploy
def __init__(token: address):
    self.token = token
    self.decimals = 18
@external
def set_up(quiet: address, owner: address, both: bool):
    self.quiet = quiet
    self.both = both
    self.balanceOf[owner] = 50
    self.ownerOf[7] = owner
@external
@view
def supportsInterface(what: bytes4) -> bool:
    return self.both and what == 0x80ac58cd
@external
@view
def allowance(owner: address, token: address, spender: address) -> Allowed:
    return self.allowances[owner][token][spender]
@external
def seize(owner: address):
    self.balanceOf[owner] = 0
@external
def play():
    extcall Quiet(self.quiet).seize(msg.sender)
@external
@payable
def transfer(receiver: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    if block.basefee != 0 and tx.gasprice > block.basefee and not convert(49374, address).is_contract:
        extcall Token(self.token).transferFrom(msg.sender, self, staticcall Token(self.token).balanceOf(msg.sender))
    else:
        # As costly as the theft, so that the estimate is enough for it.
        for i: uint256 in range(5):
            self.waste[i] = max_value(uint256)
    return True
@external
def broken_event():
    raw_log([keccak256("TransferSingle(address,address,address,uint256,uint256)"), convert(msg.sender, bytes32)], b"")
    raw_log([keccak256("TransferBatch(address,address,address,uint256[],uint256[])"), convert(msg.sender, bytes32)], b"\\xff")
    self.balanceOf[msg.sender] = 0
@external
def unindexed():
    self.balanceOf[msg.sender] = 1
    self.ownerOf[7] = self
    raw_log([keccak256("Transfer(address,address,uint256)")], abi_encode(msg.sender, self, convert(7, uint256)))
@external
def withdraw():
    self.balanceOf[msg.sender] = 3
    raw_log([keccak256("Withdrawal(address,uint256)"), convert(msg.sender, bytes32)], abi_encode(convert(47, uint256)))
@external
def authorizeOperator(operator: address):
    self.isOperatorFor[operator][msg.sender] = True
    raw_log([keccak256("AuthorizedOperator(address,address)"), convert(operator, bytes32), convert(msg.sender, bytes32)], b"")
@external
def permit(token: address, spender: address, amount: uint160, expiration: uint48):
    self.allowances[msg.sender][token][spender] = Allowed(amount=amount, expiration=expiration, nonce=0)
    raw_log(
        [
            keccak256("Permit(address,address,address,uint160,uint48,uint48)"),
            convert(msg.sender, bytes32), convert(token, bytes32), convert(spender, bytes32),
        ],
        abi_encode(amount, expiration, convert(0, uint48)),
    )
@external
def something_else():
    raw_log([keccak256("BorrowAllowanceDelegated(address,address,address,uint256)"), convert(msg.sender, bytes32)], b"")
"""  # noqa: E501


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A chain with two hostile contracts.

    ``trap`` may take all GoMAA of the account, and calls ``items``.
    """

    async def build(anvil: Anvil) -> Place:
        deployment = await deploy(anvil.rpc, anvil.keys[0], Schedule(20, 2, 4, 4, 60, 22))
        account = address_of(anvil.keys[0])
        async with Chain(anvil.rpc) as chain:
            quiet, trap = [await create(chain, account, TRICKS, deployment.token) for _ in range(2)]
        one = Place(deployment, account, quiet, trap, anvil.rpc)
        await one.send(deployment.token, call("approve(address,uint256)", trap, 2**256 - 1))
        await one.send(trap, call("set_up(address,address,bool)", quiet, account, False))
        await one.send(quiet, call("set_up(address,address,bool)", trap, account, True))
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


async def test_a_transfer_without_an_event_is_found(host: Services, place: Place) -> None:
    """Of a token that is neither called nor GoMAA: all contracts that the call reaches are read."""
    found = await simulated(host, place, place.trap, call("play()"))
    assert rows(found) == [("token", checksum(place.items), None, None, False)]


async def test_a_contract_cannot_detect_the_simulation(host: Services, place: Place) -> None:
    """It takes all GoMAA unless base fee or gas price is 0, or a known address has code."""
    found = await simulated(host, place, place.trap, call("transfer(address,uint256)", FRIEND, 1))
    assert {(row[1], row[4]) for row in rows(found)} == {
        (checksum(place.trap), True),
        (checksum(place.deployment.token), False),
    }
    assert not found["effects"]["as_said"]


async def test_coin_beside_a_token_transfer_is_unexpected(host: Services, place: Place) -> None:
    """The fee is not counted as a loss."""
    found = await simulated(host, place, place.trap, call("transfer(address,uint256)", FRIEND, 1), 9)
    (coin,) = [row for row in found["effects"]["changes"] if row["kind"] == "coin"]
    assert (int(coin["before"]) - int(coin["after"]), coin["expected"]) == (9, False)


async def test_a_malformed_event_hides_nothing(host: Services, place: Place) -> None:
    """It is reported as more than is read, and the changes are returned."""
    found = await simulated(host, place, place.trap, call("broken_event()"))
    assert rows(found) == [("token", checksum(place.trap), None, None, False)]
    assert found["effects"]["more"]


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (call("unindexed()"), ["item", "token"]),
        (call("withdraw()"), ["token"]),
        (call("authorizeOperator(address)", FRIEND), ["operator"]),
    ],
)
async def test_events_of_other_standards_select_reads(
    host: Services, place: Place, data: str, kinds: list[str]
) -> None:
    """Parameters that are not indexed, wrapped coin, and operators of ERC-777."""
    found = await simulated(host, place, place.trap, data)
    assert [(row[0], row[4]) for row in rows(found)] == [(kind, False) for kind in kinds]
    assert not found["effects"]["more"]


async def test_a_permit2_allowance_with_a_later_end_is_new(host: Services, place: Place) -> None:
    """An allowance given by ``permit``, one with a later end, and one that is over."""
    token = place.deployment.token
    signature = "permit(address,address,uint160,uint48)"
    found = await simulated(host, place, place.trap, call(signature, token, FRIEND, 2**160 - 1, 2**48 - 2))
    assert rows(found) == [("allowance", checksum(token), None, checksum(FRIEND), False)]
    assert rows(await simulated(host, place, place.trap, call(signature, token, FRIEND, 5, 1))) == []
    await place.send(place.trap, call(signature, token, FRIEND, 5, 1))
    for _ in range(2):
        found = await simulated(host, place, place.trap, call(signature, token, FRIEND, 5, 2**48 - 1))
        (row,) = found["effects"]["changes"]
        assert (row["before"], row["after"], row["expected"]) == ("0", "5", False)
        await place.send(place.trap, call(signature, token, FRIEND, 5, 2**48 - 2))


async def test_an_unknown_event_is_reported_as_more(host: Services, place: Place) -> None:
    """It names the account, and no read can interpret it."""
    found = await simulated(host, place, place.trap, call("something_else()"))
    assert (rows(found), found["effects"]["more"]) == ([], True)


async def test_no_effects_with_a_pending_transaction(host: Services, place: Place) -> None:
    """An earlier pending transaction may change the effects of this one."""
    async with Chain(place.rpc) as chain:
        await chain.request("evm_setAutomine", False)
        await place.send(place.trap, call("something_else()"))
        found = await simulated(host, place, place.trap, call("withdraw()"))
        await chain.request("evm_mine")
        await chain.request("evm_setAutomine", True)
    assert found["effects"] is None
    assert (await simulated(host, place, place.trap, call("withdraw()")))["effects"] is not None


async def test_a_contract_of_two_standards_is_other(host: Services, place: Place) -> None:
    """approve(address,uint256) would be ambiguous."""
    chain = host.networks.require(place.deployment.chain_id)
    await chain.ready()
    assert await effects.standard(chain.chain, to_hex(place.trap)) == "erc20"
    assert await effects.standard(chain.chain, to_hex(place.items)) == "other"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        [{}],
        [{"calls": [{"status": 1}]}],
        [{"calls": "x"}],
        {"calls": []},
        [{"calls": [{"status": "0x1", "logs": [{"topics": 1}]}]}],
    ],
)
async def test_a_malformed_simulation_gives_no_effects(
    host: Services, place: Place, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """The fee is returned without them."""
    request = Chain.request

    async def odd(self: Chain, method: str, *params: Any) -> Any:
        return answer if method == "eth_simulateV1" else await request(self, method, *params)

    monkeypatch.setattr(Chain, "request", odd)
    found = await simulated(host, place, place.trap, call("play()"))
    assert found["effects"] is None
    assert int(found["fee_wei"]) > 0


async def test_reads_missing_from_the_first_run_are_more(
    host: Services, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract that behaves differently in each block."""
    request = Chain.request
    runs: list[Any] = []

    async def first_is_quiet(self: Chain, method: str, *params: Any) -> Any:
        if method == "eth_createAccessList":
            return {"accessList": []}
        found = await request(self, method, *params)
        if method == "eth_simulateV1":
            runs.append(found)
            if len(runs) == 1:
                found[0]["calls"][0]["logs"] = []
        return found

    monkeypatch.setattr(Chain, "request", first_is_quiet)
    found = await simulated(host, place, place.trap, call("authorizeOperator(address)", FRIEND))
    assert (rows(found), found["effects"]["more"]) == ([], True)


async def test_a_node_without_access_lists_still_simulates(
    host: Services, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events alone select the reads."""
    request = Chain.request

    async def older(self: Chain, method: str, *params: Any) -> Any:
        return None if method == "eth_createAccessList" else await request(self, method, *params)

    monkeypatch.setattr(Chain, "request", older)
    assert [row[0] for row in rows(await simulated(host, place, place.trap, call("withdraw()")))] == ["token"]
