"""Admissibility: the function, and host and security server in any sequence of invocations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from native_host.playback import invocation_log
from pywallet.policy import MOST_UNUSED_HOLDS, Count, Policy, Price
from pywallet.policy import OfflineLease as LeaseTerms
from pywallet.protocol.actions import ENDS, FREE, HOLDS, STARTS, Action
from pywallet.rules.admissibility import Play, PlayState, inadmissible, is_busy
from pywallet.rules.limits import SESSION_SKEW_S, SILENCE_MS
from tests.budget import budget
from tests.unit.rules.both_sides import PLAYS, BothSides, World

POLICY = Policy(
    ("play", "seek"), Price(30, 0, 0), {"play": Count(2), "seek": Count(6)}, lease=LeaseTerms(600, 3_600, 1 << 20)
)
GAPS = st.one_of(st.sampled_from((0, 1, 1_000, 5_000, 60_000)), st.integers(14_000, 21_000))
STEPS = st.lists(
    st.tuples(
        st.integers(0, PLAYS - 1),
        st.sampled_from(("hold", "release", "play", "play", "renew", "renew", "pause", "resume", "seek", "stop")),
        GAPS,
        st.integers(0, 100_000),
        st.booleans(),
    ),
    min_size=2,
    max_size=30,
)


HOLDS_AND_PLAYS = st.lists(
    st.tuples(
        st.integers(0, PLAYS - 1),
        st.sampled_from(("hold", "hold", "release", "play", "stop")),
        st.one_of(st.just(0), st.integers(20_000, 60_000)),
        st.just(0),
        st.booleans(),
    ),
    min_size=3,
    max_size=20,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A folder for the ledgers of this file."""
    folder: Path = tmp_path_factory.mktemp("rules")
    return World(folder)


def play(state: PlayState = "playing", **changes: Any) -> Play:
    """A play whose session lasts from 1,000 s to 2,000 s and whose ticket ends at 1,500 s."""
    return Play(**{"state": state, "session_from_s": 1_000, "session_to_s": 2_000, "ticket_to_s": 1_500, **changes})


ACTIONS = [action.word for action in Action if action.word not in HOLDS]


@pytest.mark.parametrize("action", ACTIONS)
def test_only_a_fresh_ticket_starts(action: str) -> None:
    """A ticket would start two plays, or an action precede the start."""
    for state in ("playing", "paused"):
        assert inadmissible(play(state), action, 1_200_000) == ("ticket.used" if action in STARTS else None)
    for state in ("none", "held"):
        assert inadmissible(play(state), action, 1_200_000) == (None if action in STARTS else "invocation.state")
    assert inadmissible(play("ended"), action, 1_200_000) == ("ticket.used" if action in STARTS else "invocation.state")


def test_a_fresh_ticket_is_held_once_and_only_a_held_one_is_released() -> None:
    """A hold would follow a play or another hold, or a release would end something else."""
    used = {"none": None, "held": "invocation.state"}
    for state in get_args(PlayState):
        assert inadmissible(play(state), "hold", 1_200_000) == used.get(state, "ticket.used")
        assert inadmissible(play(state), "release", 1_200_000) == (None if state == "held" else "invocation.state")


@pytest.mark.parametrize("action", [word for word in (*ACTIONS, *sorted(HOLDS)) if word not in STARTS])
def test_session_and_ticket_bound_the_time(action: str) -> None:
    """A play would continue after its session or ticket, or could not be ended."""
    early, session, ticket = (1_000 - SESSION_SKEW_S) * 1_000 - 1, 2_000_000, 1_500_000
    ends = action in FREE
    now = play({"hold": "none", "release": "held"}.get(action, "playing"))
    assert inadmissible(now, action, early) == (None if ends else "session.expired")
    assert inadmissible(now, action, early + 1) is None
    assert inadmissible(now, action, ticket) == (None if ends else "ticket.expired")
    assert inadmissible(now, action, session) == (None if ends else "session.expired")


@pytest.mark.parametrize("action", [action.word for action in Action])
def test_another_play_blocks_until_silent(action: str) -> None:
    """Two plays of a listener would be admitted where the terms allow one."""
    assert is_busy(action, SILENCE_MS - 1) == (action not in ENDS | HOLDS)
    assert not is_busy(action, SILENCE_MS)
    assert not is_busy(action, None)


