"""Encrypted handover of a content's keys and counters to another server (docs/protocol.md section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from pywallet.crypto import keccak256
from pywallet.crypto.key_wrap import HANDOVER_INFO, WrapKey, unwrap
from pywallet.encoding.hex import (
    ZERO_ADDRESS,
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import InputError
from security_server.db.queries import get, put
from security_server.db.tables import (
    former_plays,
    given_keys,
    sessions,
    tickets,
    usages,
)

LISTENERS: Final = 1_000
"""Listeners whose counters one answer holds."""


def request_digest(content: bytes, before: bytes, server: bytes, after: bytes, time_s: int) -> bytes:
    """What the new server signs.

    Content, former and new server, the listener after which counters are wanted, Unix seconds.
    """
    return keccak256(b"gomaa/1 handover" + content + before + server + after + time_s.to_bytes(8, "big"))


def answer_digest(content: bytes, server: bytes, after: bytes, ephemeral: bytes, sealed: bytes) -> bytes:
    """What the former server signs: the same, with what it hands over."""
    return keccak256(b"gomaa/1 handed over" + content + server + after + hashlib.sha256(ephemeral + sealed).digest())


class FormerPlay(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A play at a former server.

    Ticket, device, the action that began it, when it was opened, and what was heard of it.
    """

    ticket: bytes
    device: bytes
    start_action: str | None
    opened_ms: int
    heard_ms: int


class Counted(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What one listener has used of the content; the fields are those of the table ``usages`` and of ``given_keys``."""

    listener: bytes
    plays: int
    seeks: int
    heard_ms: int
    first_play_s: int | None
    actions: str
    given: bytes
    former: list[FormerPlay]


class Parcel(msgspec.Struct, forbid_unknown_fields=True):
    """One sealed answer. ``next``: the listener after whom more counters follow, empty: none do."""

    header: bytes
    keys: dict[int, bytes]
    counters: list[Counted]
    next: bytes


@dataclass(frozen=True)
class Sealed:
    """A parcel on its way."""

    ephemeral: bytes
    sealed: bytes


def seal(parcel: Parcel, recipient: bytes, content: bytes, before: bytes, server: bytes) -> Sealed:
    """Close a parcel for one server's X25519 key. Raises InputError ``message.schema`` for a useless key."""
    wrap = WrapKey.to(recipient, HANDOVER_INFO)
    return Sealed(wrap.ephemeral, wrap.wrap(msgspec.msgpack.encode(parcel), content + before + server))


def unseal(private: bytes, sealed: Sealed, content: bytes, before: bytes, server: bytes) -> Parcel:
    """Open a parcel.

    Raises InputError ``message.schema`` where it is not for this key, these servers and this content.
    """
    plain = unwrap(private, sealed.ephemeral, sealed.sealed, content + before + server, HANDOVER_INFO)
    try:
        parcel = msgspec.msgpack.decode(plain, type=Parcel)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise InputError("message.schema", field="sealed") from None
    sizes = [(len(listener.listener), 20) for listener in parcel.counters]
    sizes += [(len(play.ticket) + len(play.device), 52) for listener in parcel.counters for play in listener.former]
    sizes += [(len(key), 32) for key in parcel.keys.values()]
    if any(has != must for has, must in sizes) or len(parcel.next) not in (0, 20):
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
        with_plays: Whether single plays are included: the terms count devices, or plays by how long they were heard.

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
    some = [_counted(connection, content, row, with_plays) for row in rows[:LISTENERS]]
    return some, some[-1].listener if len(rows) > LISTENERS else b""


def _counted(connection: Connection, content: bytes, row: Row[Any], with_plays: bool) -> Counted:
    given = get(connection, given_keys, listener=row.listener, content=content)
    former = _plays(connection, row.listener, content) if with_plays else []
    keys = b"" if given is None else bytes(given["second_bits"])
    return Counted(row.listener, row.plays, row.seeks, row.heard_ms, row.first_play_s, row.actions, keys, former)


def _plays(connection: Connection, listener: bytes, content: bytes) -> list[FormerPlay]:
    own = (
        select(tickets.c.id, sessions.c.device, tickets.c.start_action, tickets.c.opened_ms, tickets.c.heard_ms)
        .join(sessions, sessions.c.id == tickets.c.session)
        .where(tickets.c.listener == listener, tickets.c.content == content, tickets.c.play_state != "none")
    )
    names = ("ticket", "device", "start_action", "opened_ms", "heard_ms")
    earlier = select(*(former_plays.c[name] for name in names)).where(
        former_plays.c.listener == listener, former_plays.c.content == content
    )
    return [FormerPlay(*row) for query in (own, earlier) for row in connection.execute(query)]


def write_counters(connection: Connection, content: bytes, counters: Sequence[Counted]) -> None:
    """Take over what a former server counted. What is here already is not lowered: the content may have come back."""
    for counted in counters:
        key = {"listener": counted.listener, "content": content}
        here = get(connection, usages, **key)
        most = {name: max(getattr(counted, name), here[name] if here else 0) for name in ("plays", "seeks", "heard_ms")}
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


def answer_json(sealed: Sealed, signature: bytes) -> dict[str, str]:
    """The wire form of an answer."""
    return {"ephemeral": to_b64(sealed.ephemeral), "sealed": to_b64(sealed.sealed), "signature": to_hex(signature)}


def answer_of(value: Mapping[str, Any]) -> tuple[Sealed, bytes]:
    """An answer and its signature. Raises InputError ``message.schema``."""
    ephemeral, sealed, signature = (value.get(name) for name in ("ephemeral", "sealed", "signature"))
    if not isinstance(ephemeral, str) or not isinstance(sealed, str) or not isinstance(signature, str):
        raise InputError("message.schema", field="handover")
    return Sealed(from_b64(ephemeral), from_b64(sealed)), from_hex(signature, 65)


FIRST: Final = ZERO_ADDRESS
"""``after`` of the first part."""
