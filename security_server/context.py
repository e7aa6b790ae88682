"""The server's parts in one record: for the key service, and for who holds a running server."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pywallet.protocol import Domain
from pywallet.settlement import Schedule
from security_server.api.connections import HostConnections
from security_server.chain_view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.running_epoch import running_epoch
from security_server.playback.invocations import Now


@dataclass(frozen=True)
class Core:
    """The server's parts, made once by ``create_app``. Services take what they need of them one by one."""

    config: Config
    keys: Keys
    address: bytes
    domain: Domain
    schedule: Schedule
    store: Store
    chain: ChainView
    songs: ContentStore
    hub: HostConnections
    agreement: ChainAgreement

    async def now_ms(self) -> int:
        """The chain's time, milliseconds. Raises Unavailable ``chain.unreachable``."""
        return await self.chain.now_ms()

    def running(self, connection: Connection, epoch: int) -> int:
        """See ``running_epoch``."""
        return running_epoch(connection, epoch)

    def running_now(self, connection: Connection, now: Now) -> Now:
        """``now`` with the epoch that runs inside the transaction that will count."""
        return replace(now, epoch=running_epoch(connection, now.epoch))

    def secret(self, listener: bytes, content: bytes) -> bytes:
        """See ``Keys.tag_secret``."""
        return self.keys.tag_secret(listener, content)
