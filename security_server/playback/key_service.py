"""Keys of a play: lease, grant and report (docs/protocol.md section 4)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from msgspec import UNSET

from messages.fields import WrappedKeys
from messages.host_server.playback import (
    GrantRequest,
    GrantResult,
    KeyWait,
    LeaseRequest,
    LeaseResult,
    LeaseWish,
    RefusedInvocation,
    Report,
    ReportResult,
)
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import from_b64, to_b64
from pywallet.errors import Refusal
from pywallet.protocol.actions import HOLDS, STARTS
from pywallet.rules.admissibility import NOT_STARTED
from pywallet.sps.segments import segment_aad, segment_key
from security_server.content.contents import ContentStore, Song
from security_server.content.serving import Serving
from security_server.db.connection import Connection
from security_server.db.queries import get
from security_server.db.tables import tickets
from security_server.db.writer import Store
from security_server.epochs.running_epoch import running_epoch
from security_server.playback.conditions import Conditions
from security_server.playback.given_keys import give_keys
from security_server.playback.invocation_facts import InvocationFacts, TicketRow, ticket_row
from security_server.playback.invocations import Outcome, accept

GRANT_S: Final = 600
"""Lifetime of the keys of a grant, seconds."""


_PLAYERS: Final = 20_000
"""Players whose wrapping keys stay in memory."""
_SEGMENTS: Final = 65_536
"""Segments whose keys stay in memory, beside the content keys that they are derived from."""


class KeyService:
    """The operations of a host that return keys or count.

    Args:
        store: The database.
        songs: Contents and their keys.
        facts: Facts of invocations.
        serving: Server of a content in each epoch.
        silence_s: Setting ``silence_s``, seconds.
        buffer_s: Setting ``buffer_s``, seconds.
    """

    def __init__(
        self,
        *,
        store: Store,
        songs: ContentStore,
        facts: InvocationFacts,
        serving: Serving,
        silence_s: int,
        buffer_s: int,
    ) -> None:
        self._store = store
        self._songs = songs
        self._facts = facts
        self._serving = serving
        self._silence_ms = silence_s * 1000
        self._buffer_ms = buffer_s * 1000

    async def lease(
        self, device: bytes, identity: bytes, request: LeaseRequest | LeaseWish, row: TicketRow | None = None
    ) -> LeaseResult:
        """Keys of the next window, before the actions that will use them.

        Args:
            device: Address of the requesting device, 20 bytes.
            identity: Digest of the ticket, 32 bytes.
            request: The wanted segments.
            row: The ticket as it was stored a moment ago; None: it is read.

        Raises:
            Refusal: ``ticket.missing``, ``ticket.expired``, ``ticket.used``, ``server.moved``, ``policy.*``,
                ``content.*``.
        """
        row = row or await self._store.run(lambda connection: ticket_row(connection, identity), for_listener=True)
        # The same code for another device's ticket: a refusal does not disclose that a ticket was opened.
        if row is None or row["device"] != device:
            raise Refusal("ticket.missing")
        song = await self._songs.get(row["content"])
        terms = song.policy.lease
        conditions = await self._facts.conditions(row, paying=False)
        if terms is None:
            raise Refusal("policy.action.denied", rule="lease")
        if conditions.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired")
        await self._serving.require_start(identity, row["content"])
        # Where the listener pays, no keys but those of the preview come ahead of the payment.
        start = "preview" if song.policy.price.payer == "listener" else "play"
        if start == "preview" and row["start_action"] not in (None, "preview"):
            raise Refusal("policy.action.denied", rule="lease")
        action = start if row["play_state"] in NOT_STARTED else "renew"
        if row["play_state"] == "ended":
            raise Refusal("ticket.used")
        ahead_ms = max(terms.window_s * 1000, self._buffer_ms)

        def take(connection: Connection) -> range:
            current = {**row, **(get(connection, tickets, id=identity) or {})}
            return give_keys(connection, song, current, request, conditions, ahead_ms, device, action)[0]

        indexes = await self._store.run(take, for_listener=True)
        expires_s = min(conditions.time_ms // 1000 + terms.seconds, row["expiry_s"], row["not_after_s"])
        ephemeral, keys = await self._wrapped(song, request, indexes)
        return LeaseResult(ephemeral=ephemeral, keys=keys, expires_s=expires_s, budget=terms.invocations)

    async def grant(self, device: bytes, request: GrantRequest) -> GrantResult:
        """Count one action and give the keys that the play may have now, whatever the action.

        Where the music needs a key that comes later only, ``wait`` is ``invocation.pace`` and the milliseconds until
        then.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``invocation.*``, ``ticket.*``, ``session.*``, ``server.moved``, ``policy.*``, ``content.*``, and
                the payer's ``station.*`` or ``listener.*``.
        """
        item = self._facts.verified(device, request.invocation)
        row, song, conditions = await self._facts.of(item)
        if conditions.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired", sequence=item.message.sequence)
        if item.action in STARTS:
            await self._serving.require_start(item.message.ticket, row["content"], sequence=item.message.sequence)

        def count(connection: Connection) -> tuple[Outcome, tuple[range, int]]:
            outcome = accept(
                connection,
                item,
                song.policy,
                _in_running_epoch(connection, conditions),
                self._silence_ms,
                online=True,
                duration_ms=song.duration_ms,
            )
            # The keys of a hold come from a lease.
            if outcome.code is not None or outcome.ticket is None or item.action in HOLDS:
                return outcome, (range(0), 0)
            # A replay is not decided again, but its keys are: by the terms and state of now.
            action = "renew" if outcome.replay else None
            return outcome, give_keys(
                connection, song, outcome.ticket, request, conditions, self._buffer_ms, device, action
            )

        outcome, (indexes, wait_ms) = await self._store.run(count, for_listener=True)
        if outcome.code is not None or outcome.usage is None:
            raise Refusal(outcome.code or "ticket.missing", sequence=outcome.sequence)
        ephemeral, keys = await self._wrapped(song, request, indexes)
        return GrantResult(
            ephemeral=ephemeral,
            keys=keys,
            expires_s=min(conditions.time_ms // 1000 + GRANT_S, row["expiry_s"]),
            sequence=outcome.sequence,
            usage=outcome.usage,
            heard_ms=outcome.heard_ms,
            intervals=outcome.intervals,
            left=dict(outcome.left or {}),
            wait=KeyWait("invocation.pace", wait_ms) if wait_ms else UNSET,
        )

    async def report(self, device: bytes, request: Report) -> ReportResult:
        """Count the actions under a lease, in order; each refusal is listed.

        Raises:
            InputError: ``message.schema``.
            Refusal: ``invocation.signature``, ``ticket.missing``, ``content.*``.
        """
        items = [self._facts.verified(device, message) for message in request.invocations]
        facts = {}
        for item in items:
            key = (item.message.ticket, item.message.content)
            if key not in facts:
                facts[key] = await self._facts.of(item)

        def count(connection: Connection) -> list[Outcome]:
            outcomes = []
            for item in items:
                _, song, conditions = facts[(item.message.ticket, item.message.content)]
                running = _in_running_epoch(connection, conditions)
                outcomes.append(
                    accept(connection, item, song.policy, running, self._silence_ms, duration_ms=song.duration_ms)
                )
            return outcomes

        outcomes = await self._store.run(count, for_listener=True)
        last = outcomes[-1] if outcomes else Outcome(None, 0)
        return ReportResult(
            sequence=max((outcome.sequence for outcome in outcomes), default=0),
            refused=[
                RefusedInvocation(item.message.sequence, outcome.code)
                for item, outcome in zip(items, outcomes, strict=True)
                if outcome.code is not None
            ],
            usage=last.usage,
            heard_ms=last.heard_ms,
            intervals=last.intervals,
        )

    async def _wrapped(
        self, song: Song, request: LeaseRequest | LeaseWish | GrantRequest, indexes: range
    ) -> tuple[str, WrappedKeys]:
        """Wrap the keys of these segments to the request's key; returns the ephemeral key and the wrapped keys."""
        rendition = song.rendition(request.rendition)
        wrap = _wrap_key(request.key)
        keys = []
        for index in indexes:
            epoch = rendition.key_epoch(index)
            content_key = await self._songs.content_key(song.content, epoch)
            keys.append((index, to_b64(wrap.wrap(*_segment(content_key, song.content, rendition.id, epoch, index)))))
        return to_b64(wrap.ephemeral), keys


@lru_cache(maxsize=_PLAYERS)
def _wrap_key(recipient: str) -> WrapKey:
    """The wrapping key for a player's public key: agreed once, used for all requests of the player."""
    return WrapKey.to(from_b64(recipient))


@lru_cache(maxsize=_SEGMENTS)
def _segment(content_key: bytes, content: bytes, rendition: int, epoch: int, index: int) -> tuple[bytes, bytes]:
    """A segment's key and additional authenticated data."""
    return segment_key(content_key, rendition, index), segment_aad(content, rendition, epoch, index)


def _in_running_epoch(connection: Connection, conditions: Conditions) -> Conditions:
    """``conditions`` with the epoch that runs inside the transaction that counts."""
    return replace(conditions, epoch=running_epoch(connection, conditions.epoch))
