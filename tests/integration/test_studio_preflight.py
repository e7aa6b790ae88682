"""Publishing sends nothing unless all checks before it pass.

An address has one set of terms for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry, predict_content
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.encoding import cbor
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.sps import MAGIC, Container, open_header
from pywallet.sps.cose import sign as sign_cose
from pywallet.sps.payload import to_map
from pywallet.sps.signed_header import CONTENT_TYPE
from studio import ownership
from studio.batch import Job, Kept, attempt
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.owner import ContentKeys
from studio.publish import publish
from studio.release import publish_and_package
from studio.server import ServerInfo, fetch_info
from studio.verify import verify, verify_chain
from tests.integration.studio_world import (
    OWNER,
    PLATFORM,
    SERVER,
    TERMS,
    Uploads,
    list_server,
    network,
    node,
    noise,
    uploads,
)

__all__ = ["network", "node", "uploads"]

PLAIN = {"permissions": ["play"], "price": {"interval_s": 5, "owner": 10**16, "reward": 10**15}}
OMITTING = [
    PLAIN,
    {**PLAIN, "price": {**PLAIN["price"], "payer": "station"}},  # type: ignore[dict-item]
    {**PLAIN, "stations": ["*"], "tracking": "opt_in", "concurrent": 1, "territories": ["*"], "purposes": ["*"]},
    {
        **PLAIN,
        "counts": {"play": {"limit": 3, "unit": "start"}},
        "renewal": {"every_s": 60, "retry_s": 5},
        "part": {},
        "crit": [],
    },
    {**PLAIN, "mood": {"calm": [1, None, True]}, "self_destruct": [], "listener": "any"},
]


def resigned(song: Path, key: bytes, change: Callable[[dict[str, Any]], None]) -> None:
    """Return the same file with a changed header, signed again; no defaults are filled in, no field is checked."""
    data = song.read_bytes()
    container = Container.read(data)
    payload = to_map(open_header(container.cose))
    change(payload)
    cose = sign_cose(cbor.dumps(payload), CONTENT_TYPE, MAGIC + payload["content"], key)
    song.write_bytes(Container(cose).prefix() + data[container.body :])


def make(
    folder: Path, network: Deployment, server: ServerInfo, key: bytes = OWNER, seconds: float = 1
) -> ConvertResult:
    """Package noise as a song."""
    source = noise(folder / "noise.wav", seconds)
    return convert(
        source, folder / "noise.sps", Policy.from_dict(TERMS), key, network, server, ConvertOptions(replace=True)
    )


async def sent(network: Deployment, *accounts: bytes) -> list[int]:
    """Return each account's number of transactions."""
    async with Chain.connect(network.rpc) as chain:
        return [int(await chain.request("eth_getTransactionCount", to_hex(one), "latest"), 16) for one in accounts]


