# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Rights
@notice Streaming rights as ERC-721: bought for good, rented for days, lent (and back by themselves), resold with royalties to the band.
    A right keeps the policy and the royalty it was bought under. It holds no tokens: every price goes straight to who earns it.
    A buyer names what it saw and the most it pays; a purchase under anything else reverts.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.tokens import erc721

initializes: ownable
initializes: erc721[ownable := ownable]

exports: (
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.approve,
    erc721.getApproved,
    erc721.setApprovalForAll,
    erc721.isApprovedForAll,
    erc721.name,
    erc721.symbol,
    erc721.tokenURI,
    erc721.totalSupply,
    erc721.tokenByIndex,
    erc721.tokenOfOwnerByIndex,
    erc721.permit,
    erc721.nonces,
    erc721.DOMAIN_SEPARATOR,
    erc721.eip712Domain,
)


interface IRegistry:
    def is_content(content: address) -> bool: view


interface IContent:
    def owner() -> address: view
    def revoked() -> bool: view
    def version() -> uint256: view
    def policy_hash() -> bytes32: view


struct Terms:
    price: uint256  # wei for good; zero: not for sale
    rent: uint256  # wei per day; zero: not for rent
    royalty: uint256  # basis points of a resale


struct Right:
    content: address
    expires: uint256  # Unix s; zero: never
    policy_hash: bytes32
    version: uint256
    royalty: uint256


struct Loan:
    borrower: address
    until: uint256  # Unix s


struct Seen:
    version: uint256  # number of the content's policy
    policy_hash: bytes32
    royalty: uint256  # basis points of a resale


struct Permit:
    deadline: uint256  # zero: no permit, an approval is there
    v: uint8
    r: bytes32
    s: bytes32


event TermsSet:
    content: indexed(address)
    price: uint256
    rent: uint256
    royalty: uint256


event Granted:
    id: indexed(uint256)
    content: indexed(address)
    holder: indexed(address)
    expires: uint256
    version: uint256
    price: uint256


event Lent:
    id: indexed(uint256)
    borrower: indexed(address)
    until: uint256


event Returned:
    id: indexed(uint256)
    borrower: indexed(address)


event Listed:
    id: indexed(uint256)
    seller: indexed(address)
    price: uint256


event Unlisted:
    id: indexed(uint256)


event Resold:
    id: indexed(uint256)
    seller: indexed(address)
    buyer: indexed(address)
    price: uint256
    royalty: uint256


DAY: constant(uint256) = 86_400
MAX_DAYS: constant(uint256) = 3_660
MAX_ROYALTY: constant(uint256) = 5_000  # basis points
PLACES: constant(uint256) = 4
PERMIT: constant(bytes4) = method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", output_type=bytes4)

TOKEN: public(immutable(IERC20))
REGISTRY: public(immutable(IRegistry))

terms: public(HashMap[address, Terms])  # content
rights: public(HashMap[uint256, Right])
loans: public(HashMap[uint256, Loan])
listings: public(HashMap[uint256, uint256])  # wei; zero: not for sale
# Content, account: the rights, own and borrowed, that `holds` looks at. There is always room: see `_place`.
places: HashMap[address, HashMap[address, DynArray[uint256, PLACES]]]
changes: public(HashMap[address, uint256])  # content: how often its owner set terms or gave a right away
count: uint256


@deploy
def __init__(token: IERC20, registry: IRegistry):
    """@param registry Says which contents there are."""
    assert token.address != empty(address) and registry.address != empty(address), "zero"
    ownable.__init__()
    erc721.__init__("GoMAA streaming rights", "GOMAR", "", "GoMAA streaming rights", "1")
    # The module's owner could mint: there is none from here on, and its functions are not exported.
    erc721.is_minter[msg.sender] = False
    ownable._transfer_ownership(empty(address))
    TOKEN = token
    REGISTRY = registry


@view
@external
def supportsInterface(interface_id: bytes4) -> bool:
    """@notice ERC-165, 721, its metadata and enumeration, permit (4494), and royalties (2981)."""
    return interface_id in [
        0x01ffc9a7,
        0x80ac58cd,
        0x5b5e139f,
        0x780e9d63,
        0x589c5ce2,
        0x2a55205a,
    ]


@internal
@view
def _lasts(id: uint256, time: uint256) -> bool:
    expires: uint256 = self.rights[id].expires
    return expires == 0 or time < expires


@internal
@view
def _lent(id: uint256, time: uint256) -> bool:
    return time < self.loans[id].until


@internal
@view
def _end(id: uint256, who: address) -> uint256:
    """@dev When an account's right or loan ends, Unix s; zero: it has neither. A right that is lent out comes back."""
    if erc721._owner_of(id) == who:
        expires: uint256 = self.rights[id].expires
        return expires if expires != 0 else max_value(uint256)
    return self.loans[id].until if self.loans[id].borrower == who else 0


@internal
@view
def _plays(id: uint256, who: address, time: uint256) -> bool:
    """@dev Whether this right lets an account play at a time: its own and not lent out, or one that it has borrowed."""
    if self._lent(id, time):
        return self.loans[id].borrower == who
    return erc721._owner_of(id) == who and self._lasts(id, time)


