"""Contract clients with deployed contracts; predicted addresses; the compiled ABI."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chain.abi import function
from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.content import Content, ContentState
from chain.contracts.registry import Registry, ServerEntry, StationEntry
from chain.contracts.settlement import ServerState, Settlement
from chain.contracts.token import Token
from chain.deploy import SUPPLY
from chain.deployment import Deployment
from contracts.compile import ABI_FILE, abi_text
from pywallet.crypto import address_of, keccak256
from pywallet.errors import GomaaError

SERVER, STATION = (keccak256(name)[12:] for name in (b"server", b"station"))


def test_the_committed_abi_is_current() -> None:
    """``chain/abi.json`` would differ from the sources."""
    assert ABI_FILE.read_text() == abi_text()


def test_reading_imports_neither_compiler_nor_signer() -> None:
    """The start of the host would load large libraries."""
    names = (
        "chain.client, chain.clock, chain.deployment, chain.contracts.content, chain.contracts.registry, "
        "chain.contracts.settlement"
    )
    names += ", chain.contracts.token, chain.commands"
    code = f"import sys, {names}; print(sorted({{'vyper', 'snekmate', 'eth_account', 'web3'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


PERIODS = {
    "length": "EPOCH_LENGTH",
    "grace": "GRACE_PERIOD",
    "window": "CHALLENGE_WINDOW",
    "answer": "ANSWER_PERIOD",
    "late": "CHALLENGE_PERIOD",
    "delay": "WITHDRAWAL_DELAY",
}
"""Periods of the schedule, by the names that the contract has for them."""


async def test_a_deployment_is_consistent(anvil: Anvil, network: Deployment) -> None:
    """The contracts of a deployment would not refer to each other."""
    async with Chain.connect(network.rpc, network.chain_id) as chain:
        token = Token(chain, network)
        assert await token.total_supply() == SUPPLY
        assert await token.balance_of(network.treasury) == 0
        for contract, name, wanted in (
            ("Registry", "owner", address_of(anvil.keys[0])),
            ("Registry", "implementation", network.content_implementation),
            ("Settlement", "TOKEN", network.token),
            ("Settlement", "REGISTRY", network.registry),
            ("Settlement", "TREASURY", network.treasury),
        ):
            target = network.registry if contract == "Registry" else network.settlement
            (found,) = await chain.call(target, function(contract, name))
            assert bytes.fromhex(found[2:]) == wanted
        times = [
            (await chain.call(network.settlement, function("Settlement", PERIODS[name])))[0]
            for name in vars(network.schedule)
        ]
        assert times == list(vars(network.schedule).values())


async def test_stations_and_servers(anvil: Anvil, network: Deployment) -> None:
    """A listed station or server would not be found by address or domain."""
    async with Chain.connect(network.rpc) as chain:
        registry = Registry(chain, network)
        assert (
            await registry.station(STATION),
            await registry.station_of("a.example"),
            await registry.server(STATION),
        ) == (None,) * 3
        await registry.add_station(anvil.keys[0], STATION, "a.example", "Radio A")
        await registry.add_server(anvil.keys[0], SERVER, "http://127.0.0.1:1", bytes([9]) * 32)
        assert await registry.station(STATION) == StationEntry("a.example", "Radio A", True)
        assert await registry.station_of("a.example") == STATION
        assert await registry.server(SERVER) == ServerEntry("http://127.0.0.1:1", bytes([9]) * 32, True)
        await registry.add_station(anvil.keys[0], STATION, "a.example", "Radio A", active=False)
        assert await registry.station(STATION) == StationEntry("a.example", "Radio A", False)
        assert await registry.station_of("x" * 500) is None
        assert await registry.rate_at(0) == 500


async def test_a_contents_address_is_predicted(anvil: Anvil, network: Deployment) -> None:
    """A file would be signed for another address than the content's."""
    key, salt = anvil.keys[2], keccak256(b"salt")
    async with Chain.connect(network.rpc) as chain:
        registry = Registry(chain, network)
        await registry.add_server(anvil.keys[0], SERVER, "http://127.0.0.1:1", bytes([9]) * 32)
        address = registry.predict(address_of(key), salt)
        content = Content(chain, address)
        assert await content.state() is None
        assert not await registry.is_content(address)
        await registry.create_content(key, bytes([7]) * 32, 10, 30, SERVER, False, salt)
        assert await registry.is_content(address)
        assert await content.state() == ContentState(
            address_of(key), bytes([7]) * 32, 10, 30, SERVER, False, False, False
        )
        assert not await content.licensed(STATION)
        await content.license(key, STATION)
        assert await content.licensed(STATION)
        with pytest.raises(GomaaError) as caught:
            await content.revoke(anvil.keys[3])
        assert caught.value.detail["reason"] == "content: not the owner"
        await content.revoke(key)
        assert not await content.licensed(STATION)
        await content.destroy(key)
        state = await content.state()
        assert state is not None
        assert (state.revoked, state.destroyed) == (True, True)


async def test_unused_accounts_and_epochs_are_empty(anvil: Anvil, network: Deployment) -> None:
    """An unused account or epoch would raise, or a deposit not be read."""
    async with Chain.connect(network.rpc) as chain:
        settlement, token = Settlement(chain, network), Token(chain, network)
        assert await settlement.account(SERVER, STATION) == (0, 0)
        assert await settlement.requested(SERVER, STATION) == 0
        assert await settlement.server_state(SERVER) == ServerState(0, None, None)
        state = await settlement.epoch(SERVER, 1)
        assert (state.commit, state.ready, state.left, state.fee, state.open, state.void, state.final) == (
            bytes(32),
            0,
            0,
            0,
            0,
            False,
            False,
        )
        assert await settlement.claimed(bytes(32)) == []
        await token.approve(anvil.keys[0], network.settlement, 12)
        await settlement.deposit(anvil.keys[0], SERVER, STATION, 5)
        await settlement.bond(anvil.keys[0], SERVER, 7)
        assert await settlement.account(SERVER, STATION) == (0, 5)
        assert await settlement.server_state(SERVER) == ServerState(7, None, None)
        assert (await settlement.posts(SERVER), await settlement.claims_of(STATION)) == ([], [])


async def test_another_contract_at_the_address(network: Deployment) -> None:
    """Another contract's results would be decoded."""
    async with Chain.connect(network.rpc) as chain:
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await chain.call(bytes([1]) * 20, function("GoMAA", "totalSupply"))
        with pytest.raises(GomaaError, match=r"chain\.(mismatch|reverted)"):
            await Content(chain, network.token).state()
