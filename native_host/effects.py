"""Effects of a transaction on the account that sends it: simulated at the node, read before and after it in one run.

What a contract's events say is only where to look. What is told are balances, owners and rights that the contracts
themselves answer. A token that changes hands without an event is seen where it is the called contract or GoMAA, and
nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chain import answers
from chain.client import Chain
from pywallet.errors import GomaaError
from pywallet.hexes import checksum, from_hex, to_hex
from pywallet.platform import keccak256
from pywallet.provider.abi import decode, encode
from pywallet.provider.calls import ERC20, ERC721, ERC1155, Call

MOST: Final = 48
"""Things that are looked at; a transaction that touches more is told as that."""
_GAS: Final = hex(300_000)
_PROBE: Final = "0x000000000000000000000000000000000000c0de"
# PUSH1 0, CALLDATALOAD, BALANCE, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: the coin of an address.
_BALANCE: Final = "0x600035316000526020" + "6000f3"


def _topic(text: str) -> str:
    return to_hex(keccak256(text.encode()))


_TRANSFER: Final = _topic("Transfer(address,address,uint256)")
_APPROVAL: Final = _topic("Approval(address,address,uint256)")
_OPERATOR: Final = _topic("ApprovalForAll(address,address,bool)")
_SINGLE: Final = _topic("TransferSingle(address,address,address,uint256,uint256)")
_BATCH: Final = _topic("TransferBatch(address,address,address,uint256[],uint256[])")
_PERMIT2: Final = _topic("Approval(address,address,address,uint160,uint48)")


@dataclass(frozen=True)
class Look:
    """One thing of the account to read before and after.

    ``kind``: coin, token (balance), many (balance of an item), item (its owner), allowance, right (who may move an item),
    operator (who may move all of a collection). ``via``: the contract that keeps an allowance, where it is not the token.
    """

    kind: str
    contract: bytes
    other: bytes = b""
    item: int = 0
    via: bytes = b""


@dataclass(frozen=True)
class Change:
    """A thing that is another afterwards.

    ``before`` and ``after``: amounts, 0 and 1 for an operator, an address as a number for who has or may move an item.
    """

    look: Look
    before: int
    after: int


async def standard(chain: Chain, contract: str) -> str:
    """Standard of a contract by its own word: erc20, erc721, erc1155, other, or none where there is no contract."""
    if not answers.data(await chain.request("eth_getCode", contract, "latest")):
        return "none"

    async def word(name: str, values: Sequence[Any] = ()) -> int | None:
        try:
            found = answers.data(await chain.request("eth_call", {"to": contract, "data": to_hex(_call(name, values))}, "latest"), 32)
        except GomaaError:
            # A contract that answers nothing of the kind fails in more ways than by reverting.
            return None
        return int.from_bytes(found, "big")

    def supports(interface: str) -> Any:
        return word("supportsInterface(bytes32)", [bytes.fromhex(interface).ljust(32, b"\0")])

    no, items, many, decimals, supply = await asyncio.gather(
        supports("ffffffff"), supports("80ac58cd"), supports("d9b67a26"), word("decimals()"), word("totalSupply()")
    )
    # ERC-165: one that answers yes to everything is no witness.
    if no == 0 and (items == 1 or many == 1):
        return "other" if items == many else ERC721 if items == 1 else ERC1155
    return ERC20 if decimals is not None and decimals < 256 and supply is not None else "other"


async def changes(chain: Chain, call: Mapping[str, str], says: Call, own_token: bytes) -> tuple[list[Change], bool] | None:
    """Changes of the sender after the call, and whether more was touched than is looked at.

    Args:
        chain: The node.
        call: The transaction: from, to, value, data, gas.
        says: The call as it was read: what it names is looked at too.
        own_token: GoMAA, whose balance is always looked at.

    Returns:
        None where the node cannot simulate, or the simulation ends otherwise than the estimate did.
    """
    account = from_hex(call["from"], 20)
    try:
        (first,) = await _run(chain, [call])
        looks = list(dict.fromkeys([*_claimed(account, from_hex(call["to"], 20), says, own_token), *_touched(account, first["logs"])]))
        more, looks = len(looks) > MOST, looks[:MOST]
        queries = [_query(account, look) for look in looks]
        results = await _run(chain, [*queries, call, *queries])
    except (GomaaError, KeyError, TypeError, ValueError):
        return None
    if answers.number(results[len(looks)].get("status")) != 1:
        return None
    found = []
    for at, look in enumerate(looks):
        before, after = _value(results[at]), _value(results[len(looks) + 1 + at])
        if before is not None and after is not None and before != after:
            found.append(Change(look, before, after))
    return [one for one in found if _concerns(account, one)], more


async def _run(chain: Chain, calls: Sequence[Mapping[str, str]]) -> list[Mapping[str, Any]]:
    """Calls one after the other on top of the newest block."""
    latest = answers.mapping(await chain.request("eth_getBlockByNumber", "latest", False))
    block = {
        "blockOverrides": {
            "number": hex(answers.number(latest.get("number")) + 1),
            "time": hex(answers.number(latest.get("timestamp")) + 1),
        },
        "stateOverrides": {_PROBE: {"code": _BALANCE}},
        "calls": list(calls),
    }
    options = {"blockStateCalls": [block], "traceTransfers": False, "validation": False}
    (answer,) = answers.listing(await chain.request("eth_simulateV1", options, "latest"))
    results = [answers.mapping(one) for one in answers.listing(answers.mapping(answer).get("calls"))]
    if len(results) != len(calls):
        raise GomaaError("chain.mismatch", reason="another number of calls")
    return results


def _claimed(account: bytes, to: bytes, says: Call, own_token: bytes) -> Iterator[Look]:
    """Looks at all that the call names, also where its contract tells no event."""
    yield Look("coin", b"")
    yield Look("token", own_token)
    if says.kind in ("transfer", "take", "approve", "allowance", "less"):
        yield Look("token", to)
    if says.kind in ("approve", "allowance", "less") and says.other is not None:
        yield Look("allowance", to, says.other)
    if says.item is not None:
        yield Look("right" if says.kind == "item" else "item", to, item=says.item)
    if says.kind == "operator" and says.other is not None:
        yield Look("operator", to, says.other)
    ids: Any = next((one.value for one in says.arguments if one.name in ("ids", "id")), [])
    yield from (Look("many", to, item=item) for item in (ids if isinstance(ids, list) else [ids]))


def _touched(account: bytes, logs: Any) -> Iterator[Look]:
    """Looks at all of the account that the events of a simulation name."""
    for raw in answers.listing(logs):
        log = answers.mapping(raw)
        contract = answers.data(log.get("address"), 20)
        topics = [answers.data(topic, 32) for topic in answers.listing(log.get("topics"))]
        data = answers.data(log.get("data"))
        kind = to_hex(topics[0]) if topics else ""
        people = [topic[12:] for topic in topics[1:]]
        if account not in people:
            continue
        if kind == _TRANSFER and len(topics) == 4:
            yield Look("item", contract, item=int.from_bytes(topics[3], "big"))
        elif kind == _TRANSFER:
            yield Look("token", contract)
        elif kind == _APPROVAL and len(topics) == 4:
            yield Look("right", contract, item=int.from_bytes(topics[3], "big"))
        elif kind == _APPROVAL and len(topics) == 3:
            yield Look("allowance", contract, people[1])
        elif kind == _OPERATOR and len(topics) == 3:
            yield Look("operator", contract, people[1])
        elif kind == _SINGLE:
            yield Look("many", contract, item=decode("uint256,uint256", data)[0])
        elif kind == _BATCH:
            yield from (Look("many", contract, item=item) for item in decode("uint256[],uint256[]", data)[0])
        elif kind == _PERMIT2 and len(topics) == 4:
            yield Look("allowance", people[1], people[2], via=contract)


def _call(signature: str, values: Sequence[Any]) -> bytes:
    types = signature[signature.index("(") + 1 : -1]
    # An interface's four bytes stand in a word of their own.
    selector = keccak256(signature.replace("supportsInterface(bytes32)", "supportsInterface(bytes4)").encode())[:4]
    return selector + encode(f"({types})", list(values))


def _query(account: bytes, look: Look) -> dict[str, str]:
    forms: dict[str, tuple[str, list[Any]]] = {
        "coin": ("(address)", [account]),
        "token": ("balanceOf(address)", [account]),
        "many": ("balanceOf(address,uint256)", [account, look.item]),
        "item": ("ownerOf(uint256)", [look.item]),
        "allowance": ("allowance(address,address)", [account, look.other]),
        "right": ("getApproved(uint256)", [look.item]),
        "operator": ("isApprovedForAll(address,address)", [account, look.other]),
    }
    signature, values = forms[look.kind]
    if look.via:
        signature, values = "allowance(address,address,address)", [account, look.contract, look.other]
    data = encode("(address)", values) if look.kind == "coin" else _call(signature, values)
    to = _PROBE if look.kind == "coin" else to_hex(look.via or look.contract)
    return {"from": to_hex(account), "to": to, "data": to_hex(data), "gas": _GAS}


def _value(result: Mapping[str, Any]) -> int | None:
    """The first word of an answer. An item that is burnt or not made yet has no owner: 0."""
    if answers.number(result.get("status")) != 1:
        return 0
    found = answers.data(result.get("returnData"))
    return int.from_bytes(found[:32], "big") if len(found) >= 32 else None


def _concerns(account: bytes, change: Change) -> bool:
    """An item of which the account is owner neither before nor after is another's affair."""
    return change.look.kind != "item" or int.from_bytes(account, "big") in (change.before, change.after)


