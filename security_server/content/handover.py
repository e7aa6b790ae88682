"""Encrypted handover of a content's keys and counters to another server (docs/protocol.md section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select

from pywallet.crypto import keccak256
from pywallet.crypto.key_wrap import HANDOVER_INFO, WrapKey, unwrap
from pywallet.encoding.hex import (
    ZERO_ADDRESS,
)
from pywallet.errors import InputError
from pywallet.rules.admissibility import NOT_STARTED
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import (
    former_plays,
    given_keys,
    sessions,
    tickets,
    usages,
)

LISTENERS: Final = 1_000
"""Listeners whose counters one part holds."""


def request_digest(content: bytes, before: bytes, server: bytes, after: bytes, time_s: int) -> bytes:
    """Digest that the new server signs.

    Args:
        content: 20 bytes.
        before: Address of the former server, 20 bytes.
        server: Address of the new server, 20 bytes.
        after: The listener after which counters begin, 20 bytes; zero for the first part.
        time_s: Time of the request, Unix seconds.
    """
    return keccak256(b"gomaa/1 handover" + content + before + server + after + time_s.to_bytes(8, "big"))


def result_digest(content: bytes, server: bytes, after: bytes, ephemeral: bytes, sealed: bytes) -> bytes:
    """Digest that the former server signs over a sealed part; arguments as of ``request_digest``."""
    return keccak256(b"gomaa/1 handed over" + content + server + after + hashlib.sha256(ephemeral + sealed).digest())


class FormerPlay(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A play at a former server; the fields are columns of the table ``former_plays``."""

    ticket: bytes
    device: bytes
    start_action: str | None
    opened_ms: int
    heard_ms: int


class Counted(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One listener's usage of the content; the fields are columns of the tables ``usages`` and ``given_keys``."""

    listener: bytes
    plays: int
    seeks: int
    heard_ms: int
    first_play_s: int | None
    actions: str
    given: bytes
    former: list[FormerPlay]


class Parcel(msgspec.Struct, forbid_unknown_fields=True):
    """One part of a handover.

    Attributes:
        header: The signed header (COSE).
        keys: Content key of each key epoch, 32 bytes; in the first part only.
        counters: Usage by listener.
        next: Last listener of this part if more counters follow, else empty.
    """

    header: bytes
    keys: dict[int, bytes]
    counters: list[Counted]
    next: bytes


@dataclass(frozen=True)
class Sealed:
    """A sealed parcel.

    Attributes:
        ephemeral: X25519 key of the sealing, 32 bytes.
        ciphertext: The sealed MessagePack.
    """

    ephemeral: bytes
    ciphertext: bytes


def seal(parcel: Parcel, recipient: bytes, content: bytes, before: bytes, server: bytes) -> Sealed:
    """Seal a parcel to one server's X25519 key. Raises InputError ``message.schema`` for an invalid key."""
    wrap = WrapKey.to(recipient, HANDOVER_INFO)
    return Sealed(wrap.ephemeral, wrap.wrap(msgspec.msgpack.encode(parcel), content + before + server))


def unseal(private: bytes, sealed: Sealed, content: bytes, before: bytes, server: bytes) -> Parcel:
    """Unseal a parcel.

    Raises InputError ``message.schema`` if it is not for this key, these servers and this content.
    """
    plain = unwrap(private, sealed.ephemeral, sealed.ciphertext, content + before + server, HANDOVER_INFO)
    try:
        parcel = msgspec.msgpack.decode(plain, type=Parcel)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise InputError("message.schema", field="sealed") from None
    sizes = [(len(listener.listener), 20) for listener in parcel.counters]
    sizes += [(len(play.ticket) + len(play.device), 52) for listener in parcel.counters for play in listener.former]
    sizes += [(len(key), 32) for key in parcel.keys.values()]
    if any(size != expected for size, expected in sizes) or len(parcel.next) not in (0, 20):
        raise InputError("message.schema", field="sealed")
    return parcel


def read_counters(
    connection: Connection, content: bytes, after: bytes, *, with_plays: bool
) -> tuple[list[Counted], bytes]:
    """Read counters of at most ``LISTENERS`` listeners of a content, by address.

    Args:
        connection: Of a transaction.
        content: The content's address, 20 bytes.
        after: The listener after which they begin, 20 bytes; zero for the first part.
        with_plays: True if single plays are included: the terms count devices, or plays that were heard for a time.

    Returns:
        The counters, and the last listener if there are more, else no bytes.
    """
    query = (
        select(usages)
        .where(usages.c.content == content, usages.c.listener > after)
        .order_by(usages.c.listener)
        .limit(LISTENERS + 1)
    )
    rows = connection.execute(query).all()
    counters = [_counted(connection, content, row, with_plays) for row in rows[:LISTENERS]]
    return counters, counters[-1].listener if len(rows) > LISTENERS else b""


def _counted(connection: Connection, content: bytes, row: Row[Any], with_plays: bool) -> Counted:
    given = get(connection, given_keys, listener=row.listener, content=content)
    former = _plays(connection, row.listener, content) if with_plays else []
    keys = b"" if given is None else bytes(given["second_bits"])
    return Counted(row.listener, row.plays, row.seeks, row.heard_ms, row.first_play_s, row.actions, keys, former)


def _plays(connection: Connection, listener: bytes, content: bytes) -> list[FormerPlay]:
    own = (
        select(tickets.c.id, sessions.c.device, tickets.c.start_action, tickets.c.opened_ms, tickets.c.heard_ms)
        .join(sessions, sessions.c.id == tickets.c.session)
        .where(tickets.c.listener == listener, tickets.c.content == content, tickets.c.play_state.not_in(NOT_STARTED))
    )
    names = ("ticket", "device", "start_action", "opened_ms", "heard_ms")
    earlier = select(*(former_plays.c[name] for name in names)).where(
        former_plays.c.listener == listener, former_plays.c.content == content
    )
    return [FormerPlay(*row) for query in (own, earlier) for row in connection.execute(query)]


def write_counters(connection: Connection, content: bytes, counters: Sequence[Counted]) -> None:
    """Write the counters of a former server. Stored ones are not lowered: the content may have come back."""
    for counted in counters:
        key = {"listener": counted.listener, "content": content}
        stored = get(connection, usages, **key)
        most = {
            name: max(getattr(counted, name), stored[name] if stored else 0) for name in ("plays", "seeks", "heard_ms")
        }
        put(connection, usages, key, **most, first_play_s=counted.first_play_s, actions=counted.actions)
        given = get(connection, given_keys, **key)
        seconds = int.from_bytes(counted.given, "little") | (
            int.from_bytes(given["second_bits"], "little") if given else 0
        )
        if seconds:
            put(connection, given_keys, key, second_bits=seconds.to_bytes(-(-seconds.bit_length() // 8), "little"))
        for play in counted.former:
            if get(connection, tickets, id=play.ticket) is None:
                values = {
                    "device": play.device,
                    "start_action": play.start_action,
                    "opened_ms": play.opened_ms,
                    "heard_ms": play.heard_ms,
                }
                put(connection, former_plays, {"ticket": play.ticket}, **key, **values)


FIRST: Final = ZERO_ADDRESS
"""``after`` of the first part."""
