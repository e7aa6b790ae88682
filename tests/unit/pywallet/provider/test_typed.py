"""Typed data: strict parsing by the declared types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywallet.encoding.hex import checksum
from pywallet.errors import GomaaError, InputError, WalletError
from pywallet.provider import Types, read_typed, view_of
from tests.unit.pywallet.provider.typed_samples import MAIL, MAIL_DIGEST, mail

SETTLEMENT = bytes.fromhex("55" * 20)


def refused(text: str, chain_id: int = 1) -> str:
    """The field that the error names."""
    with pytest.raises(InputError) as caught:
        read_typed(text, chain_id)
    assert caught.value.code == "message.schema"
    return str(caught.value.detail["field"])


def test_the_standards_example_has_the_standards_digest() -> None:
    """encodeType, typeHash or digest of EIP-712's Ether Mail would differ."""
    data = read_typed(mail(), 1)
    assert (
        data.types.encode_type("Mail")
        == "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
    )
    assert data.types.type_hash("Mail").hex() == "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2"
    assert data.digest.hex() == MAIL_DIGEST


def test_undeclared_and_missing_fields_are_refused() -> None:
    """A field that is not displayed would be ignored, or a missing one be zero."""
    assert refused(mail(message__extra="x")) == "message.extra"
    assert refused(mail(message__from__extra="x")) == "message.from.extra"
    assert refused(mail(domain__extra="x")) == "domain.extra"
    assert refused(mail(domain__salt="0x" + "00" * 32)) == "domain.salt"
    assert refused(mail(message__contents=None)) == "message.contents"
    assert refused(mail(message__to__wallet=None)) == "message.to.wallet"
    assert refused(mail(domain__version=None)) == "domain.version"
    assert refused(json.dumps({**MAIL, "extra": 1})) == "data"
    assert refused(json.dumps({k: v for k, v in MAIL.items() if k != "types"})) == "data"


def test_another_chain_is_refused() -> None:
    """A message for another network would be signed."""
    assert refused(mail(), chain_id=2) == "domain.chainId"
    assert read_typed(mail(domain__chainId="1"), 1).digest == read_typed(mail(domain__chainId="0x1"), 1).digest
    for value in ("01", "1.0", " 1", "+1", 1.5, True, -1, "0x", 2**53, "1e3"):
        assert refused(mail(domain__chainId=value)) in ("domain.chainId", "data"), value


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "uint8",
            [0, 255, "255", "0xff", "0xFF", "0XfF"],
            [256, -1, "256", "0x100", "-1", "", None, 1.0, "1 ", [], True],
        ),
        ("int8", [-128, 127, "-128"], [128, -129, "-129", "--1", "-0", "-01"]),
        ("bool", [True, False], [0, 1, "true", None]),
        (
            "address",
            ["0x" + "ab" * 20, "0X" + "AB" * 20],
            ["ab" * 20, "0x" + "ab" * 19, checksum(b"\xab" * 20).replace("A", "a", 1), 5, None],
        ),
        ("bytes4", ["0x00000000"], ["0x000000", "0x0000000000", "abcd", "0x0000000g"]),
        ("bytes", ["0x", "0x00", "0XaB"], ["", "text", "0x0"]),
        ("string", ["", "é\n"], [1, None, "\ud800"]),
        ("uint8[2]", [[1, 2]], [[1], [1, 2, 3], {"0": 1, "1": 2}, "12", [1, 256]]),
        ("uint8[]", [[], [1]], [None, 1, [None]]),
    ],
)
def test_values_are_canonical_for_their_type(kind: str, good: list[Any], bad: list[Any]) -> None:
    """A value would be parsed otherwise than by another reader."""

    def one(value: Any) -> str:
        types = {"EIP712Domain": [{"name": "name", "type": "string"}], "One": [{"name": "v", "type": kind}]}
        return json.dumps({"types": types, "primaryType": "One", "domain": {"name": "x"}, "message": {"v": value}})

    for value in good:
        assert len(read_typed(one(value), 1).digest) == 32
    for value in bad:
        assert refused(one(value)).startswith(("message.v", "data")), value


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"One": []},
        {"EIP712Domain": []},
        {"EIP712Domain": [{"name": "version", "type": "string"}, {"name": "name", "type": "string"}]},
        {"EIP712Domain": [{"name": "name", "type": "bytes32"}]},
        {"EIP712Domain": [{"name": "owner", "type": "address"}]},
        {"One": [{"name": "v", "type": "uint"}]},
        {"One": [{"name": "v", "type": "uint7"}]},
        {"One": [{"name": "v", "type": "bytes33"}]},
        {"One": [{"name": "v", "type": "Two"}]},
        {"One": [{"name": "v", "type": "EIP712Domain"}]},
        {"One": [{"name": "v", "type": "uint8[0]"}]},
        {"One": [{"name": "v", "type": "uint8[][][][][][][][][]"}]},
        {"One": [{"name": "v", "type": "uint8)Two(uint8 v"}]},
        {"One": [{"name": "v,uint8 w", "type": "uint8"}]},
        {"One": [{"name": "v", "type": "uint8"}, {"name": "v", "type": "uint8"}]},
        {"One": [{"name": "v", "type": "uint8", "extra": 1}]},
        {"uint8": [{"name": "v", "type": "string"}]},
        {"One(uint8 v)": []},
    ],
)
def test_malformed_types_are_refused(types: Any) -> None:
    """A type name would change the encoding of another one."""
    domain = {"EIP712Domain": [{"name": "name", "type": "string"}]}
    whole = types if "EIP712Domain" in types or not types else {**domain, **types}
    if types == {"One": []}:
        whole = types
    with pytest.raises(InputError):
        Types.read(whole)


