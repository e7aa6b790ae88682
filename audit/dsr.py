"""A society's report as a DDEX DSR flat file: Digital Sales Reporting, Basic Audio Profile 1.2, multi-record blocks.

Layout: the record types HEAD, SY02.02, AS02.02, SU02 and FOOT of
``schemas/BasicAudioProfile/1.2`` in https://github.com/ddexnet/dsrf, DDEX's own
reader; cells as in https://dsr8.ddex.net. docs/audit.md names the cells that
the published data cannot fill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from audit.reports import CURRENCY, Report, ReportRow, Work
from pywallet.encoding.amounts import exact
from pywallet.encoding.hex import to_hex

HEAD: Final = (
    *("RecordType", "MessageVersion", "Profile", "ProfileVersion", "MessageId", "MessageCreatedDateTime", "FileNumber"),
    *("NumberOfFiles", "UsageStartDate", "UsageEndDate", "SenderPartyId", "SenderName", "ServiceDescription"),
    *("RecipientPartyId", "RecipientName", "RepresentedRepertoire"),
)
SY02: Final = (
    *("RecordType", "SummaryRecordId", "DistributionChannel", "DistributionChannelDPID", "CommercialModel", "UseType"),
    *("Territory", "ServiceDescription", "Usages", "Users", "CurrencyOfReporting", "NetRevenue", "RightsController"),
    *("RightsControllerPartyId", "AllocatedUsages", "AllocatedRevenue", "AllocatedNetRevenue", "RightsType"),
    *("ContentCategory", "CurrencyOfTransaction", "ExchangeRate", "RightsTypePercentage"),
)
AS02: Final = (
    *("RecordType", "BlockId", "ResourceReference", "DspResourceId", "ISRC", "Title", "SubTitle", "DisplayArtistName"),
    *(
        "DisplayArtistPartyId",
        "Duration",
        "ResourceType",
        "ISWC",
        "ComposerAuthor",
        "ComposerAuthorPartyId",
        "Arranger",
    ),
    *("ArrangerPartyId", "MusicPublisher", "MusicPublisherPartyId", "WorkContributor", "WorkContributorPartyId"),
    *("ProprietaryWorkId", "IsMasterRecording"),
)
SU02: Final = (
    *("RecordType", "BlockId", "SummaryRecordId", "SalesTransactionId", "TransactedRelease", "TransactedResource"),
    *("IsRoyaltyBearing", "NumberOfStreams", "PriceConsumerPaidExcSalesTax", "PromotionalActivity"),
)
FOOT: Final = (
    *("RecordType", "NumberOfLinesInFile", "NumberOfLinesInReport"),
    *("NumberOfSummaryRecords", "NumberOfBlocksInFile", "NumberOfBlocksInReport"),
)

# Version of parts 1, 2 and 8 of the standard: "30" is the first edition, which has all that is used here.
VERSION: Final = "dsrf/30"
PROFILE: Final = ("BasicAudioProfile", "1.2")

UNFILLED: Final[Mapping[str, str]] = {
    "HEAD RecipientPartyId, RecipientName": "whom the file is for is not in the record",
    "SY02.02 DistributionChannelDPID, RightsControllerPartyId": "stations and owners are addresses only",
    "SY02.02 Territory": "says Worldwide: the record does not know where a listener was",
    "SY02.02 CurrencyOfReporting": f"says {CURRENCY}: the token has no ISO 4217 code, and no rate to one is recorded",
    "AS02.02 ISWC, ComposerAuthor, Arranger, MusicPublisher": "a song file names a recording, not its work",
    "SU02 PriceConsumerPaidExcSalesTax": "music is paid by the interval; the csv form has each recording's amounts",
}
"""Cells that are empty or placeholders in every file, and the reason."""


@dataclass(frozen=True)
class Sender:
    """Sender of the report: a name, and the party id that DDEX gave (``PADPIDA…``), if any."""

    name: str = "GoMAA"
    party: str = ""


NOBODY: Final = Sender()


def dsr(report: Report, works: Mapping[bytes, Work], created: datetime, sender: Sender = NOBODY) -> str:
    """Format a society's report as a DSR flat file.

    Args:
        report: Made by ``audit.reports.society``; its amounts are in wei.
        works: Recordings' names by content address, for the durations.
        created: Time of the report, with a time zone.
        sender: Who sends it.

    Returns:
        The file: a record a line, cells separated by tabs, amounts in whole tokens with every decimal.
        The sums of ``NetRevenue`` and ``AllocatedRevenue`` are the report's ``GrossRevenue_wei`` and
        ``RightsControllerShare_wei``.
    """
    contexts: dict[tuple[str, str], list[ReportRow]] = {}
    blocks: dict[str, list[ReportRow]] = {}
    for row in report.rows:
        contexts.setdefault((row["ServiceReference"], row["RightsControllerPartyReference"]), []).append(row)
        blocks.setdefault(row["ReleaseReference"], []).append(row)
    numbers = {key: str(number) for number, key in enumerate(contexts, 1)}
    durations = {to_hex(content): work.duration_ms for content, work in works.items()}
    body = [_summary(numbers[key], rows) for key, rows in contexts.items()] or [_summary("1", [])]
    summaries = len(body)
    for number, rows in enumerate(blocks.values(), 1):
        body += _block(str(number), rows, numbers, durations)
    return "".join(f"{line}\n" for line in _framed(report, body, summaries, len(blocks), created, sender))


def unfilled(report: Report, sender: Sender = NOBODY) -> dict[str, str]:
    """Cells of ``dsr``'s file that are empty or placeholders, and the reason."""
    out = dict(UNFILLED)
    if not sender.party:
        out["HEAD SenderPartyId"] = "DDEX gives out party ids; say yours with --sender-id"
    recordings = {row["ReleaseReference"]: row for row in report.rows}.values()
    for cell, column in (("Title", "Title"), ("DisplayArtistName", "DisplayArtist"), ("ISRC", "ISRC")):
        if missing := sum(not row[column] for row in recordings):
            out[f"AS02.02 {cell}"] = f"unknown of {missing} of {len(recordings)} recordings; --works says it"
    return out


