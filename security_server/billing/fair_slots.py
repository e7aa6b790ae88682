"""Shares of an epoch's slots and of the bond per payer (docs/settlement.md, Fair slots)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from security_server.config import Config
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import debits, epoch_totals, tickets

WIDTH: Final = (1 << 96) - 1
"""Largest net of an entry and amount of a payee (docs/settlement.md, ``post``)."""


@dataclass(frozen=True)
class EpochBounds:
    """Bounds of an epoch, from the configuration.

    Attributes:
        least_wei: Least gross of a payer that is settled, wei.
        stations: Most stations that pay in one epoch.
        listeners: Most listeners that pay in one epoch.
        listeners_percent: Part of the bond that all listeners together may take.
    """

    least_wei: int = 0
    stations: int = 4_096
    listeners: int = 4_096
    listeners_percent: int = 50

    @classmethod
    def from_config(cls, config: Config) -> EpochBounds:
        """The configured bounds."""
        return cls(config.least_wei, config.most_stations, config.most_listeners, config.listeners_percent)


@dataclass(frozen=True)
class Totals:
    """Payers and net wei that an epoch has so far."""

    stations: int
    listeners: int
    stations_net: int
    listeners_net: int

    @property
    def net(self) -> int:
        """Net of all payers, wei: the sum of the epoch's receipts."""
        return self.stations_net + self.listeners_net


def totals(connection: Connection, epoch: int) -> Totals:
    """Read the totals of an epoch so far."""
    row = get(connection, epoch_totals, epoch=epoch)
    if row is not None:
        return Totals(row["station_payers"], row["listener_payers"], row["stations_net"], row["listeners_net"])
    rows = connection.execute(select(debits.c.net, debits.c.is_listener).where(debits.c.epoch == epoch)).all()
    listeners = [net for net, listener in rows if listener]
    stations = [net for net, listener in rows if not listener]
    return Totals(len(stations), len(listeners), sum(stations), sum(listeners))


def add_net(connection: Connection, epoch: int, station: bool, before: Totals, net: int, new: bool) -> None:
    """Add a payer's net to the totals of an epoch.

    Args:
        connection: Of the transaction that settles.
        epoch: The running epoch.
        station: True if the payer is a station.
        before: The epoch's totals before.
        net: Added net, wei.
        new: True if the payer had no net in this epoch before.
    """
    put(
        connection,
        epoch_totals,
        {"epoch": epoch},
        station_payers=before.stations + (new and station),
        listener_payers=before.listeners + (new and not station),
        stations_net=before.stations_net + (net if station else 0),
        listeners_net=before.listeners_net + (0 if station else net),
    )


def room(
    connection: Connection,
    epoch: int,
    payer: bytes,
    station: bool,
    own: int | None,
    bond: int,
    wanted: int,
    slots: EpochBounds,
    sums: Totals,
) -> int:
    """The net that a payer may still add to an epoch, regardless of its escrow and voucher.

    While half of the bond is free, every payer gets the net that it wants. Beyond that, a share is reserved for each
    other payer: the net that it settles or owes (or settled in the epoch before), at most an equal part of the bond.
    For a station the shares of other stations are reserved, for a listener those of stations and listeners; listeners
    together never take more than their part of the bond.

    Args:
        connection: Of the transaction that states or settles.
        epoch: The running epoch.
        payer: 20 bytes.
        station: True if it pays for its own tickets; otherwise it is a listener.
        own: The payer's net in this epoch, wei; None: it has none yet.
        bond: The server's bond that backs receipts, wei.
        wanted: Net that the payer would add, wei.
        slots: Bounds of an epoch.
        sums: The epoch's totals.
    """
    if own is None and (sums.stations >= slots.stations if station else sums.listeners >= slots.listeners):
        return 0
    left = min(bond - sums.net, WIDTH - (own or 0))
    if not station:
        left = min(left, bond * slots.listeners_percent // 100 - sums.listeners_net)
    if sums.net + min(wanted, left) > bond // 2:
        left = min(left, _share(connection, epoch, payer, station, own or 0, bond, sums))
    return max(0, left)


def _share(connection: Connection, epoch: int, payer: bytes, station: bool, own: int, bond: int, sums: Totals) -> int:
    """The part of the bond that is neither used by nor reserved for other payers, wei."""
    taken: dict[bytes, int] = {}
    wants: dict[bytes, int] = defaultdict(int)
    for row in connection.execute(select(debits).where(debits.c.epoch.in_((epoch - 1, epoch)))).mappings():
        if station and row["is_listener"]:
            continue
        if row["epoch"] == epoch:
            taken[row["payer"]] = row["net"]
        else:
            wants[row["payer"]] = row["net"]
    due = select(tickets.c.payer, tickets.c.unvouchered_intervals, tickets.c.price, tickets.c.reward).where(
        tickets.c.unvouchered_intervals > 0
    )
    if station:
        due = due.where(tickets.c.payer == tickets.c.station_address)
    owed: dict[bytes, int] = defaultdict(int)
    for ticket in connection.execute(due):
        owed[ticket.payer] += ticket.unvouchered_intervals * (ticket.price + ticket.reward)
    for other in {*owed, *taken}:
        wants[other] = max(wants[other], owed[other] + taken.get(other, 0))
    equal = bond // max(1, len({*wants, payer}))
    kept = sum(max(min(want, equal), taken.get(other, 0)) for other, want in wants.items() if other != payer)
    return bond - own - kept - (sums.listeners_net if station else 0)
