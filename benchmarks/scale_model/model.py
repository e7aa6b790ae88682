"""Load of the whole system for a number of simultaneous listeners: pure functions over the inputs.

Counts, money and gas are integers, rounded up where a part of one costs a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.scale_model.inputs import Assumed, Costs, Inputs
from benchmarks.scale_model.rules import Rules

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
YEAR_DAYS: Final = 365
_ONE: Final = 10**30
"""One, in fixed point."""


def up(value: int, by: int) -> int:
    """Divide and round up."""
    return -(-value // by)


def distinct(draws: int, among: int) -> int:
    """Thousandths of the expected number of different servers in so many independent draws.

    Args:
        draws: Number of draws.
        among: Number of servers, each as probable as any other.
    """
    missed, factor, left = _ONE, _ONE * (among - 1) // among, draws
    while left:
        if left & 1:
            missed = missed * factor // _ONE
        factor = factor * factor // _ONE
        left >>= 1
    return max(1_000, among * 1_000 * (_ONE - missed) // _ONE)


@dataclass(frozen=True)
class Load:
    """Costs of a number of listeners; sums over all servers unless the name says otherwise.

    Attributes:
        listeners: Simultaneous listeners at the peak of the day.
        stations: Stations.
        servers: Security servers, each one process with one database.
        servers_by: The rule that decides their number.
        connections: WebSockets.
        plays_per_s: Plays that begin.
        reports_per_s: Reported invocations.
        leases_per_s: Leases.
        keys_per_s: Wrapped keys.
        lines_per_s: Lines of statements.
        cycle_s: Time in which a station asks every server for its statement.
        cpu_us_per_s: Processor time of all servers in a second, microseconds.
        cpu_parts: The same by step.
        memory_bytes: Memory of all servers.
        key_kbps: Traffic of tickets, keys, reports and receipts.
        segment_kbps: Traffic of encrypted sound, which a delivery network serves.
        flushes_least: Flushes of all databases in a second, where each serves as many requests as it may.
        flushes_most: The same where each serves one.
        database_day_bytes: What the databases grow by in a day.
        database_kept_bytes: What they hold once rows as old as is kept are deleted.
        plays_day: Plays in a day.
        listener_hours_day: Hours of listening in a day.
        leaves_hour: Leaves of all epochs of the busiest hour.
        payers: Stations that pay in one epoch of a server.
        posts_hour: Transactions that post them.
        post_gas_hour: Gas of these.
        claims_hour: Claims of that hour's rewards.
        claim_gas_hour: Gas of these.
        gas_day: Gas of a day.
        coin_day_wei: Its price.
        epoch_bytes: Published data of one server's busiest epoch.
        published_day_bytes: Published data of a day.
        net_hour_wei: What stations pay in the busiest hour, before commission.
        close_ms: Processor time to close one server's epoch.
        close_bytes: Memory for it.
        audit_day_s: Processor time to audit a day.
        audit_bytes: Memory to audit one epoch.
    """

    listeners: int
    stations: int
    servers: int
    servers_by: str
    connections: int
    plays_per_s: int
    reports_per_s: int
    leases_per_s: int
    keys_per_s: int
    lines_per_s: int
    cycle_s: int
    cpu_us_per_s: int
    cpu_parts: tuple[tuple[str, int], ...]
    memory_bytes: int
    key_kbps: int
    segment_kbps: int
    flushes_least: int
    flushes_most: int
    database_day_bytes: int
    database_kept_bytes: int
    plays_day: int
    listener_hours_day: int
    leaves_hour: int
    payers: int
    posts_hour: int
    post_gas_hour: int
    claims_hour: int
    claim_gas_hour: int
    gas_day: int
    coin_day_wei: int
    epoch_bytes: int
    published_day_bytes: int
    net_hour_wei: int
    close_ms: int
    close_bytes: int
    audit_day_s: int
    audit_bytes: int

    @property
    def gas_listener_hour(self) -> int:
        """Gas for an hour of one listener."""
        return self.gas_day // max(1, self.listener_hours_day)

    @property
    def server_listeners(self) -> int:
        """Listeners of one server."""
        return up(self.listeners, self.servers)


def load(listeners: int, given: Inputs, servers: int | None = None) -> Load:
    """The load of so many listeners.

    Args:
        listeners: Simultaneous listeners at the peak of the day.
        given: The inputs.
        servers: Number of security servers; None: as many as the rules of one server require.
    """
    if servers is not None:
        return _load(listeners, given, servers, "given")
    count, by = 1, "one is enough"
    # More servers cost more connections and rounds, so the number is raised until it suffices.
    while True:
        found = _load(listeners, given, count, by)
        needed, name = _servers(found, given)
        if needed <= count:
            return found
        count, by = needed, name


def _servers(found: Load, given: Inputs) -> tuple[int, str]:
    """Servers that a load needs, and for which rule."""
    most_us = given.assumed.core_percent * 10_000
    return max(
        (up(found.cpu_us_per_s, most_us), "processor"),
        (up(found.connections, given.rules.connections), "connections"),
    )


def _load(listeners: int, given: Inputs, servers: int, by: str) -> Load:
    costs, assumed, rules = given.costs, given.assumed, given.rules
    stations = up(listeners, assumed.station_listeners)
    day_percent = sum(assumed.day_percent)
    plays_hour = up(listeners * HOUR_S, assumed.heard_s)
    plays_per_s = up(plays_hour, HOUR_S)
    reports_play = assumed.heard_s * 1000 // rules.renew_ms + 2
    reports_per_s = up(plays_hour * reports_play, HOUR_S)
    leases_per_s = up(listeners, costs.lease_every_s)
    keys_per_s = up(plays_hour * (assumed.heard_s + assumed.ahead_s), assumed.segment_s * HOUR_S)
    cycle_s = rules.statement_s + up(servers * assumed.round_ms, 1000)
    lines_per_s = up(listeners, max(assumed.interval_s, cycle_s))
    plays_listener_hour = up(HOUR_S, assumed.heard_s)
    others = distinct(plays_listener_hour, servers)
    kept = min(servers, 1 + rules.host_idle)
    # A play at a server that is not among those that a host keeps needs a connection.
    connects_hour = plays_hour * (servers - kept) // servers + listeners
    cpu_parts: tuple[tuple[str, int], ...] = (
        ("new connections", connects_hour * costs.connect_us // HOUR_S),
        ("tickets", plays_hour * costs.open_us // HOUR_S),
        ("leases", leases_per_s * costs.lease_us),
        ("keys", keys_per_s * costs.key_us),
        ("reports", reports_per_s * costs.report_us),
        ("settlement", lines_per_s * (costs.statement_line_us + costs.voucher_line_us)),
    )
    steps_us = sum(part for _, part in cpu_parts)
    cpu_parts += (("connections that wait, chain, epochs", steps_us * (costs.whole_percent - 100) // 100),)
    requests_per_s = plays_per_s + leases_per_s + reports_per_s
    connections = listeners * kept
    payers = _payers(stations, plays_hour, servers)
    posts = servers * up(payers, rules.post_entries)
    leaves_hour = up(listeners * assumed.rewarded_percent * others, 100_000)
    post_gas = _post_gas(costs, servers, payers, posts)
    claims, claim_gas = leaves_hour, leaves_hour * _claim_gas(costs, up(leaves_hour, servers))
    epoch = _epoch_bytes(given, plays_hour, leaves_hour, payers, servers)
    rows = _Rows.of(costs, assumed, plays_hour, reports_per_s)
    gas_day = 24 * post_gas + claim_gas * day_percent // 100
    plays_day = plays_hour * day_percent // 100
    return Load(
        listeners=listeners,
        stations=stations,
        servers=servers,
        servers_by=by,
        connections=connections,
        plays_per_s=plays_per_s,
        reports_per_s=reports_per_s,
        leases_per_s=leases_per_s,
        keys_per_s=keys_per_s,
        lines_per_s=lines_per_s,
        cycle_s=cycle_s,
        cpu_us_per_s=sum(part for _, part in cpu_parts),
        cpu_parts=cpu_parts,
        memory_bytes=servers * costs.server_bytes + connections * costs.listener_bytes,
        key_kbps=_key_bytes(given, plays_hour, reports_per_s, leases_per_s, keys_per_s, lines_per_s) * 8 // 1000,
        segment_kbps=listeners * assumed.audio_kbps * (1_000_000 + costs.container_ppm) // 1_000_000,
        flushes_least=max(min(servers, requests_per_s), up(requests_per_s, rules.batch)),
        flushes_most=requests_per_s,
        database_day_bytes=rows.day(day_percent),
        database_kept_bytes=rows.kept(rules, day_percent),
        plays_day=plays_day,
        listener_hours_day=listeners * day_percent // 100,
        leaves_hour=leaves_hour,
        payers=payers,
        posts_hour=posts,
        post_gas_hour=post_gas,
        claims_hour=claims,
        claim_gas_hour=claim_gas,
        gas_day=gas_day,
        coin_day_wei=gas_day * assumed.gas_price_wei,
        epoch_bytes=epoch,
        published_day_bytes=epoch * servers * day_percent // 100,
        net_hour_wei=listeners * HOUR_S // assumed.interval_s * (assumed.price_wei + assumed.reward_wei),
        close_ms=up(up(leaves_hour, servers) * costs.leaf_ns, 1_000_000),
        close_bytes=costs.server_bytes + up(leaves_hour, servers) * costs.leaf_bytes,
        audit_day_s=up(plays_day, costs.audit_plays_per_s),
        audit_bytes=costs.audit_least_bytes + epoch * costs.audit_permille // 1000,
    )


def _payers(stations: int, plays_hour: int, servers: int) -> int:
    """Stations that pay one server for at least one play of an hour."""
    return up(stations * distinct(up(plays_hour, stations), servers), servers * 1000)


def _post_gas(costs: Costs, servers: int, payers: int, posts: int) -> int:
    payer = (costs.post_twenty_gas - costs.post_one_gas) // 19
    return posts * (costs.post_one_gas - payer) + servers * payers * payer


def _claim_gas(costs: Costs, leaves: int) -> int:
    """Gas of a claim; the proof has a level for each doubling beyond the 1,000 leaves that were measured."""
    return costs.claim_gas + costs.level_gas * max(0, (leaves - 1).bit_length() - 10)


def _epoch_bytes(given: Inputs, plays_hour: int, leaves_hour: int, payers: int, servers: int) -> int:
    """Published data of one server: a row for each play, for its listener's counters, for each leaf and content."""
    sizes = given.sizes
    plays, leaves = up(plays_hour, servers), up(leaves_hour, servers)
    contents = up(plays, given.assumed.content_plays_hour)
    rows = plays * (sizes.play + sizes.usage) + leaves * sizes.payee + contents * sizes.content + payers * sizes.payer
    return sizes.epoch + rows


