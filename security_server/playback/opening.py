"""Opening of a play: its ticket, and the lease of its first keys, in one request (docs/protocol.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from messages.fields import ErrorObject
from messages.host_server.playback import LeasePart, LeaseWish, Open, OpenResult
from pywallet.errors import GomaaError
from security_server.playback.admission import Admission
from security_server.playback.invocation_facts import TicketRow
from security_server.playback.key_service import KeyService


@dataclass(frozen=True)
class Opening:
    """The operation ``open``.

    Attributes:
        admission: Checks and stores session and ticket.
        key_service: Leases keys of an open ticket.
    """

    admission: Admission
    key_service: KeyService

    async def open(self, device: bytes, request: Open) -> OpenResult:
        """Open a ticket, then lease the keys that are wanted with it. A refused lease leaves the ticket open.

        Args:
            device: Address of the requesting device, 20 bytes.
            request: Session and ticket, and the wanted keys.

        Raises:
            GomaaError: As ``Admission.admit``.
        """
        opened, row = await self.admission.admit(device, request)
        if request.lease is None:
            return opened
        return replace(opened, lease=await self._lease(device, row, request.lease))

    async def _lease(self, device: bytes, row: TicketRow, wish: LeaseWish) -> LeasePart:
        try:
            return LeasePart(await self.key_service.lease(device, row["id"], wish, row), None)
        except GomaaError as error:
            return LeasePart(None, ErrorObject(error.code, error.message, error.public_detail()))
