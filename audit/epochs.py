"""Check of one epoch's published data against the chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from audit.epoch_totals import EpochTotals
from audit.events import ContractsAt
from audit.faults import Fault, FaultList
from audit.file_check import FileCheck, Post
from audit.prices import Prices
from audit.tables import EpochFile
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import ContentRow

AT_ONCE: Final = 64
"""Contents about which the node is asked at a time."""


class EpochCheck:
    """Collects the faults of one epoch."""

    def __init__(self, posted: Post, at: ContractsAt, prices: Prices | None = None) -> None:
        """Initialise a check.

        Args:
            posted: The post.
            at: The contracts' state.
            prices: Prices of the contents; without them ``terms.price`` is not checked.
        """
        self.posted = posted
        self._prices = prices
        self.faults: list[Fault] = []
        self._at = at

    async def check(self, file: EpochFile, receipts: Mapping[bytes, int] | None = None) -> EpochTotals:
        """Check all of the epoch's data; faults are collected in ``faults``.

        Args:
            file: The published data.
            receipts: Payee to the highest amount, wei, that the server has signed.

        Returns:
            The epoch's totals.
        """
        rate = int(await self._at.registry("rate_at", self.posted.epoch))
        of_file = FileCheck(self.posted, rate)
        try:
            totals = await asyncio.to_thread(of_file.run, file, self._at.deployment.schedule.length, receipts)
        finally:
            self.faults += of_file.faults()
        await self.check_names(totals)
        return totals

    async def check_names(self, totals: EpochTotals) -> None:
        """Check what the chain knows of the data: contents, owners, stations and prices."""
        faults = FaultList(self.posted.server, self.posted.epoch)
        await self._names(totals, faults)
        await self._terms(totals, faults)
        self.faults += faults.end()

    async def _names(self, totals: EpochTotals, faults: FaultList) -> None:
        """Check contents, owners and stations against the registry."""
        for first in range(0, len(totals.contents), AT_ONCE):
            for found in await asyncio.gather(*map(self._content, totals.contents[first : first + AT_ONCE])):
                for fault in found:
                    faults.add(*fault)
        for station in dict.fromkeys(totals.stations):
            if not (await self._at.registry("station", station))[0]:
                faults.add("station.unknown", to_hex(station))

    async def _content(self, row: ContentRow) -> list[tuple[Any, ...]]:
        """Arguments of the faults of one content."""
        at, epoch = self._at, self.posted.epoch
        if not await at.registry("is_content", row.content):
            return [("content.unknown", to_hex(row.content))]
        try:
            owner = await at.owner_at(row.content, epoch)
            # A server that a content has moved away from may still post late plays.
            server = (
                row.server
                if await at.served(row.content, row.server, epoch)
                else await at.server_at(row.content, epoch)
            )
        except GomaaError as error:
            return [("content.unknown", to_hex(row.content), error.code)]
        out: list[tuple[Any, ...]] = []
        if row.owner != owner:
            out.append(("content.owner", to_hex(row.content), row.owner, owner))
        if (row.server, server) != (self.posted.server, self.posted.server):
            out.append(("content.server", to_hex(row.content), row.server, server))
        return out

    async def _terms(self, totals: EpochTotals, faults: FaultList) -> None:
        """Check that no play was below its content's price, on which server and station could otherwise collude."""
        if self._prices is None:
            return
        schedule, epoch = self._at.deployment.schedule, self.posted.epoch
        # A play may be settled in a later epoch than it was heard in, by at most about the challenge period.
        begin_s, end_s = epoch * schedule.length - schedule.late, schedule.ends(epoch)
        reported = set()
        for content_row, terms_row in totals.groups.priced():
            content, terms = totals.contents[content_row].content, totals.terms[terms_row]
            versions = await self._prices.between(content, begin_s, end_s)
            if not versions or any(
                terms.interval_s == version.interval_s and terms.price >= version.price for version in versions
            ):
                continue
            # A table with a row twice is reported elsewhere.
            if (content, terms) not in reported:
                reported.add((content, terms))
                published = f"{terms.price} wei for {terms.interval_s} s"
                expected = ", ".join(f"{version.price} wei for {version.interval_s} s" for version in versions)
                faults.add("terms.price", to_hex(content), published, expected)
