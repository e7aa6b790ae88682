"""Effects of a transaction on the account that sends it: simulated at the node, read before and after it in one run.

The effects are balances, owners and rights that the contracts themselves return. A contract's events and the node's
access list only select what is read (``native_host.transactions.effect_reads``). A right that is given without an event
is not found.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chain import node_answers
from chain.client import Chain
from messages.browser_host.chain import Effect, Effects, Standard
from native_host.transactions.effect_reads import (
    PERMIT2,
    AccountState,
    call,
    query,
    reads_of_call,
    reads_of_logs,
)
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.provider.calls import ERC20, ERC721, ERC1155, Call

MAX_READS: Final = 48
"""Most parts that are read; a transaction that touches more is reported as such."""
# PUSH1 0, CALLDATALOAD, BALANCE, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN: the coin of an address.
_BALANCE: Final = "0x600035316000526020" + "6000f3"
_RICH: Final = hex(1 << 120)


@dataclass(frozen=True)
class Change:
    """A change of a part of the account's state.

    Attributes:
        state: The part.
        before: Value before the transaction: an amount; 0 or 1 for an operator; for an item or a right the owner's or
            holder's address as a number.
        after: Value after the transaction.
    """

    state: AccountState
    before: int
    after: int


async def standard(chain: Chain, contract: str) -> Standard:
    """Standard that a contract declares: erc20, erc721, erc1155, other, or none where there is no contract."""
    if not node_answers.data(await chain.request("eth_getCode", contract, "latest")):
        return "none"

    async def word(name: str, values: Sequence[Any] = ()) -> int | None:
        try:
            data = node_answers.data(
                await chain.request("eth_call", {"to": contract, "data": to_hex(call(name, values))}, "latest"), 32
            )
        except GomaaError:
            # Calls of a function that a contract lacks do not only revert.
            return None
        return int.from_bytes(data, "big")

    def supports(interface: str) -> Any:
        return word("supportsInterface(bytes32)", [bytes.fromhex(interface).ljust(32, b"\0")])

    no, items, many, decimals, supply = await asyncio.gather(
        supports("ffffffff"), supports("80ac58cd"), supports("d9b67a26"), word("decimals()"), word("totalSupply()")
    )
    # ERC-165: a contract that supports 0xffffffff supports nothing reliably.
    declared: dict[Standard, bool] = {
        ERC721: no == 0 and items == 1,
        ERC1155: no == 0 and many == 1,
        ERC20: decimals is not None and decimals < 256 and supply is not None,
    }
    standards = [name for name, is_declared in declared.items() if is_declared]
    # For a contract of two standards the same call data have two meanings.
    return standards[0] if len(standards) == 1 else "other"


async def changes(
    chain: Chain, call: Mapping[str, str], decoded: Call, own_token: bytes
) -> tuple[list[Change], bool] | None:
    """Simulate a call, and compare the sender's state before and after it.

    Args:
        chain: Client of the node.
        call: The transaction: from, to, value, data, gas, and its two fees per gas.
        decoded: The decoded call, whose contracts and addresses are read too.
        own_token: Address of the GoMAA token, whose balance is always read.

    Returns:
        The changes, and True if the call touches more than is read. None where the node cannot simulate, or the
        simulation fails although the estimate did not.
    """
    account = from_hex(call["from"], 20)
    try:
        first = await _run(chain, call, [])
        events, more = reads_of_logs(account, first.results[0].get("logs"))
        reads = list(dict.fromkeys([*reads_of_call(from_hex(call["to"], 20), decoded, own_token), *events]))
        items = {state.contract for state in reads if state.kind in ("item", "right", "many")}
        silent = [AccountState("token", contract) for contract in await _accessed(chain, call) if contract not in items]
        reads = list(dict.fromkeys([*reads, *silent]))
        more, reads = more or len(reads) > MAX_READS, reads[:MAX_READS]
        run = await _run(chain, call, [(account, state) for state in reads])
        main = run.results[len(reads)]
        if node_answers.number(main.get("status")) != 1:
            return None
        # A contract may behave differently in a block that came between the two runs.
        later, unknown = reads_of_logs(account, main.get("logs"))
        more |= unknown or not set(later) <= set(reads)
        fee = node_answers.number(main.get("gasUsed")) * run.price
        compared = [
            _change(state, run.results[at], run.results[len(reads) + 1 + at], run.time_s, fee)
            for at, state in enumerate(reads)
        ]
    except (GomaaError, KeyError, TypeError, ValueError, IndexError):
        return None
    return [change for change in compared if change is not None and _concerns(account, change)], more


async def _accessed(chain: Chain, call: Mapping[str, str]) -> list[bytes]:
    """Contracts whose storage the call accesses, with or without events; none where the node returns no access list."""
    try:
        answer = node_answers.mapping(await chain.request("eth_createAccessList", call, "latest"))
        return [
            node_answers.data(node_answers.mapping(entry).get("address"), 20)
            for entry in node_answers.listing(answer.get("accessList"))
        ]
    except GomaaError:
        return []


@dataclass(frozen=True)
class _Run:
    """Result of a simulated block.

    Attributes:
        results: Results of its calls.
        time_s: Its time, Unix seconds.
        price: Price of the call's gas, wei.
    """

    results: list[Mapping[str, Any]]
    time_s: int
    price: int


async def _run(chain: Chain, call: Mapping[str, str], reads: Sequence[tuple[bytes, AccountState]]) -> _Run:
    """Simulate the call in a block after the newest one, between two readings of each part of the state.

    The block is validated and has the newest one's producer and randomness, the call has its real fees, and the
    overrides for the readings are at random addresses, so that a contract cannot detect the simulation.
    """
    latest = node_answers.mapping(await chain.request("eth_getBlockByNumber", "latest", False))
    time_s = node_answers.number(latest.get("timestamp")) + 1
    reader, probe = ("0x" + secrets.token_hex(20) for _ in range(2))
    fees = {name: call[name] for name in ("maxFeePerGas", "maxPriorityFeePerGas")}
    queries = [{**query(account, state, probe), **fees, "from": reader} for account, state in reads]
    block = {
        "blockOverrides": {
            "number": hex(node_answers.number(latest.get("number")) + 1),
            "time": hex(time_s),
            "feeRecipient": to_hex(node_answers.data(latest.get("miner"), 20)),
            "prevRandao": to_hex(node_answers.data(latest.get("mixHash"), 32)),
        },
        "stateOverrides": {probe: {"code": _BALANCE}, reader: {"balance": _RICH}} if reads else {},
        "calls": [*queries, call, *queries],
    }
    options = {"blockStateCalls": [block], "traceTransfers": False, "validation": True}
    (answer,) = node_answers.listing(await chain.request("eth_simulateV1", options, "latest"))
    simulated = node_answers.mapping(answer)
    results = [node_answers.mapping(result) for result in node_answers.listing(simulated.get("calls"))]
    if len(results) != 2 * len(queries) + 1:
        raise GomaaError("chain.mismatch", reason="another number of calls")
    base = node_answers.number(simulated.get("baseFeePerGas", "0x0"))
    most, tip = (node_answers.number(fees[name]) for name in ("maxFeePerGas", "maxPriorityFeePerGas"))
    return _Run(results, time_s, min(most, base + tip))


def _change(
    state: AccountState, first: Mapping[str, Any], last: Mapping[str, Any], time_s: int, fee: int
) -> Change | None:
    """The change of a part of the state; None without one, and where its contract returns no value."""
    before, after = _words(first), _words(last)
    if before is None or after is None:
        return None
    old, new = before[0], after[0]
    if state.kind == "coin":
        # The fee is shown beside the effects.
        new += fee
    if state.read == PERMIT2:
        old, new = (words[0] if len(words) > 1 and words[1] > time_s else 0 for words in (before, after))
        if new and after[1] > before[1]:
            # A right with a later end is a new one.
            old = 0
    return Change(state, old, new) if old != new else None


def _words(result: Mapping[str, Any]) -> list[int] | None:
    """The first two words of a result; 0 for a failed call: an item that does not exist has no owner."""
    if node_answers.number(result.get("status")) != 1:
        return [0]
    found = node_answers.data(result.get("returnData"))
    return [int.from_bytes(found[at : at + 32], "big") for at in (0, 32) if len(found) >= at + 32] or None


def _concerns(account: bytes, change: Change) -> bool:
    """Return whether a change is the account's: not an item of others, nor a right that the account receives."""
    own = int.from_bytes(account, "big")
    if change.state.kind == "right":
        return change.after != own
    return change.state.kind != "item" or own in (change.before, change.after)


