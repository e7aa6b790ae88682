"""Balances of many addresses, with few parallel queries."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from chain.abi import Function
from chain.client import Chain
from chain.contracts.token import MAX_PARALLEL, Holding, Token
from chain.deployment import Deployment

SPENDER = b"\x55" * 20


class Node:
    """A token whose balance is the holder's last byte if odd; counts parallel queries."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = self.most = 0

    async def call(self, to: bytes, function: Function, *args: Any) -> tuple[int]:
        """One query, answered when others had a chance to begin."""
        self.asked.append(function.name)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        amount = args[0][-1] if args[0][-1] % 2 else 0
        if function.name == "allowance":
            assert args[1] == SPENDER
        return ({"balanceOf": amount, "nonces": 7, "allowance": 2}[function.name],)


async def test_only_holders_are_queried_further_and_few_in_parallel() -> None:
    """A node would get too many parallel queries, or queries about empty addresses."""
    node = Node()
    token = Token(cast(Chain, node), cast(Deployment, SimpleNamespace(token=bytes(20))))
    holders = [bytes(19) + bytes([n]) for n in range(100)]

    found = await token.holdings(holders, SPENDER)

    assert found == [Holding(holder, holder[-1], 7, 2) for holder in holders if holder[-1] % 2]
    assert (node.asked.count("balanceOf"), node.asked.count("nonces"), node.asked.count("allowance")) == (100, 50, 50)
    assert node.most == MAX_PARALLEL


async def test_no_addresses_need_no_query() -> None:
    """An empty list would cause a query."""
    node = Node()
    assert (
        await Token(cast(Chain, node), cast(Deployment, SimpleNamespace(token=bytes(20)))).holdings([], SPENDER) == []
    )
    assert node.asked == []
