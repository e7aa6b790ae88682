"""``close``: the player was closed."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Final

from messages.browser_host.playback import Invoke
from messages.browser_host.stream import Close
from messages.fields import Empty
from native_host.context import Services
from native_host.playback.stream import Stream
from pywallet.errors import GomaaError

_ENDS: Final = {"playing": "stop", "paused": "stop", "held": "release"}
"""State of a ticket to the action that ends it."""


async def run(services: Services, request: Close) -> Empty:
    """Record a stop of a play that is not over, or the end of a hold, and drop the stream with its keys. Idempotent."""
    stream = services.streams.get(request.stream)
    if stream is None:
        return Empty()
    end(services, stream)
    services.streams.drop(stream)
    return Empty()


def end(services: Services, stream: Stream, states: Collection[str] = tuple(_ENDS)) -> None:
    """End the play or the hold of a stream's ticket, if it is in one of these states."""
    ticket = services.ledger.ticket(stream.ticket) if stream.ticket else None
    if ticket is None or stream.session is None or ticket.state not in states:
        return
    if ticket.state == "held" and ticket.session != stream.session.id:
        return
    # The position is unknown; at the last one the meter adds at most its slack.
    with contextlib.suppress(GomaaError):
        request = Invoke(stream.name, _ENDS[ticket.state], ticket.position_ms)
        services.invocations.record(stream, request, leased=False)
    server = services.servers.of_stream(stream)
    services.reporters.of(server, stream.session.id).wake()
