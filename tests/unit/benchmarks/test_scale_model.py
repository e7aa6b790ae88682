"""The model of many listeners: its inputs, its arithmetic and its limits."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale_model.inputs import ASSUMED, MEASURED, Assumed, Costs, Inputs, inputs, parse, raw_inputs
from benchmarks.scale_model.limits import LIMITS, Limit, crowd_backlog_s, owed_plays, start_us
from benchmarks.scale_model.model import Load, distinct, load, up
from benchmarks.scale_model.rules import _number, rules
from benchmarks.scale_model.sizes import requests, sizes
from pywallet.settlement import DebitRow, EpochData, PayeeRow, PlayRow, StationRow, UsageRow
from pywallet.settlement.published_rows import ContentRow, OwnerRow, TermsRow
from security_server.api.requests import operation
from security_server.config import Config

GIVEN = inputs()
LISTENERS = st.integers(1, 10**9)


@pytest.mark.parametrize("name", list(requests()))
def test_a_measured_request_is_one_that_the_server_takes(name: str) -> None:
    """The size of a message that no server decodes says nothing."""
    assert operation(requests()[name]).__struct_config__.tag == name


def test_rows_have_the_size_of_an_encoded_epoch() -> None:
    """The model's sum over rows is the length of the data that a server publishes."""
    address, digest, row = bytes(20), bytes(32), sizes()
    plays, contents, payees, payers = 7, 3, 5, 2
    data = EpochData(
        address,
        1,
        digest,
        1,
        digest,
        500,
        (StationRow(address),) * payers,
        (ContentRow(address, address, address, 1, 0, 0, 10),) * contents,
        (TermsRow(1, 1, 10),),
        (DebitRow(address, 1),) * payers,
        (PayeeRow(address, 1),) * (payees + contents),
        (OwnerRow(0, 1),) * contents,
        (PlayRow(0, 0, 0, 0, 10, 0, 0, 1, bytes(7)),) * plays,
        (UsageRow(digest),) * plays,
    )
    rows = plays * (row.play + row.usage) + payees * row.payee + contents * row.content + payers * row.payer
    assert row.epoch + rows == len(data.encode())


def test_rules_are_those_of_the_code() -> None:
    """A rule that was copied would stay when the code changes; one that is missing is an error."""
    assert rules().connections == Config.__dataclass_fields__["connections"].default
    assert rules().schedule.length == 3_600
    assert rules().renew_ms == 10_000
    assert rules().post_entries == 256
    with pytest.raises(LookupError):
        _number("contracts/settlement.vy", r"no such text (\d+)")


@given(st.integers(0, 200), st.integers(1, 1_000))
def test_distinct_servers_are_the_expected_number(draws: int, among: int) -> None:
    """It is n (1 - (1 - 1/n)^k), and at least one, to a thousandth."""
    exact = among * (1 - Fraction(among - 1, among) ** draws)
    assert abs(distinct(draws, among) - max(1_000, exact * 1_000)) <= 1


@given(LISTENERS, LISTENERS)
def test_more_listeners_cost_no_less(one: int, other: int) -> None:
    """Every sum over all servers grows with the listeners."""
    low, high = (load(listeners, GIVEN) for listeners in sorted((one, other)))
    for name in ("stations", "servers", "connections", "cpu_us_per_s", "memory_bytes", "gas_day", "plays_day"):
        assert getattr(low, name) <= getattr(high, name), name


@given(LISTENERS)
def test_the_planned_servers_suffice(listeners: int) -> None:
    """No server has more work or connections than its rules allow, and one fewer would."""
    found = load(listeners, GIVEN)
    assert found.cpu_us_per_s <= found.servers * GIVEN.assumed.core_percent * 10_000
    assert found.connections <= found.servers * GIVEN.rules.connections
    assert found.servers == 1 or found.servers_by != "one is enough"


@given(LISTENERS)
def test_counts_and_money_are_whole(listeners: int) -> None:
    """Nothing is a float, and the parts of the processor's time are all of it."""
    found = load(listeners, GIVEN)
    for name, value in asdict(found).items():
        assert isinstance(value, str if name == "servers_by" else tuple if name == "cpu_parts" else int), name
    assert found.cpu_us_per_s == sum(part for _, part in found.cpu_parts)


