# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Settlement
@notice Each epoch of each security server has its own immutable Merkle-sum root. Debits are taken when it is posted, never beyond
    the payer's signed voucher and its escrow with that server. Payees claim by proof. No function moves anybody's deposit but
    these rules, and no key can change them. The specification is docs/settlement.md.
"""
from ethereum.ercs import IERC20
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator as eip712

initializes: eip712

exports: eip712.eip712Domain


interface IRegistry:
    def rate_at(epoch: uint256) -> uint256: view
    def EPOCH_LENGTH() -> uint256: view


struct Entry:
    payer: address
    net: uint256
    cap: uint256
    until: uint256
    r: uint256
    vs: uint256


struct Node:
    hash: bytes32
    total: uint256


struct Header:
    root: bytes32
    total: uint256
    rest: bytes32  # keccak(entries digest, counts root, data hash)


struct Item:
    server: address
    epoch: uint256
    header: Header
    payee: address
    amount: uint256
    index: uint256
    depth: uint256
    r: uint256
    vs: uint256


struct Request:
    amount: uint256
    ready: uint256


struct Challenge:
    by: address
    amount: uint256
    deadline: uint256
    blocking: bool


event Deposited:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256


event WithdrawRequested:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256
    ready: uint256


event Withdrawn:
    server: indexed(address)
    payer: indexed(address)
    amount: uint256


event Bonded:
    server: indexed(address)
    by: indexed(address)
    amount: uint256


event Retired:
    server: indexed(address)
    epoch: uint256


event Unbonded:
    server: indexed(address)
    amount: uint256


event Posted:
    server: indexed(address)
    epoch: indexed(uint256)
    root: bytes32
    total: uint256
    fee: uint256
    digest: bytes32
    counts: bytes32
    data: bytes32


event Claimed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    to: address
    amount: uint256
    tip: uint256


event Challenged:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    amount: uint256
    by: address


event Answered:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)


event Slashed:
    server: indexed(address)
    epoch: indexed(uint256)
    payee: indexed(address)
    bond: uint256


event Refunded:
    server: indexed(address)
    epoch: indexed(uint256)


event FeePaid:
    server: indexed(address)
    epoch: indexed(uint256)
    amount: uint256


VOUCHER: constant(bytes32) = keccak256("Voucher(address server,address payer,uint256 cap,uint256 until)")
CLAIM: constant(bytes32) = keccak256("Claim(address server,uint256 epoch,address payee,address to,uint256 tip)")
M32: constant(uint256) = 2**32 - 1
M40: constant(uint256) = 2**40 - 1
M96: constant(uint256) = 2**96 - 1
M128: constant(uint256) = 2**128 - 1

TOKEN: public(immutable(IERC20))
REGISTRY: public(immutable(IRegistry))
TREASURY: public(immutable(address))
LENGTH: public(immutable(uint256))
GRACE: public(immutable(uint256))
WINDOW: public(immutable(uint256))
ANSWER: public(immutable(uint256))
LATE: public(immutable(uint256))
DELAY: public(immutable(uint256))
STAKE: public(immutable(uint256))

account: public(HashMap[address, HashMap[address, uint256]])  # server, payer: spent << 128 | escrow
request: public(HashMap[address, HashMap[address, Request]])
lane: public(HashMap[address, uint256])  # retired epoch + 1 << 128 | last epoch + 1 << 96 | bond
lane_owner: public(HashMap[address, address])
commit: public(HashMap[address, HashMap[uint256, bytes32]])  # keccak(root, total, rest)
meta: public(HashMap[address, HashMap[uint256, uint256]])  # void << 248 | open << 232 | ready << 192 | fee << 96 | left
bits: HashMap[address, HashMap[uint256, HashMap[uint256, uint256]]]
ch: public(HashMap[address, HashMap[uint256, HashMap[address, Challenge]]])


@deploy
def __init__(
    token: IERC20,
    registry: IRegistry,
    treasury: address,
    length: uint256,
    grace: uint256,
    window: uint256,
    answer: uint256,
    late: uint256,
    delay: uint256,
    stake: uint256,
):
    """
    @param treasury Gets the commission.
    @param length Seconds of an epoch, the registry's; grace + window + answer must fit into it.
    """
    eip712.__init__("GoMAA Settlement", "1")
    assert token.address != empty(address) and registry.address != empty(address) and treasury != empty(address), "zero"
    assert window > 0 and grace + window + answer <= length, "schedule"
    assert staticcall registry.EPOCH_LENGTH() == length, "length"
    TOKEN = token
    REGISTRY = registry
    TREASURY = treasury
    LENGTH = length
    GRACE = grace
    WINDOW = window
    ANSWER = answer
    LATE = late
    DELAY = delay
    STAKE = stake


@external
@nonreentrant
def deposit(server: address, payer: address, amount: uint256):
    """@notice Fill a payer's escrow with one server. Anyone may."""
    assert server != empty(address) and payer != empty(address), "zero"
    word: uint256 = self.account[server][payer]
    assert amount <= M96 and (word & M128) + amount <= M96, "escrow"
    self.account[server][payer] = word + amount
    assert extcall TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True), "token"
    log Deposited(server=server, payer=payer, amount=amount)


