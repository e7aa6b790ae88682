"""The host's state and what its actions share: ledger, device, lines to chains and servers, open streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from native_host.install.device_key import Device, fresh_key, load
from native_host.install.paths import Paths
from native_host.ledger import Ledger, SessionRow
from native_host.payments import receipts
from native_host.payments.earnings_cache import Looks
from native_host.payments.site_grants import day_of
from native_host.playback.reporter import Reporter
from native_host.playback.stream import Stream
from native_host.playback.stream_quota import Room
from native_host.remote import network_files
from native_host.remote.clock import Clock
from native_host.remote.network import Network
from native_host.remote.server import Server
from pywallet.crypto import sign
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import SENTENCES, GomaaError, InputError, Refusal
from pywallet.protocol import destruction_digest
from pywallet.rules.content_check import withdrawal

if TYPE_CHECKING:
    from chain.deployment import Deployment
    from native_host.ledger.scan_store import Place
    from native_host.payments.recovery_scan import Scan

MOST_LINES: Final = 16
"""So many lines to servers stay open for stations that nothing plays from."""
VISIT_S: Final = 60.0
"""The popup looks every few seconds: a station that nothing plays from is asked for receipts so often."""

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
        known = network_files.load(paths) if known is None else known
        self.networks = {chain_id: Network(deployment, self.withdrawn) for chain_id, deployment in known.items()}
        self.streams: dict[str, Stream] = {}
        self._servers: dict[tuple[int, bytes, str, bytes], Server] = {}
        self.room = Room(self.streams)
        self._visited: dict[tuple[bytes, bytes], float] = {}
        self._reporters: dict[tuple[bytes, bytes], Reporter] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._clock = Clock(self.ledger.newest_ms(), lambda: system_ms())
        self.looks = Looks()
        self.scans: dict[Place, Scan] = {}

    def start(self) -> None:
        """Begin what needs no request: chain lines, and reports an earlier run left."""
        for network in self.networks.values():
            self.later(network.ready())
        for session, server, url, chain_id in self.ledger.sessions_unreported():
            row = self.ledger.session(session)
            if chain_id in self.networks and row is not None:
                with contextlib.suppress(Refusal):
                    self.reporter(self.server_as(row, server, url, self.networks[chain_id]), session).wake()

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
        parts: list[Reporter | Server | Network] = [
            *self._reporters.values(),
            *self._servers.values(),
            *self.networks.values(),
        ]
        await asyncio.gather(*(part.close() for part in parts), return_exceptions=True)
        self.ledger.close()

    def network(self, chain_id: int) -> Network:
        """The known network with this chain id.

        Raises InputError ``host.network.missing``, ``host.network.damaged``.
        """
        if chain_id not in self.networks:
            self.learn()
        if chain_id not in self.networks:
            spoilt = any(file.stem == str(chain_id) for file in network_files.damaged(self.paths))
            raise InputError("host.network.damaged" if spoilt else "host.network.missing", chain_id=chain_id)
        return self.networks[chain_id]

    def learn(self) -> None:
        """Take up networks that were added after this host began, and tell the extension."""
        found = {
            id_: deployment for id_, deployment in network_files.load(self.paths).items() if id_ not in self.networks
        }
        for chain_id, deployment in found.items():
            self.networks[chain_id] = Network(deployment, self.withdrawn)
        if found:
            self.emit({"event": "networks", "networks": self.known()})

    def known(self) -> list[dict[str, Any]]:
        """The known networks as the extension sees them."""
        names = ("settlement", "token", "registry")
        return [
            {
                "chain_id": one.chain_id,
                **{name: to_hex(getattr(one, name)) for name in names},
                "epoch_s": one.schedule.length,
            }
            for one in (network.deployment for network in self.networks.values())
        ]

    def network_at(self, server: bytes) -> Network:
        """The network on which a server was used; the first one known if it never was. Raises as ``network``."""
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
            stream.lease.discard()
        if stream.renewal is not None:
            stream.renewal.cancel()
        self.streams.pop(stream.name, None)
        if not any(other.header.content == stream.header.content for other in self.streams.values()):
            stream.network.unwatch(stream.header.content)

    def server(self, address: bytes, url: str, network: Network, key: bytes) -> Server:
        """The line to a server for one device key, opened on first use.

        A server sees no more behind one line than behind one station: nothing in common ties two of them.
        """
        place = (network.deployment.chain_id, address, url, key)
        line = self._servers.pop(place, None)
        if line is None:
            self._rest()
            line = Server(address, url, key, network.now_ms, partial(self._server_event, network), self._server_state)
        # The one used last stands last.
        self._servers[place] = line
        return line

    def device_at(self, stream: Stream) -> bytes | None:
        """Address of the device that a session has to name for a stream: that of its content's server and its station.

        Where the terms limit a listener's devices, this computer stays the device that has played the song at this
        station before,
        also at a server that the content has moved to: the server before tells it which devices those are. None without
        a station.
        """
        station = stream.facts.station
        if station is None:
            return None
        if stream.policy.devices is not None:
            for session in self.ledger.sessions_with(stream.header.content, station.address):
                with contextlib.suppress(Refusal):
                    self.key_of(session, stream.facts.server)
                    return session.device
        return self.device.address(stream.facts.server, station.address)

    def key_of(self, session: SessionRow, server: bytes) -> bytes:
        """Private key of the device that a session names, which is at ``server``. Raises Refusal ``session.device``."""
        servers = (address for address, _ in self.ledger.servers_used())
        key = self.device.key_of(session.device, chain((server,), servers), session.station)
        if key is None:
            raise Refusal("session.device", session=to_hex(session.device))
        return key

    def key_at(self, stream: Stream) -> bytes:
        """Private key of the device at a stream's server.

        Its session's, or that of server and station before there is one.

        Raises:
            Refusal: ``session.device``, ``station.unknown``.
        """
        if stream.session is not None:
            return self.key_of(stream.session, stream.server)
        if stream.facts.station is None:
            raise Refusal("station.unknown")
        return self.device.key(stream.server, stream.facts.station.address)

    def server_at(self, stream: Stream) -> Server:
        """The line of a stream. Raises as ``key_at``."""
        return self.server(stream.server, stream.server_url, stream.network, self.key_at(stream))

    def server_as(self, session: SessionRow, address: bytes, url: str, network: Network) -> Server:
        """The line to a server as a session's device. Raises Refusal ``session.device``."""
        return self.server(address, url, network, self.key_of(session, address))

    @contextlib.asynccontextmanager
    async def stranger(self, address: bytes, url: str, network: Network) -> AsyncIterator[Server]:
        """A line for questions that belong to no station.

        With a key of its own, which nothing ties to any other line.
        """
        async with self.visit(address, url, network, fresh_key()) as line:
            yield line

    @contextlib.asynccontextmanager
    async def visit(self, address: bytes, url: str, network: Network, key: bytes) -> AsyncIterator[Server]:
        """The line to a server for one device key: the one that stands, or one for this question alone."""
        line = self._servers.get((network.deployment.chain_id, address, url, key))
        if line is not None and line.up:
            yield line
            return
        line = Server(address, url, key, network.now_ms, partial(self._server_event, network), _unwatched)
        try:
            yield line
        finally:
            await line.close()

    def may_visit(self, address: bytes, key: bytes) -> bool:
        """Whether a server may be asked now as one device: always on a line that stands, else once in ``VISIT_S``."""
        if any((line.address, used) == (address, key) and line.up for (*_, used), line in self._servers.items()):
            return True
        now_s, last_s = time.monotonic(), self._visited.get((address, key))
        if last_s is not None and now_s < last_s + VISIT_S:
            return False
        self._visited[address, key] = now_s
        return True

    def _rest(self) -> None:
        """Hang up the lines that were used longest ago and that no stream needs; the next request opens them again."""
        used = set[tuple[bytes, bytes]]()
        for stream in self.streams.values():
            with contextlib.suppress(Refusal):
                used.add((stream.server, self.key_at(stream)))
        idle = [line for (_, address, _, key), line in self._servers.items() if line.up and (address, key) not in used]
        for line in idle[: max(0, len(idle) - MOST_LINES)]:
            self.later(line.sleep())

    def reporter(self, server: Server, session: bytes) -> Reporter:
        """The reporter of a session."""
        key = (server.address, session)
        if key not in self._reporters:
            self._reporters[key] = Reporter(self.ledger, server, session, self._refused)
        return self._reporters[key]

    def now_ms(self, network: Network, server: Server | None = None) -> int:
        """Trusted Unix time in ms: see ``Clock.now_ms``.

        Without a server, or before its hello, the network's others are asked.
        """
        chain_id = network.deployment.chain_id
        own = server.now_ms() if server else None
        return self._clock.now_ms(network.now_ms(), own, self._latest_ms(chain_id), chain_id)

    def _latest_ms(self, chain_id: int) -> int | None:
        """The latest clock of a network's servers that have said hello."""
        known = (line.now_ms() for place, line in self._servers.items() if place[0] == chain_id)
        return max((ms for ms in known if ms is not None), default=None)

    def today(self) -> int:
        """The day of budgets, counted from 1970 (UTC), by the same clock as their debits."""
        network = next(iter(self.networks.values()), None)
        return day_of(system_ms() if network is None else self.now_ms(network))

    def rolled_back(self, network: Network, server: Server | None = None) -> bool:
        """Whether this computer's clock was set back: see ``Clock.rolled_back``."""
        own = (server.now_ms() if server else None) or self._latest_ms(network.deployment.chain_id)
        trusted = [known for known in (network.chain_ms(), own) if known is not None]
        return self._clock.rolled_back(max(trusted, default=None))

    def destroy(self, stream: Stream, code: str) -> None:
        """The terms ask for it: shred every key of the content, and sign that it was done."""
        content, time_ms = stream.header.content, self.now_ms(stream.network, self.server_at(stream))
        for other in self.streams.values():
            if other.header.content == content:
                other.withdraw(code)
        session = stream.session
        assert session is not None  # only an invocation ends like this
        signature = sign(self.key_at(stream), destruction_digest(content, session.listener, time_ms, code))
        with self.ledger.write():
            self.ledger.end_leases(content, code)
            self.ledger.add_destruction(content, session.listener, time_ms, code, signature)
        self.later(self._tell_destroyed())
        self.emit({"event": "destroyed", "stream": stream.name, "content": to_hex(content), "code": code})

    async def _tell_destroyed(self) -> None:
        """Tell each notice to the server and as the device of the play that it is about: to no other."""
        for content, listener, time_ms, code, signature in self.ledger.destructions_untold():
            with contextlib.suppress(GomaaError):
                server = self._of_play(content, listener)
                if server is None:
                    continue
                fields = {"content": to_hex(content), "listener": to_hex(listener), "time_ms": time_ms, "code": code}
                await server.request("destroyed", **fields, signature=to_hex(signature))
                with self.ledger.write():
                    self.ledger.destruction_told(content, listener)

    def _of_play(self, content: bytes, listener: bytes) -> Server | None:
        """The line on which a listener last played a content. Raises Refusal ``session.device``."""
        found = self.ledger.played(content, listener)
        session = None if found is None else self.ledger.session(found[0])
        if found is None or session is None or session.chain_id not in self.networks:
            return None
        return self.server_as(session, found[1], found[2], self.networks[session.chain_id])

    def problem(self, stream: Stream, code: str) -> None:
        """Tell the extension that something is wrong with a stream."""
        self.emit(
            {
                "event": "problem",
                "stream": stream.name,
                "code": code,
                "message": SENTENCES.get(code, SENTENCES["internal"]),
            }
        )

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
                stream.lease.discard()
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
            for reporter in self._reporters.values():
                if reporter.server is server:
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
        code = None if state is None else withdrawal(state)
        if code is not None:
            self.withdrawn(content, code)

    def _receipt(self, network: Network, server: Server, event: dict[str, Any]) -> None:
        row = receipts.store(self.ledger, server.address, network.domain, event)
        if row is None:
            return
        stream = next((s.name for s in self.streams.values() if s.session and s.session.payee == row.payee), "")
        amount, payee = str(row.amount), to_hex(row.payee)
        self.emit({"event": "receipt", "stream": stream, "epoch": row.epoch, "amount_wei": amount, "payee": payee})


async def _unwatched(_server: Server, _up: bool) -> None:
    """State of a line that the extension is not told of."""


async def _quiet(work: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(GomaaError, asyncio.CancelledError):
        await work
