"""The parts of a running server, for the application's owner: commands and tests."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.protocol import Domain
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.host_connections import HostConnections


@dataclass(frozen=True)
class ServerParts:
    """Parts that ``create_app`` has built. The services get each part that they need as an argument."""

    config: Config
    keys: Keys
    address: bytes
    domain: Domain
    schedule: Schedule
    store: Store
    chain: ChainView
    songs: ContentStore
    hosts: HostConnections
    agreement: ChainAgreement
