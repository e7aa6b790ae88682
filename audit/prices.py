"""Prices of each content over time, from the contracts' events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from audit.events import BLOCKS
from chain import node_answers
from chain.abi import Event, event
from chain.client import Chain, decode_log
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex


@dataclass(frozen=True)
class PriceVersion:
    """A policy of a content: its first block, price per interval in wei, and interval in seconds."""

    block: int
    price: int
    interval_s: int


class Prices:
    """All policies of the registry's contents over time, read on first use."""

    def __init__(self, chain: Chain, deployment: Deployment, last: int) -> None:
        """Initialise without reading.

        Args:
            chain: A node.
            deployment: Whose contracts.
            last: The newest block that is read.
        """
        self._chain = chain
        self._deployment = deployment
        self._last = last
        self._reading = asyncio.Lock()
        self._versions: dict[bytes, list[PriceVersion]] | None = None
        self._times: dict[int, int] = {}

    async def between(self, content: bytes, begin_s: int, end_s: int) -> list[PriceVersion]:
        """The versions in force at any time from ``begin_s`` to ``end_s`` (Unix s), oldest first."""
        async with self._reading:
            if self._versions is None:
                self._versions = await self._read()
        all_versions = self._versions.get(content, [])
        if len(all_versions) < 2:
            return all_versions
        times = [await self._time(version.block) for version in all_versions]
        ends = [*times[1:], end_s + 1]
        return [
            version
            for version, start, end in zip(all_versions, times, ends, strict=True)
            if start <= end_s and end > begin_s
        ]

    async def _read(self) -> dict[bytes, list[PriceVersion]]:
        made, changed = event("Registry", "ContentCreated"), event("Content", "PolicySet")
        versions: dict[bytes, list[PriceVersion]] = defaultdict(list)
        for start in range(self._deployment.block, self._last + 1, BLOCKS):
            # Contents are contracts of their own: the topics match all of them, and other contracts, ignored here.
            wanted = {"fromBlock": hex(start), "toBlock": hex(min(start + BLOCKS - 1, self._last))}
            topics = [["0x" + made.topic.hex(), "0x" + changed.topic.hex()]]
            logs = node_answers.listing(await self._chain.request("eth_getLogs", {**wanted, "topics": topics}))
            for raw in sorted(
                logs, key=lambda item: (node_answers.number(item["blockNumber"]), node_answers.number(item["logIndex"]))
            ):
                self._add(versions, made, changed, raw)
        return versions

    def _add(
        self, versions: dict[bytes, list[PriceVersion]], made: Event, changed: Event, raw: dict[str, object]
    ) -> None:
        topics = raw["topics"]
        first = topics[0] if isinstance(topics, list) and topics else None
        from_registry = str(raw.get("address", "")).lower() == to_hex(self._deployment.registry)
        if first == "0x" + made.topic.hex() and from_registry:
            log = decode_log(made, raw)
            versions[log.fields["content"]] = [PriceVersion(log.block, log.fields["price"], log.fields["interval"])]
        elif first == "0x" + changed.topic.hex() and bytes.fromhex(str(raw["address"])[2:]) in versions:
            log = decode_log(changed, raw)
            versions[log.address].append(PriceVersion(log.block, log.fields["price"], log.fields["interval"]))

    async def _time(self, block: int) -> int:
        if block not in self._times:
            self._times[block] = (await self._chain.block(block)).timestamp
        return self._times[block]
