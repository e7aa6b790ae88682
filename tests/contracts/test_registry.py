"""The registry: stations, servers, contents and the schedule of commission rates."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from chain.abi import to_address
from chain.contracts.registry import predict_content
from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from tests.budget import budget
from tests.contracts.anvil_world import BPS, EPOCH, SCHEDULE, ZERO, World, reverts

POLICY, SALT, KEY = bytes([1]) * 32, bytes([4]) * 32, bytes([9]) * 32
A, B = bytes([0xA]) * 20, bytes([0xB]) * 20
NOT_OWNER = "ownable: caller is not the owner"


def create(w: World, key: bytes | None = None, salt: bytes = SALT, **change: Any) -> bytes:
    """Create a content; return its address from the event."""
    fields = {"policy": POLICY, "price": 10, "interval": 30, "server": address_of(w.server), "open": True, **change}
    receipt = w.send(key or w.owner, "Registry", "create", *fields.values(), salt)
    (made,) = w.events("Registry", "ContentCreated", receipt)
    return bytes(made["content"])


def test_a_content_starts_with_the_given_values(w: World) -> None:
    """State, event and list agree; the sender is the owner."""
    content = create(w, price=2**96 - 1)
    state = w.call("Content", "state", to=content)
    server = to_hex(address_of(w.server))
    assert state == (to_hex(address_of(w.owner)), POLICY, 2**96 - 1, 30, server, False, False, True)
    assert w.call("Registry", "is_content", content)
    assert not w.call("Registry", "is_content", A)


def test_the_creator_of_a_content_is_its_owner(w: World) -> None:
    """From then on, and nobody else; only contents created here can report another one."""
    assert not w.call("Registry", "is_owner", address_of(w.other))
    create(w, w.other)
    assert w.call("Registry", "is_owner", address_of(w.other))
    for key in (w.other, w.platform, w.server):
        with reverts("registry: unknown content"):
            w.send(key, "Registry", "note_owner", address_of(w.fan))
    assert not w.call("Registry", "is_owner", address_of(w.fan))


@budget(0.2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(salt=st.binary(min_size=32, max_size=32))
def test_a_contents_address_is_predictable(w: World, salt: bytes) -> None:
    """For any salt and two owners the offline prediction is the created address, once."""
    mark = w.request("evm_snapshot")
    registry, implementation = w.deployment.registry, w.deployment.content_implementation
    made = {key: create(w, key, salt) for key in (w.owner, w.other)}
    for key, content in made.items():
        assert content == predict_content(registry, implementation, address_of(key), salt)
    assert made[w.owner] != made[w.other]
    with pytest.raises(Exception, match=r"chain\.reverted"):
        create(w, salt=salt)
    assert w.request("evm_revert", mark)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"interval": 0}, "registry: interval is zero"),
        ({"price": 2**96}, "registry: price too large"),
        ({"server": A}, "registry: server not active"),
    ],
)
def test_a_content_needs_valid_terms(w: World, change: dict[str, Any], reason: str) -> None:
    """An interval, a price within 96 bits, and a listed server."""
    with reverts(reason):
        create(w, **change)


def test_a_delisted_server_gets_no_new_contents(w: World) -> None:
    """Delisting removes no content, it only stops new ones."""
    content = create(w)
    w.send(w.platform, "Registry", "set_server", address_of(w.server), "http://127.0.0.1:1", KEY, False)
    with reverts("registry: server not active"):
        create(w, salt=bytes(32))
    assert w.call("Content", "licensed", A, to=content)


def test_the_implementation_is_set_once(w: World) -> None:
    """By the platform, and not to zero; before that no content can be created."""
    with reverts("registry: initialized"):
        w.send(w.platform, "Registry", "set_implementation", A)
    with reverts(NOT_OWNER):
        w.send(w.other, "Registry", "set_implementation", A)
    fresh = to_address(_deploy(w, 500, 60)["contractAddress"])
    with reverts("registry: zero address"):
        w.send(w.platform, "Registry", "set_implementation", ZERO, to=fresh)
    with reverts("registry: no implementation"):
        w.send(w.owner, "Registry", "create", POLICY, 10, 30, A, True, SALT, to=fresh)
    receipt = w.send(w.platform, "Registry", "set_implementation", A, to=fresh)
    assert w.events("Registry", "ImplementationSet", receipt) == [{"implementation": A}]


def test_an_application_is_announced(w: World) -> None:
    """Verifiers read it from its event."""
    receipt = w.send(w.fan, "Registry", "apply", "fan.example", "Fan FM")
    assert w.events("Registry", "StationApplied", receipt) == [
        {"station": address_of(w.fan), "domain": "fan.example", "name": "Fan FM"}
    ]


def _deploy(w: World, *args: Any) -> dict[str, Any]:
    code = bytes.fromhex(artifacts()["Registry"]["bytecode"][2:])
    return w.transact(w.platform, None, code + encode(["uint256", "uint256"], args))


def test_a_registry_needs_valid_arguments(w: World) -> None:
    """A commission of at most 100 %, and epochs with a length."""
    with reverts("registry: bps too large"):
        _deploy(w, 10_001, 60)
    with reverts("registry: epoch length is zero"):
        _deploy(w, 0, 0)
    assert _deploy(w, 10_000, 1)["status"] == "0x1"


def _set(w: World, station: bytes, domain: str, active: bool = True) -> dict[str, Any]:
    return w.send(w.platform, "Registry", "set_station", station, domain, "Radio", active)


def _of(w: World, domain: str) -> bytes:
    return to_address(w.call("Registry", "station_of", domain))


def test_a_domain_has_one_station(w: World) -> None:
    """A second station is refused a listed domain, even of a suspended station."""
    _set(w, A, "radio.example")
    with reverts("registry: domain taken"):
        _set(w, B, "radio.example")
    _set(w, A, "radio.example", active=False)
    with reverts("registry: domain taken"):
        _set(w, B, "radio.example")
    assert _of(w, "radio.example") == A
    _set(w, B, "radio.example:8080")
    assert _of(w, "radio.example:8080") == B


def test_a_station_has_one_domain(w: World) -> None:
    """A move frees the old domain for others, and holds the new one."""
    _set(w, A, "old.example")
    receipt = _set(w, A, "new.example")
    assert (_of(w, "old.example"), _of(w, "new.example")) == (ZERO, A)
    assert w.call("Registry", "station", A) == ("new.example", "Radio", True)
    assert w.events("Registry", "StationSet", receipt)[0]["domain"] == "new.example"
    _set(w, B, "old.example")
    with reverts("registry: domain taken"):
        _set(w, A, "old.example")
    assert (_of(w, "old.example"), _of(w, "new.example")) == (B, A)


def test_an_entry_needs_an_address_and_a_domain_or_url(w: World) -> None:
    """Neither the zero address nor an empty domain or URL is listed."""
    with reverts("registry: zero address"):
        _set(w, ZERO, "radio.example")
    with reverts("registry: domain is empty"):
        _set(w, A, "")
    with reverts("registry: zero address"):
        w.send(w.platform, "Registry", "set_server", ZERO, "http://x", KEY, True)
    with reverts("registry: URL is empty"):
        w.send(w.platform, "Registry", "set_server", A, "", KEY, True)
    receipt = w.send(w.platform, "Registry", "set_server", A, "http://x", KEY, True)
    assert w.call("Registry", "server", A) == ("http://x", KEY, True)
    assert w.events("Registry", "ServerSet", receipt) == [{"server": A, "url": "http://x", "key": KEY, "active": True}]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set_station", (A, "x", "x", True)),
        ("set_server", (A, "x", KEY, True)),
        ("set_rate", (1, EPOCH + 9)),
        ("suspend_station", (A, "late")),
        ("reinstate_station", (A,)),
        ("set_verifier", (A, True)),
        ("transfer_ownership", (A,)),
    ],
)
def test_only_the_platform_changes_lists_and_commission(w: World, name: str, arguments: tuple[Any, ...]) -> None:
    """Every other account is refused."""
    with reverts(NOT_OWNER):
        w.send(w.other, "Registry", name, *arguments)


def test_the_platform_changes_hands_in_two_steps(w: World) -> None:
    """A mistyped address never gets the registry: the new platform has to accept."""
    w.send(w.platform, "Registry", "transfer_ownership", address_of(w.other))
    with reverts("ownable_2step: caller is not the new owner"):
        w.send(w.fan, "Registry", "accept_ownership")
    w.send(w.platform, "Registry", "set_rate", 1, EPOCH + 9)
    w.send(w.other, "Registry", "accept_ownership")
    with reverts(NOT_OWNER):
        w.send(w.platform, "Registry", "set_rate", 1, EPOCH + 9)
    w.send(w.other, "Registry", "set_rate", 1, EPOCH + 9)


def _rates(w: World, first: int, count: int) -> list[int]:
    return [w.call("Registry", "rate_at", first + n) for n in range(count)]


def test_a_commission_needs_two_epochs_notice(w: World) -> None:
    """Neither this epoch's rate nor the next one's can change, to the second; the one after may."""
    with reverts("registry: bps too large"):
        w.send(w.platform, "Registry", "set_rate", 10_001, EPOCH + 2)
    last = SCHEDULE.ends(EPOCH) - 1
    w.at(last - 1)
    with reverts("registry: notice too short"):
        w.send(w.platform, "Registry", "set_rate", 700, EPOCH + 1)
    w.at(last).send(w.platform, "Registry", "set_rate", 700, EPOCH + 2)
    assert _rates(w, EPOCH - 1, 5) == [BPS, BPS, BPS, 700, 700]
    w.at(SCHEDULE.ends(EPOCH))
    with reverts("registry: notice too short"):
        w.send(w.platform, "Registry", "set_rate", 900, EPOCH + 2)


def test_an_announced_commission_can_be_replaced_in_time(w: World) -> None:
    """Possible while it is two epochs away; closer than that it is final."""
    w.send(w.platform, "Registry", "set_rate", 700, EPOCH + 3)
    receipt = w.mine(SCHEDULE.ends(EPOCH)).send(w.platform, "Registry", "set_rate", 900, EPOCH + 3)
    assert w.events("Registry", "RateSet", receipt) == [{"old": BPS, "new": 900, "from_epoch": EPOCH + 3}]
    assert _rates(w, EPOCH, 5) == [BPS, BPS, BPS, 900, 900]
    w.at(SCHEDULE.ends(EPOCH + 1))
    with reverts("registry: notice too short"):
        w.send(w.platform, "Registry", "set_rate", 100, EPOCH + 9)
    assert _rates(w, EPOCH, 5) == [BPS, BPS, BPS, 900, 900]


def test_every_past_rate_is_kept(w: World) -> None:
    """However many changes followed, an epoch's rate is the one in force in it, at both its edges."""
    changes = {2: 700, 5: 900, 8: 100, 11: 0, 13: 10_000, 20: 300, 33: 301}
    for ahead, bps in changes.items():
        w.mine(max(w.now() + 1, SCHEDULE.length * (EPOCH + ahead - 2)))
        w.send(w.platform, "Registry", "set_rate", bps, EPOCH + ahead)
    expected, rate = [], BPS
    for offset in range(-3, 40):
        rate = changes.get(offset, rate)
        expected.append(rate)
    assert _rates(w, EPOCH - 3, 43) == expected
    assert w.call("Registry", "rate_at", 0) == BPS
    assert w.call("Registry", "rate_at", 2**256 - 1) == 301
    assert w.call("Registry", "rate_changes") == 8