def expected(account: bytes, to: bytes, value: int, decoded: Call, change: Change) -> bool:
    """Return whether a change gives away no more than the decoded call says."""
    state, own = change.state, int.from_bytes(account, "big")
    loss = change.before - change.after
    other = int.from_bytes(decoded.other or b"", "big")
    called = state.contract == to
    if state.kind == "coin":
        # No decoded call moves coin.
        return loss <= (value if decoded.kind in ("coin", "unknown") else 0)
    if state.kind == "token":
        return loss <= 0 or (called and decoded.kind == "transfer" and loss <= (decoded.amount or 0))
    if state.kind == "allowance":
        granted = change.after - change.before if decoded.kind == "allowance" else change.after
        named = called and not state.read and state.other == decoded.other and decoded.kind in ("approve", "allowance")
        return loss >= 0 or (named and granted <= (decoded.amount or 0))
    if state.kind == "operator":
        return change.after == 0 or (
            called and decoded.kind == "operator" and decoded.unlimited and state.other == decoded.other
        )
    if state.kind == "right":
        return change.after == 0 or (
            called and decoded.kind == "item" and state.item == decoded.item and change.after == other
        )
    if state.kind == "item":
        return change.after == own or (
            called and decoded.kind == "give" and state.item == decoded.item and change.after == other
        )
    return loss <= 0 or (called and decoded.kind == "many" and loss <= _named_amount(decoded, state.item))


