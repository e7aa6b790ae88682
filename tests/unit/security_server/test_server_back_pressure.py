"""Back-pressure: the writer's queue, the estimate of its wait, and who is refused."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from pywallet.errors import Refusal
from security_server.db.writer_queue import BATCH, WriterQueue, WriterTimes
from security_server.operations.back_pressure import FAIR_S, MOST_S, RETRY_S, BackPressure

LOUD, QUIET = b"\x01" * 20, b"\x02" * 20


def test_settlement_leaves_the_queue_first() -> None:
    """Both kinds keep their order, and nothing is lost at the end."""
    queue: WriterQueue[str] = WriterQueue()
    for name in ("a", "B", "c", "D"):
        queue.put(name, for_listener=name.islower())
    queue.end()
    assert queue.listeners == 2
    assert [queue.take() for _ in range(5)] == ["B", "D", "a", "c", None]
    assert queue.empty()


def test_the_wait_is_that_of_the_functions_and_flushes_before() -> None:
    """A queue that is worked off in a moment would refuse requests, or one of seconds would take them."""
    times = WriterTimes()
    assert times.wait_s(1_000_000) == 0, "nothing was measured yet"
    for _ in range(200):
        times.measured(BATCH, BATCH * 0.001, 0.01)
    assert times.wait_s(0) == 0
    assert times.wait_s(BATCH - 1) == pytest.approx(0.063, rel=1e-3), "they go in the next transaction"
    assert times.wait_s(10 * BATCH) == pytest.approx(0.74, rel=1e-3)


def test_a_slow_disk_still_gets_whole_groups() -> None:
    """Each flush would serve one request, and all others would be refused for ever."""
    times = WriterTimes()
    for _ in range(200):
        times.measured(1, 0.001, 10.0)
    assert times.wait_s(BATCH - 1) < FAIR_S


def test_an_epoch_is_no_measure_of_a_play() -> None:
    """After a long function of settlement the plays would be refused for a while."""
    times = WriterTimes()
    times.measured(1, 0.001, 0.001)
    before = times.wait_s(BATCH - 1)
    times.measured(0, 0.0, 0.001)
    assert times.wait_s(BATCH - 1) == before


def test_everything_is_refused_beyond_the_most() -> None:
    """The queue would grow until hosts give up."""
    wait_s = [MOST_S]
    pressure = BackPressure(lambda: wait_s[0])
    with pressure.held(LOUD):
        pass
    wait_s[0] = MOST_S + 0.1
    with pytest.raises(Refusal) as busy, pressure.held(LOUD):
        pass
    assert (busy.value.code, busy.value.detail["retry_after"]) == ("server.busy", RETRY_S)


def test_a_station_with_more_than_its_share_is_refused_first() -> None:
    """One station's listeners would take all of the second from the others'."""
    wait_s = [0.0]
    pressure = BackPressure(lambda: wait_s[0])
    with ExitStack() as requests:
        for station in (*[LOUD] * 9, QUIET, None):
            requests.enter_context(pressure.held(station))
        wait_s[0] = FAIR_S + 0.1
        with pytest.raises(Refusal), pressure.held(LOUD):
            pass
        for station in (QUIET, None, b"\x03" * 20):
            with pressure.held(station):
                pass
    for _ in range(3):
        requests.enter_context(pressure.held(LOUD))
    with pressure.held(LOUD):
        pass
    requests.close()
    assert pressure._total == len(pressure._open) == 0


def test_an_error_ends_a_request_too() -> None:
    """A station would be refused more and more."""
    pressure = BackPressure(lambda: 0.0)
    with pytest.raises(ValueError, match="failed"), pressure.held(LOUD):
        raise ValueError("failed")
    assert pressure._total == len(pressure._open) == 0
