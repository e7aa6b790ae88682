"""Statements of fans, stations, bands and collecting societies, from the same audited epochs, exact to the wei."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from audit.run import AuditedEpoch
from pywallet.encoding.hex import to_hex
from pywallet.settlement import gross

Row = dict[str, Any]
"""One line of a statement: column to text or number; amounts end in ``_wei`` and are integers."""

CURRENCY: Final = "GoMAA"


@dataclass(frozen=True)
class Work:
    """Title, artist and identifiers of a recording, from its SPS header or a CSV file."""

    title: str = ""
    artist: str = ""
    isrc: str = ""
    duration_ms: int = 0
    """0 if unknown."""


@dataclass
class Statement:
    """Rows, and the sums of their amounts. ``take`` adds one audited epoch."""

    kind: str
    columns: tuple[str, ...]
    take: Callable[[AuditedEpoch], None] = lambda _: None
    rows: list[Row] = field(default_factory=list)

    def total(self, column: str) -> int:
        """The sum of an amount over all rows, wei."""
        return sum(row[column] for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; amounts are decimal strings."""
        rows = [
            {name: str(value) if name.endswith("_wei") else value for name, value in row.items()} for row in self.rows
        ]
        totals = {name: str(self.total(name)) for name in self.columns if name.endswith("_wei")}
        return {"statement": self.kind, "currency": CURRENCY, "rows": rows, "totals": totals}


def _base(seen: AuditedEpoch) -> Row:
    return {"epoch": seen.totals.epoch, "server": to_hex(seen.totals.server), "state": _state(seen)}


def _state(seen: AuditedEpoch) -> str:
    return "void" if seen.money.void else "final" if seen.final else "posted"


def station(payer: bytes) -> Statement:
    """Debits of a station: a row for each content and terms, and one for each epoch's commission.

    The sum is its debits.
    """
    columns = (
        "epoch",
        "server",
        "state",
        "item",
        "plays",
        "refused",
        "seconds",
        "price_wei",
        "reward_wei",
        "commission_wei",
        "gross_wei",
    )
    out = Statement("station", columns)

    def take(seen: AuditedEpoch) -> None:
        net = 0
        for line in seen.totals.lines():
            if line.station != payer:
                continue
            net += line.charged
            counts = {"plays": line.sums.plays, "refused": line.sums.refused, "seconds": line.sums.heard_s}
            own = line.sums.intervals - line.sums.listener_paid
            price, reward = own * line.terms.price, own * line.terms.reward
            amounts = {"price_wei": price, "reward_wei": reward, "commission_wei": 0, "gross_wei": price + reward}
            out.rows.append({**_base(seen), "item": to_hex(line.content), **counts, **amounts})
        if net:
            fee = gross(net, seen.totals.bps) - net
            empty = {"plays": 0, "refused": 0, "seconds": 0, "price_wei": 0, "reward_wei": 0}
            out.rows.append({**_base(seen), "item": "commission", **empty, "commission_wei": fee, "gross_wei": fee})

    out.take = take
    return out


def band(owners: Iterable[bytes]) -> Statement:
    """Earnings of owners by content and station; ``collected``: whether the epoch's leaf was paid."""
    mine = set(owners)
    columns = (
        "epoch",
        "server",
        "state",
        "owner",
        "content",
        "station",
        "plays",
        "refused",
        "seconds",
        "seeks",
        "earned_wei",
        "collected",
    )
    out = Statement("band", columns)

    def take(seen: AuditedEpoch) -> None:
        for line in seen.totals.lines():
            if line.owner not in mine:
                continue
            names = {"owner": to_hex(line.owner), "content": to_hex(line.content), "station": to_hex(line.station)}
            sums = line.sums
            counts = {"plays": sums.plays, "refused": sums.refused, "seconds": sums.heard_s, "seeks": sums.seeks}
            out.rows.append(
                {**_base(seen), **names, **counts, "earned_wei": line.price, "collected": line.owner in seen.claims}
            )

    out.take = take
    return out


