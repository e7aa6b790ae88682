"""Trusted time."""

from __future__ import annotations

import pytest

from chain import clock
from chain.client import Chain
from chain.clock import ChainClock
from tests.unit.chain.scripted_node import Node, head, within


async def test_time_follows_the_chain_and_never_turns_back(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest block's second and the time since; a later block pulls it forward, an earlier one changes nothing."""
    passed = 5_000_000
    monkeypatch.setattr(clock, "_monotonic_ms", lambda: passed)
    node.answers |= {"eth_getBlockByNumber": head(100), "eth_subscribe": "0x1"}
    start = int(head(100)["timestamp"], 16) * 1000
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        assert now.now_ms() == start
        passed += 1_500
        assert now.now_ms() == start + 1_500
        await within(node.asked("eth_subscribe"))
        await node.notify("0x1", head(110))
        await chain.block()
        assert now.now_ms() == start + 10_000
        await node.notify("0x1", head(90))
        await chain.block()
        assert now.now_ms() == start + 10_000
        passed -= 60_000
        assert now.now_ms() == start + 10_000


async def test_time_goes_on_without_the_chain(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost node doesn't stop the clock."""
    passed = 0
    monkeypatch.setattr(clock, "_monotonic_ms", lambda: passed)
    node.answers |= {"eth_getBlockByNumber": head(100), "eth_subscribe": "0x1"}
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        before = now.now_ms()
        await node.stop()
        passed += 7
        assert now.now_ms() == before + 7
