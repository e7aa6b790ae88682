"""The parts of an account's state that a transaction may change, and the call that reads each.

A contract's events are no evidence; they only select what is read. An event of an unknown kind that names the account
is reported as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chain import node_answers
from messages.browser_host.chain import StateKind
from pywallet.crypto import keccak256
from pywallet.encoding.abi_words import decode, encode
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.provider.calls import Call

QUERY_GAS: Final = 100_000
"""Gas of one read: all reads of a simulation stay far below a block's gas limit."""
_WORD: Final = 32


@dataclass(frozen=True)
class AccountState:
    """One part of an account's state, read before and after a transaction.

    Attributes:
        kind: As in the result of ``simulate``.
        contract: Contract of the token or collection, 20 bytes; empty for the coin.
        other: The other address of an allowance or operator, 20 bytes.
        item: Number of the item.
        via: Contract that keeps an allowance, if it is not the token.
        read: Signature of the function that returns the value, if it is not the kind's usual one.
    """

    kind: StateKind
    contract: bytes
    other: bytes = b""
    item: int = 0
    via: bytes = b""
    read: str = ""


_READS: Final[dict[StateKind, str]] = {
    "coin": "(address)",
    "token": "balanceOf(address)",
    "many": "balanceOf(address,uint256)",
    "item": "ownerOf(uint256)",
    "allowance": "allowance(address,address)",
    "right": "getApproved(uint256)",
    "operator": "isApprovedForAll(address,address)",
}
PERMIT2: Final = "allowance(address,address,address)"
_777: Final = "isOperatorFor(address,address)"
_6909: Final = "isOperator(address,address)"
_6909_AMOUNT: Final = "allowance(address,address,uint256)"


def _topic(text: str) -> bytes:
    return keccak256(text.encode())


_TRANSFER: Final = _topic("Transfer(address,address,uint256)")
_APPROVAL: Final = _topic("Approval(address,address,uint256)")
_OPERATOR: Final = _topic("ApprovalForAll(address,address,bool)")
_SINGLE: Final = _topic("TransferSingle(address,address,address,uint256,uint256)")
_BATCH: Final = _topic("TransferBatch(address,address,address,uint256[],uint256[])")
_6909_TRANSFER: Final = _topic("Transfer(address,address,address,uint256,uint256)")
_6909_APPROVAL: Final = _topic("Approval(address,address,uint256,uint256)")
_6909_OPERATOR: Final = _topic("OperatorSet(address,address,bool)")
_777_OPERATORS: Final = frozenset(
    map(_topic, ("AuthorizedOperator(address,address)", "RevokedOperator(address,address)"))
)
_PERMIT2_RIGHTS: Final = frozenset(
    map(
        _topic,
        (
            "Approval(address,address,address,uint160,uint48)",
            "Permit(address,address,address,uint160,uint48,uint48)",
            "Lockdown(address,address,address)",
        ),
    )
)
_BALANCES: Final = frozenset(
    map(
        _topic,
        (
            "Deposit(address,uint256)",
            "Withdrawal(address,uint256)",
            "Sent(address,address,address,uint256,bytes,bytes)",
            "Minted(address,address,uint256,bytes,bytes)",
            "Burned(address,address,uint256,bytes,bytes)",
        ),
    )
)
"""Events of wrapped coin and ERC-777 that change a balance."""


def reads_of_call(to: bytes, decoded: Call, own_token: bytes) -> Iterator[AccountState]:
    """Parts that a decoded call names, which are read even if its contract emits no event."""
    yield AccountState("coin", b"")
    yield AccountState("token", own_token)
    if decoded.kind in ("transfer", "take", "approve", "allowance", "less"):
        yield AccountState("token", to)
    if decoded.kind in ("approve", "allowance", "less") and decoded.other is not None:
        yield AccountState("allowance", to, decoded.other)
    if decoded.item is not None:
        yield AccountState("right" if decoded.kind == "item" else "item", to, item=decoded.item)
    if decoded.kind == "operator" and decoded.other is not None:
        yield AccountState("operator", to, decoded.other)
    ids: Any = next((argument.value for argument in decoded.arguments if argument.name in ("ids", "id")), [])
    yield from (AccountState("many", to, item=item) for item in (ids if isinstance(ids, list) else [ids]))


