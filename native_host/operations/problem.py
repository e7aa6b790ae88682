"""``problem``: record that the player itself refused a content."""

from __future__ import annotations

from messages.browser_host.stream import Problem
from messages.fields import Empty
from native_host.context import Services
from pywallet.errors import SENTENCES, InputError


async def run(services: Services, request: Problem) -> Empty:
    """Record the code as a refusal, if the content played.

    Raises:
        InputError: ``host.message.schema`` for a code that is not registered, ``host.stream.unknown``.
    """
    if request.code not in SENTENCES:
        raise InputError("host.message.schema", field="code")
    stream = services.streams.require(request.stream)
    if stream.start_action is not None:
        services.refusals.record(stream, "play", request.code)
    return Empty()
