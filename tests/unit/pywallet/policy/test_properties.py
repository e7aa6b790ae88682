"""Properties of every policy: total, monotone, narrowing, described, and platform-independent."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import SENTENCES, InputError
from pywallet.policy import ACTIONS, MOST_UNUSED_HOLDS, Policy, decide, describe, require_narrower, wider
from pywallet.protocol.actions import FREE, HOLDS
from tests.unit.pywallet.policy.policies import NOW, cases, context, policy_map, usage

SEEDS = st.integers(0, 1 << 48)
EVERY = st.sampled_from(sorted(ACTIONS | HOLDS))


def digest(number: int) -> str:
    """One hash over a number of decisions with all their fields."""
    total = hashlib.sha256()
    for policy, used, where, action in cases(number):
        found = decide(policy, used, where, action)
        total.update(
            repr(
                (found.allowed, found.code, found.rule, sorted(found.left.items()), found.counts, found.destroy)
            ).encode()
        )
    return total.hexdigest()


@given(SEEDS, EVERY)
def test_a_decision_is_total_with_registered_codes(seed: int, action: str) -> None:
    """A decision would raise, have an unknown code, or a negative rest."""
    r = random.Random(seed)
    policy = Policy.from_dict(policy_map(r))
    found = decide(policy, usage(r), context(r), action)
    assert found.allowed == (found.code is None) == (found.rule is None)
    assert found.code is None or found.code in SENTENCES
    assert all(n >= 0 for n in found.left.values())
    assert found.allowed or action not in FREE


@given(SEEDS, EVERY, st.integers(0, 5), st.integers(0, 100))
def test_more_use_never_allows_again(seed: int, action: str, more: int, seconds: int) -> None:
    """More use or an earlier beginning would turn a refusal into a permission."""
    r = random.Random(seed)
    policy, before, where = Policy.from_dict(policy_map(r)), usage(r), context(r)
    after = replace(
        before,
        plays=before.plays + more,
        seeks=before.seeks + more,
        seconds=before.seconds + seconds,
        first_play_s=None if before.first_play_s is None else before.first_play_s - more,
        counts={name: n + more for name, n in before.counts.items()},
        held=before.held + more,
        unused_holds=before.unused_holds + more,
    )
    if decide(policy, after, where, action).allowed:
        assert decide(policy, before, where, action).allowed


@given(SEEDS)
def test_a_hold_is_granted_only_where_the_play_would_be(seed: int) -> None:
    """A hold would sound where a play is refused, would count, or would destroy the copy."""
    r = random.Random(seed)
    policy, used, where = Policy.from_dict(policy_map(r)), usage(r), context(r)
    hold, play = decide(policy, used, where, "hold"), decide(policy, used, where, "play")
    costs = policy.price.payer == "listener"
    few = used.unused_holds < MOST_UNUSED_HOLDS
    assert hold.allowed == (play.allowed and policy.hold and not costs and few)
    assert not hold.counts
    assert hold.destroy == where.destroyed
    if hold.allowed:
        # A hold uses nothing up, and counts against the limit of every other ticket as the play itself would.
        assert hold.left == decide(policy, used, where, "pause").left
        beside = decide(policy, replace(used, held=used.held + 1), where, "play")
        count = policy.counts.get("play")
        if play.counts and count is not None and count.unit == "start":
            assert beside.allowed == (play.left["play"] > used.held)


@given(SEEDS)
def test_a_use_that_counts_leaves_one_less(seed: int) -> None:
    """A counted use would not reduce exactly its own rest by one."""
    r = random.Random(seed)
    policy, used, where = Policy.from_dict(policy_map(r)), usage(r), context(r)
    now = {name: max(0, count.limit - used.used(name, count.unit)) for name, count in policy.counts.items()}
    for action in policy.counts:
        found = decide(policy, used, where, action)
        if found.allowed:
            free = not found.counts or policy.counts[action].unit in ("second", "segment")
            assert found.left[action] == (now[action] if free else max(0, now[action] - 1))
        assert all(found.left[other] == now[other] for other in policy.counts if other != action)


@given(SEEDS, SEEDS, EVERY)
def test_a_narrower_child_allows_nothing_that_its_parent_denies(seed: int, other: int, action: str) -> None:
    """A child policy would permit what its parent denies."""
    r = random.Random(seed)
    raw = policy_map(r)
    parent, child = Policy.from_dict(raw), Policy.from_dict(narrower(raw, random.Random(other)))
    used, where = usage(r), context(r)
    if not wider(child, parent) and decide(child, used, where, action).allowed:
        assert decide(parent, used, where, action).allowed
    assert wider(parent, parent) == ()


def narrower(raw: dict[str, object], r: random.Random) -> dict[str, object]:
    """A policy similar to another one, so that both results of ``wider`` occur."""
    out = {**raw, **{k: v for k, v in policy_map(r).items() if r.random() < 0.25}}
    permissions = set(out["permissions"])  # type: ignore[call-overload]
    if "preview" not in permissions:
        out.pop("preview_s", None)
    if "transfer" not in permissions:
        out.pop("child", None)
    return out


def test_both_answers_about_children_occur() -> None:
    """The property above would have no cases."""
    found = {True: 0, False: 0}
    decided = 0
    for seed in range(2000):
        r = random.Random(seed)
        raw = policy_map(r)
        parent, child = Policy.from_dict(raw), Policy.from_dict(narrower(raw, random.Random(seed + 10**6)))
        narrow = not wider(child, parent)
        found[narrow] += 1
        decided += narrow and decide(parent, usage(r), context(r), "play").allowed
    assert min(found.values()) > 200
    assert decided > 20


@given(SEEDS)
def test_parsing_inverts_writing(seed: int) -> None:
    """A policy would change by writing and parsing."""
    policy = Policy.from_dict(policy_map(random.Random(seed)))
    again = Policy.from_dict(cbor2.loads(policy.to_cbor()))
    assert again == policy
    assert again.hash == policy.hash


@given(SEEDS, st.sampled_from(["en", "zh", "ar"]))
def test_every_rule_has_a_sentence(seed: int, language: str) -> None:
    """A rule would be missing in the description of a policy."""
    r = random.Random(seed)
    raw = policy_map(r)
    policy, used, where = Policy.from_dict(raw), usage(r), context(r)
    told = describe(policy, used, where, language)
    assert all([told.may, told.left, told.costs, told.earn, *told.limits])
    for name in (
        "ttl_s",
        "metered_s",
        "part",
        "devices",
        "renewal",
        "self_destruct",
        "territories",
        "purposes",
        "start_by_s",
        "child",
    ):
        if raw.get(name):
            without = describe(Policy.from_dict({k: v for k, v in raw.items() if k != name}), used, where, language)
            assert len(without.limits) < len(told.limits), name


def test_decisions_are_the_same_on_every_platform() -> None:
    """Decisions would differ from those under Pyodide (tests/integration/test_policy_under_pyodide.py)."""
    assert digest(500) == digest(500)
    assert len({digest(1), digest(2), digest(3)}) == 3


@pytest.mark.parametrize("generation", [1, 2])
def test_a_wider_child_is_named(generation: int) -> None:
    """An error would not name the generation and fields."""
    base = {"permissions": ["play", "transfer"], "price": {"interval_s": 5, "owner": 1, "reward": 0}, "expires_s": NOW}
    wide = {**base, "expires_s": NOW + 1}
    raw = {**base, "child": wide} if generation == 1 else {**base, "child": {**base, "child": wide}}
    with pytest.raises(InputError) as caught:
        require_narrower(Policy.from_dict(raw))
    assert (caught.value.code, caught.value.detail["generation"], caught.value.detail["field"]) == (
        "policy.child.wider",
        generation,
        "expires_s",
    )
