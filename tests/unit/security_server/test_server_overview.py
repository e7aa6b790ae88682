"""The overview as page, advice and metrics, and the reads that it is made of."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.exc import DBAPIError

from security_server.billing.claim_relay import Standing
from security_server.db.reader import Reader
from security_server.db.refusal_counts import count_refusal
from security_server.db.tables import refusal_counts
from security_server.db.writer import Store
from security_server.operations.advice import advise
from security_server.operations.metrics import Metrics
from security_server.operations.operator_page import OperatorPage, amount
from security_server.operations.overview import Overview, StationStanding
from security_server.operations.overview_metrics import OverviewCollector
from security_server.operations.readiness import AGREEMENT, DATABASE, DRAINING
from security_server.operations.stored_overview import Owed, StoredOverview, read_overview

ROOT: Final = Path(__file__).resolve().parents[3]
STATION: Final = b"\x01" * 20
QUIET: Final = Overview(
    missing=(),
    hosts=3,
    requests=1,
    epoch=9,
    stored=StoredOverview({"final": 4, "posted": 1}, (), 0, 0, {}, {}, 5_000_000),
    differing=(),
    relayer=b"\x02" * 20,
    standing=Standing("ok", 10**18, 1, 2),
    bond_wei=10**20,
    stations=(StationStanding(STATION, "radio.example", None, Owed(1, 5, 1_000), 1_000),),
)


def families(now: Overview) -> dict[str, str]:
    """Every metric's name, as Prometheus shows it, and its text."""
    metrics, collector = Metrics(), OverviewCollector()
    collector.overview = now
    metrics.registry.register(collector)
    found = list(metrics.registry.collect())
    return {one.name + ("_total" if one.type == "counter" else ""): one.documentation for one in found}


def test_each_metric_is_documented() -> None:
    """docs/operate-server.md would miss a metric, or name one that no server has."""
    text = (ROOT / "docs" / "operate-server.md").read_text(encoding="utf-8")
    (table,) = [part for part in text.split("\n\n") if part.startswith("| metric |")]
    documented = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)", line.split("|")[1])]
    assert sorted(documented) == sorted(families(QUIET))


def test_what_was_not_read_has_no_value() -> None:
    """A balance or escrow of zero would raise an alarm while only the node is away."""
    station = replace(QUIET.stations[0], escrow_wei=None)
    blind = replace(QUIET, bond_wei=None, standing=Standing("unknown"), stations=(station,))
    gone = families(QUIET).keys() - families(blind).keys()
    assert gone == {"gomaa_server_bond_wei", "gomaa_server_relayer_balance_wei", "gomaa_server_relayer_gas_wei"}
    collector = OverviewCollector()
    assert list(collector.collect()) == []
    collector.overview = blind
    assert next(one for one in collector.collect() if one.name == "gomaa_server_station_escrow_wei").samples == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"differing": (7, 8)}, "epochs 7, 8: gomaa server import-epoch FILE"),
        ({"missing": (AGREEMENT,)}, "not compared with the chain"),
        ({"missing": (DATABASE,)}, "does not answer"),
        ({"missing": (DRAINING,)}, "The server ends"),
        ({"stored": replace(QUIET.stored, challenges=2)}, "2 challenges are open"),
        (
            {"stored": replace(QUIET.stored, unposted=((5, "closed"), (6, "closed"), (7, "closed")))},
            "Epoch 5 and later ones are not posted",
        ),
        ({"standing": Standing("low")}, "Send coins of the network to the relayer 0x0202"),
        ({"standing": Standing("spent")}, "budget is nearly spent"),
        ({"stations": (replace(QUIET.stations[0], escrow_wei=999),)}, "1 stations owe more than their free escrow"),
    ],
)
def test_each_trouble_has_its_advice(changes: dict[str, object], words: str) -> None:
    """An operator would have to know what a number means."""
    assert list(advise(QUIET)) == []
    (one,) = advise(replace(QUIET, **changes))  # type: ignore[arg-type]
    assert words in one.text


def test_names_on_the_page_are_text() -> None:
    """A station's domain or a code would add elements to the operator's page."""
    station = replace(QUIET.stations[0], domain="<script>alert(1)</script>", open_plays=2)
    stored = replace(QUIET.stored, refusals={"server.busy": 3, "<b>": 1})
    page = OperatorPage(b"\x03" * 20, 31337).render(replace(QUIET, stations=(station,), stored=stored))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    assert "<td>2</td>" in page
    assert page.index("server.busy") < page.index("&lt;b&gt;"), "the most frequent comes first"
    assert "not counted" in OperatorPage(b"\x03" * 20, 31337).render(QUIET)


@pytest.mark.parametrize(("wei", "text"), [(0, "0.0000"), (10**18, "1.0000"), (99_999_999_999_999, "0.0000")])
def test_amounts_are_rounded_towards_zero(wei: int, text: str) -> None:
    """The page would show more than there is."""
    assert amount(wei) == text


async def test_the_reader_reads_beside_the_writer_and_changes_nothing(tmp_path: Path) -> None:
    """A wrong function would change the database without the writer, whose rows in memory would be old."""
    url = f"sqlite:///{tmp_path}/db"
    store, reader = Store(url), Reader(url)
    try:
        await store.run(lambda connection: count_refusal(connection, 0, "ticket", "ticket.used"))
        found = await reader.run(lambda connection: read_overview(connection, 0))
        assert found.refusals == {"ticket.used": 1}
        assert found.database_bytes > 0
        with pytest.raises(DBAPIError):
            await reader.run(lambda connection: connection.execute(refusal_counts.delete()))
    finally:
        reader.close()
        store.close()