def _key_bytes(given: Inputs, plays_hour: int, reports: int, leases: int, keys: int, lines: int) -> int:
    """Bytes in a second between listeners, stations and servers, without sound."""
    sizes, header = given.sizes, 2 * given.assumed.header_bytes
    play = plays_hour * (sizes.ticket + sizes.open + 2 * header) // HOUR_S
    settled = lines * (sizes.line + sizes.receipt + header)
    return play + leases * (sizes.lease + header) + keys * sizes.key + reports * (sizes.report + header) + settled


@dataclass(frozen=True)
class _Rows:
    """Bytes of an hour at the peak: of plays, and of receipts."""

    plays: int
    receipts: int

    @classmethod
    def of(cls, costs: Costs, assumed: Assumed, plays_hour: int, reports_per_s: int) -> _Rows:
        plays = plays_hour * (costs.ticket_row_bytes + costs.line_row_bytes)
        plays += reports_per_s * HOUR_S * costs.invocation_row_bytes
        receipts = plays_hour * costs.receipt_row_bytes
        return cls(plays * 100 // assumed.fill_percent, receipts * 100 // assumed.fill_percent)

    def day(self, percent: int) -> int:
        return (self.plays + self.receipts) * percent // 100

    def kept(self, rules: Rules, percent: int) -> int:
        kept = self.plays * rules.keep_days + self.receipts * rules.keep_receipts_days
        return kept * percent // 100
