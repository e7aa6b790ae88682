"""Contents that move between security servers.

Who serves now, what is handed over, and when it is shredded (decision 0036).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from pywallet.crypto import recover, sign
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.sps.signed_header import open_header
from security_server.api.requests import HandoverRequest
from security_server.content.contents import MOVED, Song, song_of
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
from security_server.context import Core
from security_server.db.queries import change, get, put
from security_server.db.tables import takeovers, tickets

log = logging.getLogger("gomaa.server")

STALE_S: Final = 30
"""So old, or so far ahead, may a request for a handover be."""

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""POST a JSON body to a URL; the answer. Raises the code that was answered, or Unavailable ``server.unreachable``."""


class Moves:
    """Both sides of a handover. ``ask`` reaches another server."""

    def __init__(self, core: Core, ask: Ask) -> None:
        self._core = core
        self._ask = ask
        self._taking: dict[bytes, asyncio.Lock] = {}

    # Who serves

    async def server_now(self, content: bytes) -> bytes:
        """The content's server in the running epoch."""
        now_s = await self._core.now_ms() // 1000
        return await self._core.chain.server_at(content, self._core.schedule.epoch_of(now_s))

    async def require_serving(self, content: bytes) -> None:
        """That tickets may be opened here now; a content that was taken over has its counters first.

        Raises Refusal ``server.moved``.
        """
        server = await self.server_now(content)
        if server != self._core.address:
            raise Refusal(MOVED, server=to_hex(server))
        await self._await_counters(content)

    async def require_holding(self, content: bytes) -> None:
        """That this server may have the content's keys: it serves now or from the next epoch on, or is proposed.

        Raises Refusal ``server.mismatch``.
        """
        core = self._core
        epoch = core.schedule.epoch_of(await core.now_ms() // 1000)
        servers = {await core.chain.server_at(content, number) for number in (epoch, epoch + 1)}
        if core.address not in servers and await core.chain.proposed_server(content) != core.address:
            raise Refusal("server.mismatch", server=to_hex(await core.chain.server_at(content, epoch)))

    async def require_start(self, ticket: bytes, content: bytes, **more: Any) -> None:
        """That a play of a ticket may begin, or had begun, here: after a move only what runs goes on.

        Raises Refusal ``server.moved``.
        """
        server = await self.server_now(content)
        if server == self._core.address:
            return
        row = await self._core.store.run(lambda connection: get(connection, tickets, id=ticket))
        if row is None or row["state"] == "none":
            raise Refusal(MOVED, server=to_hex(server), **more)

    # The former server

    async def give(self, request: HandoverRequest) -> dict[str, str]:
        """Hand a content over to the server that its owner has proposed. Counters only once that server has accepted.

        Raises InputError ``invocation.time``; Refusal ``server.handover``, ``content.*``.
        """
        core = self._core
        content, server = from_hex(request.content, 20), from_hex(request.server, 20)
        after = from_hex(request.after, 20) if request.after is not None else FIRST
        now_s = await core.now_ms() // 1000
        if abs(request.time_s - now_s) > STALE_S:
            raise InputError("invocation.time", time_s=request.time_s, now_s=now_s)
        digest = request_digest(content, core.address, server, after, request.time_s)
        try:
            signer = recover(digest, from_hex(request.signature, 65))
        except InputError:
            signer = b""
        if signer != server or server == core.address:
            raise Refusal("server.handover", reason="signature")
        entry = await core.chain.server_entry(server)
        if entry is None or not entry.active:
            raise Refusal("server.handover", reason="not listed")
        accepted = await self._accepted(content, server, now_s)
        if not accepted and await core.chain.proposed_server(content) != server:
            raise Refusal("server.handover", reason="not proposed")
        header, keys = await core.songs.all_keys(content)
        song = await core.songs.get(content)
        counters, more = await core.store.run(
            lambda connection: (
                read_counters(connection, content, after, with_plays=_counts_plays(song)) if accepted else ([], b"")
            )
        )
        parcel = Parcel(header, keys if after == FIRST else {}, counters, more)
        sealed = await asyncio.to_thread(seal, parcel, entry.key, content, core.address, server)
        signed = answer_digest(content, server, after, sealed.ephemeral, sealed.sealed)
        log.info("%s: handed over to %s, %d listeners", to_hex(content), to_hex(server), len(counters))
        return answer_json(sealed, sign(core.keys.signing, signed))

    async def _accepted(self, content: bytes, server: bytes, now_s: int) -> bool:
        """Whether a content is that server's now or from the next epoch on."""
        epoch, chain = self._core.schedule.epoch_of(now_s), self._core.chain
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
        core = self._core
        # Only the registry's own contents have a lock, and a request to another server.
        await core.chain.content(content)
        async with self._taking.setdefault(content, asyncio.Lock()):
            epoch = core.schedule.epoch_of(await core.now_ms() // 1000)
            before = await core.chain.server_at(content, epoch, fresh=True)
            mine = await core.chain.server_at(content, epoch + 1, fresh=True) == core.address
            if not mine:
                if await core.chain.proposed_server(content) != core.address:
                    raise Refusal("server.handover", reason="not proposed")
                lane = await core.chain.lane()
                if lane.bond == 0 or lane.retired is not None:
                    raise Refusal("server.unbonded", server=to_hex(core.address))
                if before != core.address and not await self._has_keys(content):
                    await self._take_keys(content, before)
                await core.store.run(
                    lambda connection: put(
                        connection, takeovers, {"content": content}, before=before, from_epoch=None, counted=0
                    )
                )
                await core.chain.accept_content(core.keys.signing, content)
                core.chain.follow(content)
            return await self._accepted_from(content)

    async def _has_keys(self, content: bytes) -> bool:
        return content in set(await self._core.songs.known())

    async def _accepted_from(self, content: bytes) -> int:
        """Write down from when on this server serves, and take a first copy of the counters."""
        core = self._core
        epoch = core.schedule.epoch_of(await core.now_ms() // 1000)
        first = epoch if await core.chain.server_at(content, epoch, fresh=True) == core.address else epoch + 1
        row = await core.store.run(lambda connection: get(connection, takeovers, content=content))
        if row is not None and row["from_epoch"] is None:
            await core.store.run(
                lambda connection: change(connection, takeovers, {"content": content}, from_epoch=first)
            )
            try:
                await self._take_counters(content, row["before"])
            except GomaaError as error:
                log.warning("%s: counters of %s: %s", to_hex(content), to_hex(row["before"]), error)
        return first

    async def _take_keys(self, content: bytes, before: bytes) -> None:
        core = self._core
        parcel = await self._parcel(content, before, FIRST)
        header = await asyncio.to_thread(open_header, parcel.header)
        song, facts = song_of(header), await core.chain.content(content, fresh=True)
        if facts.destroyed or facts.revoked:
            raise Refusal("content.destroyed" if facts.destroyed else "content.revoked")
        if header.content != content or song.policy_hash != facts.policy_hash:
            raise Refusal("sps.policy.mismatch", reason="the former server's header is of other terms")
        if {epoch for track in song.tracks for epoch in track.epochs} - parcel.keys.keys():
            raise InputError("message.schema", field="keys", reason="an epoch's key is missing")
        await core.songs.save(parcel.header, song, parcel.keys, await core.now_ms())

    async def _take_counters(self, content: bytes, before: bytes) -> None:
        """Copy all counters that the former server has now."""
        after = FIRST
        while True:
            parcel = await self._parcel(content, before, after)
            counters = parcel.counters
            await self._core.store.run(lambda connection, some=counters: _copy(connection, content, some))  # type: ignore[misc]
            if not parcel.next:
                return
            if parcel.next <= after:
                raise InputError("message.schema", field="next")
            after = parcel.next

    async def _parcel(self, content: bytes, before: bytes, after: bytes) -> Parcel:
        core = self._core
        entry = await core.chain.server_entry(before)
        if entry is None:
            raise Refusal("server.handover", reason="the former server is not in the registry")
        time_s = await core.now_ms() // 1000
        body: dict[str, Any] = {"content": to_hex(content), "server": to_hex(core.address), "time_s": time_s}
        if after != FIRST:
            body["after"] = to_hex(after)
        signature = sign(core.keys.signing, request_digest(content, before, core.address, after, time_s))
        sealed, signed = answer_of(
            await self._ask(f"{entry.url.rstrip('/')}/v1/handovers", {**body, "signature": to_hex(signature)})
        )
        if recover(answer_digest(content, core.address, after, sealed.ephemeral, sealed.sealed), signed) != before:
            raise Refusal("server.handover", reason="signature")
        return await asyncio.to_thread(unseal, core.keys.exchange, sealed, content, before, core.address)

    async def _await_counters(self, content: bytes) -> None:
        """Before the first play here: what was counted until the former server's last epoch ended.

        A former server that does not answer holds up nobody: the copy taken when the content was accepted counts then.
        """
        core = self._core
        row = await core.store.run(lambda connection: get(connection, takeovers, content=content))
        if row is None or row["counted"]:
            return
        async with self._taking.setdefault(content, asyncio.Lock()):
            row = await core.store.run(lambda connection: get(connection, takeovers, content=content))
            if row is None or row["counted"]:
                return
            try:
                await self._take_counters(content, row["before"])
            except GomaaError as error:
                log.warning("%s: last counters of %s: %s", to_hex(content), to_hex(row["before"]), error)
            await core.store.run(lambda connection: change(connection, takeovers, {"content": content}, counted=1))

    # Afterwards

    async def run(self) -> None:
        """Take what is due at an epoch's beginning, and shred what has moved away, for ever."""
        while True:
            try:
                await self.round()
            except GomaaError as error:
                log.warning("moves: %s", error)
            await asyncio.sleep(self._core.config.content_age_s)

    async def round(self) -> None:
        """One look at every content."""
        for content in {*await self._core.songs.known(), *self._core.songs.opened()}:
            if await self.server_now(content) == self._core.address:
                await self._await_counters(content)
            elif await self._is_over(content):
                await self._shred(content)

    async def _is_over(self, content: bytes) -> bool:
        """Whether nobody needs the keys here any more.

        A whole epoch after the last one here, and no ticket that lasts.
        """
        core = self._core
        now_s = await core.now_ms() // 1000
        epoch = core.schedule.epoch_of(now_s)
        around = {
            await core.chain.server_at(content, number, fresh=True) for number in (max(0, epoch - 1), epoch, epoch + 1)
        }
        if core.address in around or await core.chain.proposed_server(content) == core.address:
            return False
        lasting = select(func.count()).where(
            tickets.c.content == content, tickets.c.expiry_s > now_s, tickets.c.state != "ended"
        )
        return not await core.store.run(lambda connection: connection.execute(lasting).scalar_one())

    async def _shred(self, content: bytes) -> None:
        core = self._core

        def forget(connection: Connection) -> None:
            connection.execute(delete(takeovers).where(takeovers.c.content == content))

        if await core.songs.shred(content, MOVED, await core.now_ms()):
            await core.store.run(forget)
            log.info("%s: moved to another server, keys shredded", to_hex(content))


def _copy(connection: Connection, content: bytes, counters: Sequence[Counted]) -> None:
    """Counters of a content, unless plays begin here already: another process of this server may have taken them."""
    row = get(connection, takeovers, content=content)
    if row is None or not row["counted"]:
        write_counters(connection, content, counters)


def _counts_plays(song: Song) -> bool:
    """Whether the terms look at single plays of the past: devices, or plays that were heard for so long."""
    return song.policy.devices is not None or any(count.after_s is not None for count in song.policy.counts.values())
