"""Commitment to an epoch on the chain: one hash over root, total, entries, counts root and data hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pywallet.crypto import keccak256


@dataclass(frozen=True)
class EpochHeader:
    """The preimage of an epoch's commitment: sum-tree root, its total in wei, and the hash of the rest."""

    root: bytes
    total: int
    rest: bytes


def entries_digest(debits: Iterable[tuple[bytes, int]], before: bytes = bytes(32)) -> bytes:
    """Fold keccak(digest, payer, net) over the entries (payer, net wei).

    Args:
        debits: The entries.
        before: Digest of the preceding entries; 32 zero bytes where there are none.
    """
    digest = before
    for payer, net in debits:
        digest = keccak256(digest + payer.rjust(32, b"\0") + net.to_bytes(32, "big"))
    return digest


def rest(digest: bytes, counts_root: bytes, data_hash: bytes) -> bytes:
    """``rest`` of a header: keccak(entries digest, counts root, data hash)."""
    return keccak256(digest + counts_root + data_hash)


def commitment(header: EpochHeader) -> bytes:
    """The contract's ``commitment[server][epoch]``: keccak(root, total, rest)."""
    return keccak256(header.root + header.total.to_bytes(32, "big") + header.rest)
