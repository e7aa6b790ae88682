"""The new server's side of a move: takes a content's keys and counters over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from messages.server_contents import HandoverRequest, HandoverResult
from pywallet.crypto import recover, sign
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.rules.content_check import terms_fault, withdrawal
from pywallet.settlement import Schedule
from pywallet.sps.signed_header import open_header
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.content.contents import ContentStore, song_of
from security_server.content.handover import (
    FIRST,
    Counted,
    Parcel,
    Sealed,
    request_digest,
    result_digest,
    unseal,
    write_counters,
)
from security_server.content.serving import Serving
from security_server.db.connection import Connection
from security_server.db.queries import change, get, put
from security_server.db.rows import Row
from security_server.db.tables import takeovers
from security_server.db.writer import Store

log = logging.getLogger("gomaa.server")

RequestHandover = Callable[[str, HandoverRequest], Awaitable[HandoverResult]]
"""Posts a request to ``/v1/handovers`` of the server at a URL.

Raises the code of its error, or Unavailable ``server.unreachable``, ``server.answer``.
"""


class Takeover:
    """Takes contents over that their owners have proposed to this server.

    Args:
        keys: The server's keys.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents and keys.
        serving: Server of a content in each epoch.
        request_handover: Posts a request to another server.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        songs: ContentStore,
        serving: Serving,
        request_handover: RequestHandover,
    ) -> None:
        self._keys = keys
        self._address = keys.address
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs
        self._serving = serving
        self._request_handover = request_handover
        self._locks: dict[bytes, asyncio.Lock] = {}

    async def take(self, content: bytes) -> int:
        """Take a content over: keys, then acceptance on the chain, then counters.

        A repeated call does what is still missing.

        Returns:
            The first epoch in which this server serves the content.

        Raises:
            Refusal: ``server.handover`` (not proposed), ``server.unbonded``, ``content.*``, ``sps.policy.mismatch``.
            Unavailable: ``chain.unreachable``, ``server.unreachable``, ``server.answer``.
        """
        # Only the registry's own contents get a lock, and cause a request to another server.
        await self._chain.content(content)
        async with self._locks.setdefault(content, asyncio.Lock()):
            epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
            before = await self._chain.server_at(content, epoch, fresh=True)
            if await self._chain.server_at(content, epoch + 1, fresh=True) != self._address:
                await self._accept(content, before)
            return await self._accepted_from(content)

    async def _accept(self, content: bytes, before: bytes) -> None:
        if await self._chain.proposed_server(content) != self._address:
            raise Refusal("server.handover", reason="not proposed")
        lane = await self._chain.lane()
        if lane.bond == 0 or lane.retired is not None:
            raise Refusal("server.unbonded", server=to_hex(self._address))
        if before != self._address and content not in await self._songs.with_keys():
            await self._take_keys(content, before)
        values = {"former_server": before, "from_epoch": None, "counters_final": 0}
        await self._store.run(lambda connection: put(connection, takeovers, {"content": content}, **values))
        await self._chain.accept_content(self._keys.signing, content)
        self._chain.follow(content)

    async def _accepted_from(self, content: bytes) -> int:
        """Store the first epoch in which this server serves, and copy the counters a first time."""
        epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        first = epoch if await self._chain.server_at(content, epoch, fresh=True) == self._address else epoch + 1
        row = await self._row(content)
        if row is not None and row["from_epoch"] is None:
            await self._store.run(
                lambda connection: change(connection, takeovers, {"content": content}, from_epoch=first)
            )
            try:
                await self._take_counters(content, row["former_server"])
            except GomaaError as error:
                log.warning("%s: counters of %s: %s", to_hex(content), to_hex(row["former_server"]), error)
        return first

    async def _row(self, content: bytes) -> Row | None:
        return await self._store.run(lambda connection: get(connection, takeovers, content=content))

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
        """Request one part of a handover from the former server, verify and unseal it."""
        entry = await self._chain.server_entry(before)
        if entry is None:
            raise Refusal("server.handover", reason="the former server is not in the registry")
        time_s = await self._chain.now_ms() // 1000
        signature = sign(self._keys.signing, request_digest(content, before, self._address, after, time_s))
        request = HandoverRequest(
            content=to_hex(content),
            server=to_hex(self._address),
            time_s=time_s,
            signature=to_hex(signature),
            after=to_hex(after) if after != FIRST else None,
        )
        result = await self._request_handover(entry.url.rstrip("/"), request)
        sealed = Sealed(from_b64(result.ephemeral), from_b64(result.sealed))
        digest = result_digest(content, self._address, after, sealed.ephemeral, sealed.ciphertext)
        if recover(digest, from_hex(result.signature, 65)) != before:
            raise Refusal("server.handover", reason="signature")
        return await asyncio.to_thread(unseal, self._keys.exchange, sealed, content, before, self._address)

    async def require_serving(self, content: bytes, complete: bool) -> None:
        """Require that this server serves a content now, with its counters. Raises Refusal ``server.moved``.

        Args:
            content: 20 bytes.
            complete: ``is_complete`` of a moment ago.
        """
        await self._serving.require_now(content)
        if not complete:
            await self.complete(content)

    async def complete(self, content: bytes) -> None:
        """Copy the counters up to the end of the former server's last epoch, before the first play here.

        If the former server does not answer, the copy from the acceptance counts.
        """
        row = await self._row(content)
        if row is None or row["counters_final"]:
            return
        async with self._locks.setdefault(content, asyncio.Lock()):
            row = await self._row(content)
            if row is None or row["counters_final"]:
                return
            try:
                await self._take_counters(content, row["former_server"])
            except GomaaError as error:
                log.warning("%s: last counters of %s: %s", to_hex(content), to_hex(row["former_server"]), error)
            await self._store.run(
                lambda connection: change(connection, takeovers, {"content": content}, counters_final=1)
            )


def _copy(connection: Connection, content: bytes, counters: Sequence[Counted]) -> None:
    """Write counters, unless plays have begun here: another process of this server may have copied the last ones."""
    row = get(connection, takeovers, content=content)
    if row is None or not row["counters_final"]:
        write_counters(connection, content, counters)


def is_complete(connection: Connection, content: bytes) -> bool:
    """True if a content was not taken over, or its last counters were copied."""
    row = get(connection, takeovers, content=content)
    return row is None or bool(row["counters_final"])
