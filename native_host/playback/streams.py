"""The open streams, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from native_host.playback.stream import Stream
from pywallet.errors import InputError


class Streams(Mapping[str, Stream]):
    """Open streams by the name that the extension gave them."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}

    def __getitem__(self, name: str) -> Stream:
        return self._streams[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Stream) -> None:
        """Register a stream under its name."""
        self._streams[stream.name] = stream

    def require(self, name: str) -> Stream:
        """An open stream.

        Raises:
            InputError: ``host.stream.unknown``.
        """
        if name not in self._streams:
            raise InputError("host.stream.unknown", stream=name)
        return self._streams[name]

    def of_content(self, content: bytes) -> list[Stream]:
        """The streams of a content."""
        return [stream for stream in self._streams.values() if stream.header.content == content]

    def of_ticket(self, ticket: bytes) -> list[Stream]:
        """The streams with a ticket."""
        return [stream for stream in self._streams.values() if stream.ticket == ticket]

    def drop(self, stream: Stream) -> None:
        """Remove a stream, erase its keys, and stop watching its content unless another stream plays it."""
        if stream.lease is not None:
            stream.lease.discard()
        if stream.renewal is not None:
            stream.renewal.cancel()
        self._streams.pop(stream.name, None)
        if not self.of_content(stream.header.content):
            stream.network.unwatch(stream.header.content)
