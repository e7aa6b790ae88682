"""``close``: the player was closed."""

from __future__ import annotations

import contextlib

from messages.browser_host.playback import Invoke
from messages.browser_host.stream import Close
from messages.fields import Empty
from native_host.context import Services
from pywallet.errors import GomaaError


async def run(services: Services, request: Close) -> Empty:
    """Record a stop if its play is not over, and drop the stream with its keys. Idempotent."""
    stream = services.streams.get(request.stream)
    if stream is None:
        return Empty()
    ticket = services.ledger.ticket(stream.ticket) if stream.ticket else None
    if ticket is not None and stream.session is not None and ticket.state in ("playing", "paused"):
        # The position is unknown; at the last one the meter adds at most its slack.
        with contextlib.suppress(GomaaError):
            services.invocations.record(stream, Invoke(stream.name, "stop", ticket.position_ms), leased=False)
        server = services.servers.of_stream(stream)
        services.reporters.of(server, stream.session.id).wake()
    services.streams.drop(stream)
    return Empty()
