"""One chain for all tests of this folder; each test starts from the same block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.anvil_world import World, world
from tests.contracts.rights_shop import shop

__all__ = ["chain_world", "shop", "w"]


@pytest.fixture(scope="session")
def chain_world() -> Iterator[World]:
    """The chain, set up once."""
    with world() as here:
        yield here


@pytest.fixture
def w(chain_world: World) -> Iterator[World]:
    """The chain in the state after its set-up."""
    mark = chain_world.request("evm_snapshot")
    yield chain_world
    assert chain_world.request("evm_revert", mark)
