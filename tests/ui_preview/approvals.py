"""Requests of sites, as the approval window receives them."""

from __future__ import annotations

from typing import Any

ACCOUNT = "0x9858effd232b4033e47d90003d41ec34ecaeda94"
STRANGER = "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0"
TOKEN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
DIGEST = "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"


def _field(name: str, kind: str, value: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "value": value}


DOMAIN = [
    _field("name", "string", "Harbour Auction"),
    _field("version", "string", "1"),
    _field("chainId", "uint256", "31337"),
    _field("verifyingContract", "address", TOKEN),
]
TYPED: dict[str, Any] = {
    "account": ACCOUNT,
    "primary": "Bid",
    "name": "Harbour Auction",
    "version": "1",
    "chain_id": 31337,
    "contract": TOKEN,
    "readings": [{"kind": "unknown", "unlimited": False, "lines": []}],
    "spends": True,
    "unlimited": False,
    "domain": DOMAIN,
    "message": [
        {
            "name": "bidder",
            "type": "Person",
            "parts": [_field("name", "string", "Ada L."), _field("wallet", "address", STRANGER)],
        },
        {"name": "lots", "type": "uint256[]", "parts": [_field("0", "uint256", "17"), _field("1", "uint256", "18")]},
        _field("amount", "uint256", "2500000000000000000"),
        _field("note", "string", "for the tide \\u{202e}clock"),
    ],
    "digest": DIGEST,
}
PERMIT: dict[str, Any] = {
    "kind": "permit",
    "unlimited": True,
    "lines": [
        ["gets", STRANGER],
        ["token", TOKEN],
        ["amount", str(2**256 - 1)],
        ["until", "1793000000"],
        ["bound", "witness: Order"],
    ],
}
ORDER: dict[str, Any] = {"kind": "order", "unlimited": False, "lines": [["from", ACCOUNT], ["until", str(2**256 - 1)]]}


def _change(kind: str, before: int, after: int, **more: Any) -> dict[str, Any]:
    """A row of the effects."""
    row = {"contract": TOKEN, "other": None, "item": None, "own": False, "expected": True}
    return {**row, "kind": kind, "before": str(before), "after": str(after), **more}


SENT = _change("token", 5 * 10**18, 25 * 10**17)
SEND: dict[str, Any] = {
    "checksum": TOKEN,
    "value_wei": "0",
    "data": "0xa9059cbb" + STRANGER[2:].lower().rjust(64, "0") + f"{25 * 10**17:064x}",
    "place": "token",
    "chain_id": 31337,
    "fee_wei": "61234567890000",
    "most_wei": "120000000000000",
    "account": ACCOUNT,
    "says": {
        "kind": "transfer",
        "other": STRANGER,
        "amount": str(25 * 10**17),
        "item": None,
        "unlimited": False,
        "method": "0xa9059cbb",
        "arguments": [_field("to", "address", STRANGER), _field("amount", "uint256", str(25 * 10**17))],
    },
    "token": TOKEN.lower(),
    "standard": "erc20",
    "effects": {"changes": [SENT], "more": False, "as_said": True},
}
ACCOUNTS = [{"index": 0, "name": "", "address": ACCOUNT}, {"index": 1, "name": "Tips", "address": STRANGER.lower()}]
SIGN_IN = (
    f"tunes.example wants you to sign in with your Ethereum account:\n{ACCOUNT}\n\nURI: "
    f"https://tunes.example\nVersion: 1\nChain ID: 31337"
)


def asked(kind: str, facts: Any = None, **more: Any) -> dict[str, Any]:
    """The answers of the engine while one question stands."""
    head = {"id": "1", "kind": kind, "origin": "https://harbour.example", "top": None, **more}
    locked = facts is None
    return {
        "approval.next": {
            "approval": head if locked else {**head, "facts": facts},
            "locked": locked,
            "waiting": 2 if kind == "typed" else 0,
        }
    }


def questions() -> dict[str, dict[str, Any]]:
    """Every kind of question by name."""
    personal = {"account": ACCOUNT, "text": "Hello, Harbour.", "hex": "0x00", "hidden": False, "sign_in": None}
    allow = {**SEND["says"], "kind": "approve", "unlimited": True}
    unknown = {
        "kind": "unknown",
        "other": None,
        "amount": None,
        "item": None,
        "unlimited": False,
        "method": "0x12345678",
        "arguments": [],
    }
    item = {**SEND["says"], "kind": "give", "amount": None, "item": "7"}
    item["arguments"] = [
        _field("from", "address", ACCOUNT),
        _field("to", "address", STRANGER),
        _field("tokenId", "uint256", "7"),
    ]
    leaves = _change("item", 1, 2, contract=STRANGER, item="7", other=STRANGER)
    granted = _change("allowance", 0, 2**256 - 1, other=STRANGER)
    taken = [
        _change("coin", 2 * 10**18, 19 * 10**17, contract=None),
        _change("token", 7 * 10**18, 0, expected=False),
        _change("operator", 0, 1, contract=STRANGER, other=STRANGER, expected=False),
    ]
    return {
        "connect": asked("connect", {"accounts": ACCOUNTS, "current": ACCOUNT, "again": False}),
        "connect-framed": asked(
            "connect", {"accounts": ACCOUNTS[:1], "current": ACCOUNT, "again": False}, top="https://surrounding.example"
        ),
        "locked": asked("connect"),
        "network": asked("network", {"from": 31337, "chain_id": 5}),
        "personal": asked("personal", personal),
        "personal-hex": asked("personal", {**personal, "text": None, "hex": DIGEST}),
        "sign-in-wrong": asked(
            "personal",
            {**personal, "text": SIGN_IN, "sign_in": {"domain": "tunes.example", "wrong": ["domain", "uri", "form"]}},
        ),
        "typed": asked("typed", TYPED),
        "typed-permit": asked(
            "typed",
            {
                **TYPED,
                "primary": "PermitWitnessTransferFrom",
                "readings": [PERMIT, ORDER],
                "unlimited": True,
                "chain_id": None,
                "contract": None,
            },
        ),
        "send": asked("send", SEND),
        "send-approve": asked(
            "send", {**SEND, "says": allow, "effects": {"changes": [granted], "more": False, "as_said": True}}
        ),
        "send-unknown": asked(
            "send", {**SEND, "place": None, "value_wei": str(10**17), "says": unknown, "effects": None}
        ),
        "send-item": asked(
            "send",
            {
                **SEND,
                "place": None,
                "says": item,
                "checksum": STRANGER,
                "effects": {"changes": [leaves], "more": False, "as_said": True},
            },
        ),
        "send-mismatch": asked("send", {**SEND, "effects": {"changes": taken, "more": True, "as_said": False}}),
    }
