"""Escrow, bond, deployment, and a token whose transfers fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode

from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import BOND, EPOCH, ESCROW, FALSE_TOKEN, SCHEDULE, ZERO, World, reverts


def test_anyone_deposits_for_a_payer(w: World) -> None:
    """A deposit is the named payer's with the named server, whatever the sender."""
    server, payer = bytes([1]) * 20, bytes([2]) * 20
    receipt = w.send(w.platform, "Settlement", "deposit", server, payer, 7)
    w.send(w.station, "Settlement", "deposit", server, payer, 5)
    assert w.account(payer, server) == (0, 12)
    assert w.account(payer) == (0, 0)
    assert w.events("Settlement", "Deposited", receipt) == [{"server": server, "payer": payer, "amount": 7}]


def test_the_zero_address_has_no_escrow_and_no_bond(w: World) -> None:
    """The zero address is refused as server and as payer."""
    someone = bytes([1]) * 20
    for server, payer in ((ZERO, someone), (someone, ZERO)):
        with reverts("settlement: zero address"):
            w.send(w.platform, "Settlement", "deposit", server, payer, 1)
    with reverts("settlement: zero address"):
        w.send(w.platform, "Settlement", "bond", ZERO, 1)


@pytest.mark.parametrize(
    ("function", "reason", "before"),
    [
        ("deposit", "settlement: escrow overflow", ESCROW),
        ("bond", "settlement: bond overflow", BOND),
    ],
)
def test_escrow_and_bond_stop_at_96_bits(w: World, function: str, reason: str, before: int) -> None:
    """The field is filled to its last wei and never beyond, though no supply could."""
    server = address_of(w.server)
    keys = (server, address_of(w.station)) if function == "deposit" else (server,)
    with reverts(reason):
        w.send(w.platform, "Settlement", function, *keys, 2**96)
    # All that an empty field takes: only the token has not so much.
    with reverts("erc20: transfer amount exceeds balance"):
        w.send(w.platform, "Settlement", function, bytes([1]) * 20, *keys[1:], 2**96 - 1)
    w.store(before, 2**96 - 2, *keys)
    with reverts(reason):
        w.send(w.platform, "Settlement", function, *keys, 2)
    w.send(w.platform, "Settlement", function, *keys, 1)
    word = w.call("Settlement", "account" if function == "deposit" else "server_state", *keys)
    assert word == 2**96 - 1


def test_the_first_bonder_owns_the_bond(w: World) -> None:
    """The first account that bonds may add and retire; another one would lose its tokens, and is refused."""
    server = bytes([1]) * 20
    w.send(w.platform, "Settlement", "bond", server, 3)
    with reverts("settlement: not the bond owner"):
        w.send(w.station, "Settlement", "bond", server, 4)
    receipt = w.send(w.platform, "Settlement", "bond", server, 4)
    assert w.call("Settlement", "server_state", server) == 7
    assert w.call("Settlement", "bond_owner", server) == to_hex(address_of(w.platform))
    assert w.events("Settlement", "Bonded", receipt) == [
        {"server": server, "owner": address_of(w.platform), "amount": 4}
    ]


def test_without_allowance_nothing_moves(w: World) -> None:
    """The token's revert is propagated, and the balances are unchanged."""
    for name, arguments in (("deposit", (address_of(w.server), address_of(w.fan), 1)), ("bond", (bytes([1]) * 20, 1))):
        with reverts("erc20: insufficient allowance"):
            w.send(w.fan, "Settlement", name, *arguments)
    assert w.account(address_of(w.fan)) == (0, 0)
    assert w.call("Settlement", "server_state", address_of(w.server)) == BOND


def test_a_transfer_that_returns_false_reverts(w: World) -> None:
    """Every transfer's return value is checked: accounts and tokens never differ."""
    book = w.final()
    owner, server, token = address_of(w.owner), address_of(w.server), to_hex(w.deployment.token)
    code = w.request("eth_getCode", token, "latest")
    w.request("anvil_setCode", token, FALSE_TOKEN)
    calls: Sequence[tuple[str, tuple[Any, ...]]] = (
        ("deposit", (server, owner, 1)),
        ("bond", (server, 1)),
        ("collect", (server, EPOCH)),
    )
    for name, arguments in calls:
        with reverts("settlement: transfer failed"):
            w.send(w.platform, "Settlement", name, *arguments)
    with reverts("settlement: transfer failed"):
        w.claim([w.item(book, 0)], book.tree.proof(0), owner)
    w.request("anvil_setCode", token, code)
    w.claim([w.item(book, 0)], book.tree.proof(0), owner)


