"""Stream: one content in one player, with its verified header, session, ticket and lease."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from native_host.ledger import InvocationRow, SessionRow
from native_host.playback.content_check import Facts
from native_host.playback.lease import Lease
from native_host.playback.pacing import Pacer
from native_host.playback.segment_table import Table
from native_host.playback.voucher_due import VoucherDue
from native_host.remote.network import Network
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.policy import Context, Meter, Policy, Usage, extent
from pywallet.protocol.actions import STARTS
from pywallet.sps.header import Header


@dataclass
class Stream:
    """One open content.

    Attributes:
        name: Name that the extension gave it.
        header: The verified header.
        policy: The header's terms.
        table: Segments of the selected rendition.
        network: Network of the content.
        facts: Facts read from the chain.
        renderer: X25519 public key of the renderer, in base64.
        wrap: Wraps segment keys to the renderer.
        server: Address of the security server: that of the ticket; without one the content's by the chain, to which
            the content may have moved since its header.
        server_url: URL of that server.
        origin: Origin of the page, set by the extension's background.
        site: Origin of the tab's page, whose quota the stream uses; ``origin`` may be that of a frame in it.
        size: Length of the header, bytes.
        session: The session of the play.
        ticket: Digest of the ticket.
        lease: Keys held in advance for the ticket.
        pacer: Pacing of the ticket's play.
        withdrawn: Code of the revocation or destruction of the content.
        unanswered: A recorded invocation whose keys have not arrived: the same request is the same invocation.
        renewal: Renewal of the lease that is under way.
        start_action: Action that began the ticket's play.
        interrupted: Digest of a ticket whose play was interrupted and can be resumed here.
        voucher_due: Voucher that ``owed`` returned last.
        territory: Territory of the listener according to the server.
        purpose: Purpose of the station according to the server.
    """

    name: str
    header: Header
    policy: Policy
    table: Table
    network: Network
    facts: Facts
    renderer: str
    wrap: WrapKey
    server: bytes
    server_url: str
    origin: str = ""
    site: str = ""
    size: int = 0
    session: SessionRow | None = None
    ticket: bytes | None = None
    lease: Lease | None = None
    pacer: Pacer = field(default_factory=Pacer)
    withdrawn: str | None = None
    unanswered: InvocationRow | None = None
    renewal: asyncio.Task[None] | None = None
    start_action: str | None = None
    interrupted: bytes | None = None
    voucher_due: VoucherDue | None = None
    territory: str | None = None
    purpose: str | None = None

    @cached_property
    def duration_ms(self) -> int:
        """Length of the first rendition, whichever one plays, as at the security server."""
        return self.header.renditions[0].duration_ms

    def metered(self, meter: Meter, usage: Usage, action: str, position_ms: int, time_ms: int) -> Meter:
        """The ticket's meter after one more action. It ends with the content, or the part that the terms allow."""
        started = action if action in STARTS else self.start_action or "play"
        part_ms = extent(self.policy, usage, started).to_ms
        end_ms = self.duration_ms if part_ms is None else min(self.duration_ms, part_ms)
        return meter.advance(action, position_ms, time_ms, self.policy.fastest, end_ms)

    def context(self, now_s: int, **more: Any) -> Context:
        """Context of the policy's decision; ``more`` are further fields of it."""
        station = self.facts.station
        return Context(
            territory=self.territory,
            purpose=self.purpose,
            device_known=True,
            **more,
            now_s=now_s,
            domain=station.domain if station else None,
            wallet=self.session is not None and self.session.payee != ZERO_ADDRESS,
            revoked=self.facts.revoked or self.withdrawn == "content.revoked",
            destroyed=self.facts.destroyed or self.withdrawn == "content.destroyed",
        )

    def withdraw(self, code: str) -> None:
        """Erase the lease's keys, and release no more of them: the content is revoked or destroyed."""
        self.withdrawn = code
        if self.lease is not None:
            self.lease.discard()
