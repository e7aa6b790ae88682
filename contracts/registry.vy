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


struct Application:
    domain: String[253]
    name: String[64]


struct Standing:
    verifier: address  # who looked at the domain's proof; zero where the platform listed without one
    proof: bytes32  # keccak of the proof's file
    since: uint256  # Unix s of that look
    suspended: String[200]  # why, empty if it is not


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
NOTICE: constant(uint256) = 2  # epochs

EPOCH_LENGTH: public(immutable(uint256))

implementation: public(address)
is_content: public(HashMap[address, bool])
is_owner: public(HashMap[address, bool])  # whoever owns a content, or did
stations: HashMap[address, Station]
applications: HashMap[address, Application]
standings: HashMap[address, Standing]
verifiers: public(HashMap[address, bool])
domains: HashMap[bytes32, address]
servers: HashMap[address, Server]
rates: HashMap[uint256, uint256]  # number of the change: first epoch << 16 | bps; never changed once an epoch has it
rate_changes: public(uint256)


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
    self.rates[0] = bps
    self.rate_changes = 1


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
    self.is_owner[msg.sender] = True
    log ContentCreated(content=content, owner=msg.sender, server=server, policy_hash=policy_hash, price=price, interval=interval)
    return content


@external
def note_owner(owner: address):
    """@notice A content made here has a new owner. Owners' shares may be sent to them without their signature."""
    assert self.is_content[msg.sender], "content"
    self.is_owner[owner] = True


@external
def set_station(station: address, domain: String[253], name: String[64], active: bool):
    """
    @notice The platform binds an address to a domain (`host[:port]`) on its own word; a domain has one station, a station one domain.
    @dev A look at another domain's proof says nothing about this one.
    """
    ownable._check_owner()
    assert station != empty(address), "zero"
    if self.stations[station].domain != domain:
        self.standings[station] = empty(Standing)
    else:
        self.standings[station].suspended = ""
    self._list(station, domain, name, active)


@internal
def _list(station: address, domain: String[253], name: String[64], active: bool):
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
def apply(domain: String[253], name: String[64]):
    """@notice A station asks, with its own key, to be listed under a domain. Nothing is listed until a verifier saw the domain's proof."""
    assert len(domain) > 0, "domain"
    assert len(self.standings[msg.sender].suspended) == 0, "suspended"
    self.applications[msg.sender] = Application(domain=domain, name=name)
    log StationApplied(station=msg.sender, domain=domain, name=name)


@external
def verify_station(station: address, domain: String[253], proof: bytes32):
    """
    @notice A verifier saw the station's signed file under the domain's `/.well-known/`, and lists the station as it applied.
    @param proof keccak of that file, for whoever looks again.
    """
    assert self.verifiers[msg.sender] or msg.sender == ownable.owner, "verifier"
    assert proof != empty(bytes32), "proof"
    asked: Application = self.applications[station]
    # The domain is named again, so that an application that is changed meanwhile is not taken for the one that was looked at.
    assert len(asked.domain) > 0 and asked.domain == domain, "application"
    assert len(self.standings[station].suspended) == 0, "suspended"
    self.applications[station] = empty(Application)
    self.standings[station] = Standing(verifier=msg.sender, proof=proof, since=block.timestamp, suspended="")
    self._list(station, asked.domain, asked.name, True)
    log StationVerified(station=station, verifier=msg.sender, domain=domain, proof=proof)


@external
def suspend_station(station: address, reason: String[200]):
    """@notice The platform stops a station, and says why for all to read."""
    ownable._check_owner()
    assert self.stations[station].active, "inactive"
    assert len(reason) > 0, "reason"
    self.stations[station].active = False
    self.standings[station].suspended = reason
    log StationSuspended(station=station, reason=reason)


@external
def reinstate_station(station: address):
    """@notice The end of a suspension."""
    ownable._check_owner()
    assert len(self.standings[station].suspended) > 0, "active"
    self.stations[station].active = True
    self.standings[station].suspended = ""
    log StationReinstated(station=station)


@external
def set_verifier(verifier: address, on: bool):
    """@notice Who besides the platform may look at domains' proofs."""
    ownable._check_owner()
    assert verifier != empty(address), "zero"
    self.verifiers[verifier] = on
    log VerifierSet(verifier=verifier, on=on)


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
    @notice A new commission, at least two epochs ahead. What held in an epoch, or will in one that is nearer, stays for ever.
    """
    ownable._check_owner()
    assert bps <= MAX_BPS, "bps"
    epoch: uint256 = block.timestamp // EPOCH_LENGTH
    number: uint256 = self.rate_changes
    last: uint256 = self.rates[number - 1]
    if last >> 16 > epoch:
        # Announced, but not begun: it is replaced, unless it is so near that it is relied on.
        assert last >> 16 >= epoch + NOTICE, "notice"
        number -= 1
        last = self.rates[number - 1]
    assert from_epoch >= epoch + NOTICE and from_epoch < 2**32, "notice"
    self.rates[number] = (from_epoch << 16) | bps
    self.rate_changes = number + 1
    log RateSet(old=last & 65_535, new=bps, from_epoch=from_epoch)


@view
@external
def rate_at(epoch: uint256) -> uint256:
    """@notice Basis points that hold in an epoch: of every past one, and of later ones as announced."""
    high: uint256 = self.rate_changes - 1
    if epoch >= self.rates[high] >> 16:
        return self.rates[high] & 65_535
    # The greatest number whose change has begun by then; number 0 begins with epoch 0.
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
    """@notice The entry; its domain is empty where there is none."""
    return self.stations[station]


@view
@external
def standing(station: address) -> Standing:
    """@notice Who verified a station's domain, when and by which proof, and why it is suspended, if it is."""
    return self.standings[station]


@view
@external
def application(station: address) -> Application:
    """@notice What a station has asked for; its domain is empty where nothing waits."""
    return self.applications[station]


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
