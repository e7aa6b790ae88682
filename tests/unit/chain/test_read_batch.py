"""Several reads in one request: against the contract clients on a development chain, and against faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.abi import function
from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.admission_facts import read_admission
from chain.contracts.content import Content
from chain.contracts.content_facts import read_content
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.deployment import Deployment
from chain.read_batch import Read, read_batch
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from tests.unit.chain.scripted_node import Node

HASH = bytes([7]) * 32


async def test_one_request_says_what_the_contract_clients_say(anvil: Anvil, network: Deployment) -> None:
    """A content with its server and its station, before and after the licence; also over HTTP."""
    owner, station, server = anvil.keys[3], address_of(anvil.keys[4]), address_of(anvil.keys[5])
    async with Chain.connect(anvil.rpc, 31337) as chain:
        registry, settlement = Registry(chain, network), Settlement(chain, network)
        await registry.add_server(anvil.keys[0], server, "https://server.example", HASH)
        await registry.add_station(anvil.keys[0], station, "batch.example", "Batch")
        await registry.create_content(owner, HASH, 20, 30, server, False, HASH)
        address = registry.predict(address_of(owner), HASH)
        content, asked = Content(chain, address), 0
        request = chain.request

        async def counted(method: str, *params: object) -> object:
            nonlocal asked
            asked += 1
            return await request(method, *params)

        chain.request = counted  # type: ignore[method-assign]
        found = await read_content(chain, network, address, "batch.example", 4)
        assert asked == 1
        chain.request = request  # type: ignore[method-assign]
        assert found.state == await content.state()
        assert found.serving == await content.server_at(4) == server
        assert found.server == await registry.server(server)
        assert found.bond == await settlement.server_state(server)
        assert found.bps == await registry.rate_at(4)
        assert found.station == (station, await registry.station(station))
        assert not found.licensed
        await content.license(owner, station)
        async with Chain.connect(anvil.rpc.replace("ws", "http"), 31337) as polled:
            assert await read_content(polled, network, address, "batch.example", 4) == replace(found, licensed=True)


async def test_facts_of_an_admission_are_those_of_single_reads(anvil: Anvil, network: Deployment) -> None:
    """One request has what the contracts' clients read one by one; an imitation of a content has no state."""
    async with Chain.connect(anvil.rpc, 31337) as chain:
        registry, settlement = Registry(chain, network), Settlement(chain, network)
        owner, server, station = anvil.keys[6], address_of(anvil.keys[7]), address_of(anvil.keys[8])
        await registry.add_server(anvil.keys[0], server, "https://ahead.example", HASH)
        await registry.add_station(anvil.keys[0], station, "ahead.example", "Ahead")
        await registry.create_content(owner, HASH, 20, 30, server, False, HASH)
        address = registry.predict(address_of(owner), HASH)
        content = Content(chain, address)
        found = await read_admission(chain, network, server, address, station, 4)
        assert (found.state, found.serving) == (await content.state(), server)
        assert found.station == await registry.station(station)
        assert (found.bps, found.bps_before) == (await registry.rate_at(4), await registry.rate_at(3))
        assert (found.spent, found.escrow) == await settlement.account(server, station)
        assert found.requested == await settlement.requested(server, station)
        assert not found.licensed
        await content.license(owner, station)
        assert await read_admission(chain, network, server, address, station, 4) == replace(found, licensed=True)
        for other in (network.token, network.content_implementation, bytes([1]) * 20):
            strange = await read_admission(chain, network, server, other, bytes(20), 0)
            assert (strange.state, strange.serving, strange.licensed, strange.station) == (None, None, False, None)
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await read_admission(chain, replace(network, registry=network.token), server, address, station, 4)


async def test_what_is_not_there_is_none(anvil: Anvil, network: Deployment) -> None:
    """An address without a contract, a contract of another kind, and a domain without a station."""
    async with Chain.connect(anvil.rpc, 31337) as chain:
        for address in (bytes([1]) * 20, bytes([0xAA]) * 20, network.token, network.content_implementation):
            found = await read_content(chain, network, address, "nobody.example", 4)
            assert (found.state, found.serving, found.server, found.station, found.licensed) == (*[None] * 4, False)
        with pytest.raises(GomaaError) as caught:
            await read_content(chain, replace(network, registry=network.token), network.token, "batch.example", 4)
        assert caught.value.code == "chain.mismatch"


async def test_a_failed_read_leaves_the_others(anvil: Anvil, network: Deployment) -> None:
    """Before and after it."""
    rate = Read(network.registry, function("Registry", "rate_at"), (4,))
    reverting = Read(network.registry, function("Settlement", "server_state"), (bytes(20),))
    async with Chain.connect(anvil.rpc, 31337) as chain:
        first, none, last = await read_batch(chain, [rate, reverting, rate])
        assert (first, none) == (last, None)
        assert first is not None
        assert await read_batch(chain, []) == []


@pytest.mark.parametrize("answer", ["0x", "0x00", "0x" + "00" * 63, "0x" + "00" * 32 + "ff" * 32, 7, None, "text"])
async def test_a_malformed_response_is_named(node: Node, answer: object) -> None:
    """Whatever the node returns in place of the results."""
    node.answers["eth_call"] = answer
    async with Chain.connect(node.rpc) as chain:
        with pytest.raises(GomaaError) as caught:
            await read_batch(chain, [Read(bytes(20), function("Registry", "rate_at"), (4,))])
        assert caught.value.code == "chain.mismatch"