def reads_of_logs(account: bytes, logs: Any) -> tuple[list[AccountState], bool]:
    """Parts of the account's state in a simulation's events, and True if an event is of an unknown kind."""
    found: list[AccountState] = []
    unknown = False
    for raw in node_answers.listing(logs):
        log = node_answers.mapping(raw)
        contract = node_answers.data(log.get("address"), 20)
        topics = [node_answers.data(topic, _WORD) for topic in node_answers.listing(log.get("topics"))]
        data = node_answers.data(log.get("data"))
        if account.rjust(_WORD, b"\0") not in b"".join((*topics, data)):
            continue
        try:
            reads = list(_of_event(contract, topics, data))
        except (GomaaError, IndexError):
            # A contract may emit malformed events.
            reads = []
        unknown |= not reads
        found += reads or [AccountState("token", contract)]
    return found, unknown


def _of_event(contract: bytes, topics: Sequence[bytes], data: bytes) -> Iterator[AccountState]:
    """Parts in one event, whichever of its parameters are indexed."""
    kind = topics[0]
    words = [*topics[1:], *(data[at : at + _WORD] for at in range(0, min(len(data), 5 * _WORD) - _WORD + 1, _WORD))]

    def address(at: int) -> bytes:
        return words[at][12:]

    def number(at: int) -> int:
        return int.from_bytes(words[at], "big")

    if kind == _TRANSFER:
        if len(topics) != 3:
            yield AccountState("item", contract, item=number(2))
        if len(topics) != 4:
            yield AccountState("token", contract)
    elif kind == _APPROVAL:
        if len(topics) != 3:
            yield AccountState("right", contract, item=number(2))
        if len(topics) != 4:
            yield AccountState("allowance", contract, address(1))
    elif kind == _OPERATOR:
        yield AccountState("operator", contract, address(1))
    elif kind == _SINGLE:
        yield AccountState("many", contract, item=number(3))
    elif kind == _BATCH:
        yield from (AccountState("many", contract, item=item) for item in decode("uint256[],uint256[]", data)[0])
    elif kind == _6909_TRANSFER:
        # The caller alone is not indexed.
        yield AccountState("many", contract, item=int.from_bytes(topics[3], "big"))
    elif kind == _6909_APPROVAL:
        yield AccountState("allowance", contract, address(1), number(2), read=_6909_AMOUNT)
    elif kind == _6909_OPERATOR:
        yield AccountState("operator", contract, address(1), read=_6909)
    elif kind in _777_OPERATORS:
        yield AccountState("operator", contract, address(0), read=_777)
    elif kind in _PERMIT2_RIGHTS:
        yield AccountState("allowance", address(1), address(2), via=contract, read=PERMIT2)
    elif kind in _BALANCES:
        yield AccountState("token", contract)


def query(account: bytes, state: AccountState, probe: str) -> dict[str, str]:
    """The call that reads a part of the state. ``probe``: a contract whose code returns an address's coin."""
    signature = state.read or _READS[state.kind]
    values: dict[str, list[Any]] = {
        "(address)": [account],
        "balanceOf(address)": [account],
        "balanceOf(address,uint256)": [account, state.item],
        "ownerOf(uint256)": [state.item],
        "allowance(address,address)": [account, state.other],
        "getApproved(uint256)": [state.item],
        "isApprovedForAll(address,address)": [account, state.other],
        PERMIT2: [account, state.contract, state.other],
        _777: [state.other, account],
        _6909: [account, state.other],
        _6909_AMOUNT: [account, state.other, state.item],
    }
    data = encode(signature, values[signature]) if state.kind == "coin" else call(signature, values[signature])
    to = probe if state.kind == "coin" else to_hex(state.via or state.contract)
    return {"to": to, "data": to_hex(data), "gas": hex(QUERY_GAS)}


def call(signature: str, values: Sequence[Any]) -> bytes:
    """A call's data."""
    types = signature[signature.index("(") :]
    # An interface's four bytes stand in a word of their own.
    selector = keccak256(signature.replace("supportsInterface(bytes32)", "supportsInterface(bytes4)").encode())[:4]
    return selector + encode(types, list(values))
