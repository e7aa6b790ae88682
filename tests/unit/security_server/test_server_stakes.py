"""The stake of a challenge against the price of gas: the server says when answers cost more than stakes bring."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from security_server.config import Config
from security_server.epochs.challenge_stakes import StakeWatch

STAKE = 10**18
EDGE = STAKE // 180_000
"""The dearest gas, wei, at which the stake is worth two answers of 90,000 gas."""


class Network:
    """The price of gas, as it is set."""

    stake = STAKE
    price = EDGE

    async def gas_price_now(self) -> int:
        """See ChainView."""
        return self.price


def watch(chain: Network, **config: Any) -> StakeWatch:
    """A watch over a chain with a price of gas only."""
    given: Any = chain
    return StakeWatch(chain=given, gomaa_per_coin=Config(Path(), Path(), **config).gomaa_per_coin)


async def test_a_stake_below_the_gas_cost_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gomaa.server")
    chain = Network()
    stakes = watch(chain)
    assert not await stakes.check()
    assert not caplog.messages
    chain.price = EDGE + 1
    assert await stakes.check()
    assert await stakes.check()
    assert [one.partition(":")[0] for one in caplog.messages] == ["the stake is low"]
    assert caplog.records[0].levelno == logging.ERROR
    chain.price = EDGE
    assert not await stakes.check()
    assert len(caplog.messages) == 2


async def test_the_exchange_rate_is_configured() -> None:
    """Gas is paid in the network's coins, the stake in GoMAA."""
    chain = Network()
    assert await watch(chain, gomaa_per_coin=1.01).check()
    chain.price = 1000 * EDGE
    assert not await watch(chain, gomaa_per_coin=0.001).check()
