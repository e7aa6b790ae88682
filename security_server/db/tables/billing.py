"""Tables of billing: payers, settled lines, debits, receipts, and claims that the relayer sends."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from security_server.db.tables.columns import METADATA, binary, integer, text, wei

# The voucher is the one with the highest cap that settled something, or that the payer showed again.
payers: Final = Table(
    "payers",
    METADATA,
    binary("payer", 20, "The payer whose escrow is debited", key=True),
    wei("base_gross", "Cumulative gross of the epochs up to ``base_epoch``, which are debited or never will be"),
    integer("base_epoch", "The last epoch in ``base_gross``; -1: none"),
    wei("cap", "Cap of the voucher: most cumulative gross, wei", default=0),
    wei("until", "Last epoch in which the voucher may be used", default=0),
    binary("signature", 65, "The payer's, under the voucher; null: there is none", null=True),
)

# Values of a play's published row as of its settlement: published data never depends on the ticket.
lines: Final = Table(
    "lines",
    METADATA,
    integer("epoch", "The epoch in which the intervals were settled", key=True),
    binary("ticket", 32, "Digest of the ticket", key=True),
    integer("settled_intervals", "Intervals of the ticket that were settled in this epoch", default=0),
    integer("seconds", "Seconds of the play that were heard so far"),
    integer("seeks", "Counted seeks of the play so far"),
    integer("settled_s", "When they were settled"),
    binary("station_address", 20, "The station that signed the ticket"),
    integer("number", "The station's number of the ticket"),
    binary("content", 20, "The content that was played"),
    binary("owner", 20, "Owner of the content in this epoch, by its contract"),
    binary("payer", 20, "The payer whose voucher settled it"),
    wei("price", "Wei per interval for the owner"),
    wei("reward", "Wei per interval for the listener"),
    integer("interval_s", "Length of a paid interval"),
    binary("tag", 7, "Tag by which the listener finds the play in the published rows; zero: rewards are declined"),
    Index("lines_ticket", "ticket"),
)

debits: Final = Table(
    "debits",
    METADATA,
    integer("epoch", "The epoch that debits it", key=True),
    binary("payer", 20, "The payer whose escrow is debited", key=True),
    wei("net", "Settled in this epoch before commission"),
    integer("bps", "Commission of the epoch, basis points"),
    wei("cap", "Cap of the voucher that allows it: most cumulative gross, wei"),
    wei("until", "Last epoch in which that voucher may be used"),
    binary("signature", 65, "The payer's, under that voucher"),
    integer("is_listener", "1 where the payer is a listener, 0 where it is a station", default=0),
    Index("debits_payer", "payer", "epoch"),
)

# Sums over the debits of an epoch so far, by kind of payer.
epoch_totals: Final = Table(
    "epoch_totals",
    METADATA,
    integer("epoch", "The epoch", key=True),
    integer("station_payers", "Stations that pay in it"),
    integer("listener_payers", "Listeners that pay in it"),
    wei("stations_net", "Net of those stations, before commission"),
    wei("listeners_net", "Net of those listeners, before commission"),
)

payees: Final = Table(
    "payees",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("payee", 20, "The payee", key=True),
    wei("amount", "Amount that the payee earns in the epoch"),
    wei("owner_amount", "The part of ``amount`` that it earns as owner of contents; the rest is rewards"),
)

# Of each source only the newest receipt is kept.
receipts: Final = Table(
    "receipts",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("payee", 20, "The payee", key=True),
    binary("source", 32, "Source: the ticket for a reward, the padded content for an owner", key=True),
    wei("amount", "Amount that the payee had earned in the epoch when the receipt was signed"),
    binary("content", 20, "The content of the play that it was signed for"),
    binary("session", 32, "The session of that play"),
    integer("plays", "Plays that it covers"),
    integer("seeks", "Counted seeks of the play"),
    integer("seconds", "Seconds of the play that were heard"),
    integer("sequence", "Sequence number of the play's last counted invocation"),
    binary("invocation", 32, "Digest of that invocation"),
    binary("detail_hash", 32, "Hash of content, session, counters and invocation: the receipt's ``detail``"),
    binary("signature", 65, "This server's, under the receipt"),
    Index("receipts_payee", "payee", "epoch"),
    info={"is_kept": False},
)

# Gas reserved before a relayed transaction is sent, then its actual cost.
relay_costs: Final = Table(
    "relay_costs",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True, doc="Number of the reservation"),
    integer("reserved_ms", "When it was reserved, the chain's time"),
    wei("gas_wei", "Cost of the gas, in the network's own coin"),
    Index("relay_costs_time", "reserved_ms"),
)

claims: Final = Table(
    "claims",
    METADATA,
    integer("epoch", "The epoch of the claimed leaf", key=True),
    binary("payee", 20, "The payee of the claimed leaf", key=True),
    binary("recipient", 20, "Recipient of the payment"),
    binary("transaction", 32, "Hash of the transaction that paid", null=True),
    integer("sent_ms", "When the transaction was in a block, the chain's time"),
    Index("claims_time", "sent_ms"),
)

queued_claims: Final = Table(
    "queued_claims",
    METADATA,
    integer("epoch", "The epoch of the leaf", key=True),
    binary("payee", 20, "The payee of the leaf", key=True),
    text("message", None, "The signed claim, JSON"),
    integer("send_by_ms", "When it is sent at the latest, the chain's time"),
    integer("attempts", "Attempts that failed"),
    Index("queued_claims_due", "send_by_ms"),
)