def test_a_load_by_hand() -> None:
    """Ten thousand listeners at one server, with round costs."""
    costs = dict.fromkeys(Costs.__dataclass_fields__, 100) | {"lease_every_s": 50}
    round_ones = replace(GIVEN, costs=Costs(**costs))
    found = load(10_000, round_ones, 1)
    assert (found.stations, found.servers_by, found.connections) == (10, "given", 10_000)
    # 10,000 * 20 plays in an hour; each is reported at its begin, 18 times meanwhile, and at its end.
    assert (found.plays_per_s, found.reports_per_s, found.leases_per_s) == (56, 1_112, 200)
    # 180 s of sound and 60 s ahead in segments of 2 s.
    assert found.keys_per_s == up(200_000 * 120, 3_600)
    assert found.leaves_hour == 5_000
    assert found.payers == 10
    assert found.net_hour_wei == 10_000 * 360 * 12 * 10**15


def test_the_model_is_near_the_whole_server() -> None:
    """With 500 listeners in real time a server took 25.9 % of a core (``listeners_2k``, docs/scale.md)."""
    assert 0.8 * 259_000 < load(500, GIVEN, 1).cpu_us_per_s < 1.25 * 259_000


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_limit_breaks_where_it_says(limit: Limit) -> None:
    """One listener fewer has room."""
    at = limit.breaks_at(GIVEN)
    used, most = limit.share(at or 10**9, GIVEN)
    assert (used > most) == (at is not None)
    if at is not None:
        used, most = limit.share(at - 1, GIVEN)
        assert used <= most


def test_a_raised_setting_moves_its_limit() -> None:
    """The number of listeners follows from the rule."""
    limit = next(one for one in LIMITS if one.use is owed_plays)
    before = limit.breaks_at(GIVEN)
    after = limit.breaks_at(replace(GIVEN, rules=replace(GIVEN.rules, credit_plays=2 * GIVEN.rules.credit_plays)))
    assert before is not None
    assert after is not None
    assert before < after


def test_a_crowd_leaves_the_work_that_does_not_fit_into_its_minute() -> None:
    """A tenth of the listeners, each with the work of a start, less a minute."""
    found = load(10**6, GIVEN)
    assert crowd_backlog_s(found, GIVEN) == 10**5 * start_us(GIVEN) // 10**6 - 60
    assert crowd_backlog_s(load(100, GIVEN), GIVEN) == 0


def _measured(**changes: Any) -> dict[str, dict[str, Any]]:
    """The measured inputs, one of them changed."""
    raw = {name: dict(entry) for name, entry in raw_inputs()["measured"].items()}
    raw["open_us"] |= changes
    return raw


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": ""},
        {"command": ""},
        {"date": "yesterday"},
        {"commit": "main"},
        {"value": -1},
        {"value": 1.5},
        {"value": True},
        {"value": []},
        {"note": "more"},
    ],
)
def test_a_cost_without_its_origin_is_refused(changes: dict[str, Any]) -> None:
    """Every number has unit, command, date and commit, and is whole."""
    with pytest.raises(ValueError, match="open_us"):
        parse(Costs, _measured(**changes), MEASURED)


def test_a_missing_or_unknown_input_is_refused() -> None:
    """A misspelt name would be read as nothing."""
    raw = dict(raw_inputs()["assumed"])
    for changed in (raw | {"hered_s": raw["heard_s"]}, {name: raw[name] for name in raw if name != "heard_s"}):
        with pytest.raises(ValueError, match="missing or unknown"):
            parse(Assumed, changed, ASSUMED)


def test_inputs_are_those_of_the_file() -> None:
    """The day is a curve of 24 hours with its peak at 100 percent."""
    found: Inputs = GIVEN
    assert len(found.assumed.day_percent) == 24
    assert max(found.assumed.day_percent) == 100
    assert isinstance(load(1, found), Load)
