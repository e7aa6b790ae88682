"""An epoch's figures: frozen once, then the trees, proofs and published bytes are always the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select, union

from chain.settlement import ClaimItem, Entry
from pywallet.errors import Refusal
from pywallet.hexes import to_hex
from pywallet.messages import Claim, Signed, compact
from pywallet.platform import keccak256
from pywallet.settlement import (
    Answer,
    ContentRow,
    CountsTree,
    Header,
    SumTree,
    answer_for,
    commitment,
    content_leaf,
    entries_digest,
    rest,
    usage_leaf,
    usage_tag,
)
from security_server.core import Core
from security_server.epochdata import Frozen, UsageCount, content_rows, counted_contents, encode, freeze_rows
from security_server.rows import get, new
from security_server.tables import debits, epoch_contents, epoch_owners, epoch_usages, epochs, sessions

_KEEP: Final = 4


@dataclass(frozen=True)
class Published:
    """A frozen epoch with its trees. ``header`` is what the chain commits to."""

    frozen: Frozen
    payees: SumTree
    counts: CountsTree
    header: Header
    digest: bytes
    data: bytes
    data_hash: bytes
    contents: tuple[ContentRow, ...]
    usage_tags: tuple[bytes, ...]
    usages: tuple[UsageCount, ...]
    payee_index: Mapping[bytes, int]
    content_index: Mapping[bytes, int]
    usage_index: Mapping[tuple[bytes, bytes], int]


class Publishing:
    """Reads of closed epochs, and the freezing of ended ones."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._built: OrderedDict[int, Published] = OrderedDict()

    def ended(self, connection: Connection, running: int) -> list[int]:
        """Epochs before ``running`` in which something happened and that are not frozen yet, oldest first."""
        busy = union(select(debits.c.epoch), select(epoch_contents.c.epoch), select(epoch_usages.c.epoch)).subquery()
        query = select(busy.c.epoch).where(busy.c.epoch < running, busy.c.epoch.notin_(select(epochs.c.epoch)))
        return sorted(connection.execute(query).scalars())

    def unowned(self, connection: Connection, epoch: int) -> set[bytes]:
        """Contents of an ended epoch whose owner in it is not written down yet."""
        return counted_contents(connection, epoch)

    def freeze(self, connection: Connection, epoch: int, rate: int, owners: Mapping[bytes, bytes]) -> None:
        """Store what will be posted. From this commit on nothing enters the epoch. ``owners``: of the ``unowned`` contents."""
        if get(connection, epochs, epoch=epoch) is not None:
            return
        for content in self.unowned(connection, epoch) & set(owners):
            new(connection, epoch_owners, epoch=epoch, content=content, owner=owners[content])
        frozen = freeze_rows(connection, self._core.address, epoch, rate)
        built = self._build(frozen)
        connection.execute(
            epochs.insert().values(
                epoch=epoch,
                state="closed",
                root=built.header.root,
                total=built.header.total,
                digest=built.digest,
                counts_root=built.counts.root,
                data_hash=built.data_hash,
                data=built.data,
                leaves=len(frozen.payees),
                rate=rate,
            )
        )

    def _build(self, frozen: Frozen) -> Published:
        secret = self._core.secret
        payees = SumTree(frozen.payees)
        usage = [(usage_tag(secret(u.listener, u.content), frozen.epoch), u) for u in frozen.usages]
        usage.sort(key=lambda pair: pair[0])
        owned = content_rows(frozen)
        used = [usage_leaf(tag, u.content, u.plays, u.seeks, u.seconds) for tag, u in usage]
        counts = CountsTree([content_leaf(c.content, c.plays, c.unvalidated, c.seeks, c.seconds) for c in owned] + used)
        data = encode(frozen, payees, counts, self._core.schedule.length, used).encode()
        digest = entries_digest([(debit.payer, debit.net) for debit in frozen.debits])
        header = Header(payees.root, payees.total, rest(digest, counts.root, keccak256(data)))
        return Published(
            frozen,
            payees,
            counts,
            header,
            digest,
            data,
            keccak256(data),
            owned,
            tuple(tag for tag, _ in usage),
            tuple(one for _, one in usage),
            {payee: index for index, (payee, _) in enumerate(frozen.payees)},
            {c.content: index for index, c in enumerate(owned)},
            {(u.listener, u.content): len(owned) + index for index, (_, u) in enumerate(usage)},
        )

    async def _published(self, epoch: int) -> Published:
        """A frozen epoch. Raises Refusal ``claim.unknown``."""
        found = self._built.get(epoch)
        if found is None:

            def read(connection: Connection) -> Frozen | None:
                row = get(connection, epochs, epoch=epoch)
                return freeze_rows(connection, self._core.address, epoch, row["rate"]) if row else None

            frozen = await self._core.store.run(read)
            if frozen is None:
                raise Refusal("claim.unknown", epoch=epoch)
            found = self._built[epoch] = self._build(frozen)
            if len(self._built) > _KEEP:
                self._built.popitem(last=False)
        return found

    async def commitment(self, epoch: int) -> bytes:
        """What the chain must hold for a frozen epoch."""
        return commitment((await self._published(epoch)).header)

    async def post_arguments(self, epoch: int) -> tuple[bytes, bytes, bytes, list[Entry]]:
        """Root, counts root, data hash and entries of a frozen epoch."""
        built = await self._published(epoch)
        entries = [Entry(debit.payer, debit.net, debit.cap, debit.until, *compact(debit.signature)) for debit in built.frozen.debits]
        return built.header.root, built.counts.root, built.data_hash, entries

    async def claim_item(self, signed: Signed[Claim]) -> tuple[ClaimItem, Sequence[tuple[bytes, int]]]:
        """The contract's item for a claim, and its proof.

        Raises Refusal: ``claim.unknown`` (no such leaf), ``claim.pending`` (not final yet).
        """
        claim = signed.message
        built = await self._published(claim.epoch)
        index = built.payee_index.get(claim.payee)
        if index is None:
            raise Refusal("claim.unknown", epoch=claim.epoch)
        if not (await self._core.chain.epoch(claim.epoch)).final:
            raise Refusal("claim.pending", epoch=claim.epoch)
        amount = built.frozen.payees[index][1]
        # A payment to the payee itself needs no signature, so none is looked at.
        r, vs = compact(signed.signature) if claim.to != claim.payee or claim.tip else (0, 0)
        item = ClaimItem(self._core.address, claim.epoch, built.header, claim.payee, amount, index, built.payees.depth, r, vs)
        return item, built.payees.proof(index)

    async def leaf(self, epoch: int, payee: bytes) -> dict[str, Any]:
        """A payee's leaf with its proof. Raises Refusal ``claim.unknown``."""
        built = await self._published(epoch)
        index = built.payee_index.get(payee)
        if index is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return {
            "header": _header(built.header),
            "amount": str(built.frozen.payees[index][1]),
            "index": index,
            "proof": [[to_hex(node), str(total)] for node, total in built.payees.proof(index)],
        }

    async def answer(self, epoch: int, payee: bytes, challenged: int) -> Answer:
        """What shows the chain that a payee's leaf honours a receipt. Raises Refusal ``claim.unknown`` where none does."""
        built = await self._published(epoch)
        found = answer_for(built.frozen.payees, built.header, payee, challenged, built.payees)
        if found is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return found

    async def usage(self, device: bytes, epoch: int, session: bytes, content: bytes) -> dict[str, Any]:
        """A listener's usage leaf and the content's leaf, proven; only for the session's own device.

        Raises Refusal: ``session.device``, ``claim.unknown``.
        """
        row = await self._core.store.run(lambda connection: get(connection, sessions, id=session))
        if row is None or row["device"] != device:
            raise Refusal("session.device")
        built = await self._published(epoch)
        index, where = built.usage_index.get((row["listener"], content)), built.content_index.get(content)
        if index is None or where is None:
            raise Refusal("claim.unknown", epoch=epoch)
        used = built.usages[index - len(built.contents)]
        count = built.contents[where]
        numbers = {"plays": used.plays, "seeks": used.seeks, "seconds": used.seconds}
        totals = {"plays": count.plays, "unvalidated": count.unvalidated, "seeks": count.seeks, "seconds": count.seconds}
        tag = built.usage_tags[index - len(built.contents)]
        return {
            "leaf": {"tag": to_hex(tag), "content": to_hex(content), **numbers},
            "index": index,
            "proof": [to_hex(node) for node in built.counts.proof(index)],
            "content_leaf": {"content": to_hex(content), **totals},
            "content_index": where,
            "content_proof": [to_hex(node) for node in built.counts.proof(where)],
            "header": _header(built.header),
            "digest": to_hex(built.digest),
            "counts_root": to_hex(built.counts.root),
            "data_hash": to_hex(built.data_hash),
        }

    async def counts(self, epoch: int, content: bytes) -> dict[str, Any]:
        """A content's leaf and its proof under the counts root. Raises Refusal ``claim.unknown``."""
        built = await self._published(epoch)
        where = built.content_index.get(content)
        if where is None:
            raise Refusal("claim.unknown", epoch=epoch)
        count = built.contents[where]
        totals = {"plays": count.plays, "unvalidated": count.unvalidated, "seeks": count.seeks, "seconds": count.seconds}
        proof = [to_hex(node) for node in built.counts.proof(where)]
        return {"content": to_hex(content), **totals, "index": where, "proof": proof, "counts_root": to_hex(built.counts.root)}

    async def epoch(self, epoch: int) -> dict[str, Any]:
        """How an epoch stands: ``state`` none, posted or final; roots once it is frozen."""
        row = await self._core.store.run(lambda connection: get(connection, epochs, epoch=epoch))
        if row is None:
            empty = {"root": None, "total": "0", "counts_root": None, "data_hash": None, "transaction": None, "leaves": 0}
            return {"epoch": epoch, "state": "none", **empty}
        return {
            "epoch": epoch,
            "state": row["state"] if row["state"] in ("posted", "final") else "none",
            "root": to_hex(row["root"]),
            "total": str(row["total"]),
            "counts_root": to_hex(row["counts_root"]),
            "data_hash": to_hex(row["data_hash"]),
            "transaction": None if row["transaction"] is None else to_hex(row["transaction"]),
            "leaves": row["leaves"],
        }

    async def data(self, epoch: int) -> bytes:
        """The published bytes, whose keccak is the data hash. Raises Refusal ``claim.unknown``."""
        row = await self._core.store.run(lambda connection: get(connection, epochs, epoch=epoch))
        if row is None:
            raise Refusal("claim.unknown", epoch=epoch)
        return bytes(row["data"])


def _header(header: Header) -> dict[str, str]:
    return {"root": to_hex(header.root), "total": str(header.total), "rest": to_hex(header.rest)}