def test_withdrawal_and_slash_need_successful_transfers(w: World) -> None:
    """Withdrawal, stake, slash and return of the bond change nothing while transfers fail."""
    server, fan, token = address_of(w.server), address_of(w.fan), to_hex(w.deployment.token)
    code = w.request("eth_getCode", token, "latest")
    w.send(w.station, "Settlement", "request", server, 5)
    w.send(w.platform, "Settlement", "retire", server)
    signed = w.receipt(w.book(), fan, 500)
    w.at(SCHEDULE.ends(EPOCH) + SCHEDULE.grace).challenge(signed)
    w.mine(w.now() + SCHEDULE.delay)
    w.request("anvil_setCode", token, FALSE_TOKEN)
    with reverts("settlement: transfer failed"):
        w.send(w.station, "Settlement", "withdraw", server)
    with reverts("settlement: transfer failed"):
        w.challenge(w.receipt(w.book(), fan, 499))
    with reverts("settlement: transfer failed"):
        w.slash(signed)
    assert w.server_state()[0] == BOND
    w.request("anvil_setCode", token, code)
    w.send(w.station, "Settlement", "withdraw", server)
    w.slash(signed)
    other = bytes([1]) * 20
    w.send(w.platform, "Settlement", "bond", other, 9)
    w.send(w.platform, "Settlement", "retire", other)
    w.mine(w.now() + 2 * SCHEDULE.length + SCHEDULE.late + SCHEDULE.answer)
    w.request("anvil_setCode", token, FALSE_TOKEN)
    with reverts("settlement: transfer failed"):
        w.send(w.platform, "Settlement", "unbond", other)
    w.request("anvil_setCode", token, code)
    w.send(w.platform, "Settlement", "unbond", other)


def test_a_token_with_too_great_a_supply_is_refused(w: World) -> None:
    """A supply of 2^90 or more: sums would exceed their fields."""
    d, supply = w.deployment, "0x" + "60" + "01" + "60" + "5a" + "1b" + "60005260206000f3"
    # PUSH1 1, PUSH1 90, SHL, then return it to every call: a supply of 2^90.
    receipt = w.transact(w.platform, None, bytes.fromhex("600d600c600039600d6000f3") + bytes.fromhex(supply[2:]))
    big = bytes.fromhex(receipt["contractAddress"][2:])
    with reverts("settlement: supply too large"):
        _deploy(w, big, d.registry, d.treasury, 60, 5, 15, 15, 3600, 70, 1)


def _deploy(w: World, *args: Any) -> dict[str, Any]:
    made = artifacts()["Settlement"]
    inputs = next(entry["inputs"] for entry in made["abi"] if entry["type"] == "constructor")
    return w.transact(w.platform, None, bytes.fromhex(made["bytecode"][2:]) + encode([i["type"] for i in inputs], args))


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_settlement_needs_token_registry_and_treasury(w: World, missing: int) -> None:
    """None of the three can be set later, so none may be zero."""
    addresses = [w.deployment.token, w.deployment.registry, w.deployment.treasury]
    addresses[missing] = ZERO
    with reverts("settlement: zero address"):
        _deploy(w, *addresses, 60, 5, 15, 15, 3600, 70, 1)


@pytest.mark.parametrize(
    ("times", "fits"),
    [
        ((30, 15, 15, 75, 90), True),
        ((31, 15, 15, 75, 91), False),
        ((5, 0, 15, 75, 65), False),
        ((30, 15, 15, 75, 89), False),
        ((30, 15, 15, 74, 90), False),
    ],
)
def test_the_windows_fit_into_an_epoch(w: World, times: tuple[int, ...], fits: bool) -> None:
    """Grace, window and answer take at most an epoch, a window at least a second.

    Neither delay nor a late post loses an epoch.
    """
    arguments = (w.deployment.token, w.deployment.registry, w.deployment.treasury, 60, *times, 1)
    if fits:
        assert _deploy(w, *arguments)["contractAddress"]
        return
    with reverts("settlement: invalid schedule"):
        _deploy(w, *arguments)


def test_a_settlement_has_its_registrys_epochs(w: World) -> None:
    """The notice of a rate would be worthless if counted in other epochs than those posted."""
    with reverts("settlement: epoch length differs"):
        _deploy(w, w.deployment.token, w.deployment.registry, w.deployment.treasury, 61, 5, 15, 15, 3600, 70, 1)


def test_the_schedule_is_readable(w: World) -> None:
    """The deployment file and the contract agree."""
    names = (
        "EPOCH_LENGTH",
        "GRACE_PERIOD",
        "CHALLENGE_WINDOW",
        "ANSWER_PERIOD",
        "CHALLENGE_PERIOD",
        "WITHDRAWAL_DELAY",
        "CHALLENGE_STAKE",
    )
    s = SCHEDULE
    expected = (s.length, s.grace, s.window, s.answer, s.late, s.delay, w.deployment.stake)
    assert tuple(w.call("Settlement", name) for name in names) == expected
    addresses = (w.deployment.token, w.deployment.registry, w.deployment.treasury)
    assert tuple(w.call("Settlement", name) for name in ("TOKEN", "REGISTRY", "TREASURY")) == tuple(
        map(to_hex, addresses)
    )


def test_the_eip712_domain_is_the_signed_one(w: World) -> None:
    """ERC-5267 returns what pywallet hashes: name, version, chain and contract."""
    from chain.abi import function

    found = function("Settlement", "eip712Domain")
    data = w.request("eth_call", {"to": to_hex(w.deployment.settlement), "data": to_hex(found.encode())}, "latest")
    fields = found.decode(bytes.fromhex(data[2:]))
    assert fields[1:5] == ("GoMAA Settlement", "1", 31337, to_hex(w.deployment.settlement))


def test_the_functions_are_the_specified_ones(w: World) -> None:
    """The functions that change state are the specification's; no key has one of its own."""
    abi = artifacts()["Settlement"]["abi"]
    changing = {e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
    money = {"deposit", "request", "withdraw", "bond", "retire", "unbond", "debit", "undo", "post", "claim", "collect"}
    assert changing == money | {"claimOne", "challenge", "answerBatch", "dismiss", "slash", "refund"}