@pytest.mark.parametrize("terms", OMITTING)
async def test_terms_without_defaults_are_published(
    network: Deployment, uploads: Uploads, tmp_path: Path, terms: dict[str, Any]
) -> None:
    """Contract, server and verification hash the header's own bytes; publishing again changes nothing."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    resigned(song.path, OWNER, lambda header: header.update(policy=terms))
    receipt = await publish_and_package(song.path, OWNER, network)
    assert receipt.created
    assert receipt.policy_hash == keccak256(cbor.dumps(terms))
    async with Chain.connect(network.rpc) as chain:
        state = await Content(chain, song.content).state()
    assert state is not None
    assert (state.policy_hash, state.open_license) == (receipt.policy_hash, True)
    assert "policy" in [check.name for check in verify(song.path)]
    assert [check.name for check in await verify_chain(song.path, network)] == ["chain"]
    assert not (await publish(song.path, OWNER, network)).created
    assert [content for content, _ in uploads.kept] == [song.content] * 2


async def test_a_release_keeps_a_song_whose_terms_omit_defaults(
    network: Deployment, uploads: Uploads, tmp_path: Path
) -> None:
    """The same terms in fewer bytes are the same terms."""
    server = fetch_info(uploads.url, network.domain)
    song = make(tmp_path, network, server)
    resigned(song.path, OWNER, lambda header: header.update(policy=PLAIN))
    job = Job(
        tmp_path / "noise.wav", song.path, Policy.from_dict(PLAIN).to_dict(), OWNER, network, server, ConvertOptions()
    )
    assert isinstance(attempt(job, lambda: None), Kept)


def wrong_key(song: ConvertResult) -> None:
    """Return a key file whose keys open nothing."""
    keys = ContentKeys.load(song.key_path)
    ContentKeys(keys.content, keys.salt, dict.fromkeys(keys.keys, bytes(32))).save(song.key_path)


def wrong_salt(song: ConvertResult) -> None:
    """Return a key file with another salt: the contract would have another address."""
    keys = ContentKeys.load(song.key_path)
    ContentKeys(keys.content, bytes(32), keys.keys).save(song.key_path)


def too_many_keys(song: ConvertResult) -> None:
    """Return more keys than a server accepts."""
    keys = ContentKeys.load(song.key_path)
    more = {epoch: bytes(32) for epoch in range(10_000, 14_097)}
    ContentKeys(keys.content, keys.salt, keys.keys | more).save(song.key_path)


def altered(song: ConvertResult) -> None:
    """Flip one bit of the last segment."""
    data = bytearray(song.path.read_bytes())
    data[-1] ^= 1
    song.path.write_bytes(data)


def wider_child(song: ConvertResult) -> None:
    """Return terms of a child that are wider than their parent's."""
    child = {**PLAIN, "permissions": ["play", "seek"]}
    terms = {**PLAIN, "permissions": ["play", "transfer"], "child": child}
    resigned(song.path, OWNER, lambda header: header.update(policy=terms))


def unreadable_terms(song: ConvertResult) -> None:
    """Return a policy with an unknown field."""
    resigned(
        song.path,
        OWNER,
        lambda header: header.update(policy={**PLAIN, "price": {"interval_s": 0, "owner": 1, "reward": 0}}),
    )


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (wrong_key, "sps.segment.tag"),
        (wrong_salt, "chain.mismatch"),
        (too_many_keys, "message.schema"),
        (altered, "sps.segment.hash"),
        (wider_child, "policy.child.wider"),
        (unreadable_terms, "policy.malformed"),
        (lambda song: song.key_path.unlink(), "message.schema"),
    ],
)
async def test_faults_of_a_file_or_its_keys_precede_the_contract(
    network: Deployment, uploads: Uploads, tmp_path: Path, spoil: Callable[[ConvertResult], None], code: str
) -> None:
    """Nothing is sent, and nothing uploaded."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    spoil(song)
    before = await sent(network, address_of(OWNER))
    with pytest.raises(GomaaError) as caught:
        await publish(song.path, OWNER, network)
    assert caught.value.code == code
    assert (await sent(network, address_of(OWNER)), uploads.kept) == (before, [])


async def refused(network: Deployment, song: ConvertResult, key: bytes = OWNER, **more: Any) -> str:
    """Return the code of a publication that sends nothing."""
    before = await sent(network, address_of(key))
    with pytest.raises(GomaaError) as caught:
        await publish(song.path, key, network, **more)
    assert await sent(network, address_of(key)) == before
    return caught.value.code


async def test_faults_of_the_server_precede_the_contract(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """A server that is down, another one, an unlisted or delisted one, one whose key accepts no secret."""
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    assert await refused(network, song) == "server.mismatch"
    await list_server(network, uploads)
    assert await refused(network, song, server_url="http://127.0.0.1:1") == "server.unreachable"
    true = uploads.public
    uploads.public = bytes(31) + b"\x09"
    assert await refused(network, song) == "server.mismatch"
    uploads.public = true
    async with Chain.connect(network.rpc) as chain:
        await Registry(chain, network).add_server(PLATFORM, SERVER, uploads.url, uploads.public, active=False)
    assert await refused(network, song) == "server.mismatch"
    resigned(song.path, OWNER, lambda header: header["server"].update(key=bytes(32)))
    assert await refused(network, song) == "message.schema"
    assert uploads.kept == []


async def test_another_deployment_is_refused_before_the_contract(
    network: Deployment, uploads: Uploads, tmp_path: Path
) -> None:
    """Another chain id, another registry, another implementation, another settlement than the server's."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    assert await refused(replace(network, chain_id=7), song) == "sps.header.chain"
    assert await refused(replace(network, settlement=bytes(20)), song) == "sps.header.chain"
    assert await refused(replace(network, registry=network.token), song) in ("chain.reverted", "chain.mismatch")
    wrong = replace(network, content_implementation=network.token)
    other = make(tmp_path, wrong, fetch_info(uploads.url, network.domain))
    assert other.content == predict_content(network.registry, network.token, address_of(OWNER), other.salt)
    assert await refused(network, other) == "chain.mismatch"


