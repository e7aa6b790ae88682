"""Quota of open streams: a share for each site."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from native_host.playback.stream import Stream
from pywallet.errors import Refusal

MOST_OF_SITE: Final = 128
"""Streams of one site, in all its tabs."""
MOST_BYTES_OF_SITE: Final = 8 << 20
"""Bytes of the headers of one site's streams."""
MOST_STREAMS: Final = 512
"""Streams of all sites. Above it a stream that never played is closed, of the site with most streams."""


class StreamQuota:
    """Counts the streams that each site has open or is opening."""

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self._streams = streams
        self._opening: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._readers: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def opening(self, site: str, size: int) -> AsyncIterator[Stream | None]:
        """Reserve quota while a stream is opened.

        Args:
            site: The site's origin.
            size: Bytes of the header.

        Yields:
            A stream to close first; None where there is room.

        Raises:
            Refusal: ``site.streams``.
        """
        own = [stream for stream in self._streams.values() if stream.site == site]
        if len(own) + self._opening[site] >= MOST_OF_SITE:
            raise Refusal("site.streams", most=MOST_OF_SITE)
        if sum(stream.size for stream in own) + self._bytes[site] + size > MOST_BYTES_OF_SITE:
            raise Refusal("site.streams", limit=MOST_BYTES_OF_SITE)
        evicted = self._stream_to_evict() if len(self._streams) + self._opening.total() >= MOST_STREAMS else None
        self._opening[site] += 1
        self._bytes[site] += size
        try:
            yield evicted
        finally:
            self._opening[site] -= 1
            self._bytes[site] -= size
            if self._opening[site] == 0:
                del self._opening[site], self._bytes[site]
                self._readers.pop(site, None)

    def reader(self, site: str) -> asyncio.Lock:
        """Lock for reading a long header of the site: its headers use one thread at a time."""
        return self._readers[site]

    def _stream_to_evict(self) -> Stream:
        sites = Counter(stream.site for stream in self._streams.values())
        for site, _ in sites.most_common():
            for stream in self._streams.values():
                if stream.site == site and stream.start_action is None:
                    return stream
        raise Refusal("site.streams", most=MOST_STREAMS)
