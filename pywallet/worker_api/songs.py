"""Operations on open songs: header, terms, start of a play, mark."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import InputError
from pywallet.playback import Timeline, transition_table
from pywallet.policy import ACTIONS, Context, Names, Policy, Usage, describe, extent
from pywallet.provider.safe_text import named
from pywallet.settlement import gross
from pywallet.sps import Header, Rendition, mark, open_header
from pywallet.sps.renderer import require as require_renderer
from pywallet.sps.rendition_choice import bitrate_kbps, choose, offset
from pywallet.worker_api.fields import Payload

Handler = Callable[[Payload, bytes | None], Awaitable[dict[str, Any]]]

_MAX: Final = 1 << 53
_MAX_BPS: Final = 10_000


@dataclass
class _Song:
    header: Header
    policy: Policy


_songs: dict[str, _Song] = {}


def _song(payload: Payload) -> _Song:
    song = _songs.get(payload.text("stream"))
    if song is None:
        raise InputError("host.stream.unknown")
    return song


async def load(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Read a song's header: {stream, header? (base64, where blob is None), codecs?, kbps?, …as ``terms``} → its facts.

    codecs and kbps choose the rendition (pywallet.sps.rendition_choice).

    The COSE signature, the policy and the tables are checked first (errors
    sps.*, policy.malformed). Result: content, owner, chain_id, title, artist,
    album, isrc, genre, duration_ms, quality, mime, rendition, policy_hash,
    server {address, url, key}, delivery, waveform, init {offset, size, sha256},
    segments [[offset, size, start_ms, duration_ms, sha256], …] with offsets in
    the whole file, key_epochs [[epoch, first segment], …], transitions as of
    pywallet.playback.transition_table, begins (action that starts a play), extent
    {from_ms, to_ms or null} of what may sound, and the fields of ``terms``.
    """
    cose = blob if blob is not None else from_b64(payload.text("header"))
    header = open_header(cose)
    require_renderer(header.renderer)
    stream = payload.text("stream")
    codecs = payload.texts("codecs") if payload.has("codecs") else None
    chosen = choose(header, codecs, payload.integer("kbps", 0, _MAX) if payload.has("kbps") else None)
    rendition = header.renditions[chosen]
    timeline = Timeline.of([segment.samples for segment in rendition.segments], rendition.rate)
    policy = Policy.from_dict(header.policy)
    song = _songs[stream] = _Song(header, policy)
    return {
        **_facts(header, rendition),
        **_layout(rendition, offset(header, len(cose), chosen), timeline),
        **_terms(song, payload),
        **_start(policy),
        "transitions": transition_table(),
    }


def _start(policy: Policy, pays: bool = False) -> dict[str, Any]:
    begins = _begins(policy, pays)
    bounds = extent(policy, Usage(), begins)
    return {"begins": begins, "extent": {"from_ms": bounds.from_ms, "to_ms": bounds.to_ms}}


def _begins(policy: Policy, pays: bool = False) -> str:
    """Action that starts a play: a preview where the listener has to pay and does not."""
    plays = policy.permits("play") and (pays or policy.price.payer != "listener")
    return "preview" if not plays and policy.permits("preview") else "play"


