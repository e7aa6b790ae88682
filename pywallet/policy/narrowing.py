"""Comparison of a child policy with its parent: a child may only narrow the terms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from pywallet.errors import InputError
from pywallet.policy.model import ANYWHERE, TRACKING, Policy
from pywallet.policy.parts import ACTIONS, Count

# A smaller value is narrower, and an absent one is the widest; of ``not_before_s`` a later one is narrower.
_ENDS: Final = ("ttl_s", "expires_s", "start_by_s", "metered_s", "devices", "key_epoch_s")


def wider(child: Policy, parent: Policy) -> tuple[str, ...]:
    """Names of the fields in which ``child`` is wider than ``parent``; empty if there are none."""
    return tuple(_wider(child, parent))


def require_narrower(policy: Policy) -> None:
    """Check every generation of a policy. Raises InputError ``policy.child.wider`` naming the fields."""
    generations = [policy]
    while generations[-1].child is not None:
        generations.append(generations[-1].child)
    for number, (parent, child) in enumerate(pairwise(generations), 1):
        if fields := wider(child, parent):
            raise InputError("policy.child.wider", generation=number, field=", ".join(fields))


def _wider(child: Policy, parent: Policy) -> Iterator[str]:
    if any(child.permits(action) and not parent.permits(action) for action in ACTIONS):
        yield "permissions"
    for action, limit in parent.counts.items():
        own = child.counts.get(action)
        # An action that the child does not permit would need no limit, but a limit of heard time covers every action.
        if own is None or not _is_tighter(own, limit):
            yield f"counts.{action}"
    for name in _ENDS:
        most, own_most = getattr(parent, name), getattr(child, name)
        if most is not None and (own_most is None or own_most > most):
            yield name
    if parent.not_before_s is not None and (child.not_before_s or 0) < parent.not_before_s:
        yield "not_before_s"
    for name in ("territories", "purposes"):
        if getattr(parent, name) != ANYWHERE and not set(getattr(child, name)) <= set(getattr(parent, name)):
            yield name
    if "*" not in parent.stations and not set(child.stations) <= set(parent.stations):
        yield "stations"
    if parent.listener == "wallet" and child.listener != "wallet":
        yield "listener"
    if child.concurrent > parent.concurrent:
        yield "concurrent"
    if TRACKING.index(child.tracking) > TRACKING.index(parent.tracking):
        yield "tracking"
    if not set(parent.self_destruct) <= set(child.self_destruct):
        yield "self_destruct"
    if child.hold and not parent.hold:
        yield "hold"
    yield from _wider_parts(child, parent)


def _wider_parts(child: Policy, parent: Policy) -> Iterator[str]:
    if parent.part is not None:
        own = child.part
        ends = parent.part.to_s is None or (own is not None and own.to_s is not None and own.to_s <= parent.part.to_s)
        if own is None or own.from_s < parent.part.from_s or not ends:
            yield "part"
    if (
        parent.preview_s is not None
        and child.permits("preview")
        and (child.preview_s is None or child.preview_s > parent.preview_s)
    ):
        yield "preview_s"
    if parent.renewal is not None:
        own_renewal = child.renewal
        if (
            own_renewal is None
            or own_renewal.every_s + own_renewal.grace_s > parent.renewal.every_s + parent.renewal.grace_s
        ):
            yield "renewal"
    lease, most = child.lease, parent.lease
    if lease is not None and (
        most is None or any(getattr(lease, n) > getattr(most, n) for n in ("window_s", "seconds", "invocations"))
    ):
        yield "lease"
    cost, least = child.price, parent.price
    dearer = cost.owner * least.interval_s >= least.owner * cost.interval_s
    if cost.payer != least.payer or not dearer or cost.reward * least.interval_s > least.reward * cost.interval_s:
        yield "price"
    if child.child is not None and parent.child is None:
        yield "child"


def _is_tighter(own: Count, limit: Count) -> bool:
    if own.unit != limit.unit or own.after_s != limit.after_s or own.limit > limit.limit:
        return False
    # A total is tighter than the same number per window; counts with different windows are not comparable.
    if own.per_s != limit.per_s and own.per_s is not None:
        return False
    return (own.within_s or 0) <= (limit.within_s or 0)
