"""Release on a real chain: one command up to a receipt, and one contract whatever interrupts it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.client import Chain
from chain.contracts.content import Content
from chain.deployment import Deployment
from common.spread import Spread
from pywallet.crypto import address_of
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from studio import ownership, publish, release
from studio.batch import Job
from studio.commands import commands
from studio.convert import ConvertOptions
from studio.convert_command import run_jobs
from studio.exploded import assemble
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.server import fetch_info
from studio.verify import verify, verify_chain
from tests.integration.studio_world import OWNER, PLATFORM, TERMS, Uploads, list_server, network, node, noise, uploads

__all__ = ["network", "node", "uploads"]

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {command.name: command for command in commands}


@pytest.fixture
async def job(tmp_path: Path, network: Deployment, uploads: Uploads) -> Job:
    """A second of noise, to be released to a listed server."""
    await list_server(network, uploads)
    source = noise(tmp_path / "noise.wav")
    server = fetch_info(uploads.url, network.domain)
    return Job(
        source, tmp_path / "noise.sps", Policy.from_dict(TERMS).to_dict(), OWNER, network, server, ConvertOptions()
    )


async def contracts(network: Deployment) -> int:
    """Return the number of the owner's transactions."""
    async with Chain.connect(network.rpc) as chain:
        return int(await chain.request("eth_getTransactionCount", to_hex(address_of(OWNER)), "latest"), 16)


async def test_a_release_is_complete(job: Job, network: Deployment, uploads: Uploads) -> None:
    """Contract, keys, all three packagings and receipt agree, and the steps are reported in order."""
    steps: list[str] = []
    receipt = await release.release(job, lambda step, _: steps.append(step))
    assert list(dict.fromkeys(steps)) == list(release.STEPS)
    with SongFile(job.output) as song:
        assert song.header.content == receipt.content
    assert uploads.kept == [(receipt.content, ContentKeys.load(ContentKeys.beside(job.output)).keys)]
    assert list(verify(job.output, ContentKeys.load(ContentKeys.beside(job.output))))
    async with Chain.connect(network.rpc) as chain:
        assert await Content(chain, receipt.content).state() is not None
    written = json.loads(release.receipt_path(job.output).read_text())
    assert written["content"] == checksum(receipt.content)
    assert written["transaction"] is not None
    assert from_hex(written["salt"], 32) == ContentKeys.load(ContentKeys.beside(job.output)).salt
    files = {row["kind"]: row for row in written["files"]}
    assert files["sps"]["sha256"] == sha256(job.output.read_bytes()).hexdigest()
    assert files["html"]["sha256"] == sha256(Path(files["html"]["path"]).read_bytes()).hexdigest()
    with SongFile(Path(files["html"]["path"])) as page:
        assert page.header.content == receipt.content
    assemble(Path(files["exploded"]["path"]), job.output.with_name("again.sps"))
    assert job.output.with_name("again.sps").read_bytes() == job.output.read_bytes()


async def test_further_renditions_are_published_with_the_song(job: Job, network: Deployment) -> None:
    """Opus is added before the song is published, once; every rendition opens, decodes, and agrees with the chain."""
    assert run_jobs([job], Spread())
    first = await release.publish_and_package(job.output, OWNER, network, renditions=("opus",))
    before = job.output.read_bytes()
    second = await release.publish_and_package(job.output, OWNER, network, renditions=("opus",))
    assert (second.content, second.created, job.output.read_bytes()) == (first.content, False, before)
    with SongFile(job.output) as song:
        assert [track.codec for track in song.header.renditions] == ["flac", "opus"]
    seen = [check.name for check in verify(job.output, ContentKeys.load(ContentKeys.beside(job.output)))]
    assert seen.count("sound") == 2
    assert [check.name for check in await verify_chain(job.output, network)] == ["chain"]


async def test_a_second_release_changes_nothing(job: Job, network: Deployment) -> None:
    """Released again, the song keeps address, bytes and receipt, and the owner sends no transaction."""
    first = await release.release(job)
    before, sent = job.output.read_bytes(), await contracts(network)
    second = await release.release(job)
    assert (second.content, second.created, job.output.read_bytes()) == (first.content, False, before)
    assert (second.transaction, second.released_s) == (first.transaction, first.released_s)
    assert await contracts(network) == sent


@pytest.mark.parametrize("step", ["contract", "keys", "packages", "receipt"])
async def test_a_crash_before_any_step_makes_no_second_contract(
    job: Job, network: Deployment, uploads: Uploads, step: str
) -> None:
    """Interrupted as each step begins and started again, the release ends with one contract, its keys and its
    receipt.
    """

    class PowerCut(BaseException):
        """An error that no code handles."""

    def cut(now: str, _: Any) -> None:
        if now == step:
            raise PowerCut

    sent = await contracts(network)
    with pytest.raises(PowerCut):
        await release.release(job, cut)
    receipt = await release.release(job)
    assert await contracts(network) == sent + 1
    assert {content for content, _ in uploads.kept} == {receipt.content}
    assert release.receipt_path(job.output).exists()


