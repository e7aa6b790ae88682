"""Events of the settlement in order, and contract state as of one block."""

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
"""Block range of a query; public nodes refuse more."""


@dataclass(frozen=True)
class SettlementEvent:
    """One event of the settlement."""

    name: str
    fields: dict[str, Any]
    block: int
    transaction: bytes


async def settlement_events(
    chain: Chain, deployment: Deployment, last: int, first: int | None = None
) -> AsyncIterator[SettlementEvent]:
    """All events from block ``first`` (the deployment's by default) to ``last``, oldest first.

    Queried in ranges of ``BLOCKS`` blocks.
    """
    kinds = {"0x" + event("Settlement", name).topic.hex(): event("Settlement", name) for name in NAMES}
    begin = deployment.block if first is None else first
    for start in range(begin, last + 1, BLOCKS):
        end = min(start + BLOCKS - 1, last)
        query = {"address": to_hex(deployment.settlement), "fromBlock": hex(start), "toBlock": hex(end)}
        logs = node_answers.listing(await chain.request("eth_getLogs", query))
        for raw in sorted(
            logs, key=lambda item: (node_answers.number(item["blockNumber"]), node_answers.number(item["logIndex"]))
        ):
            kind = kinds.get(raw["topics"][0])
            if kind is not None:
                log = decode_log(kind, raw)
                yield SettlementEvent(log.name, dict(log.fields), log.block, log.transaction)


@dataclass(frozen=True)
class DebitPart:
    """Debits of one transaction: the digest that they extend, and (payer, net wei) of each entry."""

    server: bytes
    epoch: int
    previous_digest: bytes
    entries: tuple[tuple[bytes, int], ...]


async def debit_part(chain: Chain, deployment: Deployment, transaction: bytes) -> DebitPart | None:
    """Debits of a ``post`` or ``debit`` from its call data; None if another contract made the call."""
    call = await chain.request("eth_getTransactionByHash", to_hex(transaction))
    if not isinstance(call, dict) or call.get("to") is None or call["to"].lower() != to_hex(deployment.settlement):
        return None
    data = node_answers.data(call["input"])
    for method in (function("Settlement", "post"), function("Settlement", "debit")):
        if data[:4] == method.selector:
            try:
                epoch, *_, previous_digest, entries = decode(method.inputs, data[4:])
            except (DecodingError, OverflowError):
                raise GomaaError("chain.mismatch", reason=f"call data of a {method.name}") from None
            rows = tuple((to_address(entry[0]), int(entry[1])) for entry in entries)
            return DebitPart(to_address(call["from"]), int(epoch), bytes(previous_digest), rows)
    return None


async def posted_entries(chain: Chain, deployment: Deployment, transaction: bytes) -> list[tuple[bytes, int]] | None:
    """(payer, net wei) of each entry of a post, including its earlier parts, in order.

    None if another contract made one of the calls.
    """
    part = await debit_part(chain, deployment, transaction)
    entries: list[tuple[bytes, int]] = []
    while part is not None:
        entries[:0] = part.entries
        if not any(part.previous_digest):
            return entries
        topics = (part.server, part.epoch.to_bytes(32, "big"))
        parts = await chain.logs(deployment.settlement, event("Settlement", "Debited"), deployment.block, topics)
        digest = part.previous_digest
        earlier = next((log.transaction for log in reversed(parts) if log.fields["digest"] == digest), None)
        part = None if earlier is None else await debit_part(chain, deployment, earlier)
    return None


class ContractsAt:
    """The contracts' state as of one block."""

    def __init__(self, chain: Chain, deployment: Deployment, block: int) -> None:
        self._chain = chain
        self.deployment = deployment
        self.block = block

    async def call(self, address: bytes, contract: str, name: str, *arguments: Any) -> Any:
        """Call a function; returns its first result. Raises GomaaError."""
        method = function(contract, name)
        call = {"to": to_hex(address), "data": to_hex(method.encode(*arguments))}
        return method.decode(node_answers.data(await self._chain.request("eth_call", call, hex(self.block))))[0]

    async def settlement(self, name: str, *arguments: Any) -> Any:
        """Call a function of the settlement."""
        return await self.call(self.deployment.settlement, "Settlement", name, *arguments)

    async def registry(self, name: str, *arguments: Any) -> Any:
        """Call a function of the registry."""
        return await self.call(self.deployment.registry, "Registry", name, *arguments)

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """The account that earns from a content in an epoch."""
        return to_address(await self.call(content, "Content", "owner_at", epoch))

    async def server_at(self, content: bytes, epoch: int) -> bytes:
        """The security server of a content in an epoch."""
        return to_address(await self.call(content, "Content", "server_at", epoch))

    async def served(self, content: bytes, server: bytes, epoch: int) -> bool:
        """True if a security server had a content in an epoch or before it."""
        return bool(await self.call(content, "Content", "served", server, epoch))

    async def balance(self, address: bytes) -> int:
        """Token balance of an account, wei."""
        return int(await self.call(self.deployment.token, "GoMAA", "balanceOf", address))
