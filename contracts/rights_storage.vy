# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Rights storage
@notice State of the streaming rights, the rules by which a right grants access, and payments.
"""
from ethereum.ercs import IERC20
from snekmate.tokens import erc721

uses: erc721


interface IRegistry:
    def is_content(content: address) -> bool: view


interface IContent:
    def owner() -> address: view
    def revoked() -> bool: view
    def version() -> uint256: view
    def policy_hash() -> bytes32: view


struct Terms:
    price: uint256  # wei for an unlimited right; zero: not for sale
    rent: uint256  # wei per day; zero: not for rent
    royalty: uint256  # basis points of a resale


struct Right:
    content: address
    expires: uint256  # Unix s; zero: never
    policy_hash: bytes32
    version: uint256
    royalty: uint256  # basis points of a resale


struct Loan:
    borrower: address
    until: uint256  # Unix s


struct Seen:
    version: uint256  # number of the content's policy
    policy_hash: bytes32
    royalty: uint256  # basis points of a resale


struct Permit:
    deadline: uint256  # zero: no permit; the allowance exists already
    v: uint8
    r: bytes32
    s: bytes32


MAX_ACTIVE: constant(uint256) = 4
PERMIT_SELECTOR: constant(bytes4) = method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", output_type=bytes4)

TOKEN: public(immutable(IERC20))
REGISTRY: public(immutable(IRegistry))

terms: public(HashMap[address, Terms])  # content
rights: public(HashMap[uint256, Right])
loans: public(HashMap[uint256, Loan])
listings: public(HashMap[uint256, uint256])  # price in wei; zero: not for sale
# Content, account: the rights, own and borrowed, that `holds` checks.
active_rights: HashMap[address, HashMap[address, DynArray[uint256, MAX_ACTIVE]]]
changes: public(HashMap[address, uint256])  # content: number of its owner's changes of terms and gifts of rights
next_id: uint256


@deploy
def __init__(token: IERC20, registry: IRegistry):
    """
    @param token The ERC-20 token that rights are paid in.
    @param registry Registry of the contents.
    """
    assert token.address != empty(address) and registry.address != empty(address), "rights: zero address"
    TOKEN = token
    REGISTRY = registry


@internal
@view
def _is_unexpired(id: uint256, time: uint256) -> bool:
    """@notice True if a right has not expired at a time, Unix s."""
    expires: uint256 = self.rights[id].expires
    return expires == 0 or time < expires


@internal
@view
def _is_lent(id: uint256, time: uint256) -> bool:
    """@notice True if a right is lent out at a time, Unix s."""
    return time < self.loans[id].until


@internal
@view
def _access_end(id: uint256, account: address) -> uint256:
    """@notice End of an account's ownership or loan of a right, Unix s; zero: it has neither. The owner of a lent right keeps its own end."""
    if erc721._owner_of(id) == account:
        expires: uint256 = self.rights[id].expires
        return expires if expires != 0 else max_value(uint256)
    return self.loans[id].until if self.loans[id].borrower == account else 0


@internal
@view
def _grants_access(id: uint256, account: address, time: uint256) -> bool:
    """@notice True if a right lets an account play at a time: owned and not lent out, or borrowed."""
    if self._is_lent(id, time):
        return self.loans[id].borrower == account
    return erc721._owner_of(id) == account and self._is_unexpired(id, time)


@internal
def _activate(content: address, account: address, id: uint256):
    """
    @notice Add a right to those that `holds` checks for an account.
    @dev When the list is full, the right that ends first is replaced: always if the sender is the account itself, otherwise only by a
        right that ends later. So no gift, transfer or loan displaces a right that lasts longer.
    """
    active: DynArray[uint256, MAX_ACTIVE] = self.active_rights[content][account]
    if id in active:
        return
    if len(active) < MAX_ACTIVE:
        self.active_rights[content][account].append(id)
        return
    earliest: uint256 = 0
    earliest_end: uint256 = max_value(uint256)
    for i: uint256 in range(MAX_ACTIVE):
        end: uint256 = self._access_end(active[i], account)
        if end < earliest_end:
            earliest = i
            earliest_end = end
    if msg.sender == account or self._access_end(id, account) > earliest_end:
        self.active_rights[content][account][earliest] = id


@internal
def _use_permit(amount: uint256, permit: Permit):
    """@notice Submit the sender's ERC-2612 permit, if there is one."""
    if permit.deadline != 0:
        # The permit may have been submitted by somebody else already; then the allowance exists, and the transfer decides.
        _: bool = raw_call(
            TOKEN.address,
            abi_encode(msg.sender, self, amount, permit.deadline, permit.v, permit.r, permit.s, method_id=PERMIT_SELECTOR),
            revert_on_failure=False,
        )


@internal
def _pay(to: address, amount: uint256):
    """@notice Transfer tokens from the sender."""
    if amount != 0:
        assert extcall TOKEN.transferFrom(msg.sender, to, amount, default_return_value=True), "rights: transfer failed"


@view
@external
def holds(account: address, content: address, time: uint256) -> bool:
    """
    @notice True if an account has access to a content at a present or future time, as of now: by a right that it owns and has not lent
        out, or by a loan. Checks the four active rights; `activate` makes another right one of them.
    @param time Unix s.
    """
    if staticcall IContent(content).revoked():
        return False
    for id: uint256 in self.active_rights[content][account]:
        if self._grants_access(id, account, time):
            return True
    return False


@external
def activate(id: uint256):
    """@notice Make a right that the sender owns or borrows one of those that `holds` checks; the one that ends first is replaced."""
    assert self._access_end(id, msg.sender) > block.timestamp, "rights: not the holder"
    self._activate(self.rights[id].content, msg.sender, id)


@view
@external
def royaltyInfo(id: uint256, price: uint256) -> (address, uint256):
    """@notice ERC-2981: the royalty goes to the content's owner, at the rate that the right was bought under."""
    right: Right = self.rights[id]
    assert right.content != empty(address), "rights: unknown right"
    return (staticcall IContent(right.content).owner(), price * right.royalty // 10_000)
