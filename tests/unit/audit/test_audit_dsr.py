"""DSR flat file of a society's report: layout, sums and cells."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from audit.dsr import AS02, FOOT, HEAD, SU02, SY02, UNFILLED, Sender, dsr, unfilled
from audit.epoch_totals import sum_epoch
from audit.report_text import text
from audit.reports import Report, Work, society
from audit.tables import EpochFile
from pywallet.encoding.amounts import parse
from pywallet.encoding.hex import to_hex
from tests.unit.audit.audit_book import CONTENTS, OWNERS, STATIONS, honest

BUYER = b"\x49" * 20
CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKS = {CONTENTS[0]: Work("Slow | Tide\t\\ = 1", "The Slow Tides", "USS1Z1412345", 222_500)}
NAMES = {"HEAD": HEAD, "SY02.02": SY02, "AS02.02": AS02, "SU02": SU02, "FOOT": FOOT}

# Number and name of the mandatory cells, and the number of all, from DDEX's schema of Basic Audio Profile 1.2.
MANDATORY: Mapping[str, tuple[int, tuple[tuple[int, str], ...]]] = {
    "HEAD": (
        16,
        (
            *((1, "RecordType"), (2, "MessageVersion"), (3, "Profile"), (4, "ProfileVersion"), (5, "MessageId")),
            *((6, "MessageCreatedDateTime"), (7, "FileNumber"), (8, "NumberOfFiles"), (9, "UsageStartDate")),
            *((10, "UsageEndDate"), (11, "SenderPartyId"), (12, "SenderName")),
        ),
    ),
    "SY02.02": (
        22,
        (
            *((1, "RecordType"), (2, "SummaryRecordId"), (5, "CommercialModel"), (6, "UseType"), (7, "Territory")),
            *(
                (8, "ServiceDescription"),
                (9, "Usages"),
                (11, "CurrencyOfReporting"),
                (12, "NetRevenue"),
                (19, "ContentCategory"),
            ),
        ),
    ),
    "AS02.02": (
        22,
        (
            *((1, "RecordType"), (2, "BlockId"), (3, "ResourceReference"), (4, "DspResourceId"), (6, "Title")),
            *((8, "DisplayArtistName"), (11, "ResourceType")),
        ),
    ),
    "SU02": (
        10,
        ((1, "RecordType"), (2, "BlockId"), (3, "SummaryRecordId"), (4, "SalesTransactionId"), (8, "NumberOfStreams")),
    ),
    "FOOT": (
        6,
        ((1, "RecordType"), (2, "NumberOfLinesInFile"), (4, "NumberOfSummaryRecords"), (5, "NumberOfBlocksInFile")),
    ),
}


def made(tmp_path: Path, epochs: int = 2) -> Report:
    """A society's report over consistent epochs; from the second on the first content has another owner."""
    out = society(60, WORKS, {STATIONS[0]: "Radio One"})
    for number in range(epochs):
        owners = (BUYER, *OWNERS[1:]) if number else OWNERS
        path = tmp_path / f"{number}.gmed"
        path.write_bytes(honest(30, 1000 + number, owners=owners).encode())
        with EpochFile(path) as file:
            seen = SimpleNamespace(
                totals=sum_epoch(file, 60), money=SimpleNamespace(void=False), final=True, claims=set()
            )
            out.take(seen)  # type: ignore[arg-type]
    return out


