"""Keys of a play: lease, grant and report (docs/protocol.md section 4)."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from messages.host_server.playback import Destroyed, GrantRequest, LeaseRequest, Open, Report
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import from_b64, from_hex, to_b64
from pywallet.errors import Refusal
from pywallet.protocol.actions import STARTS
from pywallet.sps.segments import segment_aad, segment_key
from security_server.content.contents import Song
from security_server.content.moves import Moves
from security_server.context import Core
from security_server.db.queries import get
from security_server.db.tables import tickets
from security_server.playback.admission import Admission
from security_server.playback.destructions import keep_destruction
from security_server.playback.given_keys import give
from security_server.playback.invocation_facts import InvocationFacts, ticket_row
from security_server.playback.invocations import Outcome, accept

GRANT_S: Final = 600
"""Lifetime of the keys of a grant, seconds."""


class KeyService:
    """The operations of a host that carry keys or count."""

    def __init__(self, core: Core, moves: Moves) -> None:
        """Share the server's state.

        Args:
            core: Chain, contents and database.
            moves: Whether a content is served here.
        """
        self._core = core
        self._moves = moves
        self._facts = InvocationFacts(core)
        self._admission = Admission(core, moves)

    async def open(self, device: bytes, request: Open) -> dict[str, Any]:
        """Check a session and a ticket, and store both: see ``Admission.open``."""
        return await self._admission.open(device, request)

    async def destroyed(self, device: bytes, request: Destroyed) -> dict[str, Any]:
        """Store a device's notice that it destroyed its keys: see ``keep_destruction``."""
        return await keep_destruction(self._core.store, device, request)

    async def lease(self, device: bytes, request: LeaseRequest) -> dict[str, Any]:
        """Keys of the next window, before the actions that will use them."""
        core = self._core
        identity = from_hex(request.ticket, 32)
        row = await core.store.run(lambda connection: ticket_row(connection, identity))
        # Another device's ticket is none that there is: nobody learns whether a station's ticket was opened.
        if row is None or row["device"] != device:
            raise Refusal("ticket.missing")
        song = await core.songs.get(row["content"])
        terms = song.policy.lease
        now = await self._facts.now(row, paying=False)
        if terms is None:
            raise Refusal("policy.action.denied", rule="lease")
        if now.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired")
        await self._moves.require_start(identity, row["content"])
        # What the listener pays for has no keys ahead of its payment but those of the preview.
        start = "preview" if song.policy.price.payer == "listener" else "play"
        if start == "preview" and row["start_action"] not in (None, "preview"):
            raise Refusal("policy.action.denied", rule="lease")
        action = start if row["play_state"] == "none" else "renew"
        if row["play_state"] == "ended":
            raise Refusal("ticket.used")
        ahead_ms = max(terms.window_s, core.config.buffer_s) * 1000

        def take(connection: Connection) -> range:
            fresh = {**row, **(get(connection, tickets, id=identity) or {})}
            return give(connection, song, fresh, request, now, ahead_ms, device, action)[0]

        indexes = await core.store.run(take)
        expires_s = min(now.time_ms // 1000 + terms.seconds, row["expiry_s"], row["not_after_s"])
        return {**await self._wrapped(song, request, indexes), "expires_s": expires_s, "budget": terms.invocations}

    async def grant(self, device: bytes, request: GrantRequest) -> dict[str, Any]:
        """Count one action and give the keys that the play may have now, whichever action asked.

        Where the music needs a key that comes later only, ``wait`` names ``invocation.pace`` and in how many
        milliseconds.
        """
        core = self._core
        item = self._facts.receive(device, request.invocation)
        row, song, now = await self._facts.of(item)
        if now.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired", sequence=item.message.sequence)
        if item.action in STARTS:
            await self._moves.require_start(item.message.ticket, row["content"], sequence=item.message.sequence)
        silence_ms, ahead_ms = core.config.silence_s * 1000, core.config.buffer_s * 1000

        def count(connection: Connection) -> tuple[Outcome, tuple[range, int]]:
            outcome = accept(
                connection,
                item,
                song.policy,
                core.running_now(connection, now),
                silence_ms,
                online=True,
                duration_ms=song.duration_ms,
            )
            if outcome.code is not None or outcome.ticket is None:
                return outcome, (range(0), 0)
            # The same bytes again are not decided again, but what they bring is: by the terms and state of now.
            action = "renew" if outcome.replay else None
            return outcome, give(connection, song, outcome.ticket, request, now, ahead_ms, device, action)

        outcome, (indexes, wait_ms) = await core.store.run(count)
        if outcome.code is not None:
            raise Refusal(outcome.code, sequence=outcome.sequence)
        expires_s = min(now.time_ms // 1000 + GRANT_S, row["expiry_s"])
        keys = await self._wrapped(song, request, indexes)
        wait = {"wait": {"code": "invocation.pace", "retry_ms": wait_ms}} if wait_ms else {}
        return {
            **keys,
            **wait,
            "expires_s": expires_s,
            "sequence": outcome.sequence,
            **_counted(outcome),
            "left": outcome.left,
        }

    async def report(self, device: bytes, request: Report) -> dict[str, Any]:
        """Count what happened under a lease, in order; each refusal is named."""
        core = self._core
        items = [self._facts.receive(device, message) for message in request.invocations]
        known = {}
        for item in items:
            key = (item.message.ticket, item.message.content)
            if key not in known:
                known[key] = await self._facts.of(item)
        silence_ms = core.config.silence_s * 1000

        def count(connection: Connection) -> list[Outcome]:
            out = []
            for item in items:
                _, song, now = known[(item.message.ticket, item.message.content)]
                running = core.running_now(connection, now)
                out.append(accept(connection, item, song.policy, running, silence_ms, duration_ms=song.duration_ms))
            return out

        outcomes = await core.store.run(count)
        refused = [
            {"sequence": item.message.sequence, "code": outcome.code}
            for item, outcome in zip(items, outcomes, strict=True)
            if outcome.code is not None
        ]
        last = outcomes[-1] if outcomes else Outcome(None, 0)
        return {"sequence": max((o.sequence for o in outcomes), default=0), "refused": refused, **_counted(last)}

    async def _wrapped(self, song: Song, request: LeaseRequest | GrantRequest, indexes: range) -> dict[str, Any]:
        """The keys of these segments, each wrapped to the asker's key."""
        rendition = song.rendition(request.rendition)
        wrap = WrapKey.to(from_b64(request.key))
        keys = []
        for index in indexes:
            epoch = rendition.key_epoch(index)
            secret = segment_key(await self._core.songs.content_key(song.content, epoch), rendition.id, index)
            aad = segment_aad(song.content, rendition.id, epoch, index)
            keys.append([index, to_b64(wrap.wrap(secret, aad))])
        return {"ephemeral": to_b64(wrap.ephemeral), "keys": keys}


def _counted(outcome: Outcome) -> dict[str, Any]:
    return {"usage": outcome.usage, "heard_ms": outcome.heard_ms, "intervals": outcome.intervals}
