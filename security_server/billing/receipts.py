"""Issued receipts: pushed to hosts, read by devices and by payees."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from messages.host_server.billing import ReceiptsRequest, ReceiptsResult
from messages.host_server.events import ReceiptEvent
from messages.server_http import BareReceipt, PayeeReceiptsResult, ReceiptsPost
from messages.settlement import ReceiptDetail, ReceiptEntry
from pywallet.crypto import recover
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Refusal
from pywallet.protocol import receipts_digest
from pywallet.rules.limits import request_is_fresh
from security_server.billing.receipt_signing import IssuedReceipt
from security_server.chain.view import ChainView
from security_server.db.tables import receipts, sessions
from security_server.db.writer import Store
from security_server.host_connections import HostConnections

_MOST_RECEIPTS: Final = 2_000
"""Receipts in one response."""
_PUSHED_AT_ONCE: Final = 64
"""Receipts that are pushed before other requests have their turn."""


def _detail(issued: IssuedReceipt) -> ReceiptDetail:
    return ReceiptDetail(
        content=to_hex(issued.content),
        session=to_hex(issued.session),
        plays=issued.plays,
        seeks=issued.seeks,
        seconds=issued.seconds,
        sequence=issued.sequence,
        invocation=to_hex(issued.invocation),
    )


class Receipts:
    """Pushes new receipts to hosts and returns stored ones to devices and payees."""

    def __init__(self, *, address: bytes, store: Store, chain: ChainView, hosts: HostConnections) -> None:
        self._address = address
        self._store = store
        self._chain = chain
        self._hosts = hosts

    async def push(self, issued: Sequence[IssuedReceipt]) -> None:
        """Send new receipts to the connected devices of their payees' own sessions."""
        # A session can name any payee, and an owner's receipt is about a listener: it goes to that listener's devices.
        own = sessions.alias("own")
        query = (
            select(sessions.c.id, own.c.payee, own.c.device)
            .join(own, (own.c.payee == sessions.c.payee) & (own.c.listener == sessions.c.listener))
            .where(sessions.c.id.in_({item.session for item in issued}))
        )
        devices: dict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)
        for session, payee, device in await self._store.run(lambda connection: list(connection.execute(query))):
            devices[session, payee].add(device)
        for number, item in enumerate(issued, 1):
            if number % _PUSHED_AT_ONCE == 0:
                await asyncio.sleep(0)
            if to := devices.get((item.session, item.receipt.message.payee)):
                await self._hosts.push(ReceiptEvent(item.receipt.to_json(), _detail(item)), to)

    async def of_device(self, device: bytes, request: ReceiptsRequest) -> ReceiptsResult:
        """Receipts with their details that the listeners of a device's sessions earned, oldest first.

        Args:
            device: The device's address, 20 bytes.
            request: The payees, and the first epoch.

        Returns:
            At most ``_MOST_RECEIPTS``.
        """
        named = [from_hex(payee, 20) for payee in request.payees]
        own, session = sessions.alias("own"), sessions.alias("session")
        earned = (
            select(receipts)
            .join(own, (own.c.payee == receipts.c.payee) & (own.c.device == device))
            # A session can name any payee: only the listener of a receipt's session gets the receipt.
            .join(session, (session.c.id == receipts.c.session) & (session.c.listener == own.c.listener))
            .where(receipts.c.payee.in_(named), receipts.c.epoch >= request.since_epoch)
            .distinct()
        )
        return ReceiptsResult([ReceiptEntry(item.receipt.to_json(), _detail(item)) for item in await self.read(earned)])

    async def of_payee(self, request: ReceiptsPost) -> PayeeReceiptsResult:
        """Receipts of a payee that signed the request, oldest first, without their details: what a challenge needs.

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``claim.signature``: the signature is not the payee's.
        """
        query = select(receipts).where(receipts.c.payee == await self._payee(request))
        if request.epoch is not None:
            query = query.where(receipts.c.epoch == request.epoch)
        return PayeeReceiptsResult([BareReceipt(item.receipt.to_json()) for item in await self.read(query)])

    async def read(self, query: Select[Any]) -> list[IssuedReceipt]:
        """The receipts of a query, by epoch, payee and source; at most ``_MOST_RECEIPTS``."""
        ordered = query.order_by(receipts.c.epoch, receipts.c.payee, receipts.c.source).limit(_MOST_RECEIPTS)
        rows = await self._store.run(lambda connection: connection.execute(ordered).mappings().all())
        return [IssuedReceipt.from_row(row, self._address) for row in rows]

    async def _payee(self, proof: ReceiptsPost) -> bytes:
        """The payee that signed. Raises InputError ``invocation.time``, Refusal ``claim.signature``."""
        payee, clocks = from_hex(proof.payee, 20), (await self._chain.now_ms() // 1000, int(time.time()))
        if not any(request_is_fresh(proof.time_s * 1000, clock * 1000) for clock in clocks):
            raise InputError("invocation.time", time_s=proof.time_s, now_s=clocks[0])
        try:
            signer = recover(receipts_digest(self._address, payee, proof.time_s), from_hex(proof.signature, 65))
        except InputError:
            signer = b""
        if signer != payee:
            raise Refusal("claim.signature")
        return payee
