"""Facts of contents at the host: one request where they are new, none while they are fresh."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from native_host.remote.content_facts import FRESH_S, FreshFacts
from native_host.remote.network import POLL_S
from pywallet.errors import Unavailable

CONTENT, OTHER = bytes([1]) * 20, bytes([2]) * 20


class Node:
    """Reads that are counted; ``down`` lets them fail, ``wait`` holds them."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, str, int]] = []
        self.down = False
        self.wait = asyncio.Event()
        self.wait.set()

    async def read(self, content: bytes, domain: str, epoch: int) -> Any:
        """Return the number of the request."""
        self.asked.append((content, domain, epoch))
        number = len(self.asked)
        await self.wait.wait()
        if self.down:
            raise Unavailable("chain.unreachable")
        return number


@pytest.fixture
def clock() -> list[float]:
    """The monotonic clock, seconds; a test sets it."""
    return [100.0]


async def test_fresh_facts_are_not_asked_for_again(clock: list[float]) -> None:
    """A revisit within the bound costs nothing; after it, in another epoch or at another domain one request."""
    node = Node()
    facts: Any = FreshFacts(node.read, lambda: clock[0])
    assert [await facts.get(CONTENT, "a", 1) for _ in range(3)] == [1, 1, 1]
    clock[0] += FRESH_S
    assert await facts.get(CONTENT, "a", 1) == 1
    clock[0] += 1
    assert await facts.get(CONTENT, "a", 1) == 2
    assert await facts.get(CONTENT, "b", 1) == 3
    assert await facts.get(CONTENT, "a", 2) == 4


async def test_the_poll_keeps_watched_contents_fresh(clock: list[float]) -> None:
    """For an hour each visit finds the facts there, at every domain that has asked."""
    node = Node()
    facts: Any = FreshFacts(node.read, lambda: clock[0])
    await facts.get(CONTENT, "a", 1)
    await facts.get(CONTENT, "b", 1)
    for _ in range(240):
        clock[0] += POLL_S
        before = len(node.asked)
        await facts.refresh(CONTENT, 1)
        assert len(node.asked) == before + 2
        await facts.get(CONTENT, "a", 1)
        await facts.get(CONTENT, "b", 1)
        assert len(node.asked) == before + 2


async def test_two_tabs_ask_once(clock: list[float]) -> None:
    """Also where the first one is closed before the answer."""
    node = Node()
    node.wait.clear()
    facts: Any = FreshFacts(node.read, lambda: clock[0])
    one, two = (asyncio.create_task(facts.get(CONTENT, "a", 1)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    node.wait.set()
    assert await two == 1
    assert len(node.asked) == 1


async def test_an_event_or_a_failure_is_followed_by_a_new_request(clock: list[float]) -> None:
    """What a contract changed is read anew, and no failure is kept."""
    node = Node()
    facts: Any = FreshFacts(node.read, lambda: clock[0])
    await facts.get(CONTENT, "a", 1)
    await facts.get(OTHER, "a", 1)
    facts.forget(CONTENT)
    assert (await facts.get(CONTENT, "a", 1), await facts.get(OTHER, "a", 1)) == (3, 2)
    facts.forget()
    node.down = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await facts.get(CONTENT, "a", 1)
    node.down = False
    assert await facts.get(CONTENT, "a", 1) == 6


async def test_facts_that_were_asked_for_before_an_event_are_not_used_after_it(clock: list[float]) -> None:
    """An answer that is under way when the event arrives may be of the block before it."""
    node = Node()
    node.wait.clear()
    facts: Any = FreshFacts(node.read, lambda: clock[0])
    first = asyncio.create_task(facts.get(CONTENT, "a", 1))
    await asyncio.sleep(0)
    facts.forget(CONTENT)
    node.wait.set()
    await first
    assert await facts.get(CONTENT, "a", 1) == 2
