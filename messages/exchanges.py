"""Registry of all exchanges: which struct is the request and which the result of each operation and HTTP route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from messages import server_contents, server_http, settlement, station_account, station_http
from messages.browser_host import chain, connection, earnings, events, listening, payout, playback, recovery, stream
from messages.fields import Empty
from messages.host_server import billing, relay
from messages.host_server import events as server_events
from messages.host_server import playback as server_playback


@dataclass(frozen=True)
class Exchange:
    """A request and its result.

    Attributes:
        name: Operation as in ``op``, or method and path of a route.
        request: Struct of the request; None for a route without a body.
        result: Struct of the result, or a union with None where the result may be null.
    """

    name: str
    request: type[Struct] | None
    result: Any


BROWSER_HOST: Final = (
    Exchange("hello", connection.Hello, connection.HelloResult),
    Exchange("open", stream.Open, stream.OpenResult),
    Exchange("identify", stream.Identify, stream.IdentifyResult),
    Exchange("prepare", playback.Prepare, playback.PrepareResult | None),
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
    Exchange("owed", listening.Owed, listening.OwedResult | None),
    Exchange("pay", listening.Pay, Empty),
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

HOST_SERVER: Final = (
    Exchange("hello", server_playback.Hello, server_playback.HelloResult),
    Exchange("open", server_playback.Open, server_playback.OpenResult),
    Exchange("lease", server_playback.LeaseRequest, server_playback.LeaseResult),
    Exchange("grant", server_playback.GrantRequest, server_playback.GrantResult),
    Exchange("report", server_playback.Report, server_playback.ReportResult),
    Exchange("destroyed", server_playback.Destroyed, server_playback.DestroyedResult),
    Exchange("statement", billing.Owed, settlement.StatementResult),
    Exchange("voucher", billing.Pay, settlement.VoucherResult),
    Exchange("books", billing.Books, settlement.BooksResult),
    Exchange("receipts", billing.ReceiptsRequest, billing.ReceiptsResult),
    Exchange("leaf", billing.LeafRequest, billing.LeafResult),
    Exchange("usage", billing.UsageRequest, billing.UsageResult),
    Exchange("claim", relay.ClaimRequest, settlement.ClaimResult),
    Exchange("relayer", relay.RelayerRequest, relay.RelayerResult),
    Exchange("sweep", relay.SweepRequest, relay.SweepResult),
)
"""Native host and security server, over a WebSocket."""

SERVER_HTTP: Final = (
    Exchange("GET /v1/info", None, server_http.InfoResult),
    Exchange("PUT /v1/contents/{content}", server_contents.Upload, server_contents.UploadResult),
    Exchange("POST /v1/accounts", server_http.AccountRequest, server_http.AccountResult),
    Exchange("POST /v1/statements", server_http.StatementRequest, settlement.StatementResult),
    Exchange("POST /v1/vouchers", server_http.VoucherPost, settlement.VoucherResult),
    Exchange("POST /v1/books", server_http.BooksRequest, settlement.BooksResult),
    Exchange("GET /v1/epochs/{epoch}", None, server_http.EpochResult),
    Exchange("GET /v1/epochs/{epoch}/counts/{content}", None, server_http.ContentCountsResult),
    Exchange("POST /v1/epochs/close", None, server_http.EpochResult),
    Exchange("POST /v1/epochs/import", None, server_http.ImportResult),
    Exchange("POST /v1/receipts", server_http.ReceiptsPost, server_http.PayeeReceiptsResult),
    Exchange("POST /v1/claims", server_http.ClaimPost, settlement.ClaimResult),
    Exchange("POST /v1/handovers", server_contents.HandoverRequest, server_contents.HandoverResult),
    Exchange("POST /v1/moves", server_contents.MoveRequest, server_contents.MoveResult),
)
"""HTTP routes of the security server; an epoch's published bytes, ``GET /v1/epochs/{epoch}/data``, are no JSON."""

STATION_HTTP: Final = (
    Exchange("GET /.well-known/gomaa.json", None, station_http.StationRecordResult),
    Exchange("POST /gomaa/tickets", station_http.TicketRequest, station_http.TicketResult),
    Exchange("POST /gomaa/points", station_http.PointsPost, station_http.PointsResult),
    Exchange("GET /gomaa/songs/{name}/similar", None, station_http.SimilarResult),
    Exchange("GET /gomaa/account", None, station_account.StationAccountResult),
)
"""HTTP routes of a station."""

BROWSER_HOST_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "revoked": events.Revoked,
    "destroyed": events.Destroyed,
    "receipt": events.ReceiptIssued,
    "problem": events.ProblemFound,
    "server": events.ServerState,
    "networks": events.NetworksChanged,
}
"""Events of the native host, by name."""

HOST_SERVER_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "receipt": server_events.ReceiptEvent,
    "revoked": server_events.RevokedEvent,
    "epoch": server_events.EpochEvent,
}
"""Events of the security server on a host's WebSocket, by name."""
