"""Fetching and renewal of leases."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from native_host.context import Services
from native_host.playback.lease import Lease
from native_host.playback.stream import Stream
from pywallet.crypto.key_wrap import GRANT_INFO, generate_keypair, unwrap
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


async def fetch(services: Services, stream: Stream, first: int) -> Lease:
    """Fetch the keys from segment ``first`` on into the stream's lease. Raises the server's refusal."""
    ticket, terms = stream.ticket, stream.policy.lease
    if ticket is None or terms is None:
        raise Refusal("lease.expired")
    server = services.servers.of_stream(stream)
    private, public = generate_keypair()
    index = stream.table.index
    start_ms = index.start_ms(min(first, index.count - 1))
    indexes = Window(start_ms, start_ms + terms.window_s * 1000).clip(index.starts_ms, first, MOST_KEYS)
    wanted = {
        "ticket": to_hex(ticket),
        "first": first,
        "count": max(len(indexes), 1),
        "rendition": stream.table.rendition.id,
    }
    if stream.session is not None:
        # The window follows what the server knows to be heard: after an outage it has to know first.
        await services.reporters.of(server, stream.session.id).flush()
    result = await server.request("lease", **wanted, key=to_b64(public))
    # Several hundred unwrappings take longer than a click may wait.
    keys = await asyncio.to_thread(_open, stream, private, result)
    if stream.ticket != ticket or stream.withdrawn is not None:
        raise Refusal(stream.withdrawn or "lease.expired")
    expires_s, budget = int(result["expires_s"]), int(result["budget"])
    if stream.lease is None:
        stream.lease = Lease(first, len(keys), expires_s, budget, keys)
    else:
        stream.lease.extend(first, expires_s, budget, keys)
    with services.ledger.write():
        services.ledger.set_lease(ticket, stream.lease.first, stream.lease.count, expires_s, budget)
    return stream.lease


def renew_ahead(services: Services, stream: Stream, position_ms: int) -> None:
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
    now_s = services.clock.now_ms(stream.network) // 1000
    needs_renewal = (
        lease is None
        or lease.expires_s - now_s < min(EARLY_S, terms.seconds // 2)
        or lease.budget <= terms.invocations // 4
    )
    if covered_ms < ahead_ms or needs_renewal:
        stream.renewal = asyncio.create_task(_renew(services, stream, end if end < index.count else here))


async def _renew(services: Services, stream: Stream, first: int) -> None:
    try:
        await fetch(services, stream, first)
    except Unavailable:
        return  # the old lease stays until it expires
    except GomaaError as e:
        if stream.lease is not None:
            stream.lease.discard()
            stream.lease = None
        services.refusals.problem(stream, e.code)


def _open(stream: Stream, private: bytes, result: dict[str, Any]) -> dict[int, bytes]:
    header, rendition = stream.header, stream.table.rendition
    try:
        ephemeral = from_b64(result["ephemeral"])
        int(result["expires_s"]), int(result["budget"])
        keys = {}
        for index, wrapped in result["keys"]:
            aad = segment_aad(header.content, rendition.id, rendition.key_epoch(index), index)
            keys[int(index)] = unwrap(private, ephemeral, from_b64(wrapped), aad, GRANT_INFO)
        return keys
    except (KeyError, TypeError, ValueError, IndexError, InputError) as e:
        raise Unavailable("server.answer", op="lease", reason=type(e).__name__) from None
