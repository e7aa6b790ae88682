"""Rules and constants that bound the number of listeners, and the number at which each does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.scale_model.inputs import Inputs
from benchmarks.scale_model.model import HOUR_S, Load, load, up

MOST: Final = 10**9
"""Largest number of listeners that is searched."""

Use = Callable[[Load, Inputs], int]


@dataclass(frozen=True)
class Limit:
    """A bound.

    Attributes:
        name: Short name.
        place: Constant or setting, and its file or document.
        use: What a load takes of it.
        most: What there is.
        unit: Of both.
        moved_by: What would raise it.
        is_of_one: True if it is examined with one security server for all.
    """

    name: str
    place: str
    use: Use
    most: Callable[[Inputs], int]
    unit: str
    moved_by: str
    is_of_one: bool = False

    def share(self, listeners: int, given: Inputs) -> tuple[int, int]:
        """The amount that so many listeners take, and the amount that there is."""
        found = load(listeners, given, 1 if self.is_of_one else None)
        return self.use(found, given), self.most(given)

    def breaks_at(self, given: Inputs) -> int | None:
        """Smallest number of listeners beyond the limit; None: more than ``MOST`` have room.

        What a load takes grows with the listeners, apart from rounding.
        """
        if not self._is_broken(MOST, given):
            return None
        low, high = 0, MOST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._is_broken(middle, given) else (middle, high)
        return high

    def _is_broken(self, listeners: int, given: Inputs) -> bool:
        used, most = self.share(listeners, given)
        return used > most


def owed_plays(found: Load, given: Inputs) -> int:
    """Plays without a voucher that a station has at one server: those that sound and those that begin in a round."""
    at_station = min(found.listeners, given.assumed.station_listeners)
    begun = up(at_station * found.cycle_s, given.assumed.heard_s)
    return up(at_station + begun, found.servers)


def song_us_per_s(found: Load, given: Inputs) -> int:
    """Processor time in a second for the most heard song, which one server serves alone."""
    return found.cpu_us_per_s * given.assumed.hit_percent // 100


def crowd_backlog_s(found: Load, given: Inputs) -> int:
    """Work that the crowd of a release has left one server with at the end of its minute, seconds."""
    crowd = found.listeners * given.assumed.crowd_percent // 100
    return max(0, crowd * start_us(given) // 1_000_000 - given.assumed.crowd_s)


def start_us(given: Inputs) -> int:
    """Processor time of a server for the start of a play: ticket, lease with its keys, report."""
    costs = given.costs
    keys = given.assumed.ahead_s // given.assumed.segment_s
    steps = costs.open_us + costs.lease_us + keys * costs.key_us + costs.report_us
    return steps * costs.whole_percent // 100


def chain_gas_hour(given: Inputs) -> int:
    """Gas that this project can have in an hour."""
    return HOUR_S // given.rules.block_s * given.assumed.block_gas * given.assumed.chain_percent // 100


def grace_payers(given: Inputs) -> int:
    """Payers that a server can debit within the grace period, with one transaction in each block."""
    schedule = given.rules.schedule
    blocks = schedule.grace // given.rules.block_s - given.rules.confirmations
    return blocks * given.rules.post_entries


def challenges(found: Load, given: Inputs) -> int:
    """Challenges of one server's epoch."""
    return up(up(found.leaves_hour, found.servers) * given.assumed.challenged_permille, 1000)


