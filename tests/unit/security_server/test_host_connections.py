"""Events that are pushed to connected hosts."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from messages.host_server.events import RevokedEvent
from security_server.host_connections import HostConnection, HostConnections

STEPS = st.lists(st.tuples(st.sampled_from(("add", "identify", "remove")), st.integers(0, 3), st.integers(0, 2)))


@given(STEPS, st.none() | st.sets(st.integers(0, 2)))
def test_an_event_goes_to_the_identified_connections_of_its_devices(
    steps: list[tuple[str, int, int]], receivers: set[int] | None
) -> None:
    """Whatever was connected, identified anew and disconnected before."""
    hosts, lines = HostConnections(), [HostConnection() for _ in range(4)]
    devices: dict[int, int | None] = {}
    for step, number, device in steps:
        if step == "add" and number not in devices:
            lines[number] = HostConnection()
            hosts.add(lines[number])
            devices[number] = None
        elif step == "identify":
            hosts.identify(lines[number], bytes([device]) * 20)
            if number in devices:
                devices[number] = device
        elif step == "remove" and number in devices:
            hosts.remove(lines[number])
            del devices[number]
    event = RevokedEvent("0x" + "00" * 20)
    asyncio.run(hosts.push(event, None if receivers is None else [bytes([device]) * 20 for device in receivers]))
    for number, line in enumerate(lines):
        device = devices.get(number)
        is_wanted = device is not None and (receivers is None or device in receivers)
        assert line.frames.qsize() == (1 if is_wanted else 0)


async def test_other_tasks_run_while_an_event_goes_to_many_hosts() -> None:
    """A report that arrives meanwhile is answered before the last host has its event."""
    hosts, lines = HostConnections(), [HostConnection() for _ in range(1_000)]
    for number, line in enumerate(lines):
        hosts.add(line)
        hosts.identify(line, number.to_bytes(20, "big"))
    pushing = asyncio.create_task(hosts.push(RevokedEvent("0x" + "00" * 20)))
    steps = [0]
    while not pushing.done():
        await asyncio.sleep(0)
        steps.append(sum(line.frames.qsize() for line in lines))
    assert steps[-1] == 1_000
    assert max(after - before for before, after in pairwise(steps)) <= 100
