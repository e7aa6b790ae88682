"""Reading of a station's part of an epoch's published data, by content and terms."""

from __future__ import annotations

from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import NO_TERMS, EpochData, EpochHeader, commitment, entries_digest, rest
from station.db.posted_rows import PostedEpoch, PostedLine


def station_part(raw: bytes, server: bytes, epoch: int, commit: bytes, station: bytes) -> PostedEpoch:
    """Read a station's part of published data, once these are those of the chain.

    Args:
        raw: The published data.
        server: The server's address, 20 bytes.
        epoch: The epoch.
        commit: Its commitment on the chain, 32 bytes.
        station: The station's address, 20 bytes.

    Raises:
        InputError: ``message.schema``: no published data; ``chain.mismatch``: those of another epoch, or the debit of
            the station is not the cost of its plays.
    """
    data = EpochData.decode(raw)
    digest = entries_digest((row.payer, row.net) for row in data.debits)
    header = EpochHeader(data.root, data.total, rest(digest, data.counts_root, data.hash))
    if (data.server, data.epoch) != (server, epoch) or commitment(header) != commit:
        raise InputError("chain.mismatch", epoch=epoch, reason="the published data are not those on the chain")
    contents = {row.content for row in data.contents}
    passages: dict[tuple[bytes, int], int] = {}
    for segment in data.segments:
        content = data.contents[segment.content].content
        passages[content, segment.segment] = passages.get((content, segment.segment), 0) + segment.listeners
    part = PostedEpoch(server, epoch, data.bps, data.hash, _lines(data, station), passages)
    debit = sum(row.net for row in data.debits if row.payer == station)
    if debit != part.net:
        detail = {"debit_wei": debit, "plays_wei": part.net, "station": to_hex(station), "contents": len(contents)}
        raise InputError("chain.mismatch", epoch=epoch, reason="the debit is not the cost of the plays", **detail)
    return part


def _lines(data: EpochData, station: bytes) -> tuple[PostedLine, ...]:
    """Sums over the plays of one station, by content and terms."""
    here = {number for number, row in enumerate(data.stations) if row.station == station}
    sums: dict[tuple[int, int], list[int]] = {}
    for play in data.plays:
        if play.station not in here:
            continue
        line = sums.setdefault((play.content, play.terms), [0, 0, 0, 0, 0])
        if play.terms == NO_TERMS:
            line[2] += 1
            continue
        interval_s = data.terms[play.terms].interval_s
        if play.outcome != PlayOutcome.PAID_BY_LISTENER and interval_s:
            line[0] += play.heard_s // interval_s
        line[1] += 1
        line[3] += play.seeks
        line[4] += play.heard_s
    lines = []
    for (content, terms), counts in sorted(sums.items()):
        row = data.contents[content]
        price, reward, interval_s = (0, 0, 0) if terms == NO_TERMS else _terms(data, terms)
        lines.append(PostedLine(row.content, row.owner, price, reward, interval_s, *counts))
    return tuple(lines)


def _terms(data: EpochData, number: int) -> tuple[int, int, int]:
    row = data.terms[number]
    return row.price, row.reward, row.interval_s
