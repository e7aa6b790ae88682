"""Leases fail closed."""

from __future__ import annotations

from native_host.playback.lease import Lease


def lease(**changes: int) -> Lease:
    """Segments 4 to 7, valid until 100, ten actions."""
    values = {"first": 4, "count": 4, "expires_s": 100, "budget": 10} | changes
    return Lease(**values, keys={index: bytes([index]) * 32 for index in range(4, 8)})


def test_a_lease_ends_at_its_second() -> None:
    """One second before its end it serves, at its end it does not."""
    one = lease()

    assert one.refusal(99) is None
    assert one.refusal(100).code == "lease.expired"  # type: ignore[union-attr]


def test_a_spent_budget_is_exhausted() -> None:
    """Without budget nothing comes, whatever keys are held."""
    assert lease(budget=0).refusal(0).code == "lease.exhausted"  # type: ignore[union-attr]


def test_only_an_unbroken_run_is_covered() -> None:
    """Keys after a gap are not given ahead of it."""
    one = lease()
    del one.keys[6]

    assert one.cover(4, 4) == [4, 5]
    assert one.cover(6, 2) == []
    assert one.ends_at(4) == 6


def test_shredding_leaves_no_key_and_none_in_the_repr() -> None:
    """After a revocation nothing can be given, and a log line never shows a key."""
    one = lease()
    shown = repr(one)

    one.discard()

    assert one.cover(4, 4) == []
    assert one.refusal(0) is not None
    assert "keys" not in shown
