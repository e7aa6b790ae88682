"""What every part of the server shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, func, select, union_all

from pywallet.crypto import keccak256
from pywallet.protocol import Domain
from pywallet.settlement import Schedule
from security_server.api.connections import Hub
from security_server.chain_view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import Songs
from security_server.db.cursors import FLOOR
from security_server.db.tables import cursors, epochs
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import Agreement
from security_server.playback.invocations import Now

_BEFORE: Final = union_all(
    select((func.max(epochs.c.epoch) + 1).label("first")),
    select(cursors.c.value.label("first")).where(cursors.c.name == FLOOR),
).subquery()
_FIRST: Final = select(func.max(_BEFORE.c.first))


@dataclass(frozen=True)
class Core:
    """The server's parts, made once by ``create_app``."""

    config: Config
    keys: Keys
    address: bytes
    domain: Domain
    schedule: Schedule
    store: Store
    chain: ChainView
    songs: Songs
    hub: Hub
    agreement: Agreement

    async def now_ms(self) -> int:
        """The chain's time, milliseconds. Raises Unavailable ``chain.unreachable``."""
        return await self.chain.now_ms()

    def running(self, connection: Connection, epoch: int) -> int:
        """The epoch that new counts enter.

        The clock's, but none that is closed, or that a lost database may have signed for.
        """
        first = connection.execute(_FIRST).scalar()
        return epoch if first is None else max(epoch, first)

    def running_now(self, connection: Connection, now: Now) -> Now:
        """``now`` with the running epoch, asked inside the transaction that will count."""
        return replace(now, epoch=self.running(connection, now.epoch))

    def secret(self, listener: bytes, content: bytes) -> bytes:
        """The tag secret that only this server and the listener's host know."""
        return keccak256(b"gomaa/1 tag" + keccak256(self.keys.master) + listener + content)