@external
@nonreentrant
def bond(server: address, amount: uint256):
    """@notice Put tokens behind a server's word. The first to do so owns the lane."""
    assert server != empty(address), "zero"
    word: uint256 = self.lane[server]
    assert word >> 128 == 0, "retired"
    assert amount <= M96 and (word & M96) + amount <= M96, "bond"
    if self.lane_owner[server] == empty(address):
        self.lane_owner[server] = msg.sender
    self.lane[server] = word + amount
    assert extcall TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True), "token"
    log Bonded(server=server, by=msg.sender, amount=amount)


@internal
@view
def _final(server: address, epoch: uint256) -> bool:
    word: uint256 = self.meta[server][epoch]
    ready: uint256 = (word >> 192) & M40
    return ready != 0 and block.timestamp >= ready and word >> 232 == 0


@view
@external
def final(server: address, epoch: uint256) -> bool:
    """@notice Posted, past its window, not challenged, not void."""
    return self._final(server, epoch)


@view
@external
def claimed(server: address, epoch: uint256, index: uint256, depth: uint256) -> bool:
    """@notice Whether the leaf at an index of a tree of that depth has been paid."""
    position: uint256 = (1 << depth) | index
    return self.bits[server][epoch][position >> 8] & (1 << (position & 255)) != 0


@external
@nonreentrant
def post(epoch: uint256, root: bytes32, counts: bytes32, data: bytes32, entries: DynArray[Entry, 256]):
    """
    @notice The server closes an epoch: one root, and each payer's debit under its voucher. Debits are taken now.
    @param data keccak of the published data.
    """
    assert block.timestamp >= (epoch + 1) * LENGTH and block.timestamp <= (epoch + 2) * LENGTH, "time"
    lane: uint256 = self.lane[msg.sender]
    retired: uint256 = lane >> 128
    assert retired == 0 or epoch < retired, "retired"
    word: uint256 = self.meta[msg.sender][epoch]
    assert (word >> 192) & M40 == 0, "posted"
    last: uint256 = (lane >> 96) & M32
    if last != 0 and (self.meta[msg.sender][last - 1] >> 192) & M40 != 0:
        assert self._final(msg.sender, last - 1), "pending"
    bps: uint256 = staticcall REGISTRY.rate_at(epoch)

    total: uint256 = 0
    fee: uint256 = 0
    digest: bytes32 = empty(bytes32)
    for entry: Entry in entries:
        hash: bytes32 = eip712._hash_typed_data_v4(keccak256(abi_encode(VOUCHER, msg.sender, entry.payer, entry.cap, entry.until)))
        signer: address = ecdsa._try_recover_r_vs(hash, entry.r, entry.vs)
        assert signer == entry.payer and signer != empty(address), "voucher"
        assert epoch <= entry.until, "expired"
        assert entry.net <= M96, "net"
        commission: uint256 = entry.net * bps // 10_000
        gross: uint256 = entry.net + commission
        account: uint256 = self.account[msg.sender][entry.payer]
        spent: uint256 = (account >> 128) + gross
        escrow: uint256 = account & M128
        assert spent <= entry.cap and spent <= M128, "cap"
        assert gross <= escrow, "escrow"
        self.account[msg.sender][entry.payer] = (spent << 128) | (escrow - gross)
        total += entry.net
        fee += commission
        digest = keccak256(abi_encode(digest, entry.payer, entry.net))
    assert total <= lane & M96, "exposure"

    self.lane[msg.sender] = (lane & ~(M32 << 96)) | ((epoch + 1) << 96)
    rest: bytes32 = keccak256(abi_encode(digest, counts, data))
    self.commit[msg.sender][epoch] = keccak256(abi_encode(root, total, rest))
    ready: uint256 = max(block.timestamp, (epoch + 1) * LENGTH + GRACE) + WINDOW
    self.meta[msg.sender][epoch] = word | (ready << 192) | (fee << 96) | total
    log Posted(server=msg.sender, epoch=epoch, root=root, total=total, fee=fee, digest=digest, counts=counts, data=data)


