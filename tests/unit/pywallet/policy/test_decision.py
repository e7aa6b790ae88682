"""The decision function: its rules and properties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import SENTENCES, Refusal
from pywallet.policy import ACTIONS, Context, Policy, Usage, decide, recurrence_start

BASE: dict[str, Any] = {
    "permissions": ["play", "seek"],
    "price": {"interval_s": 30, "owner": 10**16, "reward": 2 * 10**15, "payer": "station"},
}
NOW = 1_800_000_000


def policy(**changes: Any) -> Policy:
    return Policy.from_dict({**BASE, **changes})


@pytest.mark.parametrize(
    ("changes", "usage", "context", "action", "code", "rule"),
    [
        ({}, Usage(), Context(NOW), "play", None, None),
        ({}, Usage(), Context(NOW), "renew", None, None),
        ({}, Usage(), Context(NOW), "download", "policy.action.denied", "permissions"),
        ({}, Usage(), Context(NOW, revoked=True), "play", "content.revoked", "revoked"),
        ({}, Usage(), Context(NOW, revoked=True), "stop", None, None),
        ({}, Usage(), Context(NOW, revoked=True, destroyed=True), "seek", "content.destroyed", "destroyed"),
        ({"expires_s": NOW}, Usage(), Context(NOW), "play", "policy.expired", "expires_s"),
        ({"expires_s": NOW}, Usage(), Context(NOW - 1), "play", None, None),
        ({"not_before_s": NOW + 1}, Usage(), Context(NOW), "play", "policy.not_yet", "not_before_s"),
        ({"ttl_s": 60}, Usage(first_play_s=NOW - 59), Context(NOW), "renew", None, None),
        ({"ttl_s": 60}, Usage(first_play_s=NOW - 60), Context(NOW), "renew", "policy.ttl.expired", "ttl_s"),
        (
            {"stations": ["a.example"]},
            Usage(),
            Context(NOW, domain="b.example"),
            "play",
            "policy.station.denied",
            "stations",
        ),
        ({"stations": ["a.example"]}, Usage(), Context(NOW, domain="a.example"), "play", None, None),
        ({"stations": ["a.example"]}, Usage(), Context(NOW), "play", "policy.station.denied", "stations"),
        ({"listener": "wallet"}, Usage(), Context(NOW), "play", "policy.wallet.required", "listener"),
        ({"counts": {"play": {"limit": 2}}}, Usage(plays=1), Context(NOW), "play", None, None),
        (
            {"counts": {"play": {"limit": 2}}},
            Usage(plays=2),
            Context(NOW),
            "play",
            "policy.count.exhausted",
            "counts.play",
        ),
        ({"counts": {"play": {"limit": 2}}}, Usage(plays=2), Context(NOW), "seek", None, None),
        (
            {"counts": {"play": {"limit": 2, "per_s": 9}}},
            Usage(plays=5, counts={"play": 1}),
            Context(NOW),
            "play",
            None,
            None,
        ),
    ],
)
def test_each_rule(
    changes: dict[str, Any], usage: Usage, context: Context, action: str, code: str | None, rule: str | None
) -> None:
    """A rule would have another code, or refuse below its limit."""
    decision = decide(policy(**changes), usage, context, action)
    assert (decision.allowed, decision.code, decision.rule) == (code is None, code, rule)


def test_left_counts_the_decided_action() -> None:
    """A refused action would reduce what is left, or an allowed one would not."""
    p = policy(counts={"play": {"limit": 3}, "seek": {"limit": 9}})
    assert dict(decide(p, Usage(plays=1, seeks=4), Context(NOW), "play").left) == {"play": 1, "seek": 5}
    assert dict(decide(p, Usage(plays=3, seeks=4), Context(NOW), "play").left) == {"play": 0, "seek": 5}


def test_require_raises_the_code() -> None:
    """A refusal would pass."""
    with pytest.raises(Refusal) as e:
        decide(policy(), Usage(), Context(NOW), "copy").require()
    assert e.value.code == "policy.action.denied"


def test_recurrence_windows_tile_time() -> None:
    """The window of a recurring count would have gaps or overlaps."""
    assert recurrence_start(None, 60, NOW) == NOW
    assert recurrence_start(NOW - 59, 60, NOW) == NOW - 59
    assert recurrence_start(NOW - 60, 60, NOW) == NOW
    assert recurrence_start(NOW - 61, 60, NOW) == NOW - 1


small = st.integers(0, 5)
times = st.integers(NOW - 100, NOW + 100)
policies = st.fixed_dictionaries(
    {
        "permissions": st.lists(st.sampled_from(sorted(ACTIONS)), unique=True),
        "price": st.just(BASE["price"]),
    },
    optional={
        "counts": st.dictionaries(
            st.sampled_from(["play", "seek", "forward"]), st.fixed_dictionaries({"limit": small})
        ),
        "ttl_s": st.integers(1, 200),
        "not_before_s": times,
        "expires_s": times,
        "stations": st.sampled_from([["*"], ["a"], ["a", "b"]]),
        "listener": st.sampled_from(["any", "wallet"]),
    },
).map(Policy.from_dict)
usages = st.builds(
    Usage,
    plays=small,
    seeks=small,
    seconds=small,
    first_play_s=st.none() | times,
    counts=st.dictionaries(st.sampled_from(["play", "forward"]), small),
)
contexts = st.builds(
    Context,
    now_s=times,
    domain=st.sampled_from([None, "a", "b", "c"]),
    wallet=st.booleans(),
    revoked=st.booleans(),
    destroyed=st.booleans(),
)
actions = st.sampled_from(sorted(ACTIONS)) | st.text(max_size=5)


@given(policies, usages, contexts, actions)
def test_total_with_registered_codes(p: Policy, u: Usage, c: Context, action: str) -> None:
    """A decision would raise, or have an unregistered code."""
    decision = decide(p, u, c, action)
    assert decision.allowed == (decision.code is None)
    assert decision.code is None or decision.code in SENTENCES
    assert all(n >= 0 for n in decision.left.values())


@given(policies, usages, contexts, actions, small, small)
def test_monotone_in_use(p: Policy, u: Usage, c: Context, action: str, plays: int, seeks: int) -> None:
    """More use would turn a refusal into a permission."""
    more = replace(u, plays=u.plays + plays, seeks=u.seeks + seeks, counts={k: v + plays for k, v in u.counts.items()})
    assert decide(p, u, c, action).allowed or not decide(p, more, c, action).allowed


@given(policies, usages, contexts)
def test_a_play_can_always_be_ended(p: Policy, u: Usage, c: Context) -> None:
    """A play could stay open for ever."""
    assert decide(p, u, c, "stop").allowed
    assert decide(p, u, c, "pause").allowed
