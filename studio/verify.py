"""Verification of a song in any packaging: signature, terms, sizes, hashes, sound, contract; in a player's order."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from chain.client import Chain
from chain.contracts.content import Content, ContentState
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from pywallet.errors import InputError, Refusal
from pywallet.policy import Policy
from pywallet.rules.content_check import content_fault, withdrawal
from pywallet.sps import Header
from studio.fragments import timing
from studio.owner import ContentKeys
from studio.reader import SongFile

Progress = Callable[[int, int], None]
"""Called with the number of segments verified and their total."""


@dataclass(frozen=True)
class PassedCheck:
    """A check that passed, and the value checked."""

    name: str
    value: str


def verify(
    path: Path | str, keys: ContentKeys | None = None, progress: Progress | None = None
) -> Iterator[PassedCheck]:
    """Yield each check that passed; raise the first that did not.

    Args:
        path: An SPS file, its page, or its exploded folder (a path, or a URL).
        keys: Content keys, to decrypt and decode every segment as well.
        progress: Called after each segment.

    Raises:
        InputError: ``sps.*``, ``policy.malformed``, ``media.decode``.
        Unavailable: ``server.unreachable`` for a URL.
    """
    with SongFile(path) as song:
        header = song.header
        yield PassedCheck("signature", f"owner 0x{header.owner.hex()}")
        Policy.from_dict(header.policy)
        yield PassedCheck("policy", f"0x{header.policy_hash.hex()}")
        song.check_size()
        yield PassedCheck("size", f"{song.expected} bytes")
        for place, track in enumerate(header.renditions):
            song.init(place)
            for index in range(len(track.segments)):
                song.segment(index, place)
                if progress is not None:
                    progress(index + 1, len(track.segments))
            # Opening the header has checked that its root is the tree hash of these hashes.
            yield PassedCheck("segments", f"{len(track.segments)}, root {track.root.hex()}")
        if keys is not None:
            if keys.content != header.content:
                raise InputError("sps.segment.tag", reason="the key file is another song's")
            for place in range(len(header.renditions)):
                yield PassedCheck("sound", f"{_decode(song, keys, place)} samples decoded")


def _decode(song: SongFile, keys: ContentKeys, place: int) -> int:
    """Decrypt and decode each segment independently, as after a seek; returns the number of samples."""
    track = song.header.renditions[place]
    init, total = song.init(place), 0
    for index, row in enumerate(track.segments):
        clear = song.clear(index, keys, place)
        if timing(clear) != (total, row.samples):
            raise InputError("sps.header.malformed", reason="a segment's place in time", segment=index)
        try:
            with av.open(io.BytesIO(init + clear), "r") as container:
                decoded = sum(frame.samples for frame in container.decode(audio=0))
        except av.FFmpegError as e:
            raise InputError("media.decode", segment=index, reason=e) from None
        if track.codec == "flac" and decoded != row.samples:
            raise InputError("media.decode", segment=index, samples=decoded, expected=row.samples)
        total += row.samples
    return total


async def verify_chain(path: Path | str, deployment: Deployment) -> list[PassedCheck]:
    """Compare the header with the content's contract.

    Raises:
        GomaaError: ``sps.header.chain``, ``content.*``, ``sps.policy.mismatch``, ``chain.*``.
    """
    with SongFile(path) as song:
        header = song.header
    if header.chain != deployment.chain_id:
        raise InputError("sps.header.chain", header=header.chain, deployment=deployment.chain_id)
    async with deployment.connect() as chain:
        state = await contract_state(chain, deployment, header)
    if state is None:
        raise InputError("content.unknown", content=header.content.hex())
    return [PassedCheck("chain", f"content 0x{header.content.hex()} on chain {header.chain}")]


async def contract_state(chain: Chain, deployment: Deployment, header: Header) -> ContentState | None:
    """The contract's state, after comparing it with the header; None without a contract. Raises as ``verify_chain``."""
    if not await Registry(chain, deployment).is_content(header.content):
        return None
    state = await Content(chain, header.content).state()
    if state is None:
        return None
    fault = content_fault(state, header.content, header.owner, header.policy_hash)
    if fault is not None:
        raise fault.error(InputError)
    price = Policy.from_dict(header.policy).price
    if (state.price, state.interval) != (price.owner, price.interval_s):
        raise InputError("sps.policy.mismatch", chain=state.policy_hash.hex(), header=header.policy_hash.hex())
    # The file names the first server; the contract says which one serves now.
    first = await Content(chain, header.content).server_at(0)
    if first != header.server.address:
        raise InputError("server.mismatch", chain=first.hex())
    code = withdrawal(state)
    if code is not None:
        raise Refusal(code)
    return state