async def test_an_account_without_money_sends_nothing(network: Deployment, uploads: Uploads, tmp_path: Path) -> None:
    """The balance must suffice for the contract and every licence, not only the first transaction."""
    await list_server(network, uploads)
    poor = b"\x42" * 32
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain), poor)
    assert await refused(network, song, poor) == "chain.funds"
    async with Chain.connect(network.rpc) as chain:
        for number in range(20):
            await Registry(chain, network).add_station(PLATFORM, bytes([number + 1]) * 20, f"{number}.example", "Radio")
        names = [f"{number}.example" for number in range(20)]
        resigned(song.path, poor, lambda header: header.update(policy={**PLAIN, "stations": names}))
        head = await chain.request("eth_getBlockByNumber", "latest", False)
        # Enough for the contract, too little for its licences.
        await chain.request(
            "anvil_setBalance", to_hex(address_of(poor)), hex(700_000 * (2 * int(head["baseFeePerGas"], 16) + 10**9))
        )
    assert await refused(network, song, poor) == "chain.funds"
    async with Chain.connect(network.rpc) as chain:
        await chain.request("anvil_setBalance", to_hex(address_of(poor)), hex(10**20))
    assert len((await publish(song.path, poor, network)).licensed) == 20


async def test_a_domain_that_is_too_long_in_bytes_is_unknown(
    network: Deployment, uploads: Uploads, tmp_path: Path
) -> None:
    """253 characters may be more bytes than the registry's bound; found before the contract, too."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    resigned(song.path, OWNER, lambda header: header.update(policy={**PLAIN, "stations": ["ü" * 200]}))
    assert (await publish(song.path, OWNER, network)).unknown == ("ü" * 200,)


async def test_any_station_among_named_ones_is_an_open_licence(
    network: Deployment, uploads: Uploads, tmp_path: Path
) -> None:
    """The policy's decision permits any station where one entry is ``*``; so does the contract."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    resigned(song.path, OWNER, lambda header: header.update(policy={**PLAIN, "stations": ["radio.example", "*"]}))
    await publish(song.path, OWNER, network)
    async with Chain.connect(network.rpc) as chain:
        assert await Content(chain, song.content).licensed(b"\x99" * 20)


async def test_a_purchase_that_cannot_succeed_approves_nothing(
    network: Deployment, uploads: Uploads, tmp_path: Path
) -> None:
    """The price is approved only by the named buyer, with a sufficient balance, while the song may be sold."""
    await list_server(network, uploads)
    song = make(tmp_path, network, fetch_info(uploads.url, network.domain))
    await publish(song.path, OWNER, network)
    buyer = b"\x43" * 32
    async with Chain.connect(network.rpc) as chain:
        await chain.request("anvil_setBalance", to_hex(address_of(buyer)), hex(10**20))

    async def code(price: int) -> str:
        with pytest.raises(GomaaError) as caught:
            await ownership.accept(network, song.content, buyer, price)
        assert await sent(network, address_of(buyer)) == [0]
        return caught.value.code

    await ownership.offer(network, song.content, OWNER, b"\x11" * 20, 5)
    assert await code(5) == "content.owner"
    await ownership.offer(network, song.content, OWNER, None, 5)
    assert (await code(4), await code(5)) == ("message.schema", "wallet.funds")
    await ownership.revoke(network, song.content, OWNER, destroy=False)
    assert await code(5) == "content.revoked"