def run(sides: BothSides, steps: list[tuple[int, str, int, int, bool]]) -> None:
    """Assert that both sides decide alike at each step."""
    for number, action, gap_ms, position_ms, report in steps:
        sides.time_ms += gap_ms
        host, server = sides.act(
            number, action, position_ms if action in ("hold", "play", "seek") else None, report=report
        )
        assert (host is None) == (server is None), (number, action, host, server)
    assert sides.report() is None


@budget(4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, skew_ms=st.integers(-30_000, 59_000), ticket_s=st.sampled_from((40, 3_600)))
def test_host_and_server_accept_the_same(
    world: World, steps: list[tuple[int, str, int, int, bool]], skew_ms: int, ticket_s: int
) -> None:
    """The host would release keys for an invocation that the server refuses, in some sequence."""
    run(world.open(POLICY, skew_ms=skew_ms, ticket_s=ticket_s), steps)


@budget(4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=HOLDS_AND_PLAYS, limit=st.integers(1, 2), ticket_s=st.sampled_from((40, 3_600)))
def test_a_hold_reserves_a_play_at_both_sides(
    world: World, steps: list[tuple[int, str, int, int, bool]], limit: int, ticket_s: int
) -> None:
    """A hold would not count against the limit of plays at one side, or count twice when it is played."""
    run(world.open(replace(POLICY, counts={"play": Count(limit)}), ticket_s=ticket_s), steps)


def test_a_play_ends_the_holds_that_leave_no_room_for_it(world: World) -> None:
    """The last play would be refused because another tab holds it; or both tabs would get it."""
    sides = world.open(replace(POLICY, counts={"play": Count(1)}))
    run(sides, [(0, "hold", 0, 0, True)])
    assert sides.act(1, "hold", 0) == ("policy.count.exhausted", "policy.count.exhausted")
    run(sides, [(1, "play", 0, 0, True), (1, "stop", 0, 0, True)])
    assert sides.act(0, "play", 0) == ("policy.count.exhausted", "policy.count.exhausted")


def test_a_hold_that_nobody_captures_is_free_again(world: World) -> None:
    """A host that was killed would leave a play reserved for ever."""
    sides = world.open(replace(POLICY, counts={"play": Count(1)}), ticket_s=40)
    run(sides, [(0, "hold", 0, 0, True), (1, "hold", 40_000, 0, True), (1, "play", 0, 0, True)])


def test_holds_that_no_play_follows_are_few(world: World) -> None:
    """Holds would give the first seconds of a song for free without end."""
    sides = world.open(POLICY)
    unused = [(0, action, 0, 0, True) for _ in range(MOST_UNUSED_HOLDS) for action in ("hold", "release")]
    run(sides, unused)
    assert sides.act(0, "hold", 0) == ("policy.hold.limit", "policy.hold.limit")
    run(sides, [(0, "play", 0, 0, True), (0, "stop", 0, 0, True), (1, "hold", 0, 0, True)])


@pytest.mark.parametrize("gap_ms", [14_999, 15_000, 19_999, 20_000, 20_001])
@pytest.mark.parametrize("report", [True, False])
def test_a_silent_play_frees_its_listener_at_both_sides(world: World, gap_ms: int, report: bool) -> None:
    """The sides would have different limits of silence."""
    sides = world.open(POLICY)
    sides.act(0, "play", 0)
    sides.time_ms += gap_ms
    host, server = sides.act(1, "play", 0, report=report)
    expected = "session.busy" if gap_ms < SILENCE_MS else None
    assert (host, server or sides.report()) == (expected, expected)


def test_a_host_with_another_limit_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above would not notice a host with a limit of fifteen seconds."""
    monkeypatch.setattr(invocation_log, "is_busy", lambda action, silent_ms: is_busy(action, silent_ms, 15_000))
    sides = world.open(POLICY)
    with pytest.raises(AssertionError, match=r"keys went out for play, which the server refuses: session\.busy"):
        run(sides, [(0, "play", 0, 0, True), (1, "play", 16_000, 0, True)])


def test_a_silent_play_continues_when_the_other_is_silent(world: World) -> None:
    """A silent play could never continue, or continue beside another one."""
    sides = world.open(POLICY)
    run(sides, [(0, "play", 0, 0, True), (1, "play", 20_000, 0, True), (0, "renew", 5_000, 0, True)])
    sides.time_ms += 15_000
    assert sides.act(0, "renew") == (None, None)
    assert sides.act(1, "renew") == ("session.busy", "session.busy")
