"""What every part of the server shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, func, select

from pywallet.messages import Domain
from pywallet.platform import keccak256
from pywallet.settlement import Schedule
from security_server.chainview import ChainView
from security_server.config import Config, Keys
from security_server.contents import Songs
from security_server.hub import Hub
from security_server.invocations import Now
from security_server.store import Store
from security_server.tables import epochs

_CLOSED: Final = select(func.max(epochs.c.epoch))


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

    async def now_ms(self) -> int:
        """The chain's time, milliseconds. Raises Unavailable ``chain.unreachable``."""
        return await self.chain.now_ms()

    def running(self, connection: Connection, epoch: int) -> int:
        """The epoch that new counts enter: the clock's, but never one that is closed already."""
        closed = connection.execute(_CLOSED).scalar()
        return epoch if closed is None else max(epoch, closed + 1)

    def running_now(self, connection: Connection, now: Now) -> Now:
        """``now`` with the running epoch, asked inside the transaction that will count."""
        return replace(now, epoch=self.running(connection, now.epoch))

    def secret(self, listener: bytes, content: bytes) -> bytes:
        """The tag secret that only this server and the listener's host know."""
        return keccak256(b"gomaa/1 tag" + keccak256(self.keys.master) + listener + content)
