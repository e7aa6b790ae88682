"""Nobody links a fan: both stations' databases, the chain and the published data tie no fan who collects in private."""

from __future__ import annotations

from tests.simulation.linking import linked

FANS = 20


def test_no_fan_of_twenty_is_linked_who_collects_in_private() -> None:
    found = linked("private", FANS)
    assert not found.fans
    # What the times of claims suggest is seldom so.
    assert found.hints[1] < FANS / 2


def test_a_fan_who_collects_at_once_is_linked() -> None:
    """The attack works: it ties nearly everybody where the wallet says before that it will."""
    found = linked("once", 6)
    assert len(found.fans) >= 5
