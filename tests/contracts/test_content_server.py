"""Move of a content to another security server.

Proposed by the owner, accepted by the server, effective from the next epoch.
"""

from __future__ import annotations

from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import EPOCH, SCHEDULE, ZERO, World, reverts

POLICY, SALT = bytes([1]) * 32, bytes([4]) * 32


@pytest.fixture
def content(w: World) -> bytes:
    """The owner's content; the fan's and the other's keys are listed as security servers too."""
    receipt = w.send(w.owner, "Registry", "create", POLICY, 10, 30, address_of(w.server), True, SALT)
    for key in (w.fan, w.other):
        w.send(w.platform, "Registry", "set_server", address_of(key), "http://another", bytes(32), True)
    return bytes(w.events("Registry", "ContentCreated", receipt)[0]["content"])


def do(w: World, key: bytes, content: bytes, name: str, *args: Any) -> dict[str, Any]:
    """Send a transaction to the content."""
    return w.send(key, "Content", name, *args, to=content)


def move(w: World, content: bytes, key: bytes) -> dict[str, Any]:
    """Do both steps; return the second one's receipt."""
    do(w, w.owner, content, "propose_server", address_of(key))
    return do(w, key, content, "accept_server")


def servers(w: World, content: bytes, *epochs: int) -> list[str]:
    """Return the server of each epoch."""
    return [w.call("Content", "server_at", epoch, to=content) for epoch in epochs]


def current(w: World, content: bytes) -> set[str]:
    """Return the running epoch's server by both views."""
    return {w.call("Content", "server", to=content), w.call("Content", "state", to=content)[4]}


def test_a_move_begins_with_the_next_epoch(w: World, content: bytes) -> None:
    """Until then the old server serves, and every past epoch stays its own."""
    old, new = address_of(w.server), address_of(w.fan)
    receipt = do(w, w.owner, content, "propose_server", new)
    assert w.events("Content", "ServerProposed", receipt) == [{"server": new}]
    assert w.call("Content", "proposed_server", to=content) == to_hex(new)
    assert servers(w, content, 0, EPOCH, EPOCH + 1, EPOCH + 99) == [to_hex(old)] * 4
    receipt = do(w, w.fan, content, "accept_server")
    assert w.events("Content", "ServerMoved", receipt) == [
        {"server": new, "previous_server": old, "from_epoch": EPOCH + 1}
    ]
    assert w.call("Content", "proposed_server", to=content) == "0x" + "00" * 20
    assert servers(w, content, 0, EPOCH, EPOCH + 1, EPOCH + 99) == [to_hex(old)] * 2 + [to_hex(new)] * 2
    assert current(w, content) == {to_hex(old)}
    w.mine(SCHEDULE.ends(EPOCH) - 1)
    assert current(w, content) == {to_hex(old)}
    w.mine(SCHEDULE.ends(EPOCH))
    assert current(w, content) == {to_hex(new)}


