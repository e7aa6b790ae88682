# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Registry
@notice Makes one Content per recording; lists stations, security servers and the platform's commission.
@dev The platform can list and delist and change the commission with notice. It cannot touch a content or anybody's tokens.
"""
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


interface IContent:
    def initialize(owner: address, policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool): nonpayable


struct Station:
    domain: String[253]
    name: String[64]
    active: bool


struct Server:
    url: String[253]
    key: bytes32  # X25519
    active: bool


struct Rate:
    old: uint256
    new: uint256
    from_epoch: uint256


event ContentCreated:
    content: indexed(address)
    owner: indexed(address)
    server: indexed(address)
    policy_hash: bytes32
    price: uint256
    interval: uint256


event StationSet:
    station: indexed(address)
    domain: String[253]
    name: String[64]
    active: bool


event ServerSet:
    server: indexed(address)
    url: String[253]
    key: bytes32
    active: bool


event ImplementationSet:
    implementation: address


event RateSet:
    old: uint256
    new: uint256
    from_epoch: uint256


MAX_BPS: constant(uint256) = 10_000
NOTICE: constant(uint256) = 2  # epochs

EPOCH_LENGTH: public(immutable(uint256))

implementation: public(address)
is_content: public(HashMap[address, bool])
stations: HashMap[address, Station]
domains: HashMap[bytes32, address]
servers: HashMap[address, Server]
rate: public(Rate)


@deploy
def __init__(bps: uint256, epoch_length: uint256):
    """
    @param bps Commission in basis points of the payer's net.
    @param epoch_length Seconds; the same as Settlement's.
    """
    assert bps <= MAX_BPS, "bps"
    assert epoch_length > 0, "length"
    ownable.__init__()
    ownable_2step.__init__()
    EPOCH_LENGTH = epoch_length
    self.rate = Rate(old=bps, new=bps, from_epoch=0)


@external
def set_implementation(implementation: address):
    """@notice Once: clones of all contents share it for ever."""
    ownable._check_owner()
    assert self.implementation == empty(address), "initialized"
    assert implementation != empty(address), "zero"
    self.implementation = implementation
    log ImplementationSet(implementation=implementation)


@external
def create(policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool, salt: bytes32) -> address:
    """
    @notice Make the content of msg.sender whose address follows from owner and salt.
    @param price Wei per interval to the owner.
    """
    assert self.implementation != empty(address), "implementation"
    assert interval > 0, "interval"
    assert price < 2**96, "price"
    assert self.servers[server].active, "server"
    content: address = create_minimal_proxy_to(self.implementation, salt=keccak256(concat(convert(msg.sender, bytes20), salt)))
    extcall IContent(content).initialize(msg.sender, policy_hash, price, interval, server, open_license)
    self.is_content[content] = True
    log ContentCreated(content=content, owner=msg.sender, server=server, policy_hash=policy_hash, price=price, interval=interval)
    return content


@external
def set_station(station: address, domain: String[253], name: String[64], active: bool):
    """@notice Bind an address to a domain (`host[:port]`); a domain has one station, a station one domain."""
    ownable._check_owner()
    assert station != empty(address), "zero"
    assert len(domain) > 0, "domain"
    key: bytes32 = keccak256(domain)
    holder: address = self.domains[key]
    assert holder == empty(address) or holder == station, "domain"
    before: bytes32 = keccak256(self.stations[station].domain)
    if before != key:
        self.domains[before] = empty(address)
    self.domains[key] = station
    self.stations[station] = Station(domain=domain, name=name, active=active)
    log StationSet(station=station, domain=domain, name=name, active=active)


@external
def set_server(server: address, url: String[253], key: bytes32, active: bool):
    """@notice List a security server: its signing address, URL and X25519 key."""
    ownable._check_owner()
    assert server != empty(address), "zero"
    assert len(url) > 0, "url"
    self.servers[server] = Server(url=url, key=key, active=active)
    log ServerSet(server=server, url=url, key=key, active=active)


@external
def set_rate(bps: uint256, from_epoch: uint256):
    """
    @notice A new commission, at least two epochs ahead, so that no running epoch changes.
    @dev Not while the last change is nearer than two epochs on either side: what begins sooner is relied on, and an epoch is
        posted until two after it began, at the rate that held in it.
    """
    ownable._check_owner()
    assert bps <= MAX_BPS, "bps"
    epoch: uint256 = block.timestamp // EPOCH_LENGTH
    since: uint256 = self.rate.from_epoch
    assert from_epoch >= epoch + NOTICE and (since >= epoch + NOTICE or epoch >= since + NOTICE), "notice"
    # A change that was announced but has not begun is replaced; nobody relied on it yet.
    old: uint256 = self.rate.old
    if epoch >= since:
        old = self.rate.new
    self.rate = Rate(old=old, new=bps, from_epoch=from_epoch)
    log RateSet(old=old, new=bps, from_epoch=from_epoch)


@view
@external
def rate_at(epoch: uint256) -> uint256:
    """@notice Basis points that hold in an epoch; right for every epoch that can still be posted, and for later ones as announced."""
    if epoch >= self.rate.from_epoch:
        return self.rate.new
    return self.rate.old


@view
@external
def station(station: address) -> Station:
    """@notice The entry; its domain is empty where there is none."""
    return self.stations[station]


@view
@external
def station_of(domain: String[253]) -> address:
    """@notice Who has a domain, or zero."""
    return self.domains[keccak256(domain)]


@view
@external
def server(server: address) -> Server:
    """@notice The entry; its URL is empty where there is none."""
    return self.servers[server]
