"""Nobody links a fan: both stations' databases, the chain and the published data tie no fan who collects in private."""

from __future__ import annotations

from tests.simulation.linking import linked

FANS = 20


def test_no_fan_of_twenty_is_linked_who_collects_in_private() -> None:
    result = linked("private", FANS)
    assert not result.fans
    # Whatever coincidence is looked at, it is seldom right: one of twenty is luck.
    assert result.correct_guesses < FANS / 3


def test_times_of_claims_link_fans_whose_wallets_sign_only_once_they_are_opened() -> None:
    """The attack by times works.

    So claims are handed over while the epoch runs, and signed ahead for a locked wallet.
    """
    result = linked("late", FANS)
    assert result.certain == 0
    assert len(result.fans) > FANS / 2


def test_a_fan_who_collects_at_once_is_linked() -> None:
    """The attack works: it ties nearly everybody where the wallet says before that it will."""
    result = linked("once", 6)
    assert len(result.fans) >= 5