def test_a_rate_of_an_epoch_above_32_bits_is_refused(w: World) -> None:
    """Such epochs never occur."""
    with reverts("registry: notice too short"):
        w.send(w.platform, "Registry", "set_rate", 700, 2**32)
    w.send(w.platform, "Registry", "set_rate", 700, 2**32 - 1)
    assert _rates(w, 2**32 - 2, 3) == [BPS, 700, 700]


_STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10_000), st.integers(0, 4)), min_size=1, max_size=8)


@budget(0.12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_a_near_rate_never_changes(w: World, steps: list[tuple[int, int, int]]) -> None:
    """Whatever the platform calls, an epoch's rate is final from two epochs before it."""
    mark = w.request("evm_snapshot")
    try:
        _walk(w, steps)
    finally:
        assert w.request("evm_revert", mark)


def _walk(w: World, steps: list[tuple[int, int, int]]) -> None:
    fixed: dict[int, int] = {}
    epoch = EPOCH
    for wait, bps, ahead in steps:
        epoch += wait
        if wait:
            w.mine(epoch * SCHEDULE.length)
        fixed |= {e: w.call("Registry", "rate_at", e) for e in range(EPOCH - 2, epoch + 2) if e not in fixed}
        try:
            w.send(w.platform, "Registry", "set_rate", bps, epoch + ahead)
        except GomaaError as e:
            assert e.detail["reason"] == "registry: notice too short"
        assert {e: w.call("Registry", "rate_at", e) for e in fixed} == fixed


PROOF = bytes([8]) * 32


def _apply(w: World, domain: str = "fan.example") -> bytes:
    w.send(w.fan, "Registry", "apply", domain, "Fan FM")
    return address_of(w.fan)


def test_a_station_is_listed_by_its_domain_proof(w: World) -> None:
    """It applies with its own key.

    A verifier that fetched the file lists it, and its name and the file's hash are recorded.
    """
    station, verifier = _apply(w), address_of(w.other)
    assert w.call("Registry", "application", station) == ("fan.example", "Fan FM")
    assert w.call("Registry", "station", station) == ("", "", False)
    receipt = w.send(w.platform, "Registry", "set_verifier", verifier, True)
    assert w.events("Registry", "VerifierSet", receipt) == [{"verifier": verifier, "on": True}]
    receipt = w.send(w.other, "Registry", "verify_station", station, "fan.example", PROOF)
    assert w.events("Registry", "StationVerified", receipt) == [
        {"station": station, "verifier": verifier, "domain": "fan.example", "proof": PROOF}
    ]
    assert w.call("Registry", "station", station) == ("fan.example", "Fan FM", True)
    assert w.call("Registry", "standing", station) == (to_hex(verifier), PROOF, w.now(), "")
    assert w.call("Registry", "application", station) == ("", "")
    with reverts("registry: application differs"):
        w.send(w.other, "Registry", "verify_station", station, "fan.example", PROOF)


def test_only_verifiers_verify_what_was_applied_for(w: World) -> None:
    """Others, the station itself, another domain, an empty proof and a dismissed verifier are refused."""
    station = _apply(w)
    for key in (w.fan, w.other):
        with reverts("registry: not a verifier"):
            w.send(key, "Registry", "verify_station", station, "fan.example", PROOF)
    with reverts("registry: application differs"):
        w.send(w.platform, "Registry", "verify_station", station, "other.example", PROOF)
    with reverts("registry: application differs"):
        w.send(w.platform, "Registry", "verify_station", A, "", PROOF)
    with reverts("registry: proof is zero"):
        w.send(w.platform, "Registry", "verify_station", station, "fan.example", bytes(32))
    for on in (True, False):
        w.send(w.platform, "Registry", "set_verifier", address_of(w.other), on)
    with reverts("registry: not a verifier"):
        w.send(w.other, "Registry", "verify_station", station, "fan.example", PROOF)
    with reverts("registry: zero address"):
        w.send(w.platform, "Registry", "set_verifier", ZERO, True)
    with reverts("registry: domain is empty"):
        _apply(w, "")


def test_a_verified_station_cannot_take_a_domain(w: World) -> None:
    """A listed domain stays its station's until the platform moves it."""
    _set(w, A, "fan.example")
    station = _apply(w)
    with reverts("registry: domain taken"):
        w.send(w.platform, "Registry", "verify_station", station, "fan.example", PROOF)


def test_a_suspension_has_a_reason_and_ends(w: World) -> None:
    """It stops the station, keeps its domain, blocks a new application, and the platform ends it."""
    station = _apply(w)
    w.send(w.platform, "Registry", "verify_station", station, "fan.example", PROOF)
    with reverts("registry: reason is empty"):
        w.send(w.platform, "Registry", "suspend_station", station, "")
    receipt = w.send(w.platform, "Registry", "suspend_station", station, "plays without vouchers")
    assert w.events("Registry", "StationSuspended", receipt) == [
        {"station": station, "reason": "plays without vouchers"}
    ]
    assert w.call("Registry", "station", station) == ("fan.example", "Fan FM", False)
    assert w.call("Registry", "standing", station)[3] == "plays without vouchers"
    with reverts("registry: station not active"):
        w.send(w.platform, "Registry", "suspend_station", station, "again")
    with reverts("registry: station suspended"):
        _apply(w, "elsewhere.example")
    receipt = w.send(w.platform, "Registry", "reinstate_station", station)
    assert w.events("Registry", "StationReinstated", receipt) == [{"station": station}]
    assert w.call("Registry", "station", station)[2]
    with reverts("registry: station not suspended"):
        w.send(w.platform, "Registry", "reinstate_station", station)


def test_an_application_does_not_survive_a_suspension(w: World) -> None:
    """An earlier application is not verified meanwhile."""
    station = _apply(w)
    w.send(w.platform, "Registry", "verify_station", station, "fan.example", PROOF)
    _apply(w, "new.example")
    w.send(w.platform, "Registry", "suspend_station", station, "why")
    with reverts("registry: station suspended"):
        w.send(w.platform, "Registry", "verify_station", station, "new.example", PROOF)


def test_a_move_by_the_platform_deletes_the_domain_proof(w: World) -> None:
    """At a domain without a proof a station is not verified; renamed under its own it still is."""
    station = _apply(w)
    w.send(w.platform, "Registry", "verify_station", station, "fan.example", PROOF)
    w.send(w.platform, "Registry", "set_station", station, "fan.example", "New name", True)
    assert w.call("Registry", "standing", station)[1] == PROOF
    w.send(w.platform, "Registry", "set_station", station, "moved.example", "New name", True)
    assert w.call("Registry", "standing", station)[:2] == ("0x" + "00" * 20, bytes(32))
