"""The former server's side of a move: hands a content's keys and counters over."""

from __future__ import annotations

import asyncio
import logging

from messages.server_contents import HandoverRequest, HandoverResult
from pywallet.crypto import recover, sign
from pywallet.encoding.hex import from_hex, to_b64, to_hex
from pywallet.errors import InputError, Refusal
from pywallet.rules.limits import HANDOVER_AGE_S
from pywallet.settlement import Schedule
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.content.contents import ContentStore, Song
from security_server.content.handover import FIRST, Parcel, read_counters, request_digest, result_digest, seal
from security_server.db.writer import Store

log = logging.getLogger("gomaa.server")


class HandoverSender:
    """Hands contents over to the servers to which their owners move them.

    Args:
        keys: The server's keys.
        schedule: Of the settlement's epochs.
        store: The database.
        chain: The chain.
        songs: Contents and keys.
    """

    def __init__(self, *, keys: Keys, schedule: Schedule, store: Store, chain: ChainView, songs: ContentStore) -> None:
        self._keys = keys
        self._address = keys.address
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._songs = songs

    async def hand_over(self, request: HandoverRequest) -> HandoverResult:
        """Seal a content's keys and counters to the server that its owner has proposed.

        Counters are included once that server has accepted.

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``server.handover``, ``content.*``.
        """
        content, server = from_hex(request.content, 20), from_hex(request.server, 20)
        after = from_hex(request.after, 20) if request.after is not None else FIRST
        now_s = await self._chain.now_ms() // 1000
        if abs(request.time_s - now_s) > HANDOVER_AGE_S:
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
        counters, following = await self._store.run(
            lambda connection: (
                read_counters(connection, content, after, with_plays=_counts_plays(song)) if accepted else ([], b"")
            )
        )
        parcel = Parcel(header, keys if after == FIRST else {}, counters, following)
        sealed = await asyncio.to_thread(seal, parcel, entry.key, content, self._address, server)
        signature = sign(self._keys.signing, result_digest(content, server, after, sealed.ephemeral, sealed.ciphertext))
        log.info("%s: handed over to %s, %d listeners", to_hex(content), to_hex(server), len(counters))
        return HandoverResult(
            ephemeral=to_b64(sealed.ephemeral), sealed=to_b64(sealed.ciphertext), signature=to_hex(signature)
        )

    async def _accepted(self, content: bytes, server: bytes, now_s: int) -> bool:
        """True if a content is that server's now or from the next epoch on."""
        epoch, chain = self._schedule.epoch_of(now_s), self._chain
        return server in (
            await chain.server_at(content, epoch, fresh=True),
            await chain.server_at(content, epoch + 1, fresh=True),
        )


def _counts_plays(song: Song) -> bool:
    """True if the terms depend on single earlier plays: on devices, or on plays that were heard for a time."""
    return song.policy.devices is not None or any(count.after_s is not None for count in song.policy.counts.values())