LIMITS: Final = (
    Limit(
        "work of one process",
        "one writer for an SQLite database (decision 0062), `core_percent`",
        lambda found, _: found.cpu_us_per_s,
        lambda given: given.assumed.core_percent * 10_000,
        "µs/s",
        "contents divided among several servers; cheaper reports; several processes for one server",
        is_of_one=True,
    ),
    Limit(
        "connections of one process",
        "`connections` in `security_server/config.py`",
        lambda found, _: found.connections,
        lambda given: given.rules.connections,
        "WebSockets",
        "the setting (86 kB each); then several processes",
        is_of_one=True,
    ),
    Limit(
        "claims relayed by one server",
        "`relay_per_hour` in `security_server/config.py`",
        lambda found, _: found.claims_hour,
        lambda given: given.rules.relay_per_hour,
        "claims/h",
        "the setting, and coins for the relayer",
        is_of_one=True,
    ),
    Limit(
        "gas of one relayer",
        "`relay_hour_wei` in `security_server/config.py`, `GAS` in `security_server/billing/claim_relay.py`",
        lambda found, given: found.claims_hour * given.rules.relay_gas * given.assumed.gas_price_wei // 10**9,
        lambda given: given.rules.relay_hour_wei // 10**9,
        "gwei/h",
        "the setting; a cheaper chain; fewer claims for each hour of listening",
        is_of_one=True,
    ),
    Limit(
        "answers to challenges of one server",
        "`Schedule.answerable` in `pywallet/settlement/schedule.py`",
        challenges,
        lambda given: given.rules.schedule.answerable(given.rules.block_s, given.rules.confirmations),
        "challenges",
        "more servers; a longer answer period; a higher stake, so that fewer challenge",
        is_of_one=True,
    ),
    Limit(
        "payees in one server's epoch",
        "`MAX_KEPT` in `native_host/payments/published_data.py`",
        lambda found, given: found.leaves_hour * given.sizes.payee,
        lambda given: given.rules.host_payees_bytes,
        "bytes",
        "more servers; proofs from the server instead of the whole table",
        is_of_one=True,
    ),
    Limit(
        "published data of one server's epoch",
        "`MAX_BYTES` in `audit/sources.py` and `native_host/payments/published_data.py`",
        lambda found, _: found.epoch_bytes,
        lambda given: given.rules.published_bytes,
        "bytes",
        "more servers; shorter epochs",
        is_of_one=True,
    ),
    Limit(
        "leaves of one server's epoch",
        "`MAX_DEPTH` in `pywallet/settlement/tree.py`",
        lambda found, _: found.leaves_hour,
        lambda given: 1 << given.rules.tree_depth,
        "leaves",
        "more servers; shorter epochs",
        is_of_one=True,
    ),
    Limit(
        "plays before a station's first voucher",
        "`credit_plays` in `security_server/config.py`",
        owed_plays,
        lambda given: given.rules.credit_plays,
        "plays of a station at a server",
        "its first voucher, after which it has `credit_s` for any number of plays; the setting",
        is_of_one=True,
    ),
    Limit(
        "gas of the chain: claims and posts",
        "`claimOne` and `post` in `contracts/settlement.vy`; the chain's `block_gas`",
        lambda found, _: found.claim_gas_hour + found.post_gas_hour,
        chain_gas_hour,
        "gas/h",
        "one claim for many hours or many servers of a payee; a chain of its own or a rollup; a larger least amount",
    ),
    Limit(
        "gas of the chain: posts alone",
        "`post` and `debit` in `contracts/settlement.vy`; the chain's `block_gas`",
        lambda found, _: found.post_gas_hour,
        chain_gas_hour,
        "gas/h",
        "one post for several processes; debits over several epochs; stations that keep to few servers",
    ),
    Limit(
        "a round of a station over all servers",
        "`SettlementRounds` in `station/payments/settlement_rounds.py`, `grace` of the schedule",
        lambda found, _: found.cycle_s,
        lambda given: given.rules.schedule.grace,
        "s",
        "several servers at once; only servers with plays that are owed",
    ),
    Limit(
        "stations that pay in one epoch",
        "`most_stations` in `security_server/config.py`",
        lambda found, _: found.payers,
        lambda given: given.rules.epoch_stations,
        "payers of a server",
        "the setting; stations that keep to few servers; a clearing house that pays for many stations",
    ),
    Limit(
        "debits within the grace period",
        "`DynArray[drafts.Entry, 256]` in `contracts/drafts.vy`, `grace` of the schedule",
        lambda found, _: found.payers,
        grace_payers,
        "payers of a server",
        "several transactions in a block; a longer grace period; fewer payers",
    ),
    Limit(
        "stations that a host reads",
        "`MAX_STATIONS` in `native_host/payments/published_data.py`",
        lambda found, _: found.payers,
        lambda given: given.rules.host_stations,
        "stations",
        "the constant, where the registry's stations are read in one call",
    ),
    Limit(
        "one song's listeners at one server",
        "one server of a content in an epoch: `contracts/content_server.vy`",
        song_us_per_s,
        lambda given: given.assumed.core_percent * 10_000,
        "µs/s",
        "several processes behind one server's address, divided by listener; several servers for one content",
    ),
    Limit(
        "a release at one server",
        "one server of a content; `TIMEOUT_S` in `native_host/remote/server.py`",
        crowd_backlog_s,
        lambda given: given.rules.host_timeout_s,
        "s of work left",
        "leases and tickets handed out before the release (holds); several processes; shedding with a time to return",
    ),
    Limit(
        "supply of the token",
        "`totalSupply() < 2**90` in `contracts/settlement_storage.vy`; bond and escrow cover an epoch each",
        lambda found, _: 2 * found.net_hour_wei // 10**18,
        lambda given: given.rules.supply_wei // 10**18,
        "tokens",
        "shorter epochs; lower prices; a bond that covers a part",
    ),
)
