"""Closed epochs in the database: written once, with everything for posts and proofs, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import delete, func, insert, select, union

from pywallet.errors import GomaaError
from pywallet.settlement import CountsTree, SumTree, content_leaf, usage_leaf, usage_tag
from security_server.chain.voucher_calldata import DebitVoucher
from security_server.db.connection import Connection
from security_server.db.cursors import ENDED, read_cursor, set_cursor
from security_server.db.queries import get, new
from security_server.db.tables import (
    debits,
    entries,
    epoch_contents,
    epoch_owners,
    epoch_usages,
    epochs,
    usage_leaves,
)
from security_server.epochs.closed_epoch import ClosedEpoch
from security_server.epochs.frozen_rows import (
    content_rows,
    counted_contents,
    encode,
    freeze_rows,
)

Secret = Callable[[bytes, bytes], bytes]


def ended(connection: Connection, running: int) -> list[int]:
    """Epochs before ``running`` in which something happened and that are not closed yet, oldest first."""
    since = read_cursor(connection, ENDED) or 0
    busy = union(
        *(select(table.c.epoch).where(table.c.epoch >= since) for table in (debits, epoch_contents, epoch_usages))
    ).subquery()
    query = select(busy.c.epoch).where(busy.c.epoch < running, busy.c.epoch.notin_(select(epochs.c.epoch)))
    found = sorted(connection.execute(query).scalars())
    # Nothing is counted in an epoch up to the newest closed one. An epoch that cannot be closed holds the cursor back.
    closed = connection.execute(select(func.max(epochs.c.epoch))).scalar()
    if closed is not None and (reached := min([*found, closed + 1])) > since:
        set_cursor(connection, ENDED, reached)
    return found


def unowned(connection: Connection, epoch: int) -> set[bytes]:
    """Contents of an ended epoch whose owner in it is not stored yet."""
    return counted_contents(connection, epoch)


def close_epoch(
    connection: Connection,
    server: bytes,
    epoch: int,
    rate: int,
    owners: Mapping[bytes, bytes],
    secret: Secret,
    length_s: int,
) -> None:
    """Write an ended epoch's bytes, roots, vouchers and usage numbers. From this commit on nothing is counted in it.

    Args:
        connection: Of the closing transaction.
        server: This server's address.
        epoch: An epoch that has ended.
        rate: The epoch's commission, basis points.
        owners: Content to its owner in the epoch, by the contracts, for all that are ``unowned``.
        secret: Tag secret of a listener and a content.
        length_s: Seconds of an epoch.

    Raises:
        GomaaError: ``chain.unreachable`` (an owner is missing: something was counted since they were read),
            ``message.schema``
            (a value that the format cannot hold).
    """
    if get(connection, epochs, epoch=epoch) is not None:
        return
    missing = unowned(connection, epoch)
    if not missing <= owners.keys():
        raise GomaaError("chain.unreachable", reason="an owner is not known yet", epoch=epoch)
    for content in sorted(missing):
        new(connection, epoch_owners, epoch=epoch, content=content, owner=owners[content])
    frozen = freeze_rows(connection, server, epoch, rate)
    used = []
    for usage in frozen.usages:
        tag = usage_tag(secret(usage.listener, usage.content), epoch)
        used.append((tag, usage_leaf(tag, usage.content, usage.plays, usage.seeks, usage.seconds)))
    hashed = [leaf for _, leaf in sorted(used)]
    counted = [
        content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds) for row in content_rows(frozen)
    ]
    raw = encode(frozen, SumTree(frozen.payees), CountsTree(counted + hashed), length_s, hashed).encode()
    write_epoch(
        connection,
        raw,
        frozen.debits,
        "closed",
    )
    names = [usage_leaves.c[name] for name in ("epoch", "listener", "content", "plays", "seeks", "seconds")]
    moved = select(*(epoch_usages.c[column.name] for column in names)).where(epoch_usages.c.epoch == epoch)
    connection.execute(insert(usage_leaves).from_select(names, moved))
    connection.execute(delete(epoch_usages).where(epoch_usages.c.epoch == epoch))


def write_epoch(connection: Connection, raw: bytes, vouchers: Sequence[DebitVoucher], state: str) -> ClosedEpoch:
    """Store an epoch's bytes and vouchers.

    Raises:
        GomaaError: ``server.epoch.damaged``: invalid bytes, or vouchers of other debits.
    """
    closed = ClosedEpoch.of(raw)
    if vouchers and not closed.holds(vouchers):
        raise GomaaError("server.epoch.damaged", epoch=closed.data.epoch, reason="entries")
    data = closed.data
    new(
        connection,
        epochs,
        epoch=data.epoch,
        settlement_state=state,
        bps=data.bps,
        root=data.root,
        total=data.total,
        entries_digest=closed.digest,
        counts_root=data.counts_root,
        data_hash=closed.data_hash,
        commitment=closed.commitment,
        data=raw,
        leaf_count=len(data.payees),
        transaction=None,
    )
    if vouchers:
        connection.execute(
            insert(entries),
            [{"epoch": data.epoch, "entry_index": index, **asdict(voucher)} for index, voucher in enumerate(vouchers)],
        )
    return closed


def read_commitment(connection: Connection, epoch: int) -> bytes | None:
    """The commitment of a closed epoch, or None."""
    found = connection.execute(select(epochs.c.commitment).where(epochs.c.epoch == epoch)).scalar()
    return None if found is None else bytes(found)


def read_epoch(connection: Connection, epoch: int) -> tuple[bytes, bytes] | None:
    """An epoch's bytes and its commitment, or None."""
    row = connection.execute(select(epochs.c.data, epochs.c.commitment).where(epochs.c.epoch == epoch)).first()
    return None if row is None else (bytes(row.data), bytes(row.commitment))


def read_vouchers(connection: Connection, epoch: int) -> list[DebitVoucher]:
    """The vouchers of an epoch's debits, in their order."""
    names = entries.c.payer, entries.c.net, entries.c.cap, entries.c.until, entries.c.signature
    return [
        DebitVoucher(*row)
        for row in connection.execute(select(*names).where(entries.c.epoch == epoch).order_by(entries.c.entry_index))
    ]
