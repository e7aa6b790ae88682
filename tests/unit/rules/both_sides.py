"""One listener whose invocations are decided by the host's ledger and the security server's database."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import create_engine, insert

from messages.browser_host.playback import Invoke
from native_host.ledger import InvocationRow, Ledger, SessionRow, TicketRow
from native_host.playback import segment_table
from native_host.playback.content_check import Facts, Station
from native_host.playback.invocation_log import InvocationLog
from native_host.playback.key_source import KeySource, from_lease
from native_host.playback.lease import Lease
from native_host.playback.pacing import Pacer
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from pywallet.crypto import address_of, keccak256
from pywallet.crypto.key_wrap import WrapKey, generate_keypair
from pywallet.encoding.hex import ZERO_ADDRESS, to_b64
from pywallet.errors import Refusal
from pywallet.policy import Policy
from pywallet.protocol import Action, Domain, Invocation, digest
from pywallet.rules.limits import CLOCK_SLACK_MS, SILENCE_MS
from pywallet.sps.header import Header, Rendition, Segment, ServerRef
from security_server.db.connection import Connection, Rows
from security_server.db.tables import METADATA, sessions, tickets
from security_server.playback.conditions import Conditions, VerifiedInvocation
from security_server.playback.invocations import accept

START_MS: Final = 1_800_000_000_000
DOMAIN: Final = Domain(31337, b"\x55" * 20)
DEVICE_KEY: Final = keccak256(b"device")
LISTENER, STATION, SERVER, OWNER, CONTENT = (keccak256(bytes([n]))[:20] for n in range(5))
SESSION: Final = keccak256(b"session")
PLAYS: Final = 3
_SEGMENTS: Final = 90
_, RENDERER = generate_keypair()


def song(policy: Policy) -> Header:
    """Three minutes in segments of two seconds."""
    parts = tuple(Segment(100, 2_000, bytes(32)) for _ in range(_SEGMENTS))
    rendition = Rendition(0, "flac", "audio/mp4", 1_000, 2, 16, 2_000 * _SEGMENTS, 2_000, 50, bytes(32), parts)
    server = ServerRef("http://127.0.0.1:9", SERVER, bytes(32))
    return Header(31337, CONTENT, OWNER, "Song", "Band", policy.to_dict(), (rendition,), server)


@dataclass
class BothSides:
    """Drives the host's ``record`` and the server's ``accept`` with the same invocations.

    Attributes:
        ledger: Of the host.
        connection: To the server's database.
        policy: The terms of the song.
        skew_ms: By how much the host's clock is ahead of the server's.
        ticket_s: Life of each ticket, seconds.
    """

    ledger: Ledger
    connection: Connection
    policy: Policy
    skew_ms: int = 0
    ticket_s: int = 3_600
    time_ms: int = START_MS
    silence_ms: int = SILENCE_MS
    unreported: list[tuple[InvocationRow, bool]] = field(default_factory=list)
    host: Any = None
    _listed: int = 0

    def __post_init__(self) -> None:
        """One session, and a stream with its ticket and lease for each play."""
        server = SimpleNamespace(silent_s=lambda: None)
        streams: Any = Streams()
        clock: Any = SimpleNamespace(now_ms=lambda *_: self.time_ms + self.skew_ms, rolled_back=lambda *_: False)
        servers: Any = SimpleNamespace(of_stream=lambda _: server)
        keys: Any = SimpleNamespace(of_stream=lambda _: DEVICE_KEY)
        reporters: Any = SimpleNamespace()
        self.host = SimpleNamespace(
            streams=streams,
            clock=clock,
            invocations=InvocationLog(self.ledger, streams, servers, keys, clock),
            key_source=KeySource(self.ledger, servers, reporters, clock),
        )
        session = SessionRow(SESSION, 31337, bytes(20), STATION, LISTENER, ZERO_ADDRESS, self._s(86_400), "{}")
        with self.ledger.write():
            self.ledger.add_session(session)
        self.connection.execute(
            insert(sessions).values(
                id=SESSION,
                station_address=STATION,
                listener=LISTENER,
                device=address_of(DEVICE_KEY),
                payee=ZERO_ADDRESS,
                signature=bytes(65),
                not_before_s=self._s(-3_600),
                not_after_s=self._s(86_400),
                opened_ms=START_MS,
            )
        )
        for number in range(PLAYS):
            self._open(number, session)

    def _s(self, seconds: int) -> int:
        return START_MS // 1000 + seconds

    def _open(self, number: int, session: SessionRow) -> None:
        header, identity = song(self.policy), bytes([number + 1]) * 32
        network: Any = SimpleNamespace(domain=DOMAIN)
        facts = Facts(Station(STATION, "Radio", "radio.example"), True, False, False, SERVER, header.server.url)
        stream = Stream(
            str(number),
            header,
            self.policy,
            segment_table.build(header, 1_000),
            network,
            facts,
            to_b64(RENDERER),
            WrapKey.to(RENDERER),
            SERVER,
            header.server.url,
            session=session,
            ticket=identity,
            pacer=Pacer(fastest=self.policy.fastest),
            lease=Lease(0, _SEGMENTS, self._s(86_400), 1 << 20, {index: os.urandom(32) for index in range(_SEGMENTS)}),
        )
        self.host.streams.add(stream)
        expiry_s = self._s(self.ticket_s * (number + 1))
        row = TicketRow(
            identity,
            SESSION,
            CONTENT,
            LISTENER,
            SERVER,
            header.server.url,
            "radio.example",
            0,
            30,
            self._s(0),
            expiry_s,
        )
        with self.ledger.write():
            self.ledger.add_ticket(row)
        self.connection.execute(
            insert(tickets).values(
                id=identity,
                session=SESSION,
                station_address=STATION,
                payer=STATION,
                listener=LISTENER,
                payee=ZERO_ADDRESS,
                content=CONTENT,
                header_owner=OWNER,
                number=number,
                price=0,
                reward=0,
                bps=0,
                interval_s=30,
                expiry_s=expiry_s,
                signature=bytes(65),
                opened_ms=START_MS,
            )
        )

    def act(
        self, number: int, action: str, position_ms: int | None = None, *, report: bool = True
    ) -> tuple[str | None, str | None]:
        """Perform one action at both sides.

        Args:
            number: Number of the play.
            action: Name of the action.
            position_ms: Position in the song; None: the furthest that is possible.
            report: Report it, and all unreported ones, to the server now. A refusal of the host is always reported.

        Returns:
            The codes of host and server; None: accepted, or not reported.
        """
        stream, now_ms = self.host.streams[str(number)], self.host.clock.now_ms()
        if position_ms is None:
            position_ms = max(0, stream.pacer.reach_ms(now_ms) - CLOCK_SLACK_MS)
        request = Invoke(stream.name, action, position_ms, stream.table.index.segment_at(position_ms), 2)
        try:
            wanted = self.host.key_source.plan(stream, request)
            done = self.host.invocations.record(stream, request, leased=wanted is not None and wanted.leased)
        except Refusal as refusal:
            self.report()
            with self.ledger.write():
                sequence = self.ledger.next_sequence(SESSION)
            entry = InvocationRow(
                SESSION, sequence, stream.ticket, CONTENT, LISTENER, action, position_ms, now_ms, bytes(65)
            )
            return refusal.code, self._decided(entry)
        keys = from_lease(stream, wanted).keys if wanted is not None and wanted.leased else []
        # A play may have released holds before it.
        *released, entry = self._recorded(done.entry.sequence)
        self.unreported += [(row, False) for row in released] + [(entry, bool(keys))]
        return None, self.report() if report else None

    def _recorded(self, last: int) -> list[InvocationRow]:
        """The ledger's invocations up to a sequence number that no list had so far."""
        found = self.ledger.unreported(SESSION, SERVER, 1_000, last + 1)
        rows = [row for row in found if row.sequence > self._listed]
        self._listed = last
        return rows

    def report(self) -> str | None:
        """Report all unreported invocations to the server.

        Returns:
            The first code of a refusal, or None.

        Raises:
            AssertionError: The host released keys for an invocation that the server refuses.
        """
        first = None
        for entry, keys in self.unreported:
            code = self._decided(entry)
            assert code is None or not keys, f"keys went out for {entry.action}, which the server refuses: {code}"
            first = first or code
        self.unreported.clear()
        return first

    def _decided(self, entry: InvocationRow) -> str | None:
        message = Invocation(
            session=entry.session,
            ticket=entry.ticket,
            content=entry.content,
            action=int(Action.of(entry.action)),
            position=entry.position_ms,
            sequence=entry.sequence,
            time=entry.time_ms,
        )
        item = VerifiedInvocation(digest(message, DOMAIN), message, bytes(65), address_of(DEVICE_KEY))
        now = Conditions(self.time_ms, 7, "radio.example", False, False, None)
        return accept(self.connection, item, self.policy, now, self.silence_ms, duration_ms=2_000 * _SEGMENTS).code


class World:
    """Opens pairs of an empty ledger and an empty database in a folder."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder."""
        self._folder = folder
        self._number = 0

    def open(self, policy: Policy, **options: Any) -> BothSides:
        """Open a new pair."""
        self._number += 1
        ledger = Ledger(self._folder / f"{self._number}.ledger")
        ledger._db.execute("PRAGMA synchronous=OFF")
        engine = create_engine("sqlite://")
        METADATA.create_all(engine)
        return BothSides(ledger, Connection(engine.connect(), Rows(engine.dialect)), policy, **options)
