"""``open``: verify a content's header, and check it against the chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from messages.browser_host.playback import PrepareResult, SessionPart, TicketPart
from messages.browser_host.stream import (
    DecisionContext,
    InitPart,
    InterruptedPlay,
    Open,
    OpenResult,
    ServerEntry,
    StationEntry,
    Usage,
)
from native_host.context import Services
from native_host.ledger import TicketRow
from native_host.operations import rejoin
from native_host.operations.prepare import prepare
from native_host.playback import segment_table as table
from native_host.playback.content_check import check_content
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
"""Length of a header, bytes, from which it is read in a thread, so that other streams do not wait."""


async def run(services: Services, request: Open) -> OpenResult:
    """Open a stream, in place of one of the same name.

    Raises:
        GomaaError: ``sps.*``, ``content.*``, ``server.*``, ``site.streams``, ``chain.unreachable``.
    """
    stream, going = await _opened(services, request)
    # A play that can be resumed has its session and its ticket.
    prepared = PrepareResult(SessionPart(), TicketPart()) if going else await prepare(services, stream, request)
    return _reply(services, stream, going, prepared)


async def _opened(services: Services, request: Open) -> tuple[Stream, TicketRow | None]:
    """The stream, within the site's quota, and the play that it could resume."""
    replaced = services.streams.get(request.stream)
    if replaced is not None:
        services.streams.drop(replaced)
    cose = from_b64(request.header)
    site = request.site or request.origin
    async with services.quota.opening(site, len(cose)) as evicted:
        if evicted is not None:
            services.streams.drop(evicted)
        if len(cose) <= _LONG:
            return await _open(services, request, _read(cose, request), replaced)
        async with services.quota.reader(site):
            verified = await asyncio.to_thread(_read, cose, request)
        return await _open(services, request, verified, replaced)


@dataclass(frozen=True)
class _Verified:
    header: Header
    policy: Policy
    table: table.Table
    size: int


def _read(cose: bytes, request: Open) -> _Verified:
    header = open_header(cose)
    # The extension checks the same; this check does not depend on its version.
    require_renderer(header.renderer)
    parts = table.build(header, len(cose), choose(header, request.codecs, request.kbps))
    return _Verified(header, Policy.from_dict(header.policy), parts, len(cose))


async def _open(
    services: Services, request: Open, verified: _Verified, replaced: Stream | None
) -> tuple[Stream, TicketRow | None]:
    header, policy = verified.header, verified.policy
    network = services.networks.require(header.chain)
    await network.ready()
    facts = await check_content(network, header, request.origin)
    stream = Stream(
        name=request.stream,
        header=header,
        policy=policy,
        table=verified.table,
        network=network,
        facts=facts,
        renderer=request.key,
        wrap=WrapKey.to(from_b64(request.key)),
        server=facts.server,
        server_url=facts.server_url,
        origin=request.origin,
        site=request.site or request.origin,
        size=verified.size,
    )
    services.streams.add(stream)
    network.watch(header.content)
    if facts.station is not None:
        server = services.servers.of_stream(stream)  # connects while the terms are shown
        if policy.renewal is not None:
            server.keep_alive(policy.renewal)
    same = replaced is not None and replaced.header.content == header.content
    going = rejoin.find(services, stream, replaced.ticket if same and replaced else None)
    stream.interrupted = going.id if going else None
    return stream, going


def _reply(services: Services, stream: Stream, going: TicketRow | None, prepared: PrepareResult) -> OpenResult:
    header, policy, station = stream.header, stream.policy, stream.facts.station
    now_s = services.clock.now_ms(stream.network) // 1000
    # Without a session the last listener at this station is the best estimate.
    session = stream.session or (services.ledger.longest_session(station.address, None, 0) if station else None)
    listener = session.listener if session else b""
    context = stream.context(now_s)
    # A play of this player would end the holds of others.
    usage = replace(services.ledger.usage(listener, header.content, policy, now_s), held=0)
    # "pause" counts nothing: the decision's `left` is what remains now.
    left = decide(policy, usage, context, "pause").left
    rendition, init = stream.table.rendition, stream.table.init
    device = services.keys.address_for(stream)
    return OpenResult(
        stream=stream.name,
        content=to_hex(header.content),
        title=named(header.title),
        artist=named(header.artist),
        duration_ms=stream.table.index.duration_ms,
        mime=rendition.mime,
        rendition=rendition.id,
        codec=rendition.codec,
        key_epochs=list(rendition.key_epochs),
        init=InitPart(init[0], init[1], to_b64(init[2])),
        segments=stream.table.entries(),
        ephemeral=to_b64(stream.wrap.ephemeral),
        policy=policy.to_dict(),
        device=None if device is None else to_hex(device),
        station=None if station is None else StationEntry(to_hex(station.address), station.name, station.domain),
        usage=Usage(
            plays=usage.plays,
            seeks=usage.seeks,
            seconds=usage.seconds,
            first_play_s=usage.first_play_s,
            counts=dict(usage.counts),
            last_s=dict(usage.last_s),
        ),
        context=DecisionContext(**vars(context)),
        left=dict(left),
        server=ServerEntry(to_hex(stream.server), stream.server_url),
        owner=to_hex(header.owner),
        interval_s=policy.price.interval_s,
        price_wei=str(policy.price.owner),
        reward_wei=str(policy.price.reward),
        bps=stream.facts.bps,
        chain_id=header.chain,
        settlement=to_hex(stream.network.deployment.settlement),
        now_s=now_s,
        going=None if going is None else _interrupted(going),
        session=prepared.session,
        ticket=prepared.ticket,
    )


def _interrupted(play: TicketRow) -> InterruptedPlay:
    return InterruptedPlay(cast('Literal["playing", "paused"]', play.state), play.position_ms)
