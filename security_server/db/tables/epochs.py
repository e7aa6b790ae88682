"""Tables of epochs: counters while they run, bytes once they are closed, and what the chain says of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from security_server.db.tables.columns import METADATA, binary, integer, text, wei

epoch_contents: Final = Table(
    "epoch_contents",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("content", 20, "The content's address", key=True),
    integer("plays", "Counted plays in the epoch", default=0),
    integer("unvalidated", "Refused plays in the epoch that are kept with their signature", default=0),
    integer("seeks", "Counted seeks in the epoch", default=0),
    integer("heard_ms", "Duration that was metered as heard and paid in the epoch", default=0),
)

epoch_owners: Final = Table(
    "epoch_owners",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("content", 20, "The content's address", key=True),
    binary("owner", 20, "Owner in this epoch, by its contract: a sale takes effect with the next one"),
)

epoch_usages: Final = Table(
    "epoch_usages",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("listener", 20, "The listener", key=True),
    binary("content", 20, "The content's address", key=True),
    integer("plays", "Counted plays up to the epoch's end, cumulative"),
    integer("seeks", "Counted seeks, cumulative"),
    integer("seconds", "Seconds that were heard, cumulative"),
)

# The same for closed epochs; the leaf in the epoch's bytes commits to the numbers.
usage_leaves: Final = Table(
    "usage_leaves",
    METADATA,
    integer("epoch", "The closed epoch", key=True),
    binary("listener", 20, "The listener", key=True),
    binary("content", 20, "The content's address", key=True),
    integer("plays", "Counted plays up to the epoch's end, cumulative"),
    integer("seeks", "Counted seeks, cumulative"),
    integer("seconds", "Seconds that were heard, cumulative"),
)

epochs: Final = Table(
    "epochs",
    METADATA,
    integer("epoch", "The closed epoch", key=True),
    text("settlement_state", 12, "A ``settlement_state.State`` as of the last read of the chain: only a cache"),
    integer("bps", "Commission of the epoch, basis points"),
    binary("root", 32, "Root of the payees' sum tree"),
    wei("total", "Sum of the payees' amounts"),
    binary("entries_digest", 32, "Digest of the debits"),
    binary("counts_root", 32, "Root of the counts tree"),
    binary("data_hash", 32, "keccak of ``data``"),
    binary("commitment", 32, "keccak(root, total, rest), which the chain must hold"),
    binary("data", None, "The published bytes, never changed: all that is posted and proven is read from them"),
    integer("leaf_count", "Leaves of the sum tree"),
    binary("transaction", 32, "Hash of the last transaction of this server for the epoch; null: none", null=True),
    Index("epochs_state", "settlement_state", "epoch"),
)

# The vouchers of a closed epoch's debits, for a post.
entries: Final = Table(
    "entries",
    METADATA,
    integer("epoch", "The closed epoch", key=True),
    integer("entry_index", "Position among the debits in the epoch's bytes, from 0", key=True),
    binary("payer", 20, "The payer whose escrow is debited"),
    wei("net", "Debited before commission"),
    wei("cap", "Cap of the voucher: most cumulative gross, wei"),
    wei("until", "Last epoch in which the voucher may be used"),
    binary("signature", 65, "The payer's, under the voucher"),
)

# By the chain's events, up to the cursor ``events``.
challenges: Final = Table(
    "challenges",
    METADATA,
    integer("epoch", "The challenged epoch", key=True),
    binary("payee", 20, "The payee whose receipt is shown", key=True),
    wei("amount", "The receipt's amount", key=True),
    integer("block", "Number of the block with the event"),
    integer(
        "closed_block",
        "The newest block when it was first seen answered or slashed, which a reorganisation may undo; null: open",
        null=True,
    ),
    Index("challenges_closed", "closed_block"),
)

refunds: Final = Table(
    "refunds",
    METADATA,
    integer("epoch", "An epoch that was void and whose debits were refunded", key=True),
    integer("block", "Number of the block with the event"),
)

cursors: Final = Table(
    "cursors",
    METADATA,
    text("name", 32, "One of the names in ``security_server.db.cursors``", key=True),
    integer("value", "A block, an epoch or Unix seconds, by the name"),
)
