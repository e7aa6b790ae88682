# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Registry
@notice Creates one Content per recording; lists stations, security servers and the platform's commission.
@dev The platform can list, delist and, with notice, change the commission. It has no power over contents or tokens.
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


struct Application:
    domain: String[253]
    name: String[64]


struct Standing:
    verifier: address  # who verified the domain's proof; zero if the platform listed the station without one
    proof: bytes32  # keccak of the proof's file
    since: uint256  # Unix s of the verification
    suspended: String[200]  # reason of the suspension; empty: not suspended


struct Server:
    url: String[253]
    key: bytes32  # X25519
    active: bool


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


event StationApplied:
    station: indexed(address)
    domain: String[253]
    name: String[64]


event StationVerified:
    station: indexed(address)
    verifier: indexed(address)
    domain: String[253]
    proof: bytes32


event StationSuspended:
    station: indexed(address)
    reason: String[200]


event StationReinstated:
    station: indexed(address)


event VerifierSet:
    verifier: indexed(address)
    on: bool


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
NOTICE_EPOCHS: constant(uint256) = 2

EPOCH_LENGTH: public(immutable(uint256))

implementation: public(address)
is_content: public(HashMap[address, bool])
is_owner: public(HashMap[address, bool])  # owns a content of this registry, or once did
stations: HashMap[address, Station]
applications: HashMap[address, Application]
standings: HashMap[address, Standing]
verifiers: public(HashMap[address, bool])
domains: HashMap[bytes32, address]
servers: HashMap[address, Server]
rates: HashMap[uint256, uint256]  # number of the change: first epoch << 16 | bps; immutable once the epoch is near
rate_changes: public(uint256)


@deploy
def __init__(bps: uint256, epoch_length: uint256):
    """
    @param bps Commission in basis points of the payer's net.
    @param epoch_length Seconds; equal to Settlement's.
    """
    assert bps <= MAX_BPS, "registry: bps too large"
    assert epoch_length > 0, "registry: epoch length is zero"
    ownable.__init__()
    ownable_2step.__init__()
    EPOCH_LENGTH = epoch_length
    self.rates[0] = bps
    self.rate_changes = 1


@external
def set_implementation(implementation: address):
    """@notice Set the implementation that all contents share. Only the platform, once."""
    ownable._check_owner()
    assert self.implementation == empty(address), "registry: initialized"
    assert implementation != empty(address), "registry: zero address"
    self.implementation = implementation
    log ImplementationSet(implementation=implementation)


@external
def create(policy_hash: bytes32, price: uint256, interval: uint256, server: address, open_license: bool, salt: bytes32) -> address:
    """
    @notice Create a content of the sender, at an address that follows from the sender and the salt.
    @param price Wei per interval, to the owner.
    @param interval Seconds.
    @param server The content's security server, a listed and active one.
    @param open_license True if every registered station may play it.
    @return The content's address.
    """
    assert self.implementation != empty(address), "registry: no implementation"
    assert interval > 0, "registry: interval is zero"
    assert price < 2**96, "registry: price too large"
    assert self.servers[server].active, "registry: server not active"
    content: address = create_minimal_proxy_to(self.implementation, salt=keccak256(concat(convert(msg.sender, bytes20), salt)))
    extcall IContent(content).initialize(msg.sender, policy_hash, price, interval, server, open_license)
    self.is_content[content] = True
    self.is_owner[msg.sender] = True
    log ContentCreated(content=content, owner=msg.sender, server=server, policy_hash=policy_hash, price=price, interval=interval)
    return content


@external
def note_owner(owner: address):
    """@notice Register the new owner of a content. Only contents of this registry. Owners' claims need no signature."""
    assert self.is_content[msg.sender], "registry: unknown content"
    self.is_owner[owner] = True


@external
def set_station(station: address, domain: String[253], name: String[64], active: bool):
    """
    @notice List a station under a domain (`host[:port]`) without a proof; a domain has one station, a station one domain. Only the platform.
    @dev A verification of another domain is dropped.
    """
    ownable._check_owner()
    assert station != empty(address), "registry: zero address"
    if self.stations[station].domain != domain:
        self.standings[station] = empty(Standing)
    else:
        self.standings[station].suspended = ""
    self._list_station(station, domain, name, active)


@internal
def _list_station(station: address, domain: String[253], name: String[64], active: bool):
    assert len(domain) > 0, "registry: domain is empty"
    key: bytes32 = keccak256(domain)
    holder: address = self.domains[key]
    assert holder == empty(address) or holder == station, "registry: domain taken"
    before: bytes32 = keccak256(self.stations[station].domain)
    if before != key:
        self.domains[before] = empty(address)
    self.domains[key] = station
    self.stations[station] = Station(domain=domain, name=name, active=active)
    log StationSet(station=station, domain=domain, name=name, active=active)


