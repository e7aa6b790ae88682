"""The overview as gauges."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pywallet.encoding.hex import to_hex
from security_server.epochs.settlement_state import State
from security_server.operations.overview import Overview
from security_server.operations.readiness import DRAINING


class OverviewCollector(Collector):
    """Gauges of the overview that was read last; none before the first.

    Wei are floating-point numbers here, exact to 16 digits: for sums of money see statements and epochs.
    """

    def __init__(self) -> None:
        self.overview: Overview | None = None

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        now = self.overview
        if now is None:
            return
        values = (
            ("ready", "1 if nothing is missing to serve, else 0", int(not now.missing)),
            ("draining", "1 while the server ends, else 0", int(DRAINING in now.missing)),
            ("hosts_connected", "Connected hosts", now.hosts),
            ("requests_open", "Requests that are executed", now.requests),
            ("epoch_running", "Number of the clock's epoch", now.epoch),
            ("epochs_unposted", "Epochs that are closed and not posted", _unposted(now)),
            ("epochs_differing", "Epochs whose post on the chain differs from the database", len(now.differing)),
            ("challenges_open", "Open challenges", now.stored.challenges),
            ("claims_queued", "Claims that wait to be relayed", now.stored.queued_claims),
            ("database_bytes", "Size of the database", now.stored.database_bytes),
        )
        for name, text, value in values:
            yield GaugeMetricFamily(f"gomaa_server_{name}", text, value)
        if now.bond_wei is not None:
            yield GaugeMetricFamily("gomaa_server_bond_wei", "The server's bond", now.bond_wei)
        states = GaugeMetricFamily("gomaa_server_epochs", "Closed epochs", labels=("state",))
        for state in State:
            states.add_metric((str(state),), now.stored.epochs.get(str(state), 0))
        yield states
        yield from _relayer(now)
        yield from _stations(now)


def _unposted(now: Overview) -> int:
    return sum(now.stored.epochs.get(str(state), 0) for state in (State.CLOSED, State.POSTING))


def _relayer(now: Overview) -> Iterator[Metric]:
    if now.standing.state == "unknown":
        return
    yield GaugeMetricFamily("gomaa_server_relayer_balance_wei", "Coins of the relayer", now.standing.balance_wei)
    gas = GaugeMetricFamily("gomaa_server_relayer_gas_wei", "Gas that was spent on claims", labels=("window",))
    gas.add_metric(("hour",), now.standing.hour_wei)
    gas.add_metric(("day",), now.standing.day_wei)
    yield gas


def _stations(now: Overview) -> Iterator[Metric]:
    owed = GaugeMetricFamily("gomaa_server_station_owed_wei", "Net without a voucher", labels=("station",))
    intervals = GaugeMetricFamily("gomaa_server_station_owed_intervals", "Those intervals", labels=("station",))
    escrow = GaugeMetricFamily("gomaa_server_station_escrow_wei", "Free escrow", labels=("station",))
    for station in now.stations:
        label = (to_hex(station.address),)
        owed.add_metric(label, station.owed.net_wei)
        intervals.add_metric(label, station.owed.intervals)
        if station.escrow_wei is not None:
            escrow.add_metric(label, station.escrow_wei)
    yield from (owed, intervals, escrow)
