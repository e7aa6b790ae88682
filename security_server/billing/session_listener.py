"""The listener of a session, for the session's own device."""

from __future__ import annotations

from pywallet.errors import Refusal
from security_server.db.queries import get
from security_server.db.tables import sessions
from security_server.db.writer import Store


async def session_listener(store: Store, device: bytes, session: bytes) -> bytes:
    """Return the listener of a session.

    Args:
        store: The database.
        device: Address of the requesting device, 20 bytes.
        session: Id of the session, 32 bytes.

    Raises:
        Refusal: ``session.device``: unknown session, or another device's.
    """
    row = await store.run(lambda connection: get(connection, sessions, id=session))
    if row is None or row["device"] != device:
        raise Refusal("session.device")
    listener: bytes = row["listener"]
    return listener
