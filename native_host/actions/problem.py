"""``problem``: the player refused a song by itself; the ledger remembers it, with amount zero."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.schema import Problem
from pywallet.errors import SENTENCES, InputError


async def run(host: Host, request: Problem) -> dict[str, Any]:
    """Record the code. Raises InputError ``host.message.schema`` for one that is not registered, ``host.stream.unknown``."""
    if request.code not in SENTENCES:
        raise InputError("host.message.schema", field="code")
    host.note_refusal(host.stream(request.stream), "play", request.code)
    return {}
