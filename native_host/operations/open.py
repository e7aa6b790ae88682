"""``open``: verify a song's header, then hold it against the chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from native_host.host import Host
from native_host.ledger import TicketRow
from native_host.messaging.requests import Open
from native_host.operations import rejoin
from native_host.playback import segment_table as table
from native_host.playback.content_check import look
from native_host.playback.stream import Stream
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.policy import Policy, decide
from pywallet.provider.safe_text import named
from pywallet.sps.header import Header
from pywallet.sps.renderer import require as require_renderer
from pywallet.sps.rendition_choice import choose
from pywallet.sps.signed_header import open_header

_LONG: Final = 64 << 10
"""Bytes of a header whose reading would keep other streams waiting: it is read in a thread."""


async def run(host: Host, request: Open) -> dict[str, Any]:
    """Open a stream and say what was verified. Nothing plays yet, nothing is counted.

    Raises ``sps.*``, ``content.*``, ``server.*``, ``site.streams`` and Unavailable ``chain.unreachable``.
    """
    before = host.streams.get(request.stream)
    if before is not None:
        host.drop(before)
    cose = from_b64(request.header)
    site = request.site or request.origin
    async with host.room.opening(site, len(cose)) as leaving:
        if leaving is not None:
            host.drop(leaving)
        if len(cose) <= _LONG:
            return await _open(host, request, _read(cose, request), before)
        async with host.room.reader(site):
            read = await asyncio.to_thread(_read, cose, request)
        return await _open(host, request, read, before)


@dataclass(frozen=True)
class _Song:
    header: Header
    policy: Policy
    table: table.Table
    size: int


def _read(cose: bytes, request: Open) -> _Song:
    header = open_header(cose)
    # The browser asks the same: an older one, or one that was changed, gets no further here either.
    require_renderer(header.renderer)
    parts = table.build(header, len(cose), choose(header, request.codecs, request.kbps))
    return _Song(header, Policy.from_dict(header.policy), parts, len(cose))


async def _open(host: Host, request: Open, song: _Song, before: Stream | None) -> dict[str, Any]:
    header, policy = song.header, song.policy
    network = host.network(header.chain)
    await network.ready()
    facts = await look(network, header, request.origin)
    stream = Stream(
        name=request.stream,
        header=header,
        policy=policy,
        table=song.table,
        network=network,
        facts=facts,
        renderer=request.key,
        wrap=WrapKey.to(from_b64(request.key)),
        server=facts.server,
        server_url=facts.server_url,
        origin=request.origin,
        site=request.site or request.origin,
        size=song.size,
    )
    host.streams[request.stream] = stream
    network.watch(header.content)
    if facts.station is not None:
        line = host.server_at(stream)  # begins to connect while the person reads the terms
        if policy.renewal is not None:
            line.keep(policy.renewal)
    same = before is not None and before.header.content == header.content
    going = rejoin.find(host, stream, before.ticket if same and before else None)
    stream.going = going.id if going else None
    return _reply(host, stream, going)


def _reply(host: Host, stream: Stream, going: TicketRow | None) -> dict[str, Any]:
    header, policy, station = stream.header, stream.policy, stream.facts.station
    now_s = host.now_ms(stream.network) // 1000
    # Before a session is known, the last listener at this station is the best answer.
    session = host.ledger.session_of(station.address, None, 0) if station else None
    listener = session.listener if session else b""
    usage, context = host.ledger.usage(listener, header.content, policy, now_s), stream.context(now_s)
    # "pause" counts nothing: the decision's `left` is what remains now.
    left = decide(policy, usage, context, "pause").left
    return {
        "stream": stream.name,
        "content": to_hex(header.content),
        "title": named(header.title),
        "artist": named(header.artist),
        "duration_ms": stream.table.duration_ms,
        "mime": stream.table.rendition.mime,
        **stream.table.to_json(),
        "ephemeral": to_b64(stream.wrap.ephemeral),
        "policy": policy.to_dict(),
        "device": to_hex(device) if (device := host.device_at(stream)) else None,
        "station": {"address": to_hex(station.address), "name": station.name, "domain": station.domain}
        if station
        else None,
        "usage": {**vars(usage), "counts": dict(usage.counts), "last_s": dict(usage.last_s)},
        "context": vars(context).copy(),
        "left": dict(left),
        "server": {"address": to_hex(stream.server), "url": stream.server_url},
        "owner": to_hex(header.owner),
        "interval_s": policy.price.interval_s,
        "price_wei": str(policy.price.owner),
        "reward_wei": str(policy.price.reward),
        "bps": stream.facts.bps,
        "chain_id": header.chain,
        "settlement": to_hex(stream.network.deployment.settlement),
        "now_s": now_s,
        "going": {"state": going.state, "position_ms": going.position_ms} if going else None,
    }
