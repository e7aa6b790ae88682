"""Signed messages: recorded vectors, JSON form, signers."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto, protocol
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError
from pywallet.protocol import (
    Claim,
    Domain,
    Message,
    Session,
    Signed,
    Ticket,
    Voucher,
    compact,
    digest,
    require_signer,
    sign,
    signer,
)

RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "eip712" / "messages.json").read_text())
KEY = from_hex(RECORDED["key"])
DOMAIN = Domain(31337, b"\x5e" * 20)
KINDS: list[type[Message]] = [getattr(protocol, name) for name in RECORDED["types"]]
TICKET = Ticket(b"\1" * 20, b"\2" * 20, b"\3" * 20, b"\4" * 32, 7, 10**16, 2 * 10**15, 500, 1_800_000_000)


def of(kind: str) -> st.SearchStrategy[Any]:
    """Values of a Solidity type."""
    if kind.startswith("uint"):
        return st.integers(0, (1 << int(kind[4:])) - 1)
    size = 20 if kind == "address" else 32
    return st.binary(min_size=size, max_size=size)


anything = st.sampled_from(KINDS).flatmap(lambda kind: st.builds(kind, *map(of, kind.TYPES)))


@pytest.mark.parametrize("name", RECORDED["types"])
def test_encode_type_is_the_documented_text(name: str) -> None:
    """A type would differ from docs/protocol.md."""
    assert getattr(protocol, name).type_text() == f"{name}({RECORDED['types'][name]})"


@pytest.mark.parametrize("name", RECORDED["types"])
def test_digests_and_signatures_as_recorded(name: str) -> None:
    """A digest or signature would differ from eth-account's."""
    for case in [v for v in RECORDED["vectors"] if v["type"] == name]:
        domain = Domain(case["chain_id"], from_hex(case["settlement"]))
        signed = Signed.from_json(getattr(protocol, name), {k: case[k] for k in ("type", "message", "signature")})
        assert to_hex(digest(signed.message, domain)) == case["digest"]
        assert sign(signed.message, domain, KEY) == signed
        assert to_hex(signer(signed, domain)) == RECORDED["signer"]
        assert signed.to_json() == {k: case[k] for k in ("type", "message", "signature")}


@given(anything)
def test_parsing_inverts_the_json_form(message: Message) -> None:
    """A message would change by its JSON form."""
    signed = Signed(message, bytes(64) + b"\x1b")
    assert Signed.from_json(type(message), json.loads(json.dumps(signed.to_json()))) == signed


@given(anything, anything)
def test_different_messages_have_different_digests(one: Message, other: Message) -> None:
    """Two messages would share a digest."""
    assert (digest(one, DOMAIN) == digest(other, DOMAIN)) == (one == other and type(one) is type(other))


def test_domains_separate() -> None:
    """A signature would be valid on another chain or for another contract."""
    domains = (DOMAIN, Domain(1, DOMAIN.settlement), Domain(31337, b"\x5f" * 20))
    assert len({digest(TICKET, d) for d in domains}) == 3


def _changed(change: Any) -> Any:
    wire = copy.deepcopy(sign(TICKET, DOMAIN, KEY).to_json())
    change(wire)
    return wire


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.pop("type"),
        lambda w: w.update(type="Voucher"),
        lambda w: w.update(extra=1),
        lambda w: w.update(message=[]),
        lambda w: w["message"].pop("number"),
        lambda w: w["message"].update(more="1"),
        lambda w: w["message"].update(number=7),
        lambda w: w["message"].update(number=True),
        lambda w: w["message"].update(number="07"),
        lambda w: w["message"].update(number="-7"),
        lambda w: w["message"].update(number="+7"),
        lambda w: w["message"].update(number=" 7"),
        lambda w: w["message"].update(number="7.0"),
        lambda w: w["message"].update(number="0x7"),
        lambda w: w["message"].update(number="1_0"),
        lambda w: w["message"].update(number="٧"),
        lambda w: w["message"].update(number=""),
        lambda w: w["message"].update(number=str(1 << 32)),
        lambda w: w["message"].update(number="9" * 5000),
        lambda w: w["message"].update(number=None),
        lambda w: w["message"].update(server="0x" + "01" * 19),
        lambda w: w["message"].update(server="01" * 20),
        lambda w: w["message"].update(server="0x" + "zz" * 20),
        lambda w: w["message"].update(session="0x" + "01" * 33),
        lambda w: w.update(signature="0x" + "01" * 64),
        lambda w: w.update(signature=None),
    ],
)
def test_a_malformed_json_form_is_refused(change: Any) -> None:
    """A missing, additional or differently written field would be accepted."""
    with pytest.raises(InputError) as caught:
        Signed.from_json(Ticket, _changed(change))
    assert caught.value.code == "message.schema"


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, {"type": "Ticket"}])
def test_other_json_values_are_refused(value: Any) -> None:
    """Another JSON value would raise another exception."""
    with pytest.raises(InputError) as caught:
        Signed.from_json(Ticket, value)
    assert caught.value.code == "message.schema"


@pytest.mark.parametrize(
    "fields",
    [
        (b"\1" * 19, b"\2" * 20, 1, 1),
        (b"\1" * 20, bytearray(20), 1, 1),
        (b"\1" * 20, "0x" + "02" * 20, 1, 1),
        (b"\1" * 20, b"\2" * 20, -1, 1),
        (b"\1" * 20, b"\2" * 20, 1 << 256, 1),
        (b"\1" * 20, b"\2" * 20, True, 1),
        (b"\1" * 20, b"\2" * 20, 1, 1.0),
    ],
)
def test_values_outside_their_type_are_refused(fields: Any) -> None:
    """A value outside its Solidity type would be signed."""
    with pytest.raises(InputError):
        Voucher(*fields)


def test_require_signer() -> None:
    """Another signer, the zero address or a broken signature would pass."""
    signed = sign(TICKET, DOMAIN, KEY)
    me = crypto.address_of(KEY)
    require_signer(signed, DOMAIN, me, "ticket.signature")
    other = Domain(1, DOMAIN.settlement)
    broken = Signed(signed.message, bytes(65))
    for attempt, domain, address in (
        (signed, DOMAIN, b"\1" * 20),
        (signed, DOMAIN, bytes(20)),
        (signed, other, me),
        (broken, DOMAIN, me),
    ):
        with pytest.raises(InputError) as caught:
            require_signer(attempt, domain, address, "ticket.signature")
        assert caught.value.code == "ticket.signature"


def test_compact() -> None:
    """The form would differ from the examples of EIP-2098."""
    for r, s, v, expected in (
        (
            "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90",
            "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064",
            27,
            "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064",
        ),
        (
            "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76",
            "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793",
            28,
            "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793",
        ),
    ):
        assert compact(bytes.fromhex(r + s) + bytes([v])) == (int(r, 16), int(expected, 16))


def test_a_session_without_rewards_is_valid() -> None:
    """The zero payee would be refused."""
    session = Session(b"\1" * 20, crypto.address_of(KEY), b"\3" * 20, bytes(20), 0, 1)
    assert signer(sign(session, DOMAIN, KEY), DOMAIN) == session.listener


def test_a_changed_claim_has_another_signer() -> None:
    """A relayer could change the recipient."""
    claim = Claim(b"\1" * 20, 5, crypto.address_of(KEY), b"\2" * 20, 0)
    signed = sign(claim, DOMAIN, KEY)
    stolen = Signed(Claim(claim.server, claim.epoch, claim.payee, b"\3" * 20, 0), signed.signature)
    with pytest.raises(InputError):
        require_signer(stolen, DOMAIN, claim.payee, "claim.signature")
