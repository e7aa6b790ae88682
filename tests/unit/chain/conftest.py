"""A scripted node, a real one, and contracts on the real one."""

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
    """A node that answers what the test says."""
    async with Node() as here:
        yield here


@pytest.fixture(scope="session")
def anvil() -> Iterator[Anvil]:
    """A real chain that mines at once."""
    with Anvil() as here:
        yield here


@pytest.fixture(scope="session")
def network(anvil: Anvil) -> Deployment:
    """The contracts on it, deployed by its first account."""
    return asyncio.run(deploy(anvil.rpc, anvil.keys[0], Schedule(20, 2, 4, 4, 60, 22)))
