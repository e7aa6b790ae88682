"""An epoch's figures: frozen once, then the trees, proofs and published bytes are always the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select, union

from chain.settlement import ClaimItem, Entry
from pywallet.errors import Refusal
from pywallet.hexes import to_hex
from pywallet.messages import Claim, Signed, compact
from pywallet.settlement import CountsTree, Header, SumTree, commitment, content_leaf, entries_digest, rest, usage_leaf, usage_tag
from security_server.core import Core
from security_server.epochdata import Frozen, encode, freeze_rows
from security_server.rows import get
from security_server.tables import debits, epoch_contents, epoch_usages, epochs, sessions

_KEEP: Final = 4
_NONE: Final = "claim.unknown"


@dataclass(frozen=True)
class Published:
    """A frozen epoch with its trees. ``header`` is what the chain commits to."""

    frozen: Frozen
    payees: SumTree
    counts: CountsTree
    header: Header
    digest: bytes
    data_hash: bytes
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

    def freeze(self, connection: Connection, epoch: int, rate: int) -> None:
        """Store what will be posted. From this commit on nothing enters the epoch."""
        if get(connection, epochs, epoch=epoch) is not None:
            return
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
                data=encode(frozen, built.payees, built.counts).encode(),
                leaves=len(frozen.payees),
            )
        )

    def _build(self, frozen: Frozen) -> Published:
        secret = self._core.secret
        payees = SumTree(frozen.payees)
        usage = [(usage_tag(secret(u.listener, u.content), frozen.epoch), u) for u in frozen.usages]
        usage.sort(key=lambda pair: pair[0])
        leaves = [content_leaf(c.content, c.plays, c.unvalidated, c.seeks, c.seconds) for c in frozen.contents]
        leaves += [usage_leaf(tag, u.content, u.plays, u.seeks, u.seconds) for tag, u in usage]
        counts = CountsTree(leaves)
        data = encode(frozen, payees, counts)
        digest = entries_digest([(debit.payer, debit.net) for debit in frozen.debits])
        header = Header(payees.root, payees.total, rest(digest, counts.root, data.hash))
        return Published(
            frozen,
            payees,
            counts,
            header,
            digest,
            data.hash,
            {payee: index for index, (payee, _) in enumerate(frozen.payees)},
            {c.content: index for index, c in enumerate(frozen.contents)},
            {(u.listener, u.content): len(frozen.contents) + index for index, (_, u) in enumerate(usage)},
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
                raise Refusal(_NONE, epoch=epoch)
            found = self._built[epoch] = self._build(frozen)
            if len(self._built) > _KEEP:
                self._built.popitem(last=False)
        return found
