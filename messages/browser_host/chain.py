"""Messages about a network's chain: simulation, reads, transactions and transfers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from messages.fields import Address, ChecksumAddress, Hash, Hex, Name, Number, Wei

StateKind = Literal["coin", "token", "many", "item", "allowance", "right", "operator"]
Standard = Literal["erc20", "erc721", "erc1155", "other", "none"]


class Simulate(Struct, frozen=True):
    """Simulates an account's call: cost, success and effects. Nothing is signed or sent.

    A call that fails is ``chain.reverted`` with the reason.

    Attributes:
        chain_id: Network of the call.
        account: Account that sends it.
        to: Address that it calls.
        value_wei: Coin that it sends.
        data: Call data.
        effects: True: the effects are wanted too.
    """

    chain_id: Number
    account: Address
    to: Address
    value_wei: Wei = "0"
    data: Hex = "0x"
    effects: bool = False


class Effect(Struct, frozen=True):
    """A part of the account's state that the call changes.

    Attributes:
        kind: ``coin``: balance of the network's coin; ``token``: balance of a token; ``many``: balance of an item of a
            collection; ``item``: owner of an item; ``allowance``: amount that another may take; ``right``: who may
            move an item; ``operator``: who may move all items.
        contract: Contract of the token or collection; null for the coin.
        other: Owner of the item, or address with the right; null if there is none.
        item: Number of the item; null for kinds without one.
        before: Value before the call, decimal.
        after: Value after the call, decimal.
        own: True if the item belongs to the account afterwards.
        expected: True if the change gives away no more than the decoded call says.
    """

    kind: StateKind
    contract: ChecksumAddress | None
    other: ChecksumAddress | None
    item: Wei | None
    before: Wei
    after: Wei
    own: bool
    expected: bool


class Effects(Struct, frozen=True):
    """Effects of a call on the account.

    Attributes:
        changes: The changes.
        more: True if the call touches more than is read.
        as_said: True if the changes are those that the decoded call says.
    """

    changes: list[Effect]
    more: bool
    as_said: bool


class SimulateResult(Struct, frozen=True):
    """Cost of the call, and with ``effects`` what it changes. Amounts are of the network's coin.

    Attributes:
        nonce: Nonce of the account's next transaction.
        gas: Gas limit: the estimate with a margin.
        tip_wei: Priority fee per gas.
        max_fee_wei: Most per gas.
        fee_wei: Cost in the next block.
        most_wei: Most that it may cost.
        coin_wei: The account's balance.
        standard: Standard that the called contract declares; absent without ``effects``.
        effects: The effects; null where the node cannot simulate; absent without ``effects``.
    """

    nonce: Number
    gas: Number
    tip_wei: Wei
    max_fee_wei: Wei
    fee_wei: Wei
    most_wei: Wei
    coin_wei: Wei
    standard: Standard | UnsetType = UNSET
    effects: Effects | UnsetType | None = UNSET


class Read(Struct, frozen=True):
    """Calls a read-only JSON-RPC method of the network's node.

    Any other method is ``wallet.unsupported``.

    Attributes:
        chain_id: Network of the node.
        method: One of the methods in docs/provider.md.
        params: Its parameters.
    """

    chain_id: Number
    method: Name
    params: Annotated[list[Any], Meta(max_length=4)] = []


class ReadResult(Struct, frozen=True):
    """The node's answer.

    Attributes:
        value: The ``result`` of JSON-RPC, 512 KiB at most.
    """

    value: Any


class Send(Struct, frozen=True):
    """Sends a signed transaction to the network's node. The same bytes again are no error.

    ``chain.reverted`` is the node's objection of now; the transaction may still be included.

    Attributes:
        chain_id: Network of the transaction.
        raw: The signed transaction.
    """

    chain_id: Number
    raw: Hex


class SendResult(Struct, frozen=True):
    """The transaction that was sent.

    Attributes:
        transaction: Hash of the transaction.
    """

    transaction: Hash


class Transaction(Struct, frozen=True):
    """Reads the state of a transaction.

    Attributes:
        chain_id: Network of the transaction.
        transaction: Hash of the transaction.
        account: Its sender; with ``nonce`` a transaction that replaced it is found.
        nonce: Its nonce.
    """

    chain_id: Number
    transaction: Hash
    account: Address | None = None
    nonce: Number | None = None


class TransactionResult(Struct, frozen=True):
    """State of a transaction. ``confirmed``, ``failed`` and ``replaced`` are final.

    Attributes:
        state: ``unknown``: the node does not have it; ``pending``: it is in no block, or its block is not deep enough.
        block: Number of its block; null if it is not final.
        time_s: Time of its block, Unix seconds; null if it is not final.
        fee_wei: Fee that was paid, of the network's coin; null if it is not final.
        by: Hash of the transaction that replaced it, read from its block; null if there is none.
        deep: Confirmations of a pending one, its own block included.
    """

    state: Literal["unknown", "pending", "confirmed", "failed", "replaced"]
    block: Number | None = None
    time_s: Number | None = None
    fee_wei: Wei | None = None
    by: Hash | None = None
    deep: Number = 0


class Transfers(Struct, frozen=True):
    """Reads the token's transfers from and to an account.

    Attributes:
        chain_id: Network of the token.
        account: The account.
    """

    chain_id: Number
    account: Address


class Transfer(Struct, frozen=True):
    """A transfer of the token.

    Attributes:
        time_s: Time of the block, Unix seconds.
        block: Number of the block.
        transaction: Hash of the transaction.
        sender: Sender; ``from`` on the wire.
        to: Recipient.
        amount_wei: Amount.
        reward: True if the transaction claimed receipts of this ledger.
    """

    time_s: Number
    block: Number
    transaction: Hash
    sender: Address = field(name="from")
    to: Address
    amount_wei: Wei
    reward: bool


class TransfersResult(Struct, frozen=True):
    """The transfers.

    Attributes:
        transfers: The last 100, newest first.
    """

    transfers: list[Transfer]
