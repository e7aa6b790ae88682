"""Downloads of published data of listed posts, in batches; unreachable servers are retried later."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from common.address_class import place_of_url, standing_of_url
from native_host.ledger import Ledger
from native_host.ledger.scan_store import Post, ScanKey
from native_host.payments.published_data import Published, fetch
from native_host.remote.network import Network
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable

if TYPE_CHECKING:
    import aiohttp

BATCH: Final = 32
"""Posts that are fetched together."""
MAX_DOWNLOADS: Final = 4
"""Downloads at a time."""
MAX_HELD: Final = 32 << 20
"""Bytes of payees in one batch: a batch ends with the data that reach it."""
RETRY_S: Final = 600.0
"""Seconds until a failed server or post is retried."""
TIMEOUT_S: Final = 60.0

Batch = dict[tuple[bytes, int], tuple[Post, Published]]
"""By server and epoch."""


class PostDownloads:
    """Fetches the published data of one scan's posts."""

    def __init__(self, ledger: Ledger, network: Network, scan: ScanKey) -> None:
        self._ledger, self._network, self._scan = ledger, network, scan
        self._away_until: dict[bytes, float] = {}
        self._retry_at: dict[tuple[bytes, int], float] = {}

    async def next_batch(self) -> Batch:
        """Fetch the data of the next posts, the oldest first; failed posts are recorded with their code."""
        now = time.monotonic()
        self._away_until = {server: until for server, until in self._away_until.items() if until > now}
        posts = self._ledger.posts(self._scan, BATCH, self._away_until)
        posts = [post for post in posts if self._retry_at.get((post.server, post.epoch), 0.0) <= now]
        if not posts:
            return {}
        import aiohttp

        slots, held = asyncio.Semaphore(MAX_DOWNLOADS), 0
        hidden, timeout = ("User-Agent",), aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=hidden, timeout=timeout
        ) as session:

            async def download(post: Post) -> Published | GomaaError | None:
                nonlocal held
                async with slots:
                    try:
                        if post.server in self._away_until:
                            raise Unavailable("server.unreachable")
                        if held >= MAX_HELD:
                            return None
                        published = await self._download(session, post)
                        held += len(published.rows)
                        return published
                    except GomaaError as e:
                        if e.code == "server.unreachable":
                            self._away_until[post.server] = now + RETRY_S
                        return e

            results = await asyncio.gather(*map(download, posts))
        batch: Batch = {}
        retry_round = self._ledger.last_retry_round(self._scan) + 1
        with self._ledger.write():
            for post, result in zip(posts, results, strict=True):
                if isinstance(result, Published):
                    batch[post.server, post.epoch] = (post, result)
                elif result is not None:
                    self._retry_at[post.server, post.epoch] = now + RETRY_S
                    self._ledger.postpone_post(self._scan, post, result.code, retry_round)
        return batch

    def ready(self) -> bool:
        """Return whether a post is left that can be fetched now."""
        now = time.monotonic()
        away = [server for server, until in self._away_until.items() if until > now]
        posts = self._ledger.posts(self._scan, 1, away)
        return any(self._retry_at.get((post.server, post.epoch), 0.0) <= now for post in posts)

    async def url(self, server: bytes) -> str | None:
        """URL of a server from the registry, else from the ledger; None where neither has it."""
        entry = await self._network.registry.server(server)
        return entry.url if entry is not None else self._ledger.server_url(server, self._scan.chain_id)

    async def _download(self, session: aiohttp.ClientSession, post: Post) -> Published:
        url = await self.url(post.server)
        # The registrant chooses the URL: it may not be in a more private network than the node.
        if url is None or place_of_url(url) > standing_of_url(self._network.deployment.rpc):
            raise Unavailable("server.unreachable", server=to_hex(post.server))
        return await fetch(session, url, post.server, post.epoch, post.data_hash)
