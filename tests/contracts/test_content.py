"""A content's contract: initialisation, licences, revocation."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of
from tests.contracts.anvil_world import ZERO, World, reverts

POLICY, SALT = bytes([1]) * 32, bytes([4]) * 32
STATION = bytes([0xA]) * 20


def make(w: World, open_license: bool) -> bytes:
    """Create a content of the owner."""
    receipt = w.send(w.owner, "Registry", "create", POLICY, 10, 30, address_of(w.server), open_license, SALT)
    return bytes(w.events("Registry", "ContentCreated", receipt)[0]["content"])


def test_a_content_is_initialised_once_and_by_the_registry(w: World) -> None:
    """Neither its owner nor the registry can initialise it again, and the implementation cannot be initialised."""
    content = make(w, True)
    arguments = (address_of(w.other), POLICY, 1, 1, ZERO, True)
    registry = w.deployment.registry
    for target in (content, w.deployment.content_implementation):
        with reverts("content: not the registry"):
            w.send(w.owner, "Content", "initialize", *arguments, to=target)
        with reverts("content: initialized"):
            _as(w, registry, target, arguments)


def _as(w: World, sender: bytes, target: bytes, arguments: tuple[object, ...]) -> None:
    from chain.abi import function
    from pywallet.encoding.hex import to_hex

    data = to_hex(function("Content", "initialize").encode(*arguments))
    w.request("eth_call", {"from": to_hex(sender), "to": to_hex(target), "data": data}, "latest")


@pytest.mark.parametrize(("name", "arguments"), [("set_license", (STATION, True)), ("revoke", ()), ("destroy", ())])
def test_only_the_owner_changes_a_content(w: World, name: str, arguments: tuple[object, ...]) -> None:
    """Platform, server and others are refused; the implementation has no owner with a key."""
    content = make(w, True)
    for key in (w.platform, w.server, w.other):
        with reverts("content: not the owner"):
            w.send(key, "Content", name, *arguments, to=content)
    with reverts("content: not the owner"):
        w.send(w.owner, "Content", name, *arguments, to=w.deployment.content_implementation)


def test_a_licence_is_granted_and_revoked(w: World) -> None:
    """Without an open licence a station may play only while the owner licenses it."""
    content = make(w, False)
    assert not w.call("Content", "licensed", STATION, to=content)
    receipt = w.send(w.owner, "Content", "set_license", STATION, True, to=content)
    assert w.events("Content", "Licensed", receipt) == [{"station": STATION, "on": True}]
    assert w.call("Content", "licensed", STATION, to=content)
    assert not w.call("Content", "licensed", bytes([0xB]) * 20, to=content)
    w.send(w.owner, "Content", "set_license", STATION, False, to=content)
    assert not w.call("Content", "licensed", STATION, to=content)


@pytest.mark.parametrize("open_license", [True, False])
@pytest.mark.parametrize("name", ["revoke", "destroy"])
def test_revocation_ends_every_licence(w: World, name: str, open_license: bool) -> None:
    """Open or named, no licence outlives the content; a second revocation is refused."""
    content = make(w, open_license)
    w.send(w.owner, "Content", "set_license", STATION, True, to=content)
    assert w.call("Content", "licensed", STATION, to=content)
    event, reason = {"revoke": ("Revoked", "content: revoked"), "destroy": ("Destroyed", "content: destroyed")}[name]
    receipt = w.send(w.owner, "Content", name, to=content)
    assert w.events("Content", event, receipt) == [{}]
    assert not w.call("Content", "licensed", STATION, to=content)
    assert w.call("Content", "state", to=content)[5:7] == (True, name == "destroy")
    with reverts(reason):
        w.send(w.owner, "Content", name, to=content)


def test_a_revoked_content_can_still_be_destroyed(w: World) -> None:
    """First no more plays, later no more copies; in the opposite order there is nothing left to revoke."""
    content = make(w, True)
    w.send(w.owner, "Content", "revoke", to=content)
    w.send(w.owner, "Content", "destroy", to=content)
    with reverts("content: revoked"):
        w.send(w.owner, "Content", "revoke", to=content)
