"""Registry of all exchanges: which struct is the request and which the result of each operation and HTTP route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from messages import server_contents, server_http, settlement, station_account, station_http
from messages.browser_host.exchanges import BACKGROUND, BROWSER_HOST, BROWSER_HOST_EVENTS
from messages.exchange import Exchange
from messages.host_server import billing, events, playback, relay

__all__ = [
    "BACKGROUND",
    "BROWSER_HOST",
    "BROWSER_HOST_EVENTS",
    "HOST_SERVER",
    "HOST_SERVER_EVENTS",
    "SERVER_HTTP",
    "STATION_HTTP",
    "Exchange",
]

HOST_SERVER: Final = (
    Exchange("hello", playback.Hello, playback.HelloResult),
    Exchange("open", playback.Open, playback.OpenResult),
    Exchange("lease", playback.LeaseRequest, playback.LeaseResult),
    Exchange("grant", playback.GrantRequest, playback.GrantResult),
    Exchange("report", playback.Report, playback.ReportResult),
    Exchange("destroyed", playback.Destroyed, playback.DestroyedResult),
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
    Exchange("GET /v1/health", None, server_http.HealthResult),
    Exchange("GET /v1/ready", None, server_http.ReadyResult),
    Exchange("PUT /v1/contents/{content}", server_contents.Upload, server_contents.UploadResult),
    Exchange("POST /v1/accounts", server_http.AccountRequest, server_http.AccountResult),
    Exchange("POST /v1/statements", server_http.StatementRequest, settlement.StatementResult),
    Exchange("POST /v1/vouchers", server_http.VoucherPost, settlement.VoucherResult),
    Exchange("POST /v1/books", server_http.BooksRequest, settlement.BooksResult),
    Exchange("GET /v1/epochs/{epoch}", None, server_http.EpochResult, "State and roots of an epoch."),
    Exchange("GET /v1/epochs/{epoch}/counts/{content}", None, server_http.ContentCountsResult),
    Exchange(
        "POST /v1/epochs/close",
        None,
        server_http.EpochResult,
        "Closes the last ended epoch now and posts it; with the bearer admin token.",
    ),
    Exchange(
        "POST /v1/epochs/import",
        None,
        server_http.ImportResult,
        "Imports a posted epoch that the database lacks; with the bearer admin token. The body is its published data, "
        "at most 8 MiB; other bytes are ``server.epoch.import``.",
    ),
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
    Exchange("GET /gomaa/passages/{content}", None, station_http.PassagesResult),
    Exchange("GET /gomaa/account", None, station_account.StationAccountResult),
)
"""HTTP routes of a station."""

HOST_SERVER_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "receipt": events.ReceiptEvent,
    "revoked": events.RevokedEvent,
    "epoch": events.EpochEvent,
    "draining": events.DrainingEvent,
}
"""Events of the security server on a host's WebSocket, by name."""
