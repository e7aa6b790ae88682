"""Moves of contents between security servers (decision 0036)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from messages.server_contents import HandoverRequest
from pywallet.crypto import recover, sign
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.rules.content_check import terms_fault, withdrawal
from pywallet.settlement import Schedule
from pywallet.sps.signed_header import open_header
from security_server.chain_view import ChainView
from security_server.config import Keys
from security_server.content.contents import MOVED, ContentStore, Song, song_of
from security_server.content.handover import (
    FIRST,
    Counted,
    Parcel,
    answer_digest,
    answer_json,
    answer_of,
    read_counters,
    request_digest,
    seal,
    unseal,
    write_counters,
)
from security_server.db.queries import change, get, put
from security_server.db.tables import takeovers, tickets
from security_server.db.writer import Store

log = logging.getLogger("gomaa.server")

STALE_S: Final = 30
"""Seconds by which the time of a handover request may differ from the chain's."""

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""POST a JSON body to a URL; the answer. Raises the code that was answered, or Unavailable ``server.unreachable``."""


class Moves:
    """Both sides of a move: hands contents over, and takes them over.

    Args:
        keys: The server's keys.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents and keys.
        ask: Posts a request to another server.
        every_s: Seconds between two rounds.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
        ask: Ask,
        every_s: float,
    ) -> None:
        self._keys = keys
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._address = keys.address
        self._ask = ask
        self._every_s = every_s
        self._taking: dict[bytes, asyncio.Lock] = {}

    # Who serves

    async def server_now(self, content: bytes) -> bytes:
        """The content's server in the running epoch."""
        now_s = await self._chain.now_ms() // 1000
        return await self._chain.server_at(content, self._schedule.epoch_of(now_s))

    async def require_serving(self, content: bytes) -> None:
        """Require that this server serves a content now, and has its counters. Raises Refusal ``server.moved``."""
        server = await self.server_now(content)
        if server != self._address:
            raise Refusal(MOVED, server=to_hex(server))
        await self._await_counters(content)

    async def require_holding(self, content: bytes) -> None:
        """Require that this server may have a content's keys: it serves now or in the next epoch, or is proposed.

        Raises:
            Refusal: ``server.mismatch``.
        """
        epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        servers = {await self._chain.server_at(content, number) for number in (epoch, epoch + 1)}
        if self._address not in servers and await self._chain.proposed_server(content) != self._address:
            raise Refusal("server.mismatch", server=to_hex(await self._chain.server_at(content, epoch)))

    async def require_start(self, ticket: bytes, content: bytes, **more: Any) -> None:
        """Require that a play may start here, or has started: after a move only running plays continue.

        Raises:
            Refusal: ``server.moved``.
        """
        server = await self.server_now(content)
        if server == self._address:
            return
        row = await self._store.run(lambda connection: get(connection, tickets, id=ticket))
        if row is None or row["play_state"] == "none":
            raise Refusal(MOVED, server=to_hex(server), **more)

    # The former server

    async def give(self, request: HandoverRequest) -> dict[str, str]:
        """Hand a content over to the server that its owner has proposed. Counters only once that server has accepted.

        Raises InputError ``invocation.time``; Refusal ``server.handover``, ``content.*``.
        """
        content, server = from_hex(request.content, 20), from_hex(request.server, 20)
        after = from_hex(request.after, 20) if request.after is not None else FIRST
        now_s = await self._chain.now_ms() // 1000
        if abs(request.time_s - now_s) > STALE_S:
            raise InputError("invocation.time", time_s=request.time_s, now_s=now_s)
        digest = request_digest(content, self._address, server, after, request.time_s)
        try:
            signer = recover(digest, from_hex(request.signature, 65))
        except InputError:
            signer = b""
        if signer != server or server == self._address:
            raise Refusal("server.handover", reason="signature")
        entry = await self._chain.server_entry(server)
        if entry is None or not entry.active:
            raise Refusal("server.handover", reason="not listed")
        accepted = await self._accepted(content, server, now_s)
        if not accepted and await self._chain.proposed_server(content) != server:
            raise Refusal("server.handover", reason="not proposed")
        header, keys = await self._songs.all_keys(content)
        song = await self._songs.get(content)
        counters, more = await self._store.run(
            lambda connection: (
                read_counters(connection, content, after, with_plays=_counts_plays(song)) if accepted else ([], b"")
            )
        )
        parcel = Parcel(header, keys if after == FIRST else {}, counters, more)
        sealed = await asyncio.to_thread(seal, parcel, entry.key, content, self._address, server)
        signed = answer_digest(content, server, after, sealed.ephemeral, sealed.sealed)
        log.info("%s: handed over to %s, %d listeners", to_hex(content), to_hex(server), len(counters))
        return answer_json(sealed, sign(self._keys.signing, signed))

    async def _accepted(self, content: bytes, server: bytes, now_s: int) -> bool:
        """Whether a content is that server's now or from the next epoch on."""
        epoch, chain = self._schedule.epoch_of(now_s), self._chain
        return server in (
            await chain.server_at(content, epoch, fresh=True),
            await chain.server_at(content, epoch + 1, fresh=True),
        )

    # The new server

    async def take(self, content: bytes) -> int:
        """Take a content over that its owner has proposed to this server.

        Keys, then acceptance on the chain, then counters.

        Returns the first epoch in which this server serves it; again, it does what is still missing.

        Raises Refusal ``server.handover`` (not proposed), ``server.unbonded``, ``content.*``, ``sps.policy.mismatch``;
        Unavailable.
        """
        # Only the registry's own contents have a lock, and a request to another server.
        await self._chain.content(content)
        async with self._taking.setdefault(content, asyncio.Lock()):
            epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
            before = await self._chain.server_at(content, epoch, fresh=True)
            accepted = await self._chain.server_at(content, epoch + 1, fresh=True) == self._address
            if not accepted:
                if await self._chain.proposed_server(content) != self._address:
                    raise Refusal("server.handover", reason="not proposed")
                lane = await self._chain.lane()
                if lane.bond == 0 or lane.retired is not None:
                    raise Refusal("server.unbonded", server=to_hex(self._address))
                if before != self._address and not await self._has_keys(content):
                    await self._take_keys(content, before)
                await self._store.run(
                    lambda connection: put(
                        connection,
                        takeovers,
                        {"content": content},
                        former_server=before,
                        from_epoch=None,
                        counters_final=0,
                    )
                )
                await self._chain.accept_content(self._keys.signing, content)
                self._chain.follow(content)
            return await self._accepted_from(content)

    async def _has_keys(self, content: bytes) -> bool:
        return content in set(await self._songs.with_keys())

    async def _accepted_from(self, content: bytes) -> int:
        """Write down from when on this server serves, and take a first copy of the counters."""
        epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        first = epoch if await self._chain.server_at(content, epoch, fresh=True) == self._address else epoch + 1
        row = await self._store.run(lambda connection: get(connection, takeovers, content=content))
        if row is not None and row["from_epoch"] is None:
            await self._store.run(
                lambda connection: change(connection, takeovers, {"content": content}, from_epoch=first)
            )
            try:
                await self._take_counters(content, row["former_server"])
            except GomaaError as error:
                log.warning("%s: counters of %s: %s", to_hex(content), to_hex(row["former_server"]), error)
        return first

    async def _take_keys(self, content: bytes, before: bytes) -> None:
        parcel = await self._parcel(content, before, FIRST)
        header = await asyncio.to_thread(open_header, parcel.header)
        song, facts = song_of(header), await self._chain.content(content, fresh=True)
        code = withdrawal(facts)
        if code is not None:
            raise Refusal(code)
        if header.content != content or terms_fault(facts, song.policy_hash) is not None:
            raise Refusal("sps.policy.mismatch", reason="the former server's header is of other terms")
        if {epoch for track in song.tracks for epoch in track.epochs} - parcel.keys.keys():
            raise InputError("message.schema", field="keys", reason="an epoch's key is missing")
        await self._songs.save(parcel.header, song, parcel.keys, await self._chain.now_ms())

    async def _take_counters(self, content: bytes, before: bytes) -> None:
        """Copy all counters that the former server has now."""
        after = FIRST
        while True:
            parcel = await self._parcel(content, before, after)
            counters = parcel.counters
            await self._store.run(lambda connection, some=counters: _copy(connection, content, some))  # type: ignore[misc]
            if not parcel.next:
                return
            if parcel.next <= after:
                raise InputError("message.schema", field="next")
            after = parcel.next

    async def _parcel(self, content: bytes, before: bytes, after: bytes) -> Parcel:
        entry = await self._chain.server_entry(before)
        if entry is None:
            raise Refusal("server.handover", reason="the former server is not in the registry")
        time_s = await self._chain.now_ms() // 1000
        body: dict[str, Any] = {"content": to_hex(content), "server": to_hex(self._address), "time_s": time_s}
        if after != FIRST:
            body["after"] = to_hex(after)
        signature = sign(self._keys.signing, request_digest(content, before, self._address, after, time_s))
        sealed, signed = answer_of(
            await self._ask(f"{entry.url.rstrip('/')}/v1/handovers", {**body, "signature": to_hex(signature)})
        )
        if recover(answer_digest(content, self._address, after, sealed.ephemeral, sealed.sealed), signed) != before:
            raise Refusal("server.handover", reason="signature")
        return await asyncio.to_thread(unseal, self._keys.exchange, sealed, content, before, self._address)

    async def _await_counters(self, content: bytes) -> None:
        """Before the first play here: what was counted until the former server's last epoch ended.

        A former server that does not answer holds up nobody: the copy taken when the content was accepted counts then.
        """
        row = await self._store.run(lambda connection: get(connection, takeovers, content=content))
        if row is None or row["counters_final"]:
            return
        async with self._taking.setdefault(content, asyncio.Lock()):
            row = await self._store.run(lambda connection: get(connection, takeovers, content=content))
            if row is None or row["counters_final"]:
                return
            try:
                await self._take_counters(content, row["former_server"])
            except GomaaError as error:
                log.warning("%s: last counters of %s: %s", to_hex(content), to_hex(row["former_server"]), error)
            await self._store.run(
                lambda connection: change(connection, takeovers, {"content": content}, counters_final=1)
            )

    # Afterwards

    async def run(self) -> None:
        """Do rounds until cancelled."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("moves: %s", error)
            await asyncio.sleep(self._every_s)

    async def round(self) -> None:
        """Copy outstanding counters of contents that came, and delete keys of those that moved away."""
        for content in {*await self._songs.with_keys(), *self._songs.cached()}:
            if await self.server_now(content) == self._address:
                await self._await_counters(content)
            elif await self._is_over(content):
                await self._delete_keys(content)

    async def _is_over(self, content: bytes) -> bool:
        """Whether the keys are not needed here any more.

        That is a whole epoch after the last one here, with no valid ticket left.
        """
        now_s = await self._chain.now_ms() // 1000
        epoch = self._schedule.epoch_of(now_s)
        around = {
            await self._chain.server_at(content, number, fresh=True) for number in (max(0, epoch - 1), epoch, epoch + 1)
        }
        if self._address in around or await self._chain.proposed_server(content) == self._address:
            return False
        lasting = select(func.count()).where(
            tickets.c.content == content, tickets.c.expiry_s > now_s, tickets.c.play_state != "ended"
        )
        return not await self._store.run(lambda connection: connection.execute(lasting).scalar_one())

    async def _delete_keys(self, content: bytes) -> None:

        def forget(connection: Connection) -> None:
            connection.execute(delete(takeovers).where(takeovers.c.content == content))

        if await self._songs.delete_keys(content, MOVED, await self._chain.now_ms()):
            await self._store.run(forget)
            log.info("%s: moved to another server, keys deleted", to_hex(content))


def _copy(connection: Connection, content: bytes, counters: Sequence[Counted]) -> None:
    """Counters of a content, unless plays begin here already: another process of this server may have taken them."""
    row = get(connection, takeovers, content=content)
    if row is None or not row["counters_final"]:
        write_counters(connection, content, counters)


def _counts_plays(song: Song) -> bool:
    """Whether the terms look at single plays of the past: devices, or plays that were heard for so long."""
    return song.policy.devices is not None or any(count.after_s is not None for count in song.policy.counts.values())
