"""Leases: expiry, budget and erasure."""

from __future__ import annotations

from native_host.playback.lease import Lease


def lease(**changes: int) -> Lease:
    """Segments 4 to 7, valid until second 100, ten actions."""
    values = {"first": 4, "count": 4, "expires_s": 100, "budget": 10} | changes
    return Lease(**values, keys={index: bytes([index]) * 32 for index in range(4, 8)})


def test_a_lease_expires_at_its_end() -> None:
    """Valid one second before its end, ``lease.expired`` at its end."""
    one = lease()

    assert one.refusal(99) is None
    assert one.refusal(100).code == "lease.expired"  # type: ignore[union-attr]


def test_a_spent_budget_is_exhausted() -> None:
    """Without budget a lease is ``lease.exhausted``, whatever keys it has."""
    assert lease(budget=0).refusal(0).code == "lease.exhausted"  # type: ignore[union-attr]


def test_cover_stops_at_a_gap() -> None:
    """Keys after a gap are not returned."""
    one = lease()
    del one.keys[6]

    assert one.cover(4, 4) == [4, 5]
    assert one.cover(6, 2) == []
    assert one.ends_at(4) == 6


def test_discard_deletes_the_keys_and_repr_has_none() -> None:
    """After ``discard`` nothing is covered; ``repr`` never contains a key."""
    one = lease()
    shown = repr(one)

    one.discard()

    assert one.cover(4, 4) == []
    assert one.refusal(0) is not None
    assert "keys" not in shown