def expected(account: bytes, to: bytes, value: int, says: Call, change: Change) -> bool:
    """True for a change that gives nothing away but what the call says it gives."""
    look, own = change.look, int.from_bytes(account, "big")
    loss = change.before - change.after
    other = int.from_bytes(says.other or b"", "big")
    called = look.contract == to
    if look.kind == "coin":
        return loss <= value
    if look.kind == "token":
        return loss <= 0 or (called and says.kind == "transfer" and loss <= (says.amount or 0))
    if look.kind == "allowance":
        granted = change.after - change.before if says.kind == "allowance" else change.after
        named = called and not look.via and look.other == says.other and says.kind in ("approve", "allowance")
        return loss >= 0 or (named and granted <= (says.amount or 0))
    if look.kind == "operator":
        return change.after == 0 or (called and says.kind == "operator" and says.unlimited and look.other == says.other)
    if look.kind == "right":
        return change.after == 0 or (called and says.kind == "item" and look.item == says.item and change.after == other)
    if look.kind == "item":
        return change.after == own or (called and says.kind == "give" and look.item == says.item and change.after == other)
    return loss <= 0 or (called and says.kind == "many" and loss <= _given(says, look.item))


def _given(says: Call, item: int) -> int:
    """Number of an item that an ERC-1155 transfer names."""
    named = {one.name: one.value for one in says.arguments}
    if "ids" in named:
        return sum(amount for number, amount in zip(named["ids"], named["amounts"], strict=False) if number == item)
    return int(named["amount"]) if named.get("id") == item else 0