def test_recursive_structs_are_limited() -> None:
    """A tree of structs would be refused, or a deep or long one take endless work."""
    types = {"EIP712Domain": [{"name": "name", "type": "string"}], "Node": [{"name": "kids", "type": "Node[]"}]}

    def tree(depth: int) -> Any:
        return {"kids": [tree(depth - 1)] if depth else []}

    def text(message: Any) -> str:
        return json.dumps({"types": types, "primaryType": "Node", "domain": {"name": "x"}, "message": message})

    assert len(read_typed(text(tree(5)), 1).digest) == 32
    refused(text(tree(30)))
    refused(text({"kids": [{"kids": []}] * 5000}))
    refused(" " * 300_000)
    refused('{"types":' * 2000)


def test_ambiguous_json_is_refused() -> None:
    """A repeated field or a fraction would be read otherwise by another reader."""
    assert refused(mail().replace('"contents":', '"contents": "shown", "contents":')) == "data"
    assert refused(mail().replace('"chainId": 1', '"chainId": 1.0')) == "data"
    assert refused(mail().replace('"chainId": 1', '"chainId": NaN')) == "data"
    # Longer than Python turns into a number.
    assert refused(mail().replace('"chainId": 1', f'"chainId": {"1" * 5000}')) == "data"
    assert refused("[]") == refused("null") == refused("{") == "data"


@pytest.mark.parametrize("name", ["GoMAA Settlement", "gomaa settlement", " GoMAA  Settlement "])
def test_no_page_gets_a_signature_of_gomaas_own_messages(name: str) -> None:
    """A page could get a session, voucher or claim signed."""
    for text, own in ((mail(domain__name=name), ()), (mail(domain__verifyingContract="0x" + "55" * 20), (SETTLEMENT,))):
        with pytest.raises(WalletError) as caught:
            read_typed(text, 1, own)
        assert caught.value.code == "wallet.unsupported"


def test_every_field_is_displayed_with_invisible_characters_escaped() -> None:
    """A field would be missing, cut or reordered on the screen."""
    shown = view_of(read_typed(mail(message__contents="pay \u202eevil"), 1))
    assert (shown.primary, shown.name, shown.chain_id, shown.contract) == (
        "Mail",
        "Ether Mail",
        1,
        "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    )
    assert [node["name"] for node in shown.message] == ["from", "to", "contents"]
    assert shown.message[2] == {"name": "contents", "type": "string", "value": "pay \\u{202e}evil"}
    assert shown.message[0]["parts"][1]["value"] == "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
    assert not shown.spends


def test_a_permit_is_recognised() -> None:
    """A permit, or its lack of a limit, would not be displayed."""
    types = {
        "EIP712Domain": MAIL["types"]["EIP712Domain"],
        "Permit": [{"name": "spender", "type": "address"}, {"name": "value", "type": "uint256"}],
    }
    for value, unlimited in ((5, False), (str(2**256 - 1), True)):
        message = {"spender": "0x" + "11" * 20, "value": value}
        shown = view_of(
            read_typed(
                json.dumps({"types": types, "primaryType": "Permit", "domain": MAIL["domain"], "message": message}), 1
            )
        )
        assert shown.spends
        assert shown.unlimited is unlimited


def test_any_truncated_text_is_a_coded_error() -> None:
    """A truncated text would raise another exception."""
    text = mail()
    for end in range(0, len(text), 7):
        with pytest.raises(GomaaError):
            read_typed(text[:end], 1)
