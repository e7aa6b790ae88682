"""The host's state and what its actions share: ledger, device, lines to chains and servers, open streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from native_host import networks, receipts
from native_host.device import Device, load
from native_host.ledger import Ledger
from native_host.looks import Looks
from native_host.network import Network
from native_host.paths import Paths
from native_host.reporter import Reporter
from native_host.server import Server
from native_host.stream import Stream
from pywallet.errors import SENTENCES, GomaaError, InputError
from pywallet.hexes import from_hex, to_hex
from pywallet.messages import destruction_digest
from pywallet.platform import sign

if TYPE_CHECKING:
    from chain.deployment import Deployment
    from native_host.ledger.scanning import Place
    from native_host.scan import Scan

AGREE_MS: Final = 1_000
ROLLBACK_MS: Final = 120_000
"""A clock is corrected by seconds, not by minutes."""

Emit = Callable[[dict[str, Any]], None]


def system_ms() -> int:
    """This computer's clock, Unix ms: anyone may have set it."""
    return time.time_ns() // 1_000_000


class Host:
    """One browser's host. ``emit`` sends an event to the extension."""

    def __init__(self, paths: Paths, emit: Emit, known: Mapping[int, Deployment] | None = None) -> None:
        self.paths = paths.make()
        self.emit = emit
        self.device: Device = load(paths.device_key)
        self.ledger = Ledger(paths.ledger)
        known = networks.load(paths) if known is None else known
        self.networks = {chain_id: Network(deployment, self.withdrawn) for chain_id, deployment in known.items()}
        self.streams: dict[str, Stream] = {}
        self._servers: dict[tuple[bytes, str], Server] = {}
        self._reporters: dict[tuple[bytes, bytes], Reporter] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_ms = 0
        self._drift_ms = system_ms() - time.monotonic_ns() // 1_000_000
        self._newest_ms = self.ledger.newest_ms()
        self.looks = Looks()
        self.scans: dict[Place, Scan] = {}

    def start(self) -> None:
        """Begin what needs no request: chain lines, and reports an earlier run left."""
        for network in self.networks.values():
            self.later(network.ready())
        for session, server, url, chain_id in self.ledger.sessions_unreported():
            if chain_id in self.networks:
                self.reporter(self.server(server, url, self.networks[chain_id]), session).wake()

    def later(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests; its expected failures concern nobody."""
        task = asyncio.create_task(_quiet(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def flush(self) -> None:
        """Report what waits, where the line stands."""
        await asyncio.gather(*(reporter.flush() for reporter in self._reporters.values()), return_exceptions=True)

    async def close(self) -> None:
        """Stop everything; what is not reported waits in the ledger."""
        for task in list(self._tasks):
            task.cancel()
        for stream in list(self.streams.values()):
            self.drop(stream)
        parts: list[Reporter | Server | Network] = [*self._reporters.values(), *self._servers.values(), *self.networks.values()]
        await asyncio.gather(*(part.close() for part in parts), return_exceptions=True)
        self.ledger.close()

    def network(self, chain_id: int) -> Network:
        """The known network with this chain id. Raises InputError ``sps.header.chain``."""
        if chain_id not in self.networks:
            self._learn()
        if chain_id not in self.networks:
            raise InputError("sps.header.chain", chain_id=chain_id, known=",".join(map(str, self.networks)))
        return self.networks[chain_id]

    def _learn(self) -> None:
        """Networks that were installed after this host began."""
        for chain_id, deployment in networks.load(self.paths).items():
            if chain_id not in self.networks:
                self.networks[chain_id] = Network(deployment, self.withdrawn)

    def network_at(self, server: bytes) -> Network:
        """The network on which a server was used; the first one known if it never was. Raises InputError ``sps.header.chain``."""
        known = self.ledger.chain_of(server)
        return self.network(known if known in self.networks else next(iter(self.networks), 0))

    def stream(self, name: str) -> Stream:
        """An open stream. Raises InputError ``host.stream.unknown``."""
        if name not in self.streams:
            raise InputError("host.stream.unknown", stream=name)
        return self.streams[name]

    def drop(self, stream: Stream) -> None:
        """Forget a stream and its keys."""
        if stream.lease is not None:
            stream.lease.shred()
        if stream.renewal is not None:
            stream.renewal.cancel()
        self.streams.pop(stream.name, None)
        if not any(other.header.content == stream.header.content for other in self.streams.values()):
            stream.network.unwatch(stream.header.content)

    def server(self, address: bytes, url: str, network: Network) -> Server:
        """The line to a server, opened on first use."""
        key = (address, url)
        if key not in self._servers:
            self._servers[key] = Server(address, url, self.device, partial(self._server_event, network), self._server_state)
        return self._servers[key]

    def reporter(self, server: Server, session: bytes) -> Reporter:
        """The reporter of a session."""
        key = (server.address, session)
        if key not in self._reporters:
            self._reporters[key] = Reporter(self.ledger, server, session, self._refused)
        return self._reporters[key]

    def now_ms(self, network: Network, server: Server | None = None) -> int:
        """Trusted Unix time in ms. Never runs backwards.

        The chain's time is the floor: setting this computer's clock back gains
        nothing. Where blocks are rare this computer's time stands in between
        them, as far as the server's clock (when known) agrees: it would refuse
        what lies ahead of it.
        """
        own, server_ms = system_ms(), server.now_ms() if server else None
        if server_ms is not None:
            own = min(own, server_ms + AGREE_MS)
        self._last_ms = max(self._last_ms, network.now_ms(), own)
        return self._last_ms

    def rolled_back(self) -> bool:
        """Whether this computer's clock was set back: while we ran, or against what the ledger has seen before."""
        drift_ms = system_ms() - time.monotonic_ns() // 1_000_000
        return drift_ms < self._drift_ms - ROLLBACK_MS or system_ms() < self._newest_ms - ROLLBACK_MS

    def destroy(self, stream: Stream, code: str) -> None:
        """The terms ask for it: shred every key of the content, and sign that it was done."""
        content, time_ms = stream.header.content, self.now_ms(stream.network)
        for other in self.streams.values():
            if other.header.content == content:
                other.withdraw(code)
        listener = stream.session.listener if stream.session else bytes(20)
        signature = sign(self.device.private_key, destruction_digest(content, listener, time_ms, code))
        with self.ledger.write():
            self.ledger.end_leases(content, code)
            self.ledger.add_destruction(content, listener, time_ms, code, signature)
        server = self.server(stream.server, stream.server_url, stream.network)
        self.later(self._tell_destroyed(server))
        self.emit({"event": "destroyed", "stream": stream.name, "content": to_hex(content), "code": code})

    async def _tell_destroyed(self, server: Server) -> None:
        for content, listener, time_ms, code, signature in self.ledger.destructions_untold():
            fields = {"content": to_hex(content), "listener": to_hex(listener), "time_ms": time_ms, "code": code}
            await server.request("destroyed", **fields, signature=to_hex(signature))
            with self.ledger.write():
                self.ledger.destruction_told(content, listener)

    def problem(self, stream: Stream, code: str) -> None:
        """Tell the extension that something is wrong with a stream."""
        self.emit({"event": "problem", "stream": stream.name, "code": code, "message": SENTENCES.get(code, SENTENCES["internal"])})

    def note_refusal(self, stream: Stream | None, action: str, code: str) -> None:
        """Write a refusal to the ledger: its amount is zero and it moves no counter."""
        station = stream.facts.station if stream else None
        with self.ledger.write():
            content = stream.header.content if stream else None
            self.ledger.add_refusal(int(time.time()), content, station.domain if station else None, action, code)

    def _of_session(self, session: bytes) -> Iterator[Stream]:
        return (stream for stream in list(self.streams.values()) if stream.session and stream.session.id == session)

    def _refused(self, session: bytes, sequence: int, code: str) -> None:
        if code == "server.moved":
            # Nothing is wrong with the listener's side: the engine asks for a ticket of the new server.
            return
        # The server no longer agrees: its keys held here would be spent on what nobody pays.
        for stream in self._of_session(session):
            if stream.lease is not None:
                stream.lease.shred()
                stream.lease = None
            self.problem(stream, code)

    def withdrawn(self, content: bytes, code: str) -> None:
        """The chain says a content is revoked or destroyed: its keys here are shredded and the players told."""
        for stream in list(self.streams.values()):
            if stream.header.content == content and stream.withdrawn is None:
                stream.withdraw(code)
                self.emit({"event": "revoked", "stream": stream.name, "content": to_hex(content), "code": code})
        with contextlib.suppress(GomaaError), self.ledger.write():
            self.ledger.end_leases(content, code)

    async def _server_state(self, server: Server, up: bool) -> None:
        self.emit({"event": "server", "up": up})
        if up:
            for (address, _), reporter in self._reporters.items():
                if address == server.address:
                    reporter.wake()

    def _server_event(self, network: Network, server: Server, event: dict[str, Any]) -> None:
        try:
            if event.get("event") == "receipt":
                self._receipt(network, server, event)
            elif event.get("event") == "revoked":
                self.later(self._check_withdrawn(network, from_hex(event.get("content"), 20)))
        except GomaaError as e:
            self.emit({"event": "problem", "stream": "", "code": e.code, "message": e.message})

    async def _check_withdrawn(self, network: Network, content: bytes) -> None:
        # The server's word alone stops nothing: the chain decides.
        state = await network.content(content).state()
        if state is not None and (state.destroyed or state.revoked):
            self.withdrawn(content, "content.destroyed" if state.destroyed else "content.revoked")

    def _receipt(self, network: Network, server: Server, event: dict[str, Any]) -> None:
        row = receipts.store(self.ledger, server.address, network.domain, event)
        if row is None:
            return
        stream = next((s.name for s in self.streams.values() if s.session and s.session.payee == row.payee), "")
        amount, payee = str(row.amount), to_hex(row.payee)
        self.emit({"event": "receipt", "stream": stream, "epoch": row.epoch, "amount_wei": amount, "payee": payee})


async def _quiet(work: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(GomaaError, asyncio.CancelledError):
        await work