async def test_an_existing_contract_is_accepted(job: Job, network: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the contract is created between check and transaction, the revert is no failure."""
    first = await release.release(job)
    seen, contract_state = [], publish.contract_state

    async def late(chain: Any, deployment: Any, header: Any) -> Any:
        seen.append(header)
        return None if len(seen) == 1 else await contract_state(chain, deployment, header)

    monkeypatch.setattr(publish, "contract_state", late)
    assert (await release.release(job)).content == first.content
    assert len(seen) > 1


def call(*arguments: Any) -> Result:
    """Run a command of the studio's."""
    return CliRunner().invoke(COMMANDS[str(arguments[0])], [str(argument) for argument in arguments[1:]])


@pytest.fixture
def files(tmp_path: Path, network: Deployment) -> Callable[[bytes], list[str]]:
    """Key file and deployment as options: ``files(key)``."""
    network.save(tmp_path / "network.json")

    def make(key: bytes) -> list[str]:
        path = tmp_path / f"{address_of(key).hex()[:8]}.key"
        path.write_text(to_hex(key))
        path.chmod(0o600)
        return ["--key", str(path), "--deployment", str(tmp_path / "network.json")]

    return make


async def test_the_commands_release_and_revoke(
    tmp_path: Path, network: Deployment, uploads: Uploads, files: Callable[[bytes], list[str]]
) -> None:
    """Gomaa release prints the contract's address; revoke asks for confirmation, and reports a second one as done."""
    import asyncio

    await list_server(network, uploads)
    source, song = noise(tmp_path / "noise.wav"), tmp_path / "noise.sps"
    terms = [
        "--policy",
        ROOT / "examples" / "policies" / "free-radio.toml",
        "--server",
        uploads.url,
        "--no-watermark",
        "--no-features",
        "--no-html",
    ]
    made = await asyncio.to_thread(call, "release", source, "-o", song, *terms, *files(OWNER), "--json")
    assert made.exit_code == 0, made.output
    content = from_hex(json.loads(made.stdout)["content"], 20)
    asked = await asyncio.to_thread(call, "revoke", song, *files(OWNER))
    assert asked.exit_code == 1
    assert "for good" in asked.output
    gone = await asyncio.to_thread(call, "revoke", song, *files(OWNER), "--yes", "--json")
    assert json.loads(gone.stdout)["content"] == checksum(content)
    again = await asyncio.to_thread(call, "revoke", checksum(content), *files(OWNER), "--yes")
    assert isinstance(again.exception, GomaaError)
    assert again.exception.code == "content.revoked"
    assert (await asyncio.to_thread(call, "destroy", song, *files(OWNER), "--yes")).exit_code == 0
    async with Chain.connect(network.rpc) as chain:
        state = await Content(chain, content).state()
    assert state is not None
    assert (state.revoked, state.destroyed) == (True, True)


async def test_only_the_owner_revokes(job: Job, network: Deployment) -> None:
    """Another key is refused by the contract; an address without a song is reported."""
    receipt = await release.release(job)
    with pytest.raises(GomaaError, match=r"chain\.reverted"):
        await ownership.revoke(network, receipt.content, PLATFORM, destroy=False)
    with pytest.raises(GomaaError, match=r"content\.unknown"):
        await ownership.revoke(network, bytes(range(20)), OWNER, destroy=True)


@pytest.mark.parametrize("word", ["", "0x00:1:2:3", "0x" + "00" * 32 + ":1:2", "0x" + "00" * 32 + ":1:2:-3"])
def test_the_confirmed_values_are_one_argument(word: str) -> None:
    """In the form that ``--look`` prints, and no other."""
    with pytest.raises(GomaaError, match=r"message\.schema"):
        ownership.parse_seen(word)


async def test_a_transfer_takes_two_steps(job: Job, network: Deployment) -> None:
    """An offer changes nothing until the named receiver accepts it at its price."""
    receipt = await release.release(job)
    await ownership.offer(network, receipt.content, OWNER, address_of(PLATFORM), 5 * 10**18)
    assert await ownership.standing_offer(network, receipt.content) == ownership.TransferOffer(
        address_of(PLATFORM), 5 * 10**18
    )
    with pytest.raises(GomaaError, match=r"message\.schema"):
        await ownership.accept(network, receipt.content, PLATFORM, 4 * 10**18)
    await ownership.retract(network, receipt.content, OWNER)
    assert await ownership.standing_offer(network, receipt.content) is None
    await ownership.offer(network, receipt.content, OWNER, address_of(PLATFORM), 5 * 10**18)
    offered, seen = await ownership.offer_and_state(network, receipt.content)
    assert offered == ownership.TransferOffer(address_of(PLATFORM), 5 * 10**18)
    assert ownership.parse_seen(ownership.seen_text(seen)) == seen
    async with Chain.connect(network.rpc) as chain:
        await Content(chain, receipt.content).license(OWNER, b"\x77" * 20)
    with pytest.raises(GomaaError, match=r"content\.changed"):
        await ownership.accept(network, receipt.content, PLATFORM, 5 * 10**18, seen)
    _, seen = await ownership.offer_and_state(network, receipt.content)
    await ownership.accept(network, receipt.content, PLATFORM, 6 * 10**18, seen)
    with pytest.raises(GomaaError, match=r"chain\.reverted"):
        await ownership.revoke(network, receipt.content, OWNER, destroy=False)
    await ownership.revoke(network, receipt.content, PLATFORM, destroy=False)