def kept(account: bytes, to: bytes, says: Call, found: Sequence[Change]) -> bool:
    """True where all that the call says it gives away does leave the account."""
    if says.other == account or (says.kind == "transfer" and not says.amount):
        return True
    looks = {"transfer": [Look("token", to)], "give": [Look("item", to, item=says.item or 0)]}.get(says.kind, [])
    return all(any(replace(change.look, other=b"") == look for change in found) for look in looks)


def told(account: bytes, to: bytes, value: int, says: Call, found: tuple[list[Change], bool] | None) -> dict[str, Any] | None:
    """Effects for a screen: {changes: [{kind, contract, other, item, before, after, own, expected}], more, as_said}.

    Amounts are text.
    """
    if found is None:
        return None
    rows = []
    for change in found[0]:
        look = change.look
        who = look.other
        if look.kind in ("item", "right"):
            who = change.after.to_bytes(32, "big")[12:] if change.after else b""
        rows.append(
            {
                "kind": look.kind,
                "contract": checksum(look.contract) if look.contract else None,
                "other": checksum(who) if who else None,
                "item": str(look.item) if look.kind in ("item", "right", "many") else None,
                "before": str(change.before),
                "after": str(change.after),
                "own": look.kind == "item" and who == account,
                "expected": expected(account, to, value, says, change),
            }
        )
    as_said = all(row["expected"] for row in rows) and kept(account, to, says, found[0])
    return {"changes": rows, "more": found[1], "as_said": as_said}