@external
@nonreentrant
def claim(items: DynArray[Item, 32], nodes: DynArray[Node, 640], to: address, tip: uint256):
    """
    @notice Pay leaves of final epochs to `to`. Anyone may relay: each payee's signature names `to` and the tip.
    @param nodes The items' proofs, one after the other, each from the bottom.
    @param tip Wei per item for the sender.
    """
    assert to != empty(address) and to != self, "to"
    sum: uint256 = 0
    offset: uint256 = 0
    for item: Item in items:
        assert self._final(item.server, item.epoch), "final"
        assert self.commit[item.server][item.epoch] == keccak256(abi_encode(item.header.root, item.header.total, item.header.rest)), "header"
        assert item.depth <= 32 and item.index >> item.depth == 0, "index"
        hash: bytes32 = keccak256(abi_encode(empty(uint256), item.payee, item.amount))
        total: uint256 = item.amount
        index: uint256 = item.index
        for level: uint256 in range(item.depth, bound=32):
            node: Node = nodes[offset + level]
            if index & 1 == 0:
                hash = keccak256(abi_encode(convert(1, uint256), hash, total, node.hash, node.total))
            else:
                hash = keccak256(abi_encode(convert(1, uint256), node.hash, node.total, hash, total))
            total += node.total
            index >>= 1
        offset += item.depth
        assert hash == item.header.root and total == item.header.total, "proof"
        if to != item.payee or tip != 0:
            message: bytes32 = eip712._hash_typed_data_v4(keccak256(abi_encode(CLAIM, item.server, item.epoch, item.payee, to, tip)))
            assert item.payee != empty(address) and ecdsa._try_recover_r_vs(message, item.r, item.vs) == item.payee, "signature"
        position: uint256 = (1 << item.depth) | item.index
        word: uint256 = self.bits[item.server][item.epoch][position >> 8]
        assert word & (1 << (position & 255)) == 0, "claimed"
        self.bits[item.server][item.epoch][position >> 8] = word | (1 << (position & 255))
        meta: uint256 = self.meta[item.server][item.epoch]
        # Implied by the sum tree; kept as a second lock.
        assert item.amount <= meta & M96, "left"
        self.meta[item.server][item.epoch] = meta - item.amount
        sum += item.amount
        log Claimed(server=item.server, epoch=item.epoch, payee=item.payee, to=to, amount=item.amount, tip=tip)
    tips: uint256 = tip * len(items)
    assert tips <= sum, "tip"
    assert extcall TOKEN.transfer(to, sum - tips, default_return_value=True), "token"
    if tips != 0:
        assert extcall TOKEN.transfer(msg.sender, tips, default_return_value=True), "token"


@external
@nonreentrant
def collect(server: address, epoch: uint256):
    """@notice The commission of a final epoch goes to the treasury. Anyone may call."""
    assert self._final(server, epoch), "final"
    word: uint256 = self.meta[server][epoch]
    fee: uint256 = (word >> 96) & M96
    assert fee != 0, "collected"
    self.meta[server][epoch] = word - (fee << 96)
    assert extcall TOKEN.transfer(TREASURY, fee, default_return_value=True), "token"
    log FeePaid(server=server, epoch=epoch, amount=fee)
