"""Registry of all exchanges: which struct is the request and which the result of each operation and HTTP route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from messages.browser_host import chain, playback, wallet
from messages.host_server import billing, relay
from messages.host_server import playback as server_playback
from messages.server_http import (
    AccountRequest,
    BooksRequest,
    ClaimPost,
    HandoverRequest,
    MoveRequest,
    ReceiptsPost,
    StatementRequest,
    Upload,
    VoucherPost,
)


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
    Exchange("hello", playback.Hello, None),
    Exchange("open", playback.Open, None),
    Exchange("identify", playback.Identify, None),
    Exchange("prepare", playback.Prepare, None),
    Exchange("rejoin", playback.Rejoin, None),
    Exchange("invoke", playback.Invoke, None),
    Exchange("problem", playback.Problem, None),
    Exchange("close", playback.Close, None),
    Exchange("summary", wallet.Summary, None),
    Exchange("payees", wallet.Payees, None),
    Exchange("earnings", wallet.Earnings, None),
    Exchange("scan", wallet.Scan, None),
    Exchange("origin", wallet.ReceiptBreakdown, None),
    Exchange("site", playback.Site, None),
    Exchange("sites", playback.Sites, None),
    Exchange("owed", playback.Owed, None),
    Exchange("pay", playback.Pay, None),
    Exchange("escrow", wallet.Escrow, None),
    Exchange("simulate", chain.Simulate, None),
    Exchange("read", chain.Read, None),
    Exchange("send", chain.Send, None),
    Exchange("transaction", chain.Transaction, None),
    Exchange("transfers", chain.Transfers, None),
    Exchange("holdings", chain.Holdings, None),
    Exchange("relayer", wallet.Relayer, None),
    Exchange("sweep", wallet.Sweep, None),
    Exchange("leaf", wallet.Leaf, None),
    Exchange("claim", wallet.Claim, None),
    Exchange("verify_counts", wallet.VerifyCounts, None),
    Exchange("network", chain.Network, None),
    Exchange("doctor", chain.Doctor, None),
)
"""Extension and native host, over native messaging."""

HOST_SERVER: Final = (
    Exchange("hello", server_playback.Hello, None),
    Exchange("open", server_playback.Open, None),
    Exchange("lease", server_playback.LeaseRequest, None),
    Exchange("grant", server_playback.GrantRequest, None),
    Exchange("report", server_playback.Report, None),
    Exchange("destroyed", server_playback.Destroyed, None),
    Exchange("statement", billing.Owed, None),
    Exchange("voucher", billing.Pay, None),
    Exchange("books", billing.Books, None),
    Exchange("receipts", billing.ReceiptsRequest, None),
    Exchange("leaf", billing.LeafRequest, None),
    Exchange("usage", billing.UsageRequest, None),
    Exchange("claim", relay.ClaimRequest, None),
    Exchange("relayer", relay.RelayerRequest, None),
    Exchange("sweep", relay.SweepRequest, None),
)
"""Native host and security server, over a WebSocket."""

SERVER_HTTP: Final = (
    Exchange("GET /v1/info", None, None),
    Exchange("PUT /v1/contents/{content}", Upload, None),
    Exchange("POST /v1/accounts", AccountRequest, None),
    Exchange("POST /v1/statements", StatementRequest, None),
    Exchange("POST /v1/vouchers", VoucherPost, None),
    Exchange("POST /v1/books", BooksRequest, None),
    Exchange("GET /v1/epochs/{epoch}", None, None),
    Exchange("GET /v1/epochs/{epoch}/counts/{content}", None, None),
    Exchange("POST /v1/receipts", ReceiptsPost, None),
    Exchange("POST /v1/claims", ClaimPost, None),
    Exchange("POST /v1/handovers", HandoverRequest, None),
    Exchange("POST /v1/moves", MoveRequest, None),
    Exchange("POST /v1/epochs/close", None, None),
    Exchange("POST /v1/epochs/import", None, None),
)
"""HTTP routes of the security server."""

STATION_HTTP: Final[tuple[Exchange, ...]] = ()
"""HTTP routes of a station."""

BROWSER_HOST_EVENTS: Final[Mapping[str, type[Struct]]] = {}
"""Events of the native host, by name."""

HOST_SERVER_EVENTS: Final[Mapping[str, type[Struct]]] = {}
"""Events of the security server on a host's WebSocket, by name."""
