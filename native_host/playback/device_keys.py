"""Device keys of sessions and streams."""

from __future__ import annotations

import contextlib
from itertools import chain

from native_host.device_key import Device
from native_host.ledger import Ledger, SessionRow
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal


class DeviceKeys:
    """Device keys by session and stream, derived from the master secret."""

    def __init__(self, device: Device, ledger: Ledger) -> None:
        self._device, self._ledger = device, ledger

    def address_for(self, stream: Stream) -> bytes | None:
        """Address of the device that a session has to name for a stream: that of the content's server and the station.

        Where the terms limit a listener's devices, this computer stays the device that has played the content at this
        station before, also at a server to which the content has moved: the handover names the devices so far.

        Returns:
            20 bytes; None for a stream without a station.
        """
        station = stream.facts.station
        if station is None:
            return None
        if stream.policy.devices is not None:
            for session in self._ledger.sessions_with(stream.header.content, station.address):
                with contextlib.suppress(Refusal):
                    self.of_session(session, stream.facts.server)
                    return session.device
        return self._device.address(stream.facts.server, station.address)

    def of_session(self, session: SessionRow, server: bytes) -> bytes:
        """Private key, 32 bytes, of the device that a session names, at the server with this address.

        Raises:
            Refusal: ``session.device`` where it is no device of this computer.
        """
        servers = (address for address, _ in self._ledger.servers_used())
        key = self._device.key_of(session.device, chain((server,), servers), session.station_address)
        if key is None:
            raise Refusal("session.device", session=to_hex(session.device))
        return key

    def of_stream(self, stream: Stream) -> bytes:
        """Private key of the device at a stream's server: its session's, or that of server and station before one.

        Raises:
            Refusal: ``session.device``, ``station.unknown``.
        """
        if stream.session is not None:
            return self.of_session(stream.session, stream.server)
        if stream.facts.station is None:
            raise Refusal("station.unknown")
        return self._device.key(stream.server, stream.facts.station.address)

    def in_use(self, streams: Streams) -> set[tuple[bytes, bytes]]:
        """(server address, device key) of each open stream."""
        pairs = set[tuple[bytes, bytes]]()
        for stream in streams.values():
            with contextlib.suppress(Refusal):
                pairs.add((stream.server, self.of_stream(stream)))
        return pairs
