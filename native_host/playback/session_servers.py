"""The security server's connection for a stream or a session, with the device key that belongs to it."""

from __future__ import annotations

from native_host.ledger import SessionRow
from native_host.playback.device_keys import DeviceKeys
from native_host.playback.stream import Stream
from native_host.remote.connections import ServerConnections
from native_host.remote.network import Network
from native_host.remote.server import Server


class SessionServers:
    """Connections by stream and by session."""

    def __init__(self, connections: ServerConnections, keys: DeviceKeys) -> None:
        self._connections, self._keys = connections, keys

    def of_stream(self, stream: Stream) -> Server:
        """The connection of a stream. Raises as ``DeviceKeys.of_stream``."""
        return self._connections.connect(stream.server, stream.server_url, stream.network, self._keys.of_stream(stream))

    def of_session(self, session: SessionRow, address: bytes, url: str, network: Network) -> Server:
        """The connection to a server as a session's device. Raises as ``DeviceKeys.of_session``."""
        return self._connections.connect(address, url, network, self._keys.of_session(session, address))
