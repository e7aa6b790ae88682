"""``close``: the player was closed."""

from __future__ import annotations

import contextlib

from messages.browser_host.playback import Invoke
from messages.browser_host.stream import Close
from messages.fields import Empty
from native_host.context import Services
from native_host.playback.invocation_log import record
from pywallet.errors import GomaaError


async def run(services: Services, request: Close) -> Empty:
    """Record a stop if it was playing, and drop the stream with its keys. Closing twice is no error."""
    stream = services.streams.get(request.stream)
    if stream is None:
        return Empty()
    ticket = services.ledger.ticket(stream.ticket) if stream.ticket else None
    if ticket is not None and stream.session is not None and ticket.state in ("playing", "paused"):
        # The position of the stop is unknown: with the last one the meter adds at most its slack.
        with contextlib.suppress(GomaaError):
            record(services, stream, Invoke(stream.name, "stop", ticket.position_ms), leased=False)
        server = services.servers.of_stream(stream)
        services.reporters.of(server, stream.session.id).wake()
    services.streams.drop(stream)
    return Empty()