def fan(payees: Iterable[bytes], payers: Iterable[bytes] = ()) -> Statement:
    """Sums that a fan's payees earned as listeners and its listener keys paid, with commission.

    Only the fan knows which they are.
    """
    mine, paying = set(payees), set(payers)
    out = Statement("fan", ("epoch", "server", "state", "payee", "earned_wei", "spent_wei", "collected"))

    def take(seen: AuditedEpoch) -> None:
        for payee, amount, owned in seen.totals.file.payees():
            if payee in mine and amount > owned:
                row = {
                    "payee": to_hex(payee),
                    "earned_wei": amount - owned,
                    "spent_wei": 0,
                    "collected": payee in seen.claims,
                }
                out.rows.append({**_base(seen), **row})
        for debit in seen.totals.debits:
            if debit.payer in paying:
                spent = gross(debit.net, seen.totals.bps)
                row = {"payee": to_hex(debit.payer), "earned_wei": 0, "spent_wei": spent, "collected": False}
                out.rows.append({**_base(seen), **row})

    out.take = take
    return out


SOCIETY: Final = (
    *(
        "UsageStartDate",
        "UsageEndDate",
        "ISRC",
        "Title",
        "DisplayArtist",
        "ReleaseReference",
        "RightsControllerPartyReference",
    ),
    *(
        "ServiceReference",
        "ServiceName",
        "CommercialModelType",
        "UseType",
        "NumberOfConsumerSalesGross",
        "NumberOfRefusedUses",
    ),
    *(
        "TotalUsageDurationSeconds",
        "CurrencyCode",
        "GrossRevenue_wei",
        "RightsControllerShare_wei",
        "ListenerShare_wei",
        "Commission_wei",
    ),
)


def society(
    length_s: int, works: Mapping[bytes, Work] | None = None, names: Mapping[bytes, str] | None = None
) -> Statement:
    """Usage and money by recording, owner and service over all epochs, in columns named after DDEX DSR.

    The commission of a payer's epoch is shared among its rows by their net;
    the last row takes what the division leaves, so that sums are exact.
    """
    out = Statement("society", SOCIETY)
    index: dict[tuple[bytes, bytes, bytes], Row] = {}
    known, services = works or {}, names or {}

    def take(seen: AuditedEpoch) -> None:
        begin = datetime.fromtimestamp(seen.totals.epoch * length_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        end = datetime.fromtimestamp((seen.totals.epoch + 1) * length_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        by_station: dict[bytes, list[tuple[Row, int]]] = {}
        listener_paid: list[tuple[Row, int]] = []
        for line in seen.totals.lines():
            key = (line.content, line.owner, line.station)
            if key not in index:
                work = known.get(line.content, Work())
                index[key] = dict.fromkeys(SOCIETY, 0) | {
                    "UsageStartDate": begin,
                    "ISRC": work.isrc,
                    "Title": work.title,
                    "DisplayArtist": work.artist,
                    "ReleaseReference": to_hex(line.content),
                    "RightsControllerPartyReference": to_hex(line.owner),
                    "ServiceReference": to_hex(line.station),
                    "ServiceName": services.get(line.station, ""),
                    "CommercialModelType": "PayAsYouGoModel",
                    "UseType": "OnDemandStream",
                    "CurrencyCode": CURRENCY,
                }
                out.rows.append(index[key])
            row, net = index[key], line.price + line.reward
            row["UsageEndDate"] = end
            more = {
                "NumberOfConsumerSalesGross": line.sums.plays,
                "NumberOfRefusedUses": line.sums.refused,
                "TotalUsageDurationSeconds": line.sums.heard_s,
                "GrossRevenue_wei": net,
                "RightsControllerShare_wei": line.price,
                "ListenerShare_wei": line.reward,
            }
            for name, value in more.items():
                row[name] += value
            if line.charged:
                by_station.setdefault(line.station, []).append((row, line.charged))
            if line.listener_paid:
                listener_paid.append((row, line.listener_paid))
        for shares in by_station.values():
            net = sum(part for _, part in shares)
            _share(shares, gross(net, seen.totals.bps) - net)
        stations = set(seen.totals.stations)
        debits = [debit.net for debit in seen.totals.debits if debit.payer not in stations]
        _share(listener_paid, sum(gross(net, seen.totals.bps) - net for net in debits))

    out.take = take
    return out


def _share(shares: list[tuple[Row, int]], fee: int) -> None:
    net, left = sum(part for _, part in shares), fee
    for place, (row, part) in enumerate(shares):
        mine = left if place == len(shares) - 1 else fee * part // net
        left -= mine
        row["Commission_wei"] += mine
        row["GrossRevenue_wei"] += mine
