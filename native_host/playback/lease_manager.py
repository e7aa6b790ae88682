"""Fetching and renewal of leases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from msgspec import to_builtins

from messages.host_server.playback import LeaseResult, LeaseWish
from native_host.ledger import Ledger
from native_host.playback.lease import Lease
from native_host.playback.refusals import Refusals
from native_host.playback.reporters import Reporters
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream import Stream
from native_host.remote.trusted_clock import TrustedClock
from pywallet.crypto.key_wrap import Unwrapper, generate_keypair
from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import GomaaError, InputError, Refusal, Unavailable
from pywallet.rules.key_window import Window
from pywallet.sps.segments import segment_aad

MOST_KEYS: Final = 256
"""Most keys of one request."""
AHEAD_MS: Final = 30_000
"""A lease that covers less music than this is renewed, milliseconds."""
EARLY_S: Final = 60
"""A lease that expires sooner than this is renewed, seconds."""


@dataclass(frozen=True)
class Wish:
    """Keys that are asked for.

    Attributes:
        wanted: The part of the request.
        private: X25519 private key to which the server wraps them, 32 bytes.
    """

    wanted: LeaseWish
    private: bytes = field(repr=False)


class LeaseManager:
    """Fetches the leases of streams, and renews them before they end."""

    def __init__(
        self, ledger: Ledger, servers: SessionServers, reporters: Reporters, refusals: Refusals, clock: TrustedClock
    ) -> None:
        self._ledger, self._servers, self._reporters = ledger, servers, reporters
        self._refusals, self._clock = refusals, clock

    async def wish(self, stream: Stream, first: int) -> Wish:
        """The keys to ask for, once the server has every report that their window follows.

        Args:
            stream: A stream with a session.
            first: First segment.

        Raises:
            GomaaError: ``lease.expired`` where the terms have no lease; the server's error of a report.
        """
        terms, session = stream.policy.lease, stream.session
        if terms is None:
            raise Refusal("lease.expired")
        private, public = generate_keypair()
        index = stream.table.index
        start_ms = index.start_ms(min(first, index.count - 1))
        indexes = Window(start_ms, start_ms + terms.window_s * 1000).clip(index.starts_ms, first, MOST_KEYS)
        if session is not None:
            # The window follows the heard time at the server: after an outage it needs the reports first.
            await self._reporters.of(self._servers.of_stream(stream), session.id).flush()
        wanted = LeaseWish(first, max(len(indexes), 1), to_b64(public), stream.table.rendition.id)
        return Wish(wanted, private)

    async def fetch(self, stream: Stream, first: int) -> Lease:
        """Fetch keys into the stream's lease.

        Args:
            stream: A stream with a ticket.
            first: First segment.

        Returns:
            The stream's lease.

        Raises:
            GomaaError: The server's refusal; ``lease.expired`` where ticket or lease terms are missing, or the ticket
                has changed meanwhile; Unavailable ``server.*``.
        """
        ticket = stream.ticket
        if ticket is None:
            raise Refusal("lease.expired")
        wish = await self.wish(stream, first)
        server = self._servers.of_stream(stream)
        result = await server.request("lease", LeaseResult, ticket=to_hex(ticket), **to_builtins(wish.wanted))
        return await self.take(stream, ticket, wish, result)

    async def take(self, stream: Stream, ticket: bytes, wish: Wish, result: LeaseResult) -> Lease:
        """Take the server's keys into the stream's lease.

        Args:
            stream: The stream.
            ticket: Digest of the ticket that the keys are for.
            wish: What was asked for.
            result: The server's keys.

        Raises:
            GomaaError: ``lease.expired`` where the stream has another ticket; ``server.answer``; ``content.*``.
        """
        # Several hundred unwrappings would block the event loop.
        keys = await asyncio.to_thread(_unwrap, stream, wish.private, result)
        if stream.ticket != ticket or stream.withdrawn is not None:
            raise Refusal(stream.withdrawn or "lease.expired")
        first = wish.wanted.first
        if stream.lease is None:
            stream.lease = Lease(first, len(keys), result.expires_s, result.budget, keys)
        else:
            stream.lease.extend(first, result.expires_s, result.budget, keys)
        with self._ledger.write():
            lease = stream.lease
            self._ledger.set_lease(ticket, lease.first, lease.count, result.expires_s, result.budget)
        return stream.lease

    def renew_ahead(self, stream: Stream, position_ms: int) -> None:
        """Start a renewal in the background when the lease runs short of keys, time or budget."""
        lease, terms = stream.lease, stream.policy.lease
        if terms is None or stream.ticket is None or stream.withdrawn is not None:
            return
        if stream.renewal is not None and not stream.renewal.done():
            return
        index = stream.table.index
        here = index.segment_at(position_ms)
        end = lease.ends_at(here) if lease is not None else here
        covered_ms = (index.start_ms(end) if end < index.count else index.duration_ms + AHEAD_MS) - position_ms
        ahead_ms = min(AHEAD_MS, terms.window_s * 500)
        now_s = self._clock.now_ms(stream.network) // 1000
        needs_renewal = (
            lease is None
            or lease.expires_s - now_s < min(EARLY_S, terms.seconds // 2)
            or lease.budget <= terms.invocations // 4
        )
        if covered_ms < ahead_ms or needs_renewal:
            stream.renewal = asyncio.create_task(self._renew(stream, end if end < index.count else here))

    async def _renew(self, stream: Stream, first: int) -> None:
        try:
            await self.fetch(stream, first)
        except Unavailable:
            return  # the old lease stays until it expires
        except GomaaError as e:
            if stream.lease is not None:
                stream.lease.discard()
                stream.lease = None
            self._refusals.problem(stream, e.code)


def _unwrap(stream: Stream, private: bytes, result: LeaseResult) -> dict[int, bytes]:
    """Segment keys of a lease by segment. Raises Unavailable ``server.answer``."""
    content, rendition = stream.header.content, stream.table.rendition
    keys = {}
    try:
        unwrapper = Unwrapper(private, from_b64(result.ephemeral))
        for index, wrapped in result.keys:
            aad = segment_aad(content, rendition.id, rendition.key_epoch(index), index)
            keys[index] = unwrapper.unwrap(from_b64(wrapped), aad)
    except (InputError, ValueError) as e:
        raise Unavailable("server.answer", op="lease", reason=type(e).__name__) from None
    return keys