def _named_amount(decoded: Call, item: int) -> int:
    """Number of an item that an ERC-1155 transfer names."""
    named = {argument.name: argument.value for argument in decoded.arguments}
    if "ids" in named:
        return sum(amount for number, amount in zip(named["ids"], named["amounts"], strict=False) if number == item)
    return int(named["amount"]) if named.get("id") == item else 0


def is_complete(account: bytes, to: bytes, decoded: Call, found: Sequence[Change]) -> bool:
    """Return whether everything that the decoded call gives away leaves the account."""
    if decoded.other == account or (decoded.kind == "transfer" and not decoded.amount):
        return True
    reads = {"transfer": [AccountState("token", to)], "give": [AccountState("item", to, item=decoded.item or 0)]}.get(
        decoded.kind, []
    )
    return all(any(replace(change.state, other=b"") == state for change in found) for state in reads)


def summarise(
    account: bytes, to: bytes, value: int, decoded: Call, found: tuple[list[Change], bool] | None
) -> Effects | None:
    """Compare the changes with the decoded call, for the result of ``simulate``.

    Args:
        account: The sender, 20 bytes.
        to: The called contract, 20 bytes.
        value: Coin sent with the call, wei.
        decoded: The decoded call.
        found: Result of ``changes``; None: the node cannot simulate.
    """
    if found is None:
        return None
    rows = []
    for change in found[0]:
        state = change.state
        other = state.other
        if state.kind in ("item", "right"):
            other = change.after.to_bytes(32, "big")[12:] if change.after else b""
        rows.append(
            Effect(
                kind=state.kind,
                contract=checksum(state.contract) if state.contract else None,
                other=checksum(other) if other else None,
                item=str(state.item) if state.kind in ("item", "right", "many") else None,
                before=str(change.before),
                after=str(change.after),
                own=state.kind == "item" and other == account,
                expected=expected(account, to, value, decoded, change),
            )
        )
    as_said = all(row.expected for row in rows) and is_complete(account, to, decoded, found[0])
    return Effects(rows, more=found[1], as_said=as_said)
