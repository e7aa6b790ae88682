"""Stream: one song in one player, with its verified header, session, ticket and lease."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from native_host.ledger import InvocationRow, SessionRow
from native_host.payments.voucher_due import VoucherDue
from native_host.playback.content_check import Facts
from native_host.playback.lease import Lease
from native_host.playback.pacing import Pacer
from native_host.playback.segment_table import Table
from native_host.remote.network import Network
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.policy import Context, Meter, Policy, Usage, extent
from pywallet.protocol.actions import STARTS
from pywallet.sps.header import Header


@dataclass
class Stream:
    """One open song. ``wrap`` wraps keys to the renderer; ``lease`` and ``pacer`` last as long as the ticket."""

    name: str
    header: Header
    policy: Policy
    table: Table
    network: Network
    facts: Facts
    renderer: str
    wrap: WrapKey
    server: bytes
    """Security server of the stream's ticket.

    Without one, the content's by the chain, which may have moved since the header.
    """
    server_url: str
    origin: str = ""
    """Origin of the page, from the extension's background."""
    site: str = ""
    """Origin of the tab's page, in which ``origin``'s may be a frame: the site whose quota this stream uses."""
    size: int = 0
    """Bytes of the header."""
    session: SessionRow | None = None
    ticket: bytes | None = None
    lease: Lease | None = None
    pacer: Pacer = field(default_factory=Pacer)
    withdrawn: str | None = None
    unanswered: InvocationRow | None = None
    """An invocation in the ledger whose keys have not arrived: the same request again is not counted again."""
    renewal: asyncio.Task[None] | None = None
    started: str | None = None
    """The action that began the ticket's play."""
    going: bytes | None = None
    """A ticket whose play was cut off and could go on here."""
    due: VoucherDue | None = None
    """What the listener was last asked to sign for."""
    place: tuple[str | None, str | None] = (None, None)
    """Territory and purpose, from the security server's answer to the ticket."""

    @cached_property
    def duration_ms(self) -> int:
        """Length of the song: the first rendition's, whichever one plays, as at the security server."""
        return self.header.renditions[0].duration_ms

    def metered(self, meter: Meter, usage: Usage, action: str, position_ms: int, time_ms: int) -> Meter:
        """The ticket's meter after one more action: it ends with the song or the part of it that the terms allow."""
        started = action if action in STARTS else self.started or "play"
        part_ms = extent(self.policy, usage, started).to_ms
        end_ms = self.duration_ms if part_ms is None else min(self.duration_ms, part_ms)
        return meter.advance(action, position_ms, time_ms, self.policy.fastest, end_ms)

    def context(self, now_s: int, **more: Any) -> Context:
        """Where and when, for the policy's decision; ``more`` are further fields of the context."""
        station = self.facts.station
        territory, purpose = self.place
        return Context(
            territory=territory,
            purpose=purpose,
            device_known=True,
            **more,
            now_s=now_s,
            domain=station.domain if station else None,
            wallet=self.session is not None and self.session.payee != ZERO_ADDRESS,
            revoked=self.facts.revoked or self.withdrawn == "content.revoked",
            destroyed=self.facts.destroyed or self.withdrawn == "content.destroyed",
        )

    def withdraw(self, code: str) -> None:
        """Give out no more keys: the owner has withdrawn the song."""
        self.withdrawn = code
        if self.lease is not None:
            self.lease.discard()