def records(file: str) -> list[dict[str, str]]:
    """The records by cell name, with the escapes of the format resolved."""
    out = []
    for line in csv.reader(file.split("\n")[:-1], delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\"):
        out.append(dict(zip(NAMES[line[0]], line, strict=True)))
    return out


def test_records_have_the_cells_of_the_profile() -> None:
    """A record would have other cells than DDEX's schema."""
    for kind, (count, mandatory) in MANDATORY.items():
        assert len(NAMES[kind]) == count
        assert [NAMES[kind][place - 1] for place, _ in mandatory] == [name for _, name in mandatory]


def test_sums_are_those_of_the_other_forms(tmp_path: Path) -> None:
    """Revenue, shares or plays would differ from the table, CSV and JSON of the same report."""
    statement = made(tmp_path)
    rows = list(csv.DictReader(text(statement, "csv").splitlines()))
    totals = statement.to_json()["totals"]
    file = records(dsr(statement, WORKS, CREATED))
    summaries = [line for line in file if line["RecordType"] == "SY02.02"]
    uses = [line for line in file if line["RecordType"] == "SU02"]
    assert sum(parse(line["NetRevenue"]) for line in summaries) == int(totals["GrossRevenue_wei"]) > 0
    assert sum(parse(line["AllocatedRevenue"]) for line in summaries) == int(totals["RightsControllerShare_wei"]) > 0
    plays = sum(int(row["NumberOfConsumerSalesGross"]) for row in rows)
    assert sum(int(line["Usages"]) for line in summaries) == sum(int(line["NumberOfStreams"]) for line in uses) == plays
    for line in summaries:
        theirs = [use for use in uses if use["SummaryRecordId"] == line["SummaryRecordId"]]
        assert sum(int(use["NumberOfStreams"]) for use in theirs) == int(line["Usages"])
        owner, service = line["RightsController"], line["ServiceDescription"]
        mine = [r for r in rows if (r["RightsControllerPartyReference"], r["ServiceReference"]) == (owner, service)]
        assert parse(line["NetRevenue"]) == sum(int(row["GrossRevenue_wei"]) for row in mine)
        assert parse(line["AllocatedRevenue"]) == sum(int(row["RightsControllerShare_wei"]) for row in mine)


def test_the_file_has_head_foot_and_blocks(tmp_path: Path) -> None:
    """A reader would find wrong counts in FOOT, or a recording's uses outside its block."""
    file = records(dsr(made(tmp_path), WORKS, CREATED, Sender("Some Society", "PADPIDA2026010101X")))
    kinds = [line["RecordType"] for line in file]
    assert (kinds[0], kinds[-1], kinds.count("HEAD"), kinds.count("FOOT")) == ("HEAD", "FOOT", 1, 1)
    head, foot = file[0], file[-1]
    assert (head["Profile"], head["ProfileVersion"]) == ("BasicAudioProfile", "1.2")
    assert (head["SenderPartyId"], head["SenderName"]) == ("PADPIDA2026010101X", "Some Society")
    assert (head["UsageStartDate"], head["UsageEndDate"]) == ("1970-01-01", "1970-01-01")
    assert head["MessageCreatedDateTime"] == "2026-03-01T12:00:00Z"
    assert int(foot["NumberOfLinesInFile"]) == int(foot["NumberOfLinesInReport"]) == len(file)
    assert int(foot["NumberOfSummaryRecords"]) == kinds.count("SY02.02")
    assert int(foot["NumberOfBlocksInFile"]) == int(foot["NumberOfBlocksInReport"]) == kinds.count("AS02.02") == 3
    owners = {line["SummaryRecordId"]: line["RightsController"] for line in file if line["RecordType"] == "SY02.02"}
    block, sold = "", set()
    for line in file[len(owners) + 1 : -1]:
        if line["RecordType"] == "AS02.02":
            assert line["BlockId"] != block
            block = line["BlockId"]
            content = line["DspResourceId"]
        else:
            assert (line["BlockId"], line["TransactedResource"]) == (block, "1")
            sold |= {owners[line["SummaryRecordId"]]} if content == to_hex(CONTENTS[0]) else set()
    assert sold == {to_hex(OWNERS[0]), to_hex(BUYER)}


def test_mandatory_cells_are_filled_or_named(tmp_path: Path) -> None:
    """A mandatory cell would be empty without being named by the command."""
    statement = made(tmp_path)
    for sender in (Sender(), Sender("x", "PADPIDA1")):
        named = " ".join(unfilled(statement, sender))
        for line in records(dsr(statement, WORKS, CREATED, sender)):
            for _, name in MANDATORY[line["RecordType"]][1]:
                assert line[name] or name in named, (line["RecordType"], name)
    assert "SenderPartyId" not in named
    assert "2 of 3" in unfilled(statement)["AS02.02 Title"]
    known = Report(
        statement.kind,
        statement.columns,
        rows=[{**row, "Title": "t", "DisplayArtist": "a", "ISRC": "i"} for row in statement.rows],
    )
    assert set(unfilled(known, Sender("x", "PADPIDA1"))) == set(UNFILLED)


def test_titles_are_escaped(tmp_path: Path) -> None:
    """A tab, a bar or a backslash in a title would change the cells."""
    (line,) = [line for line in records(dsr(made(tmp_path), WORKS, CREATED)) if line.get("ISRC")]
    assert (line["Title"], line["DisplayArtistName"]) == ("Slow | Tide \\ = 1", "The Slow Tides")
    assert line["Duration"] == "PT3M42.5S"


def test_a_report_without_epochs_has_one_summary() -> None:
    """A report without usage would be invalid."""
    file = records(dsr(society(60), {}, CREATED))
    assert [line["RecordType"] for line in file] == ["HEAD", "SY02.02", "FOOT"]
    assert (file[1]["Usages"], file[1]["NetRevenue"], file[0]["UsageStartDate"]) == ("0", "0", "2026-03-01")


def test_message_ids_differ_by_time_and_content(tmp_path: Path) -> None:
    """Two reports would share a message id, or one would have two."""
    later = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
    one = made(tmp_path, 1)
    ids = [
        records(dsr(statement, {}, at))[0]["MessageId"]
        for statement, at in ((one, CREATED), (one, CREATED), (one, later))
    ]
    assert ids[0] == ids[1] != ids[2]
