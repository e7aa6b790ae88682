"""Reports for fans, stations, bands and collecting societies, from the same audited epochs, exact to the wei."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from audit.run import AuditedEpoch
from pywallet.encoding.hex import to_hex
from pywallet.settlement import gross

ReportRow = dict[str, Any]
"""One row of a report, values by column; columns of amounts end in ``_wei`` and are integers."""

CURRENCY: Final = "GoMAA"


@dataclass(frozen=True)
class Work:
    """Title, artist and identifiers of a recording."""

    title: str = ""
    artist: str = ""
    isrc: str = ""
    duration_ms: int = 0
    """0 if unknown."""


@dataclass
class Report:
    """Rows and sums of a report. ``take`` adds one audited epoch."""

    kind: str
    columns: tuple[str, ...]
    take: Callable[[AuditedEpoch], None] = lambda _: None
    rows: list[ReportRow] = field(default_factory=list)

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


def _base(audited: AuditedEpoch) -> ReportRow:
    return {"epoch": audited.totals.epoch, "server": to_hex(audited.totals.server), "state": _state(audited)}


def _state(audited: AuditedEpoch) -> str:
    return "void" if audited.balances.void else "final" if audited.final else "posted"


def station(payer: bytes) -> Report:
    """Debits of a station: a row for each content and terms, and one for each epoch's commission."""
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
    out = Report("station", columns)

    def take(audited: AuditedEpoch) -> None:
        net = 0
        for line in audited.totals.lines():
            if line.station != payer:
                continue
            net += line.charged
            counts = {"plays": line.sums.plays, "refused": line.sums.refused, "seconds": line.sums.heard_s}
            own = line.sums.intervals - line.sums.listener_paid
            price, reward = own * line.terms.price, own * line.terms.reward
            amounts = {"price_wei": price, "reward_wei": reward, "commission_wei": 0, "gross_wei": price + reward}
            out.rows.append({**_base(audited), "item": to_hex(line.content), **counts, **amounts})
        if net:
            fee = gross(net, audited.totals.bps) - net
            empty = {"plays": 0, "refused": 0, "seconds": 0, "price_wei": 0, "reward_wei": 0}
            out.rows.append({**_base(audited), "item": "commission", **empty, "commission_wei": fee, "gross_wei": fee})

    out.take = take
    return out


def band(owners: Iterable[bytes]) -> Report:
    """Earnings of owners by content and station; ``collected`` is True if the epoch's leaf was paid."""
    reported = set(owners)
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
    out = Report("band", columns)

    def take(audited: AuditedEpoch) -> None:
        for line in audited.totals.lines():
            if line.owner not in reported:
                continue
            names = {"owner": to_hex(line.owner), "content": to_hex(line.content), "station": to_hex(line.station)}
            sums = line.sums
            counts = {"plays": sums.plays, "refused": sums.refused, "seconds": sums.heard_s, "seeks": sums.seeks}
            out.rows.append(
                {
                    **_base(audited),
                    **names,
                    **counts,
                    "earned_wei": line.price,
                    "collected": line.owner in audited.claims,
                }
            )

    out.take = take
    return out


def fan(payees: Iterable[bytes], payers: Iterable[bytes] = ()) -> Report:
    """Sums that a fan's payees earned as listeners and its listener keys paid, with commission."""
    earning, paying = set(payees), set(payers)
    out = Report("fan", ("epoch", "server", "state", "payee", "earned_wei", "spent_wei", "collected"))

    def take(audited: AuditedEpoch) -> None:
        for payee, amount, owned in audited.totals.file.payees():
            if payee in earning and amount > owned:
                row = {
                    "payee": to_hex(payee),
                    "earned_wei": amount - owned,
                    "spent_wei": 0,
                    "collected": payee in audited.claims,
                }
                out.rows.append({**_base(audited), **row})
        for debit in audited.totals.debits:
            if debit.payer in paying:
                spent = gross(debit.net, audited.totals.bps)
                row = {"payee": to_hex(debit.payer), "earned_wei": 0, "spent_wei": spent, "collected": False}
                out.rows.append({**_base(audited), **row})

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
) -> Report:
    """Usage and money by recording, owner and service over all epochs, in columns named after DDEX DSR.

    The commission of a payer's epoch is divided among its rows by their net; the last row gets the remainder, so that
    sums are exact.
    """
    out = Report("society", SOCIETY)
    index: dict[tuple[bytes, bytes, bytes], ReportRow] = {}
    recordings, services = works or {}, names or {}

    def take(audited: AuditedEpoch) -> None:
        begin = datetime.fromtimestamp(audited.totals.epoch * length_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        end = datetime.fromtimestamp((audited.totals.epoch + 1) * length_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        by_station: dict[bytes, list[tuple[ReportRow, int]]] = {}
        listener_paid: list[tuple[ReportRow, int]] = []
        for line in audited.totals.lines():
            key = (line.content, line.owner, line.station)
            if key not in index:
                work = recordings.get(line.content, Work())
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
            _share(shares, gross(net, audited.totals.bps) - net)
        stations = set(audited.totals.stations)
        debits = [debit.net for debit in audited.totals.debits if debit.payer not in stations]
        _share(listener_paid, sum(gross(net, audited.totals.bps) - net for net in debits))

    out.take = take
    return out


def _share(shares: list[tuple[ReportRow, int]], fee: int) -> None:
    net, left = sum(part for _, part in shares), fee
    for place, (row, part) in enumerate(shares):
        own = left if place == len(shares) - 1 else fee * part // net
        left -= own
        row["Commission_wei"] += own
        row["GrossRevenue_wei"] += own
