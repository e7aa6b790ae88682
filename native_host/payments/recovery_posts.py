"""List of the epochs posted on the chain, kept in the ledger for a recovery scan."""

from __future__ import annotations

from typing import Final

from chain.node_answers import Declined
from native_host.ledger import Ledger
from native_host.ledger.scan_store import Post, ScanKey
from native_host.remote.network import Network
from pywallet.errors import GomaaError, Unavailable

MIN_BLOCKS: Final = 10
"""Fewest blocks in one search of the logs."""
FIRST_BLOCKS: Final = 4_000
"""Blocks in the first search."""
MAX_BLOCKS: Final = 512_000
"""Most blocks in one search, where the node accepts them."""
MAX_SEARCHES: Final = 8
"""Searches in one step."""


class PostList:
    """The posts of one scan.

    Attributes:
        complete: True once all confirmed blocks are listed.
        begin_s: Time of the network's first block, Unix seconds; 0 before ``update``.
    """

    def __init__(self, ledger: Ledger, network: Network, scan: ScanKey) -> None:
        self._ledger, self._network, self._scan = ledger, network, scan
        self._blocks = FIRST_BLOCKS
        self.complete = False
        self.begin_s = 0

    async def update(self, fresh: bool) -> None:
        """List the posts since the last listed block, in ``MAX_SEARCHES`` searches at most.

        Args:
            fresh: True if the wallet was just made: a scan that has not begun then begins now.

        Raises:
            GomaaError: ``chain.unreachable``, ``chain.mismatch``.
        """
        chain, deployment, ledger = self._network.chain, self._network.deployment, self._ledger
        if not self.begin_s:
            self.begin_s = (await chain.block(deployment.block)).timestamp
        # A post that a reorganisation could still replace is not listed yet.
        last = (await chain.block()).number - deployment.confirmations + 1
        progress = ledger.scan_progress(self._scan)
        if progress is None and fresh:
            with ledger.write():
                ledger.add_posts(self._scan, max(last, deployment.block - 1), ())
            progress = ledger.scan_progress(self._scan)
        first = deployment.block if progress is None else progress[0] + 1
        for _ in range(MAX_SEARCHES):
            if first > last:
                break
            end = min(last, first + self._blocks - 1)
            try:
                logs = await self._network.settlement.posted_between(first, end)
            except GomaaError as e:
                # Public nodes limit the blocks of a search; some close the connection instead.
                fewest, self._blocks = self._blocks == MIN_BLOCKS, max(MIN_BLOCKS, self._blocks // 4)
                if fewest or (isinstance(e, Unavailable) and not isinstance(e, Declined)):
                    raise
                continue
            self._blocks = min(MAX_BLOCKS, self._blocks * 2)
            posts = [Post(log.fields["epoch"], log.fields["server"], log.fields["data"]) for log in logs]
            with ledger.write():
                # Another browser's host may have listed these blocks meanwhile, and scanned their posts.
                progress = ledger.scan_progress(self._scan)
                if progress is None or progress[0] < end:
                    new = [
                        post
                        for log, post in zip(logs, posts, strict=True)
                        if progress is None or log.block > progress[0]
                    ]
                    ledger.add_posts(self._scan, end, new)
            first = end + 1
        self.complete = first > last
