"""Registry of the exchanges and events between the extension and the native host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from messages.browser_host import chain, connection, earnings, events, listening, payout, playback, recovery, stream
from messages.exchange import Exchange
from messages.fields import Empty

BROWSER_HOST: Final = (
    Exchange("hello", connection.Hello, connection.HelloResult),
    Exchange("open", stream.Open, stream.OpenResult),
    Exchange("prepare", playback.Prepare, playback.PrepareResult),
    Exchange("rejoin", playback.Rejoin, playback.RejoinResult),
    Exchange("invoke", playback.Invoke, playback.InvokeResult),
    Exchange("problem", stream.Problem, Empty),
    Exchange("close", stream.Close, Empty),
    Exchange("summary", earnings.Summary, earnings.SummaryResult),
    Exchange("payees", earnings.Payees, Empty),
    Exchange("earnings", earnings.Earnings, earnings.EarningsResult),
    Exchange("scan", recovery.Scan, recovery.ScanResult),
    Exchange("origin", earnings.ReceiptBreakdown, earnings.ReceiptBreakdownResult),
    Exchange("site", listening.Site, listening.SiteResult),
    Exchange("sites", listening.Sites, listening.SitesResult),
    Exchange("owed", listening.Owed, listening.OwedResult),
    Exchange("pay", listening.Pay, listening.PayResult),
    Exchange("escrow", listening.Escrow, listening.EscrowResult),
    Exchange("simulate", chain.Simulate, chain.SimulateResult),
    Exchange("read", chain.Read, chain.ReadResult),
    Exchange("send", chain.Send, chain.SendResult),
    Exchange("transaction", chain.Transaction, chain.TransactionResult),
    Exchange("transfers", chain.Transfers, chain.TransfersResult),
    Exchange("holdings", payout.Holdings, payout.HoldingsResult),
    Exchange("relayer", payout.Relayer, payout.RelayerResult),
    Exchange("sweep", payout.Sweep, payout.SweepResult),
    Exchange("leaf", payout.Leaf, payout.LeafResult),
    Exchange("claim", payout.Claim, payout.ClaimResult),
    Exchange("verify_counts", payout.VerifyCounts, payout.VerifyCountsResult),
    Exchange("network", connection.Network, connection.NetworkResult),
    Exchange("doctor", connection.Doctor, connection.DoctorResult),
)
"""Extension and native host, over native messaging."""

BACKGROUND: Final = (Exchange("status", connection.Status, connection.StatusResult),)
"""Operations that the extension's background answers in place of the native host."""

BROWSER_HOST_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "revoked": events.Revoked,
    "destroyed": events.Destroyed,
    "receipt": events.ReceiptIssued,
    "problem": events.ProblemFound,
    "server": events.ServerState,
    "networks": events.NetworksChanged,
}
"""Events of the native host, by name."""
