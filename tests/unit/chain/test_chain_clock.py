"""Trusted time from block timestamps."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import clock
from chain.client import Chain
from chain.clock import ChainClock
from chain.node_answers import Block
from tests.unit.chain.scripted_node import Node, head, within


async def test_time_follows_the_chain_and_never_turns_back(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock would run backwards, or ignore a later block."""
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


async def test_time_advances_without_the_chain(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost node would stop the clock."""
    passed = 0
    monkeypatch.setattr(clock, "_monotonic_ms", lambda: passed)
    node.answers |= {"eth_getBlockByNumber": head(100), "eth_subscribe": "0x1"}
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        before = now.now_ms()
        await node.stop()
        passed += 7
        assert now.now_ms() == before + 7


class Blocks:
    """A node with scripted blocks, a scripted monotonic clock, and a ChainClock."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node
        self.passed_ms = 0
        monkeypatch.setattr(clock, "_monotonic_ms", lambda: self.passed_ms)
        self.latest = block(1, 0)
        node.answers |= {"eth_getBlockByNumber": lambda _: self.latest, "eth_subscribe": "0x1"}

    async def send(self, chain: Chain, number: int, second: int, *, known: bool = True, late_ms: int = 0) -> None:
        """Send a block of a second ``late_ms`` after it; ``known``: the node confirms it."""
        self.passed_ms = max(self.passed_ms, second * 1000 + late_ms) if known else self.passed_ms
        made = block(number, second)
        if known:
            self.latest = made
        await self.node.notify("0x1", made)
        # The notification came first; a second question lets one that the clock asks itself be answered.
        for _ in range(3):
            await chain.block()


def block(number: int, second: int) -> dict[str, str]:
    """A header; its timestamp counts from a round beginning."""
    return {"number": hex(number), "timestamp": hex(START_S + second), "hash": "0x" + f"{number:02x}" * 32}


START_S = 1_700_000_000


def seconds(now: ChainClock) -> float:
    """The clock, from the same beginning."""
    return now.now_ms() / 1000 - START_S


@pytest.mark.parametrize("ahead", [20, 3_600, 10**9])
async def test_a_header_that_the_node_does_not_confirm_is_ignored(
    node: Node, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """A single false header would shift the clock."""
    blocks = Blocks(node, monkeypatch)
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        await within(node.asked("eth_subscribe"))
        await blocks.send(chain, 2, 12)
        await blocks.send(chain, 3, 24 + ahead, known=False)
        assert seconds(now) == 12
        for number in range(3, 8):
            await blocks.send(chain, number, 12 * (number - 1))
            assert seconds(now) == 12 * (number - 1)


@pytest.mark.parametrize("ahead", [14, 20, 3_600, 86_400])
async def test_a_later_block_disproves_one_from_the_future(
    node: Node, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """The clock would stay ahead after a false block."""
    blocks = Blocks(node, monkeypatch)
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        await within(node.asked("eth_subscribe"))
        await blocks.send(chain, 2, 12)
        blocks.passed_ms, blocks.latest = 24_000, block(3, 24 + ahead)
        await blocks.send(chain, 3, 24 + ahead, known=False)
        assert seconds(now) == 24 + ahead
        for number in range(4, 9):
            before, second = seconds(now), 12 * (number - 1)
            await blocks.send(chain, number, second)
            # A short step is waited for: the clock stands still and does not go back.
            assert seconds(now) == (second if ahead > 15 else max(second, before + (12 if number == 4 else 0)))


async def test_a_later_block_disproves_a_first_one_from_the_future(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that began with a false block would need a restart."""
    blocks = Blocks(node, monkeypatch)
    blocks.latest = block(1, 7_200)
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        await within(node.asked("eth_subscribe"))
        assert seconds(now) == 7_200
        await blocks.send(chain, 2, 12)
        assert seconds(now) == 12


async def test_late_blocks_do_not_delay_the_clock(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late blocks would set the clock back."""
    blocks = Blocks(node, monkeypatch)
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        await within(node.asked("eth_subscribe"))
        for number in range(2, 42):
            second = 12 * (number - 1)
            await blocks.send(chain, number, second, late_ms=0 if number == 2 else 4_000 + number * 100)
            assert now.now_ms() == START_S * 1000 + blocks.passed_ms


async def test_a_chain_that_jumps_is_followed_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock would not follow a confirmed jump, or a chain that runs faster."""
    blocks = Blocks(node, monkeypatch)
    async with Chain.connect(node.rpc) as chain, ChainClock(chain) as now:
        await within(node.asked("eth_subscribe"))
        for number, second in ((2, 5 * 3_600), (3, 5 * 3_600 + 1)):
            blocks.latest = block(number, second)
            await blocks.send(chain, number, second, known=False)
            assert seconds(now) == second
        for number in range(4, 40):
            second = 20_000 + number * 2_400
            blocks.passed_ms = number * 100_000
            blocks.latest = block(number, second)
            await blocks.send(chain, number, second, known=False)
            assert seconds(now) == second


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 100_000), st.integers(0, 20_000)), max_size=40))
def test_the_clock_is_set_back_only_for_a_replaced_block(moves: list[tuple[int, int, int]]) -> None:
    """The clock would run backwards by less than a step, or to a time that the node does not confirm."""
    passed = 0

    class Confirming:
        async def block(self) -> Block:
            return newest

    async def run() -> None:
        nonlocal passed, newest
        now = ChainClock(Confirming())  # type: ignore[arg-type]
        now._samples.append(clock._sample(newest))
        before = now.now_ms()
        for step, second, pause_ms in moves:
            passed += pause_ms
            heard = Block(newest.number + step - 10, START_S + second, bytes(32))
            if second % 2:
                newest = heard
            await now._on_block(heard)
            after = now.now_ms()
            assert after >= before or before - after > clock.STEP_MS
            assert now.now_ms() >= after
            before = after

    newest = Block(100, START_S, bytes(32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_monotonic_ms", lambda: passed)
        asyncio.run(run())
