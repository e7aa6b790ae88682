"""Operations on open songs: header, terms, start of a play, watermark check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import InputError
from pywallet.playback import transition_table
from pywallet.policy import ACTIONS, Context, PartyNames, Policy, Usage, describe, extent
from pywallet.provider.safe_text import named
from pywallet.settlement import gross
from pywallet.sps import Header, Rendition, mark, open_header
from pywallet.sps.renderer import require as require_renderer
from pywallet.sps.rendition_choice import bitrate_kbps, choose
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
    """Verify a song's header and open it as a stream.

    Args:
        payload: ``stream``; ``header`` (base64) where ``blob`` is None; optional ``codecs`` and ``kbps``, which choose
            the rendition (pywallet.sps.rendition_choice).
        blob: The signed header (COSE_Sign1).

    Returns:
        Fields of the header for the engine: content, owner, title, artist, album, quality, duration_ms, rate,
        watermark, server {address}, delivery, waveform (base64 or null), payer, price_wei of an interval;
        ``transitions`` of pywallet.playback.transition_table; ``begins``, the action that starts a play (play or preview); ``extent``
        {from_ms, to_ms or null} of what may be played. The segments come from the host.

    Raises:
        InputError: sps.*, policy.malformed, media.unsupported, message.schema.
    """  # noqa: E501
    cose = blob if blob is not None else from_b64(payload.text("header"))
    header = open_header(cose)
    require_renderer(header.renderer)
    codecs = payload.texts("codecs") if payload.has("codecs") else None
    chosen = choose(header, codecs, payload.integer("kbps", 0, _MAX) if payload.has("kbps") else None)
    rendition = header.renditions[chosen]
    policy = Policy.from_dict(header.policy)
    _songs[payload.text("stream")] = _Song(header, policy)
    return {
        **_facts(header, rendition),
        "payer": policy.price.payer,
        "price_wei": str(policy.price.owner),
        **_start(policy),
        "transitions": transition_table(),
    }


def _start(policy: Policy, pays: bool = False) -> dict[str, Any]:
    begins = _begins(policy, pays)
    bounds = extent(policy, Usage(), begins)
    return {"begins": begins, "extent": {"from_ms": bounds.from_ms, "to_ms": bounds.to_ms}}


def _begins(policy: Policy, pays: bool = False) -> str:
    """Action of the play button: ``preview`` where the listener would have to pay and does not."""
    plays = policy.permits("play") and (pays or policy.price.payer != "listener")
    return "preview" if not plays and policy.permits("preview") else "play"


async def terms(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """The terms of an open song as the player shows them.

    Args:
        payload: ``stream``; optional ``usage`` (fields of pywallet.policy.Usage), ``context`` (fields of
            pywallet.policy.Context), ``names`` {station}, ``language``, ``bps`` (commission in basis points),
            ``rewards``.
        blob: Not used.

    Returns:
        facts {may, left, costs, earn, limits}, permits, split (of the whole song; null where nobody pays; the
        listener's part is zero without rewards), interval_s, reward_wei of an interval, payer.
    """
    return _terms(_song(payload), payload)


async def pays(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Select the start of the next play: paid by the listener, or a preview.

    Args:
        payload: ``stream``; ``on``: true plays the whole song, false its preview.
        blob: Not used.

    Returns:
        begins (``play`` or ``preview``), extent {from_ms, to_ms or null}.
    """
    return _start(_song(payload).policy, payload.flag("on"))


async def check_mark(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Check the watermark of a decoded segment.

    Args:
        payload: ``stream``, ``segment`` (its index), ``soft`` (420 soft bits of the demodulated segment).
        blob: Not used.

    Returns:
        verdict (match, mismatch, none), found (address or null), block (or null).
    """
    song = _song(payload)
    result = mark.check(
        payload.numbers("soft", mark.CODED_BITS), song.header.content, payload.integer("segment", 0, _MAX)
    )
    return {
        "verdict": result.verdict.value,
        "found": to_hex(result.found) if result.found else None,
        "block": result.block,
    }


async def close(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """Close ``stream``; no error where it is not open."""
    _songs.pop(payload.text("stream"), None)
    return {}


def _facts(header: Header, rendition: Rendition) -> dict[str, Any]:
    depth = f" {rendition.bits}/{rendition.rate / 1000:g}" if rendition.bits else f" {bitrate_kbps(rendition):.0f}k"
    return {
        "content": to_hex(header.content),
        "owner": to_hex(header.owner),
        "title": named(header.title),
        "artist": named(header.artist),
        "album": None if header.album is None else named(header.album),
        "quality": rendition.codec.upper() + depth,
        "duration_ms": rendition.duration_ms,
        "rate": rendition.rate,
        "watermark": dict(header.watermark) if header.watermark else None,
        "server": {"address": to_hex(header.server.address)},
        "delivery": list(header.delivery),
        "waveform": to_b64(header.waveform) if header.waveform else None,
    }


def _terms(song: _Song, payload: Payload) -> dict[str, Any]:
    policy, price, names = song.policy, song.policy.price, payload.part("names")
    terms_in_words = describe(
        policy,
        _usage(payload.part("usage")),
        _context(payload.part("context")),
        payload.text("language", "en"),
        PartyNames(station=names.text("station") if names.has("station") else None, artist=named(song.header.artist)),
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
        "reward_wei": str(price.reward),
        "payer": price.payer,
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