@external
def apply(domain: String[253], name: String[64]):
    """@notice Apply for a listing under a domain, with the station's key. A verifier lists the station after verifying the domain's proof."""
    assert len(domain) > 0, "registry: domain is empty"
    assert len(self.standings[msg.sender].suspended) == 0, "registry: station suspended"
    self.applications[msg.sender] = Application(domain=domain, name=name)
    log StationApplied(station=msg.sender, domain=domain, name=name)


@external
def verify_station(station: address, domain: String[253], proof: bytes32):
    """
    @notice List a station as it applied, after verifying its signed file under the domain's `/.well-known/`. Only verifiers and the platform.
    @param proof keccak of that file.
    """
    assert self.verifiers[msg.sender] or msg.sender == ownable.owner, "registry: not a verifier"
    assert proof != empty(bytes32), "registry: proof is zero"
    application: Application = self.applications[station]
    # The domain is an argument, so that an application that has changed since the verification is refused.
    assert len(application.domain) > 0 and application.domain == domain, "registry: application differs"
    assert len(self.standings[station].suspended) == 0, "registry: station suspended"
    self.applications[station] = empty(Application)
    self.standings[station] = Standing(verifier=msg.sender, proof=proof, since=block.timestamp, suspended="")
    self._list_station(station, application.domain, application.name, True)
    log StationVerified(station=station, verifier=msg.sender, domain=domain, proof=proof)


@external
def suspend_station(station: address, reason: String[200]):
    """@notice Suspend a station, with a public reason. Only the platform."""
    ownable._check_owner()
    assert self.stations[station].active, "registry: station not active"
    assert len(reason) > 0, "registry: reason is empty"
    self.stations[station].active = False
    self.standings[station].suspended = reason
    log StationSuspended(station=station, reason=reason)


@external
def reinstate_station(station: address):
    """@notice End a suspension. Only the platform."""
    ownable._check_owner()
    assert len(self.standings[station].suspended) > 0, "registry: station not suspended"
    self.stations[station].active = True
    self.standings[station].suspended = ""
    log StationReinstated(station=station)


@external
def set_verifier(verifier: address, on: bool):
    """@notice Allow or forbid an account to verify stations. Only the platform."""
    ownable._check_owner()
    assert verifier != empty(address), "registry: zero address"
    self.verifiers[verifier] = on
    log VerifierSet(verifier=verifier, on=on)


@external
def set_server(server: address, url: String[253], key: bytes32, active: bool):
    """@notice List a security server: its signing address, URL and X25519 key. Only the platform."""
    ownable._check_owner()
    assert server != empty(address), "registry: zero address"
    assert len(url) > 0, "registry: URL is empty"
    self.servers[server] = Server(url=url, key=key, active=active)
    log ServerSet(server=server, url=url, key=key, active=active)


@external
def set_rate(bps: uint256, from_epoch: uint256):
    """
    @notice Announce a commission, at least two epochs ahead. The rates of past and nearer epochs never change. Only the platform.
    """
    ownable._check_owner()
    assert bps <= MAX_BPS, "registry: bps too large"
    epoch: uint256 = block.timestamp // EPOCH_LENGTH
    number: uint256 = self.rate_changes
    last: uint256 = self.rates[number - 1]
    if last >> 16 > epoch:
        # An announced rate may be replaced until two epochs before it begins.
        assert last >> 16 >= epoch + NOTICE_EPOCHS, "registry: notice too short"
        number -= 1
        last = self.rates[number - 1]
    assert from_epoch >= epoch + NOTICE_EPOCHS and from_epoch < 2**32, "registry: notice too short"
    self.rates[number] = (from_epoch << 16) | bps
    self.rate_changes = number + 1
    log RateSet(old=last & 65_535, new=bps, from_epoch=from_epoch)


@view
@external
def rate_at(epoch: uint256) -> uint256:
    """@notice Commission of an epoch in basis points: past epochs as charged, later ones as announced."""
    high: uint256 = self.rate_changes - 1
    if epoch >= self.rates[high] >> 16:
        return self.rates[high] & 65_535
    # Binary search for the last change that has begun by then; change 0 begins with epoch 0.
    low: uint256 = 0
    for _: uint256 in range(64):
        if high - low <= 1:
            break
        middle: uint256 = (low + high) // 2
        if epoch >= self.rates[middle] >> 16:
            low = middle
        else:
            high = middle
    return self.rates[low] & 65_535


@view
@external
def station(station: address) -> Station:
    """@notice A station's entry; its domain is empty if there is none."""
    return self.stations[station]


@view
@external
def standing(station: address) -> Standing:
    """@notice The verification of a station's domain, and the reason of its suspension, if any."""
    return self.standings[station]


@view
@external
def application(station: address) -> Application:
    """@notice A station's pending application; its domain is empty if there is none."""
    return self.applications[station]


@view
@external
def station_of(domain: String[253]) -> address:
    """@notice The station of a domain, or zero."""
    return self.domains[keccak256(domain)]


@view
@external
def server(server: address) -> Server:
    """@notice A security server's entry; its URL is empty if there is none."""
    return self.servers[server]
