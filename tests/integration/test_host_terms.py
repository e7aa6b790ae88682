"""Terms beyond plain counts, as the host enforces them, also without its server."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

import native_host.remote.clock
from native_host.remote.clock import Clock
from pywallet.crypto import address_of, recover
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.policy import Count, PlayablePart, Renewal
from pywallet.protocol import destruction_digest
from tests.integration.host_world import CONTENT, LISTENER, POLICY, World, device

FREE = replace(POLICY, counts={})


async def refusal(work: Any) -> str:
    """The code with which a request is refused."""
    with pytest.raises(GomaaError) as caught:
        await work
    return caught.value.code


async def test_seeks_within_the_free_interval_count_once(fan: World) -> None:
    """Free within ten seconds, counted after them, refused when the count is used up."""
    await fan.prepared(policy=replace(FREE, counts={"seek": Count(2, within_s=10)}))
    await fan.invoke("play")
    left = []
    for seconds in (1, 4, 12):
        fan.chain.now += seconds * 1000
        left.append((await fan.invoke("seek", 30_000))["left"]["seek"])
    assert left == [1, 1, 0]
    fan.chain.now += 12_000
    assert await refusal(fan.invoke("seek", 30_000)) == "policy.count.exhausted"


async def test_a_timed_play_counts_after_its_time(fan: World) -> None:
    """A short play does not count, a long one uses the only one."""
    policy = replace(FREE, counts={"play": Count(1, unit="timed", after_s=10)})
    for seconds in (4, 12):
        await fan.prepared(policy=policy)
        await fan.invoke("play")
        fan.chain.now += seconds * 1000
        await fan.invoke("stop", seconds * 1000)
    await fan.prepared(policy=policy)
    assert await refusal(fan.invoke("play")) == "policy.count.exhausted"


async def test_keys_end_with_the_permitted_part(fan: World) -> None:
    """Segments after it get no key, and a play outside it is refused."""
    await fan.prepared(policy=replace(FREE, part=PlayablePart(0, 10)))
    play = await fan.invoke("play", 0, 0, 16)
    assert fan.good(play["grant"], range(5))
    assert await refusal(fan.invoke("seek", 12_000, 6, 4)) == "policy.part.denied"


async def test_keys_end_with_the_listening_time(fan: World) -> None:
    """Of twelve seconds in all, no key is released beyond them."""
    await fan.prepared(policy=replace(FREE, metered_s=12))
    play = await fan.invoke("play", 0, 0, 16)
    assert fan.good(play["grant"], range(6))


async def test_a_renewal_is_due_after_silence_of_the_server(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease lasts without the server for the renewal's time and its grace."""
    await fan.prepared(policy=replace(FREE, renewal=Renewal(60, 5, 30)))
    await fan.invoke("play", 0, 0, 4)
    line = next(iter(fan.host.connections))
    for silent, code in ((89, None), (90, "policy.renewal.due")):
        monkeypatch.setattr(line, "silent_s", lambda silent=silent: silent)
        if code is None:
            await fan.invoke("seek", 20_000)
        else:
            assert await refusal(fan.invoke("seek", 30_000)) == code


async def test_an_exhausted_copy_destroys_its_keys(fan: World) -> None:
    """The second of one play: refused, keys erased from memory, a signed notice in the ledger and at the server."""
    policy = replace(FREE, counts={"play": Count(1)}, self_destruct=("exhausted",))
    await fan.prepared(policy=policy)
    await fan.invoke("play", 0, 0, 4)
    await fan.invoke("stop", 1_000)
    await fan.prepared(policy=policy)
    lease = fan.host.streams["s"].lease
    assert lease is not None
    assert lease.keys
    assert await refusal(fan.invoke("play")) == "policy.count.exhausted"
    assert (await fan.event("destroyed"))["code"] == "policy.count.exhausted"
    assert lease.keys == {}
    ((content, listener, time_ms, code, signature),) = fan.host.ledger._rows(
        "SELECT content, listener, time_ms, code, signature FROM destructions"
    )
    assert (content, listener) == (CONTENT, address_of(LISTENER))
    assert recover(destruction_digest(content, listener, time_ms, code), signature) == from_hex(device(fan), 20)
    assert await refusal(fan.invoke("play")) == "policy.count.exhausted"


async def test_a_rollback_destroys_where_the_terms_require_it(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three minutes back: other terms continue by the chain's time."""
    await fan.prepared(policy=replace(FREE, self_destruct=("rollback",)))
    await fan.invoke("play", 0, 0, 4)
    now = fan.chain.now
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: now - 180_000)
    assert await refusal(fan.invoke("seek", 20_000)) == "policy.clock.rollback"
    assert (await fan.event("destroyed"))["code"] == "policy.clock.rollback"


async def test_a_corrected_clock_destroys_nothing(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four minutes ahead, then correct: the play continues without a restart."""
    now = fan.chain.now
    await fan.prepared(policy=replace(FREE, self_destruct=("rollback",)))
    # The host began while the clock was ahead.
    fan.host.clock._clock = Clock(now + 240_000, lambda: native_host.remote.clock.system_ms())
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: now + 240_000)
    await fan.invoke("play", 0, 0, 4)
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: now)
    await fan.invoke("seek", 20_000)
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: now - 180_000)
    assert await refusal(fan.invoke("seek", 30_000)) == "policy.clock.rollback"


async def test_a_fast_clock_is_bounded_by_server_time(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours ahead: a lease does not expire, and a budget's day is the true one."""
    now = fan.chain.now
    await fan.prepared(policy=FREE)
    (line,) = fan.host.connections
    line._offset_ms = now - time.monotonic_ns() // 1_000_000
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: now + 2 * 3_600_000)
    network = fan.host.streams["s"].network
    assert now <= fan.host.clock.now_ms(network) < now + 3_600_000
    assert fan.host.clock.today() == now // 86_400_000
    await fan.invoke("play", 0, 0, 4)
