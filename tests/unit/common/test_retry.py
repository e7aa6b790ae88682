"""Back-off: doubling pauses within limits."""

from __future__ import annotations

from common.retry import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    """A pause would exceed the longest, or not double."""
    backoff = Backoff(1, 5)
    assert [backoff.next_s() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_reset_restores_the_first_pause() -> None:
    """A client would wait long after a success."""
    backoff = Backoff(1, 60)
    assert [backoff.next_s(), backoff.next_s()] == [1, 2]
    backoff.reset()
    assert backoff.next_s() == 1


def test_a_shorter_limit_holds_for_one_pause() -> None:
    """A limit of a call would lengthen a pause."""
    backoff = Backoff(1, 8)
    assert [backoff.next_s(3), backoff.next_s(3), backoff.next_s(3), backoff.next_s(100)] == [1, 2, 3, 6]


def test_jitter_stays_between_the_first_pause_and_the_bound() -> None:
    """A drawn pause would be out of bounds, or all clients wait equally long."""
    backoff = Backoff(0.2, 15, jitter=True)
    pauses = [backoff.next_s() for _ in range(50)]
    assert all(0.2 <= pause <= 15 for pause in pauses)
    assert len(set(pauses)) > 40
