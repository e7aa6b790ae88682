"""Points and passes: caps, minimum, discovery, nothing twice, nothing forged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import address_of, keccak256
from pywallet.errors import InputError, Refusal
from pywallet.rewards import PaidPlay, Pass, PointsRules, Programme, SignedPass
from station.rewards.book import PassOffer, RewardBook

KEY = keccak256(b"station")
STATION, FAN, BAND, OTHER, SONG = address_of(KEY), b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, b"\x04" * 20
DAY = 20_000 * 86_400
RULES = PointsRules(points_per_minute=2, minimum_s=30, cap_per_day=20, discovery_percent=50)
OFFERS = (
    PassOffer("shirt", "offer", 10, 30, "10 % off a shirt"),
    PassOffer("quiet", "ad-free", 5, 7, "a week without ads"),
)


def play(seconds: int, owner: bytes = BAND, at: int = DAY, listener: bytes = FAN, content: bytes = SONG) -> PaidPlay:
    """One paid play."""
    return PaidPlay(listener, content, owner, seconds, at)


def book(tmp_path: Path, programme: Programme | None = None) -> RewardBook:
    """A station's book."""
    return RewardBook(tmp_path / "rewards.sqlite3", KEY, STATION, programme or Programme(RULES), OFFERS)


def test_minimum_discovery_and_the_days_cap() -> None:
    """Under the minimum nothing; a new band half on top, once.

    The cap holds for the day and begins anew on the next.
    """
    plays = [play(29), play(180), play(180), play(180, OTHER), play(600), play(600, at=DAY + 86_400)]
    awards = Programme(RULES).award(plays, {}, [])
    assert [(one.points, one.discovery, one.capped) for one in awards] == [
        (0, 0, 0),
        (6, 3, 0),
        (6, 0, 0),
        (5, 0, 4),
        (0, 0, 20),
        (20, 0, 0),
    ]


def test_a_contents_own_rules() -> None:
    """A content may give more, under a cap of its own, and never beyond the station's."""
    own = PointsRules(points_per_minute=60, minimum_s=1, cap_per_day=7, discovery_percent=0)
    programme = Programme(RULES, {SONG: own})
    awards = programme.award([play(5), play(5), play(600, OTHER, content=b"\x09" * 20)], {}, [])
    assert [one.total for one in awards] == [5, 2, 13]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4000), st.integers(0, 3)), max_size=25))
def test_no_listener_exceeds_the_cap_and_none_touches_another(steps: list[tuple[int, int, int, int]]) -> None:
    """Whatever is heard.

    At most the cap for each listener and day, and each listener's points are the same without the others.
    """
    plays = [
        play(seconds, bytes([owner + 50]) * 20, DAY + day * 86_400, bytes([who + 1]) * 20)
        for who, owner, seconds, day in steps
    ]
    awards = Programme(RULES).award(plays, {}, [])
    sums: dict[tuple[bytes, int], int] = {}
    for one in awards:
        key = (one.play.listener, one.play.time_s // 86_400)
        sums[key] = sums.get(key, 0) + one.total
    assert all(total <= RULES.cap_per_day for total in sums.values())
    mine = [one for one in awards if one.play.listener == FAN]
    assert mine == Programme(RULES).award([one for one in plays if one.listener == FAN], {}, [])


def test_a_ticket_is_rewarded_once_and_the_cap_survives_a_restart(tmp_path: Path) -> None:
    """The same tickets again give nothing; a second process knows the day's points and the bands that are known."""
    first = book(tmp_path)
    assert [one.total for one in first.give([(1, play(180)), (2, play(10, OTHER))])] == [9, 0]
    again = book(tmp_path)
    assert again.give([(1, play(180)), (2, play(10, OTHER))]) == []
    # A second of a band was no discovery: the share is still to be had; then the cap.
    assert [(one.points, one.discovery) for one in again.give([(3, play(120, OTHER)), (4, play(600))])] == [
        (4, 2),
        (5, 0),
    ]
    assert again.balance(FAN) == 20


def test_passes_are_bought_and_redeemed_once(tmp_path: Path) -> None:
    """Points are spent once, an offer is used once, an ad-free pass until it ends, and each by its holder only."""
    here = book(tmp_path)
    here.give([(1, play(600))])
    assert here.balance(FAN) == 20
    shirt, quiet = here.buy(FAN, "shirt", DAY), here.buy(FAN, "quiet", DAY)
    assert here.balance(FAN) == 5
    with pytest.raises(Refusal, match=r"station\.points"):
        here.buy(FAN, "shirt", DAY)
    with pytest.raises(Refusal, match=r"station\.points"):
        here.buy(FAN, "car", DAY)
    shirt = SignedPass.from_json(shirt.to_json())
    with pytest.raises(Refusal, match=r"ticket\.signature"):
        here.redeem(shirt, OTHER, DAY)
    here.redeem(shirt, FAN, DAY)
    with pytest.raises(Refusal, match=r"station\.points"):
        book(tmp_path).redeem(shirt, FAN, DAY)
    here.redeem(quiet, FAN, DAY)
    here.redeem(quiet, FAN, DAY + 6 * 86_400)
    with pytest.raises(Refusal, match=r"ticket\.expired"):
        here.redeem(quiet, FAN, DAY + 7 * 86_400)


@pytest.mark.parametrize(
    "change", [{"kind": "ad-free"}, {"serial": 2}, {"not_after": 1 << 40}, {"text": "a car"}, {"holder": OTHER}]
)
def test_a_changed_pass_is_invalid(tmp_path: Path, change: dict[str, object]) -> None:
    """Every field is under the issuer's signature, and a pass that was never sold is invalid."""
    here = book(tmp_path)
    here.give([(1, play(600))])
    shirt = here.buy(FAN, "shirt", DAY)
    holder = OTHER if "holder" in change else FAN
    with pytest.raises(Refusal, match=r"ticket\.signature"):
        here.redeem(SignedPass(replace(shirt.message, **change), shirt.signature), holder, DAY)  # type: ignore[arg-type]
    forged = SignedPass.issue(Pass(STATION, FAN, "offer", 77, DAY * 2, "text"), KEY)
    with pytest.raises(Refusal, match=r"station\.points"):
        here.redeem(forged, FAN, DAY)


def test_rules_are_read_strictly() -> None:
    """A content inherits the station's rules; unknown names, fractions and negatives are message.schema."""
    read = Programme.from_dict({"points_per_minute": 3, "contents": {"0x" + "04" * 20: {"cap_per_day": 5}}})
    assert read.contents[SONG] == PointsRules(points_per_minute=3, cap_per_day=5)
    for raw in (
        {"points": 1},
        {"cap_per_day": -1},
        {"minimum_s": 1.5},
        {"contents": 5},
        [],
        {"contents": {"0x04": {}}},
    ):
        with pytest.raises(InputError):
            Programme.from_dict(raw)
    for other in (None, {}, {"serial": "x"}, {"serial": "1", "text": "t", "kind": "gift"}):
        with pytest.raises(InputError):
            SignedPass.from_json(other)
