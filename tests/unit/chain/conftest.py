"""A scripted node, a development chain, and contracts on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from chain.anvil import Anvil
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.settlement import Schedule
from tests.unit.chain.scripted_node import Node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A scripted node."""
    async with Node() as here:
        yield here


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """A development chain that mines at once."""
    with Anvil() as here:
        yield here


@pytest.fixture(scope="session")
def network(anvil: Anvil) -> Deployment:
    """The contracts on it, deployed by its first account."""
    return asyncio.run(deploy(anvil.rpc, anvil.keys[0], Schedule(20, 2, 4, 4, 60, 22)))