def test_a_content_moves_repeatedly_and_back(w: World, content: bytes) -> None:
    """Every epoch keeps its server."""
    a, b, c = (to_hex(address_of(key)) for key in (w.server, w.fan, w.other))
    for key in (w.fan, w.other, w.server):
        move(w, content, key)
        w.mine(SCHEDULE.ends(w.now() // SCHEDULE.length + 1))
    assert servers(w, content, *range(EPOCH, EPOCH + 7)) == [a, b, b, c, c, a, a]
    since = {address_of(w.server): 0, address_of(w.fan): EPOCH + 1, address_of(w.other): EPOCH + 3}
    for server, first in since.items():
        found = [w.call("Content", "served", server, epoch, to=content) for epoch in range(EPOCH, EPOCH + 7)]
        assert found == [epoch >= first for epoch in range(EPOCH, EPOCH + 7)]
    assert not w.call("Content", "served", address_of(w.relayer), EPOCH + 99, to=content)
    assert w.call("Content", "server_changes", to=content) == 3


def test_one_move_at_a_time(w: World, content: bytes) -> None:
    """No proposal is possible between acceptance and the epoch's end: an epoch's server has received the keys."""
    move(w, content, w.fan)
    for server in (address_of(w.other), address_of(w.server), ZERO):
        with reverts("content: move pending"):
            do(w, w.owner, content, "propose_server", server)
    w.mine(SCHEDULE.ends(EPOCH))
    do(w, w.owner, content, "propose_server", address_of(w.other))


def test_the_new_server_is_another_listed_one(w: World, content: bytes) -> None:
    """Active when it is proposed, and still when it accepts."""
    for server, reason in (
        (address_of(w.server), "content: same server"),
        (address_of(w.relayer), "content: server not active"),
    ):
        with reverts(reason):
            do(w, w.owner, content, "propose_server", server)
    do(w, w.owner, content, "propose_server", address_of(w.fan))
    w.send(w.platform, "Registry", "set_server", address_of(w.fan), "http://another", bytes(32), False)
    with reverts("content: server not active"):
        do(w, w.fan, content, "accept_server")
    with reverts("content: server not active"):
        do(w, w.owner, content, "propose_server", address_of(w.fan))


def test_only_the_proposed_server_accepts(w: World, content: bytes) -> None:
    """Refused without a proposal, for others, after a withdrawal or replacement, and twice."""
    with reverts("content: not the proposed server"):
        do(w, w.fan, content, "accept_server")
    with reverts("content: no proposal"):
        do(w, w.owner, content, "propose_server", ZERO)
    do(w, w.owner, content, "propose_server", address_of(w.fan))
    for key in (w.other, w.server, w.owner, w.platform):
        with reverts("content: not the proposed server"):
            do(w, key, content, "accept_server")
    do(w, w.owner, content, "propose_server", address_of(w.other))
    with reverts("content: not the proposed server"):
        do(w, w.fan, content, "accept_server")
    receipt = do(w, w.owner, content, "propose_server", ZERO)
    assert w.events("Content", "ServerProposed", receipt) == [{"server": ZERO}]
    with reverts("content: not the proposed server"):
        do(w, w.other, content, "accept_server")
    move(w, content, w.other)
    with reverts("content: not the proposed server"):
        do(w, w.other, content, "accept_server")


def test_only_the_owner_proposes(w: World, content: bytes) -> None:
    """Neither the platform nor a server can; after a sale only the new owner, whom the old proposal does not bind."""
    for key in (w.platform, w.server, w.fan):
        with reverts("content: not the owner"):
            do(w, key, content, "propose_server", address_of(w.fan))
    do(w, w.owner, content, "offer_to", address_of(w.relayer), 0)
    do(w, w.owner, content, "propose_server", address_of(w.fan))
    changes = w.call("Content", "changes", to=content)
    with reverts("content: state changed"):
        do(w, w.relayer, content, "accept", 0, (POLICY, 0, changes - 1, 0))
    do(w, w.relayer, content, "accept", 0, (POLICY, 0, changes, 0))
    with reverts("content: not the proposed server"):
        do(w, w.fan, content, "accept_server")
    with reverts("content: not the owner"):
        do(w, w.owner, content, "propose_server", address_of(w.fan))
    do(w, w.relayer, content, "propose_server", address_of(w.fan))
    do(w, w.fan, content, "accept_server")


@pytest.mark.parametrize("name", ["revoke", "destroy"])
def test_a_revoked_content_does_not_move(w: World, content: bytes, name: str) -> None:
    """Its keys are destroyed at their server."""
    do(w, w.owner, content, "propose_server", address_of(w.fan))
    do(w, w.owner, content, name)
    with reverts("content: revoked"):
        do(w, w.fan, content, "accept_server")
    with reverts("content: revoked"):
        do(w, w.owner, content, "propose_server", address_of(w.other))