def _framed(
    report: Report,
    body: Sequence[str],
    summaries: int,
    blocks: int,
    created: datetime,
    sender: Sender,
) -> Iterator[str]:
    stamp = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first, last = _period(report, created)
    # From the report and its time, since a sender must not repeat an id.
    message = hashlib.sha256("\n".join([stamp, sender.party, *body]).encode()).hexdigest()[:32]
    names = {"SenderPartyId": sender.party, "SenderName": sender.name, "UsageStartDate": first, "UsageEndDate": last}
    files = {"FileNumber": 1, "NumberOfFiles": 1}
    about = {"MessageVersion": VERSION, "Profile": PROFILE[0], "ProfileVersion": PROFILE[1], "MessageId": message}
    yield _record("HEAD", HEAD, {**about, "MessageCreatedDateTime": stamp, **files, **names})
    yield from body
    lines = {"NumberOfLinesInFile": len(body) + 2, "NumberOfLinesInReport": len(body) + 2}
    counts = {"NumberOfSummaryRecords": summaries, "NumberOfBlocksInFile": blocks, "NumberOfBlocksInReport": blocks}
    yield _record("FOOT", FOOT, {**lines, **counts})


def _period(report: Report, created: datetime) -> tuple[str, str]:
    """First and last day with reported usage; the day of the report if nothing was used."""
    if not report.rows:
        today = created.astimezone(UTC).date().isoformat()
        return today, today
    ends = max(str(row["UsageEndDate"]) for row in report.rows)
    last = datetime.fromisoformat(ends) - timedelta(seconds=1)
    return min(str(row["UsageStartDate"]) for row in report.rows)[:10], last.date().isoformat()


def _summary(number: str, rows: Sequence[ReportRow]) -> str:
    """One service and one owner: plays, what they cost with commission, and the owner's part."""
    plays = sum(row["NumberOfConsumerSalesGross"] for row in rows)
    service = rows[0]["ServiceReference"] if rows else ""
    cells = {
        "SummaryRecordId": number,
        "DistributionChannel": (rows[0]["ServiceName"] or service) if rows else "",
        "CommercialModel": "PayAsYouGoModel",
        "UseType": "OnDemandStream",
        "Territory": "Worldwide",
        "ServiceDescription": service or CURRENCY,
        "Usages": plays,
        "CurrencyOfReporting": CURRENCY,
        "NetRevenue": exact(sum(row["GrossRevenue_wei"] for row in rows)),
        "RightsController": rows[0]["RightsControllerPartyReference"] if rows else "",
        "AllocatedUsages": plays,
        "AllocatedRevenue": exact(sum(row["RightsControllerShare_wei"] for row in rows)),
        "ContentCategory": "Music",
    }
    return _record("SY02.02", SY02, cells)


def _block(
    number: str,
    rows: Sequence[ReportRow],
    numbers: Mapping[tuple[str, str], str],
    durations: Mapping[str, int],
) -> Iterator[str]:
    """One recording, then its plays at each service for each owner."""
    content = rows[0]["ReleaseReference"]
    names = {"ISRC": rows[0]["ISRC"], "Title": rows[0]["Title"], "DisplayArtistName": rows[0]["DisplayArtist"]}
    ids = {"BlockId": number, "ResourceReference": "1", "DspResourceId": content, "ResourceType": "SoundRecording"}
    yield _record("AS02.02", AS02, {**ids, **names, "Duration": _duration(durations.get(content, 0))})
    for place, row in enumerate(rows, 1):
        cells = {
            "BlockId": number,
            "SummaryRecordId": numbers[row["ServiceReference"], row["RightsControllerPartyReference"]],
            "SalesTransactionId": f"{number}.{place}",
            "TransactedResource": "1",
            "IsRoyaltyBearing": "true" if row["RightsControllerShare_wei"] else "false",
            "NumberOfStreams": row["NumberOfConsumerSalesGross"],
        }
        yield _record("SU02", SU02, cells)


def _duration(ms: int) -> str:
    """ISO 8601, ``PT3M42.5S``; empty if unknown."""
    if not ms:
        return ""
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest // 1000}.{rest % 1000:03d}".rstrip("0").rstrip(".")
    return f"PT{minutes}M{seconds}S"


def _record(kind: str, names: tuple[str, ...], cells: Mapping[str, object]) -> str:
    return "\t".join(_cell(cells.get(name, "")) if place else kind for place, name in enumerate(names))


def _cell(value: object) -> str:
    # Tabs and line ends separate cells and records, a bar separates values, a backslash escapes.
    flat = " ".join(str(value).split())
    return flat.replace("\\", "\\\\").replace("|", "\\|")
