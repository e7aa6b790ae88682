"""Random policies, usages and contexts for properties, also from a seed without hypothesis."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from pywallet.policy import ACTIONS, MOST_UNUSED_HOLDS, Context, Policy, Usage
from pywallet.protocol.actions import HOLDS

NOW: Final = 1_800_000_000
SOUNDING: Final = ("play", "preview", "live_join")
_ACTIONS: Final = sorted(ACTIONS)
_SITES: Final = ("a.example", "b.example")
_LANDS: Final = ("DE", "EG", "CN")
_PURPOSES: Final = ("private", "broadcast")


def policy_map(r: random.Random, depth: int = 0) -> dict[str, Any]:
    """A valid policy map with small numbers, so that limits are reached."""
    payer = r.choice(["station", "listener", "nobody"])
    paid = 0 if payer == "nobody" else r.randrange(5)
    out: dict[str, Any] = {
        "permissions": r.sample(_ACTIONS, r.randrange(len(_ACTIONS) + 1)),
        "price": {"interval_s": r.randrange(1, 10), "owner": paid, "reward": paid, "payer": payer},
    }

    def maybe(name: str, value: Any, chance: float = 0.3) -> None:
        if r.random() < chance:
            out[name] = value

    maybe("counts", {action: count(r, action) for action in r.sample(_ACTIONS, r.randrange(4))}, 0.6)
    maybe("stations", r.sample([*_SITES, "*"], r.randrange(3)))
    maybe("territories", r.sample(_LANDS, r.randrange(3)))
    maybe("purposes", r.sample(_PURPOSES, r.randrange(3)))
    maybe("listener", r.choice(["any", "wallet"]))
    maybe("devices", r.randrange(1, 4))
    maybe("concurrent", r.randrange(1, 4))
    for name in ("not_before_s", "expires_s", "start_by_s"):
        maybe(name, NOW + r.randrange(-50, 50), 0.2)
    for name in ("ttl_s", "metered_s", "key_epoch_s"):
        maybe(name, r.randrange(1, 100), 0.2)
    maybe("part", {"from_s": r.randrange(5), "to_s": r.randrange(6, 20)}, 0.2)
    maybe("lease", {"window_s": r.randrange(2, 60), "seconds": r.randrange(1, 600), "invocations": r.randrange(1, 40)})
    maybe("renewal", {"every_s": r.randrange(5, 60), "retry_s": r.randrange(1, 5), "grace_s": r.randrange(30)}, 0.2)
    maybe("tracking", r.choice(["never", "opt_in", "opt_out"]))
    maybe("self_destruct", r.sample(["exhausted", "expired", "rollback"], r.randrange(4)))
    maybe("hold", r.random() < 0.5, 0.2)
    if "preview" in out["permissions"]:
        maybe("preview_s", r.randrange(1, 30))
    if "transfer" in out["permissions"] and depth < 2:
        maybe("child", policy_map(r, depth + 1))
    return out


def count(r: random.Random, action: str) -> dict[str, Any]:
    """A valid count."""
    out: dict[str, Any] = {"limit": r.randrange(4)}
    unit = r.choice(["start", "timed", "segment", "second"]) if action in SOUNDING else "start"
    if unit != "start":
        out["unit"] = unit
    if unit == "timed":
        out["after_s"] = r.randrange(1, 40)
    if unit in ("start", "timed"):
        if r.random() < 0.3:
            out["per_s"] = r.randrange(1, 100)
        if r.random() < 0.3:
            out["within_s"] = r.randrange(1, 30)
    return out


def usage(r: random.Random) -> Usage:
    """A listener's use."""
    counts = {action: r.randrange(5) for action in r.sample(_ACTIONS, r.randrange(4))}
    last = {action: NOW - r.randrange(40) for action in r.sample(_ACTIONS, r.randrange(4))}
    first = None if r.random() < 0.3 else NOW - r.randrange(120)
    return Usage(
        r.randrange(5),
        r.randrange(5),
        r.randrange(120),
        first,
        counts,
        last,
        r.randrange(3),
        r.randrange(MOST_UNUSED_HOLDS + 2),
    )


def context(r: random.Random) -> Context:
    """Time, place and manner of an action."""
    return Context(
        now_s=NOW + r.randrange(-5, 5),
        domain=r.choice([*_SITES, None]),
        wallet=r.random() < 0.5,
        revoked=r.random() < 0.05,
        destroyed=r.random() < 0.05,
        territory=r.choice([*_LANDS, None]),
        purpose=r.choice([*_PURPOSES, None]),
        devices=r.randrange(4),
        device_known=r.random() < 0.5,
        streams=r.randrange(3),
        renewed_s=None if r.random() < 0.5 else NOW - r.randrange(90),
        rolled_back=r.random() < 0.1,
        position_s=None if r.random() < 0.5 else r.randrange(25),
    )


def cases(number: int, seed: int = 7) -> Iterator[tuple[Policy, Usage, Context, str]]:
    """A number of decisions, the same for the same seed on every platform."""
    r = random.Random(seed)
    policy = None
    for i in range(number):
        if policy is None or i % 20 == 0:
            policy = Policy.from_dict(policy_map(r))
        yield policy, usage(r), context(r), r.choice([*_ACTIONS, *sorted(HOLDS)])
