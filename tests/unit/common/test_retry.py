"""Back-off: doubling pauses within their limits."""

from __future__ import annotations

from common.retry import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    """The first pause, its doubles, and then the longest for ever."""
    backoff = Backoff(1, 5)
    assert [backoff.next_s() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_success_begins_again() -> None:
    """After ``reset`` the first pause comes again."""
    backoff = Backoff(1, 60)
    assert [backoff.next_s(), backoff.next_s()] == [1, 2]
    backoff.reset()
    assert backoff.next_s() == 1


def test_a_shorter_limit_holds_for_one_pause() -> None:
    """A limit of the call shortens the pause, and never lengthens it."""
    backoff = Backoff(1, 8)
    assert [backoff.next_s(3), backoff.next_s(3), backoff.next_s(3), backoff.next_s(100)] == [1, 2, 3, 6]


def test_jitter_stays_between_the_first_pause_and_the_bound() -> None:
    """Every drawn pause lies within its bounds, and they differ."""
    backoff = Backoff(0.2, 15, jitter=True)
    pauses = [backoff.next_s() for _ in range(50)]
    assert all(0.2 <= pause <= 15 for pause in pauses)
    assert len(set(pauses)) > 40