@internal
def _place(content: address, who: address, id: uint256):
    """
    @dev Puts a right among those that `holds` looks at. Where all places are taken, the one that ends first gives way: always if
        the account itself acts, else only to a right that lasts longer. So nobody fills another's places, and nobody's gift,
        transfer or loan displaces a right that lasts longer than it.
    """
    places: DynArray[uint256, PLACES] = self.places[content][who]
    if id in places:
        return
    if len(places) < PLACES:
        self.places[content][who].append(id)
        return
    first: uint256 = 0
    ends: uint256 = max_value(uint256)
    for i: uint256 in range(PLACES):
        end: uint256 = self._end(places[i], who)
        if end < ends:
            first = i
            ends = end
    if msg.sender == who or self._end(id, who) > ends:
        self.places[content][who][first] = id


@view
@external
def holds(who: address, content: address, time: uint256) -> bool:
    """
    @notice Whether an account (a station, before it gives out a ticket) has a right to the content at a time from now on, as things
        stand: its own and not lent out, or a borrowed one. It looks at four rights; `pick` makes any other one of them.
    """
    if staticcall IContent(content).revoked():
        return False
    for id: uint256 in self.places[content][who]:
        if self._plays(id, who, time):
            return True
    return False


@external
def pick(id: uint256):
    """@notice Have `holds` look at a right that the sender owns or has borrowed; of its others the one that ends first gives way."""
    assert self._end(id, msg.sender) > block.timestamp, "holder"
    self._place(self.rights[id].content, msg.sender, id)


