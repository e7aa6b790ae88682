"""Contents that are revoked or destroyed on the chain."""

from __future__ import annotations

import contextlib

from messages.browser_host.events import Revoked
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.playback.streams import Streams
from native_host.remote.network import Network
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.rules.content_check import withdrawal


class Withdrawals:
    """Erases the keys of withdrawn contents."""

    def __init__(self, ledger: Ledger, streams: Streams, emit: Emit) -> None:
        self._ledger, self._streams, self._emit = ledger, streams, emit

    def withdraw(self, content: bytes, code: str) -> None:
        """Erase a content's keys, end its leases and send a ``revoked`` event to each of its streams.

        Args:
            content: Its address, 20 bytes.
            code: ``content.revoked`` or ``content.destroyed``.
        """
        for stream in self._streams.of_content(content):
            if stream.withdrawn is None:
                stream.withdraw(code)
                self._emit(Revoked(stream.name, to_hex(content), code))
        with contextlib.suppress(GomaaError), self._ledger.write():
            self._ledger.end_leases(content, code)

    async def check(self, network: Network, content: bytes) -> None:
        """Withdraw a content that is revoked or destroyed on the chain; a server's event alone is no evidence."""
        state = await network.content(content).state()
        code = None if state is None else withdrawal(state)
        if code is not None:
            self.withdraw(content, code)
