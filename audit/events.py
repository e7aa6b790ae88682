"""Everything the settlement ever said, in order, up to one block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from chain import node_answers
from chain.abi import event, function, to_address
from chain.client import Chain, decode_log
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError

NAMES: Final = (
    *("Deposited", "WithdrawRequested", "Withdrawn", "Bonded", "Retired", "Unbonded", "Posted", "Claimed", "FeePaid"),
    *("Challenged", "Answered", "Dismissed", "Slashed", "Refunded", "Debited", "Undone"),
)
BLOCKS: Final = 2_000
"""Blocks asked for at once: public nodes refuse more."""


@dataclass(frozen=True)
class Happened:
    """One event of the settlement."""

    name: str
    fields: dict[str, Any]
    block: int
    transaction: bytes


async def happened(
    chain: Chain, deployment: Deployment, last: int, first: int | None = None
) -> AsyncIterator[Happened]:
    """All events from block ``first`` (the deployment's by default) to ``last``, oldest first, ``BLOCKS`` blocks at a
    time.
    """
    kinds = {"0x" + event("Settlement", name).topic.hex(): event("Settlement", name) for name in NAMES}
    begin = deployment.block if first is None else first
    for start in range(begin, last + 1, BLOCKS):
        end = min(start + BLOCKS - 1, last)
        wanted = {"address": to_hex(deployment.settlement), "fromBlock": hex(start), "toBlock": hex(end)}
        found = node_answers.listing(await chain.request("eth_getLogs", wanted))
        for raw in sorted(
            found, key=lambda item: (node_answers.number(item["blockNumber"]), node_answers.number(item["logIndex"]))
        ):
            kind = kinds.get(raw["topics"][0])
            if kind is not None:
                log = decode_log(kind, raw)
                yield Happened(log.name, dict(log.fields), log.block, log.transaction)


@dataclass(frozen=True)
class Part:
    """Debits of one transaction: the digest that they extend, and (payer, net wei) of each entry."""

    server: bytes
    epoch: int
    before: bytes
    entries: tuple[tuple[bytes, int], ...]


async def part(chain: Chain, deployment: Deployment, transaction: bytes) -> Part | None:
    """Debits of a ``post`` or ``debit`` from its call data; None if another contract made the call."""
    found = await chain.request("eth_getTransactionByHash", to_hex(transaction))
    if not isinstance(found, dict) or found.get("to") is None or found["to"].lower() != to_hex(deployment.settlement):
        return None
    data = node_answers.data(found["input"])
    for how in (function("Settlement", "post"), function("Settlement", "debit")):
        if data[:4] == how.selector:
            try:
                epoch, *_, before, entries = decode(how.inputs, data[4:])
            except (DecodingError, OverflowError):
                raise GomaaError("chain.mismatch", reason=f"call data of a {how.name}") from None
            rows = tuple((to_address(entry[0]), int(entry[1])) for entry in entries)
            return Part(to_address(found["from"]), int(epoch), bytes(before), rows)
    return None


async def posted_entries(chain: Chain, deployment: Deployment, transaction: bytes) -> list[tuple[bytes, int]] | None:
    """(payer, net) of each entry of a post, those of the parts before it first.

    None where another contract stood between.
    """
    here = await part(chain, deployment, transaction)
    entries: list[tuple[bytes, int]] = []
    while here is not None:
        entries[:0] = here.entries
        if not any(here.before):
            return entries
        topics = (here.server, here.epoch.to_bytes(32, "big"))
        parts = await chain.logs(deployment.settlement, event("Settlement", "Debited"), deployment.block, topics)
        before = here.before
        where = next((log.transaction for log in reversed(parts) if log.fields["digest"] == before), None)
        here = None if where is None else await part(chain, deployment, where)
    return None


class At:
    """The contracts as they stood at one block. Every answer is a GomaaError or what the chain says."""

    def __init__(self, chain: Chain, deployment: Deployment, block: int) -> None:
        self._chain = chain
        self.deployment = deployment
        self.block = block

    async def ask(self, address: bytes, contract: str, name: str, *arguments: Any) -> Any:
        """The first value that a function returns."""
        how = function(contract, name)
        call = {"to": to_hex(address), "data": to_hex(how.encode(*arguments))}
        return how.decode(node_answers.data(await self._chain.request("eth_call", call, hex(self.block))))[0]

    async def settlement(self, name: str, *arguments: Any) -> Any:
        """Of the settlement."""
        return await self.ask(self.deployment.settlement, "Settlement", name, *arguments)

    async def registry(self, name: str, *arguments: Any) -> Any:
        """Of the registry."""
        return await self.ask(self.deployment.registry, "Registry", name, *arguments)

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """Who earns with a content in an epoch."""
        return to_address(await self.ask(content, "Content", "owner_at", epoch))

    async def server_at(self, content: bytes, epoch: int) -> bytes:
        """The security server of a content in an epoch."""
        return to_address(await self.ask(content, "Content", "server_at", epoch))

    async def served(self, content: bytes, server: bytes, epoch: int) -> bool:
        """True if a security server served a content in an epoch or before it."""
        return bool(await self.ask(content, "Content", "served", server, epoch))

    async def balance(self, address: bytes) -> int:
        """Tokens of an account."""
        return int(await self.ask(self.deployment.token, "GoMAA", "balanceOf", address))
