"""Drafts of one station's epochs on the settlement contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from chain.contracts.settlement import Entry
from pywallet.crypto import address_of
from pywallet.settlement import entries_digest
from tests.contracts.anvil_world import COUNTS, DATA, EPOCH, SCHEDULE, Book, World
from tests.contracts.challenged import ENDS

NETS = (700, 300, 400, 101)
NOTHING = bytes(32)
LAST = ENDS + SCHEDULE.length
"""The last second in which the epoch can be posted."""


def book(w: World, epoch: int = EPOCH) -> Book:
    """Return an epoch with four debits of the station."""
    return Book(
        epoch, ((address_of(w.fan), 500), (address_of(w.owner), 1001)), [(address_of(w.station), net) for net in NETS]
    )


def rows(w: World, nets: Sequence[int], epoch: int = EPOCH, **voucher: Any) -> list[tuple[Any, ...]]:
    """Return entries of the station under a voucher that covers everything."""
    return [astuple(Entry(address_of(w.station), net, *w.voucher(w.station, 2**120, epoch, **voucher))) for net in nets]


def fold(w: World, *nets: int) -> bytes:
    """Return the digest of the station's debits."""
    return entries_digest([(address_of(w.station), net) for net in nets])


def debit(w: World, before: Sequence[int], nets: Sequence[int], epoch: int = EPOCH) -> dict[str, Any]:
    """Debit one part after another."""
    return w.send(w.server, "Settlement", "debit", epoch, fold(w, *before), rows(w, nets, epoch))


def post(
    w: World, before: Sequence[int], nets: Sequence[int], made: Book | None = None, epoch: int = EPOCH
) -> dict[str, Any]:
    """Complete a draft by its post."""
    root = (made or book(w)).tree.root
    return w.send(w.server, "Settlement", "post", epoch, root, COUNTS, DATA, fold(w, *before), rows(w, nets, epoch))


def undo(
    w: World, before: Sequence[int], nets: Sequence[int], key: bytes | None = None, epoch: int = EPOCH
) -> dict[str, Any]:
    """Undo the last debits, as the server."""
    debits = [(address_of(w.station), net) for net in nets]
    return w.send(key or w.server, "Settlement", "undo", address_of(w.server), epoch, fold(w, *before), debits)


def draft(w: World, epoch: int = EPOCH) -> tuple[bytes, int, int, int]:
    """Digest and count of a draft, and the epoch's sums of nets and commissions."""
    digest, count = w.call("Settlement", "draft", address_of(w.server), epoch)
    left, fee, _ = w.left(epoch)
    return digest, count, left, fee