async def terms(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Write the terms in words: {stream, usage?, context?, names? {station}, language?, bps?, rewards?} → the terms.

    ``usage`` and ``context`` have the fields of pywallet.policy.Usage and Context. Result: {facts {may, left, costs,
    earn, limits}, permits, split or null (nobody pays), interval_s, price_wei, reward_wei, payer, listener}. The split
    is for the whole song; without rewards the listener's part is zero.
    """
    return _terms(_song(payload), payload)


async def pays(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Start of the next play: {stream, on (the listener pays)} → {begins, extent} as of ``load``."""
    return _start(_song(payload).policy, payload.flag("on"))


async def check_mark(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Judge the mark of a segment: {stream, segment, soft (the 420 soft bits)} → {verdict, found, block}.

    ``verdict`` is match, mismatch or none; ``found`` is an address or null.
    """
    song = _song(payload)
    checked = mark.check(
        payload.numbers("soft", mark.CODED_BITS), song.header.content, payload.integer("segment", 0, _MAX)
    )
    found = to_hex(checked.found) if checked.found else None
    return {"verdict": checked.verdict.value, "found": found, "block": checked.block}


async def close(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Close a song: {stream} → {}. Closing one that is not open does nothing."""
    _songs.pop(payload.text("stream"), None)
    return {}


def _facts(header: Header, rendition: Rendition) -> dict[str, Any]:
    depth = f" {rendition.bits}/{rendition.rate / 1000:g}" if rendition.bits else f" {bitrate_kbps(rendition):.0f}k"
    return {
        "content": to_hex(header.content),
        "owner": to_hex(header.owner),
        "chain_id": header.chain,
        "title": named(header.title),
        "artist": named(header.artist),
        "album": None if header.album is None else named(header.album),
        "isrc": None if header.isrc is None else named(header.isrc),
        "genre": None if header.genre is None else named(header.genre),
        "quality": rendition.codec.upper() + depth,
        "duration_ms": rendition.duration_ms,
        "mime": rendition.mime,
        "rendition": rendition.id,
        "rate": rendition.rate,
        "watermark": dict(header.watermark) if header.watermark else None,
        "policy_hash": to_hex(header.policy_hash),
        "server": {
            "address": to_hex(header.server.address),
            "url": header.server.url,
            "key": to_b64(header.server.key),
        },
        "delivery": list(header.delivery),
        "waveform": to_b64(header.waveform) if header.waveform else None,
    }


def _layout(rendition: Rendition, at: int, timeline: Timeline) -> dict[str, Any]:
    init = {"offset": at, "size": rendition.init_size, "sha256": to_hex(rendition.init_sha256)}
    at += rendition.init_size
    segments = []
    for index, segment in enumerate(rendition.segments):
        start = timeline.start_ms(index)
        segments.append([at, segment.size, start, timeline.start_ms(index + 1) - start, to_hex(segment.sha256)])
        at += segment.size
    return {"init": init, "segments": segments, "key_epochs": [list(pair) for pair in rendition.key_epochs]}


def _terms(song: _Song, payload: Payload) -> dict[str, Any]:
    policy, price, names = song.policy, song.policy.price, payload.part("names")
    terms_in_words = describe(
        policy,
        _usage(payload.part("usage")),
        _context(payload.part("context")),
        payload.text("language", "en"),
        Names(station=names.text("station") if names.has("station") else None, artist=named(song.header.artist)),
    )
    return {
        "facts": {
            "may": terms_in_words.may,
            "left": terms_in_words.left,
            "costs": terms_in_words.costs,
            "earn": terms_in_words.earn,
            "limits": list(terms_in_words.limits),
        },
        "permits": sorted(action for action in ACTIONS if policy.permits(action)),
        "split": _split(song, payload.integer("bps", 0, _MAX_BPS, 0), payload.flag("rewards", True)),
        "interval_s": price.interval_s,
        "price_wei": str(price.owner),
        "reward_wei": str(price.reward),
        "payer": price.payer,
        "listener": policy.listener,
    }


def _usage(usage: Payload) -> Usage:
    return Usage(
        plays=usage.integer("plays", 0, _MAX, 0),
        seeks=usage.integer("seeks", 0, _MAX, 0),
        seconds=usage.integer("seconds", 0, _MAX, 0),
        first_play_s=usage.integer("first_play_s", 0, _MAX) if usage.has("first_play_s") else None,
        counts=usage.whole_numbers("counts", _MAX),
        last_s=usage.whole_numbers("last_s", _MAX),
    )


def _context(context: Payload) -> Context:
    times = {name: context.integer(name, 0, _MAX) for name in ("renewed_s", "position_s") if context.has(name)}
    return Context(
        now_s=context.integer("now_s", 0, _MAX, 0),
        domain=context.text("domain") if context.has("domain") else None,
        wallet=context.flag("wallet"),
        revoked=context.flag("revoked"),
        destroyed=context.flag("destroyed"),
        territory=context.text("territory") if context.has("territory") else None,
        purpose=context.text("purpose") if context.has("purpose") else None,
        devices=context.integer("devices", 0, _MAX, 0),
        device_known=context.flag("device_known"),
        streams=context.integer("streams", 0, _MAX, 0),
        rolled_back=context.flag("rolled_back"),
        **times,
    )


def _split(song: _Song, bps: int, rewards: bool) -> dict[str, str] | None:
    price = song.policy.price
    if price.payer == "nobody":
        return None
    intervals = song.header.renditions[0].duration_ms // (price.interval_s * 1000)
    owner, listener = intervals * price.owner, intervals * price.reward if rewards else 0
    total = gross(owner + listener, bps)
    return {
        "station_wei": str(total),
        "owner_wei": str(owner),
        "listener_wei": str(listener),
        "commission_wei": str(total - owner - listener),
    }


OPS: Final[dict[str, Handler]] = {
    "header.load": load,
    "terms": terms,
    "player.pays": pays,
    "mark.check": check_mark,
    "stream.close": close,
}