@view
@external
def royaltyInfo(id: uint256, price: uint256) -> (address, uint256):
    """@notice ERC-2981: to the content's owner, at the royalty the right was bought under."""
    right: Right = self.rights[id]
    assert right.content != empty(address), "right"
    return (staticcall IContent(right.content).owner(), price * right.royalty // 10_000)


@external
def set_terms(content: address, price: uint256, rent: uint256, royalty: uint256):
    """@notice The content's owner says what new rights cost. Rights that are out keep their policy and royalty."""
    assert staticcall REGISTRY.is_content(content), "content"
    assert staticcall IContent(content).owner() == msg.sender, "owner"
    assert price < 2**96 and rent < 2**80, "price"
    assert royalty <= MAX_ROYALTY, "royalty"
    self.terms[content] = Terms(price=price, rent=rent, royalty=royalty)
    self.changes[content] += 1
    log TermsSet(content=content, price=price, rent=rent, royalty=royalty)


@internal
def _permit(amount: uint256, permit: Permit):
    if permit.deadline != 0:
        # Whoever saw the signature in the pool may have used it first; the allowance is there then, and the transfer decides.
        _: bool = raw_call(
            TOKEN.address,
            abi_encode(msg.sender, self, amount, permit.deadline, permit.v, permit.r, permit.s, method_id=PERMIT),
            revert_on_failure=False,
        )


@internal
def _pay(to: address, amount: uint256):
    if amount != 0:
        assert extcall TOKEN.transferFrom(msg.sender, to, amount, default_return_value=True), "token"


@view
@external
def seen(content: address) -> Seen:
    """@notice What a buyer of a new right names; of a listed right it names what `rights` says."""
    return Seen(
        version=staticcall IContent(content).version(),
        policy_hash=staticcall IContent(content).policy_hash(),
        royalty=self.terms[content].royalty,
    )


@internal
@view
def _unchanged(content: address, seen: Seen):
    """@dev That a new right would be the one that the buyer saw."""
    assert not staticcall IContent(content).revoked(), "revoked"
    assert staticcall IContent(content).version() == seen.version, "policy"
    assert staticcall IContent(content).policy_hash() == seen.policy_hash, "policy"
    assert self.terms[content].royalty == seen.royalty, "royalty"


@internal
def _grant(content: address, to: address, expires: uint256, price: uint256) -> uint256:
    id: uint256 = self.count
    self.count = id + 1
    version: uint256 = staticcall IContent(content).version()
    self.rights[id] = Right(
        content=content,
        expires=expires,
        policy_hash=staticcall IContent(content).policy_hash(),
        version=version,
        royalty=self.terms[content].royalty,
    )
    erc721._mint(to, id)
    self._place(content, to, id)
    log Granted(id=id, content=content, holder=to, expires=expires, version=version, price=price)
    return id


@external
@nonreentrant
def give(content: address, to: address, duration: uint256) -> uint256:
    """
    @notice The content's owner gives a right away.
    @param duration Seconds; zero: for good.
    """
    assert staticcall REGISTRY.is_content(content), "content"
    assert staticcall IContent(content).owner() == msg.sender, "owner"
    assert not staticcall IContent(content).revoked(), "revoked"
    assert duration <= MAX_DAYS * DAY, "days"
    self.changes[content] += 1
    return self._grant(content, to, block.timestamp + duration if duration != 0 else 0, 0)


@external
@nonreentrant
def buy(content: address, to: address, seen: Seen, most: uint256, permit: Permit) -> uint256:
    """
    @notice A right for good, paid to the content's owner.
    @param seen What the buyer saw; anything else reverts.
    @param most Wei that the buyer pays at most.
    @param permit An ERC-2612 signature over `most`, for a purchase in one transaction.
    """
    price: uint256 = self.terms[content].price
    assert price != 0, "terms"
    assert price <= most, "price"
    self._unchanged(content, seen)
    self._permit(most, permit)
    self._pay(staticcall IContent(content).owner(), price)
    return self._grant(content, to, 0, price)


@external
@nonreentrant
def rent(content: address, to: address, days: uint256, seen: Seen, most: uint256, permit: Permit) -> uint256:
    """
    @notice A right for some days, paid to the content's owner.
    @param most Wei that the buyer pays at most, for all the days.
    """
    asked: uint256 = self.terms[content].rent
    assert asked != 0, "terms"
    assert days > 0 and days <= MAX_DAYS, "days"
    price: uint256 = asked * days
    assert price <= most, "price"
    self._unchanged(content, seen)
    self._permit(most, permit)
    self._pay(staticcall IContent(content).owner(), price)
    return self._grant(content, to, block.timestamp + days * DAY, price)


@external
def loan(id: uint256, borrower: address, until: uint256):
    """@notice The holder lends a right. Until then it is the borrower's, afterwards the holder's again without anybody's doing."""
    assert erc721._owner_of(id) == msg.sender, "holder"
    assert borrower != empty(address) and borrower != msg.sender, "borrower"
    assert not self._lent(id, block.timestamp), "lent"
    assert until > block.timestamp, "until"
    expires: uint256 = self.rights[id].expires
    assert expires == 0 or until <= expires, "expired"
    self.loans[id] = Loan(borrower=borrower, until=until)
    self._place(self.rights[id].content, borrower, id)
    log Lent(id=id, borrower=borrower, until=until)


@external
def give_back(id: uint256):
    """@notice The borrower ends a loan before its time."""
    assert self.loans[id].borrower == msg.sender and self._lent(id, block.timestamp), "borrower"
    self.loans[id].until = block.timestamp
    log Returned(id=id, borrower=msg.sender)


@external
def list(id: uint256, price: uint256):
    """@notice The holder offers a right for sale; it stays the holder's until it is bought."""
    assert erc721._owner_of(id) == msg.sender, "holder"
    assert price != 0 and price < 2**96, "price"
    assert self._lasts(id, block.timestamp), "expired"
    self.listings[id] = price
    log Listed(id=id, seller=msg.sender, price=price)


@external
def unlist(id: uint256):
    """@notice Take the offer back."""
    assert erc721._owner_of(id) == msg.sender, "holder"
    assert self.listings[id] != 0, "listing"
    self.listings[id] = 0
    log Unlisted(id=id)


@external
@nonreentrant
def purchase(id: uint256, content: address, expires: uint256, seen: Seen, most: uint256, permit: Permit):
    """
    @notice Buy a listed right: the royalty goes to the content's owner, the rest to the seller.
    @param content The right's, with `expires` and `seen` (policy and royalty that it was bought under) as the buyer saw it.
    @param most Wei that the buyer pays at most.
    """
    price: uint256 = self.listings[id]
    assert price != 0, "listing"
    right: Right = self.rights[id]
    assert right.content == content, "content"
    assert right.expires == expires, "expires"
    assert right.version == seen.version and right.policy_hash == seen.policy_hash, "policy"
    assert right.royalty == seen.royalty, "royalty"
    assert price <= most, "price"
    assert not staticcall IContent(content).revoked(), "revoked"
    seller: address = erc721._owner_of(id)
    royalty: uint256 = price * right.royalty // 10_000
    self._permit(most, permit)
    self._pay(staticcall IContent(content).owner(), royalty)
    self._pay(seller, price - royalty)
    self._move(seller, msg.sender, id)
    log Resold(id=id, seller=seller, buyer=msg.sender, price=price, royalty=royalty)


@internal
def _move(holder: address, to: address, id: uint256):
    assert self._lasts(id, block.timestamp), "expired"
    assert not self._lent(id, block.timestamp), "lent"
    self.listings[id] = 0
    erc721._transfer(holder, to, id)
    self._place(self.rights[id].content, to, id)


@external
@payable
def transferFrom(owner: address, to: address, token_id: uint256):
    """@notice ERC-721. A right that has expired or is lent stays where it is; a listing ends."""
    assert erc721._is_approved_or_owner(msg.sender, token_id), "erc721: caller is not token owner or approved"
    self._move(owner, to, token_id)


@external
@payable
def safeTransferFrom(owner: address, to: address, token_id: uint256, data: Bytes[1_024] = b""):
    """@notice ERC-721, with the receiver's consent if it is a contract."""
    assert erc721._is_approved_or_owner(msg.sender, token_id), "erc721: caller is not token owner or approved"
    self._move(owner, to, token_id)
    assert erc721._check_on_erc721_received(owner, to, token_id, data), "erc721: transfer to non-IERC721Receiver implementer"
