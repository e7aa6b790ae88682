"""Selection of the segments whose keys are given: the play's window, its payment, the listener's allowance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messages.host_server.playback import GrantRequest, LeaseRequest, LeaseWish
from pywallet.policy import decide, extent
from pywallet.policy.parts import HEARD_UNITS
from pywallet.rules.key_window import Window
from security_server.billing.accounts import outstanding
from security_server.content.contents import Song
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import given_keys
from security_server.playback.conditions import Conditions
from security_server.playback.decision import policy_context
from security_server.playback.key_allowance import Allowance, Wait
from security_server.playback.usage import Counters


def give_keys(
    connection: Connection,
    song: Song,
    ticket: Mapping[str, Any],
    request: LeaseRequest | LeaseWish | GrantRequest,
    conditions: Conditions,
    ahead_ms: int,
    device: bytes,
    action: str | None,
) -> tuple[range, int]:
    """Take the wanted segments that a ticket may have keys for now from the listener's allowance.

    Args:
        connection: Of a transaction.
        song: The content.
        ticket: Its current row.
        request: The wanted segments and the rendition.
        conditions: State of chain and clock.
        ahead_ms: Buffer after the metered position, milliseconds.
        device: Address of the requesting device, 20 bytes.
        action: Decided by the terms before anything is given; None: it is decided already.

    Returns:
        The segments, stored as given, and milliseconds until the next keys where the player needs one that the
        allowance does not cover; else 0.

    Raises:
        Refusal: The policy's codes.
    """
    if ticket["play_state"] == "ended":
        return range(0), 0
    counters = Counters(connection, ticket["listener"], ticket["content"])
    usage = counters.usage(song.policy, conditions.time_ms // 1000, ticket["id"], ticket["session"])
    if action is not None:
        context = policy_context(connection, ticket, song.policy, conditions, device, conditions.time_ms // 1000)
        decide(song.policy, usage, context, action).require()
    started = ticket["start_action"] or ("preview" if song.policy.price.payer == "listener" else "play")
    position_ms = ticket["position_ms"]
    window = Window.of(ticket["anchor_position_ms"], position_ms, ahead_ms)
    if ticket["payer"] != ticket["station_address"] and started != "preview":
        # No keys beyond what may be heard before the next voucher is needed.
        window = _paid(connection, ticket, conditions, window)
    window = window.within(extent(song.policy, usage, started), position_ms)
    starts_ms = song.rendition(request.rendition).starts_ms
    wanted = window.clip(starts_ms, request.first, request.count)
    # Beside another stream of its listener a play sounds unpaid: its keys follow what has sounded.
    heard_ms = counters.heard_ms + ticket["sounded_ms"] - ticket["heard_ms"]
    limit = song.policy.counts.get("seek")
    jumps = counters.seeks if limit is not None and limit.unit not in HEARD_UNITS else 0
    key = {"listener": ticket["listener"], "content": ticket["content"]}
    row = get(connection, given_keys, **key)
    before, wait = (
        (int.from_bytes(row["second_bits"], "little"), Wait(row["waited_ms"], row["wait_since_ms"]))
        if row
        else (0, Wait())
    )
    stored, wait_ms = (before, wait), 0
    allowance = Allowance.of(heard_ms, ahead_ms, jumps, ticket["position_ms"], wait.waited_ms)
    indexes, after = allowance.take(starts_ms, wanted, before)
    if not indexes and ticket["play_state"] == "playing" and isinstance(request, GrantRequest):
        # The music does not wait for a lease, which is fetched ahead.
        wait, wait_ms = wait.after(allowance.short_ms(starts_ms, wanted, before), conditions.time_ms)
        allowance = Allowance.of(heard_ms, ahead_ms, jumps, ticket["position_ms"], wait.waited_ms)
        indexes, after = allowance.take(starts_ms, wanted, before)
    elif indexes:
        wait = Wait(wait.waited_ms)
    if (after, wait) != stored:
        seconds = after.to_bytes(-(-after.bit_length() // 8), "little")
        put(connection, given_keys, key, second_bits=seconds, waited_ms=wait.waited_ms, wait_since_ms=wait.since_ms)
    return indexes, wait_ms


def _paid(connection: Connection, ticket: Mapping[str, Any], conditions: Conditions, window: Window) -> Window:
    """The part of a window that the listener's credit covers."""
    owed = outstanding(connection, ticket["payer"], conditions.epoch)
    left = max(0, conditions.listener_credit - owed.intervals)
    if conditions.money is not None and ticket["price"]:
        left = max(left, owed.until_settled(conditions.money.bps, conditions.least_wei, ticket["price"]))
    heard = left * ticket["interval_s"] * 1000
    ahead_ms = max(0, heard - ticket["heard_ms"] % (ticket["interval_s"] * 1000))
    return window.until(ticket["position_ms"] + ahead_ms)
