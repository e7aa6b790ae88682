"""Signed notices of devices that destroyed their keys of a content."""

from __future__ import annotations

from sqlalchemy import insert, select

from messages.host_server.playback import Destroyed, DestroyedResult
from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError, Refusal
from pywallet.protocol import destruction_digest
from security_server.db.connection import Connection
from security_server.db.queries import get
from security_server.db.tables import destructions, sessions, tickets
from security_server.db.writer import Store
from security_server.playback.signed_requests import check_times


async def store_destruction(store: Store, device: bytes, request: Destroyed) -> DestroyedResult:
    """Store a device's signed notice that it destroyed its keys of a content; only the first one is kept.

    Raises:
        Refusal: ``invocation.signature``; ``ticket.missing`` for a device without a ticket of the content.
    """
    check_times(time_ms=request.time_ms)
    content, listener, signature = (
        from_hex(request.content, 20),
        from_hex(request.listener, 20),
        from_hex(request.signature, 65),
    )
    try:
        signer = recover(destruction_digest(content, listener, request.time_ms, request.code), signature)
    except InputError:
        signer = b""
    if signer != device:
        raise Refusal("invocation.signature", op="destroyed")
    key = {"content": content, "listener": listener, "device": device}
    values = {"signed_ms": request.time_ms, "code": request.code, "signature": signature}

    played = (
        select(tickets.c.id)
        .join(sessions, sessions.c.id == tickets.c.session)
        .where(tickets.c.listener == listener, tickets.c.content == content, sessions.c.device == device)
        .limit(1)
    )

    def write(connection: Connection) -> None:
        # A device without keys of the content has none to destroy, and anyone can make a device.
        if connection.execute(played).first() is None:
            raise Refusal("ticket.missing", op="destroyed")
        if get(connection, destructions, **key) is None:
            connection.execute(insert(destructions).values(**key, **values))

    await store.run(write, for_listener=True)
    return DestroyedResult()
