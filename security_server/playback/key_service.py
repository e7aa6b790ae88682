"""What a host asks for while music plays: open, lease, grant, report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from pywallet.crypto import recover
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import (
    ZERO_ADDRESS,
    from_b64,
    from_hex,
    to_b64,
)
from pywallet.errors import InputError, Refusal
from pywallet.policy import decide, extent
from pywallet.policy.parts import HEARD_UNITS
from pywallet.protocol import (
    Action,
    Invocation,
    Session,
    Signed,
    Ticket,
    destruction_digest,
    digest,
)
from pywallet.sps.segments import segment_aad, segment_key
from security_server.api.requests import (
    Destroyed,
    GrantRequest,
    LeaseRequest,
    Open,
    Report,
)
from security_server.billing.accounts import Money, outstanding, short
from security_server.billing.intake_limits import require_terms
from security_server.content.contents import Song
from security_server.content.moves import Moves
from security_server.context import Core
from security_server.db.queries import get, put
from security_server.db.refusal_counts import note
from security_server.db.tables import (
    destructions,
    given_keys,
    sessions,
    tickets,
    tracked,
)
from security_server.playback.invocations import (
    STARTS,
    Now,
    Outcome,
    Received,
    accept,
    present,
)
from security_server.playback.usage import Counters
from security_server.playback.windows import Allowance, Wait, Window
from security_server.signatures import require_refusing

GRANT_S = 600
"""Keys of a grant are good for so long, seconds."""
_KEEP = 10_000
SKEW_S = 30
"""Seconds by which a session may seem to begin in the future."""


class KeyService:
    """The operations of docs/protocol.md section 4 that carry keys or count."""

    def __init__(self, core: Core, moves: Moves) -> None:
        self._core = core
        self._moves = moves
        self._tickets: dict[bytes, dict[str, Any]] = {}

    async def open(self, device: bytes, request: Open) -> dict[str, Any]:
        """Check a session and a ticket, and remember both. A refusal is counted."""
        self._core.agreement.require()
        session = Signed.from_json(Session, request.session)
        ticket = Signed.from_json(Ticket, request.ticket)
        check_times(
            notBefore=session.message.not_before, notAfter=session.message.not_after, expiry=ticket.message.expiry
        )
        try:
            await self._check(device, session, ticket)
        except Refusal as refusal:
            code, now_ms = refusal.code, await self._core.now_ms()
            await self._core.store.run(lambda connection: note(connection, now_ms, "ticket", code))
            raise
        song = await self._core.songs.get(ticket.message.content)
        now_ms = await self._core.now_ms()
        sequence, usage = await self._core.store.run(
            lambda connection: self._remember(connection, session, ticket, song, now_ms, request.tracking)
        )
        secret = self._core.secret(session.message.listener, ticket.message.content)
        territory, purpose = self._core.config.place(await self._core.chain.station_domain(ticket.message.station))
        place = {"territory": territory, "purpose": purpose}
        return {"usage": usage, "sequence": sequence, "secret": to_b64(secret), "place": place}

    async def _check(self, device: bytes, session: Signed[Session], ticket: Signed[Ticket]) -> None:
        core, message, order = self._core, session.message, ticket.message
        require_refusing(session, core.domain, message.listener, "session.signature")
        if ZERO_ADDRESS in (message.listener, message.device):
            raise Refusal("session.signature", reason="zero address")
        if message.device != device:
            raise Refusal("session.device")
        now_s = await core.now_ms() // 1000
        if not message.not_before <= now_s + SKEW_S or now_s >= message.not_after:
            raise Refusal("session.expired")
        require_refusing(ticket, core.domain, order.station, "ticket.signature")
        if order.station != message.station:
            raise Refusal("session.station")
        if order.server != core.address or order.session != digest(message, core.domain):
            raise Refusal("ticket.mismatch", reason="server" if order.server != core.address else "session")
        if now_s >= order.expiry:
            raise Refusal("ticket.expired")
        if await core.chain.station_domain(order.station) is None:
            raise Refusal("station.unknown")
        song = await core.songs.get(order.content)
        known = await core.store.run(
            lambda connection: get(connection, tickets, id=digest(order, core.domain)) is not None
        )
        if not known:
            # One that was opened before its content moved goes on here.
            await self._moves.require_serving(order.content)
        await self._check_content(song, order, message.payee != ZERO_ADDRESS, now_s)
        if song.policy.price.payer == "listener":
            # Whether a listener has put money in is asked when it plays: a preview needs none.
            return
        if not known and order.price + order.reward:
            await self._check_money(song, order)

    async def _check_content(self, song: Song, order: Ticket, rewarded: bool, now_s: int) -> None:
        core = self._core
        facts = await core.chain.content(order.content)
        for flag, code in ((facts.destroyed, "content.destroyed"), (facts.revoked, "content.revoked")):
            if flag:
                raise Refusal(code)
        if not await core.chain.licensed(order.content, order.station):
            raise Refusal("station.right.missing")
        price = song.policy.price
        # What the listener pays for, the station's ticket does not: it brings the preview.
        paid = price.payer != "listener"
        # Over the station's cap for the day a play earns nothing: its reward is the policy's or zero.
        wanted = price.reward if rewarded and paid else 0
        if (paid and order.price < max(price.owner, facts.price)) or order.reward not in (wanted, 0):
            raise Refusal("ticket.mismatch", reason="price")
        epoch = core.schedule.epoch_of(now_s)
        # A ticket signed just before an epoch's end may be opened just after it.
        if order.bps not in {await core.chain.rate(epoch), await core.chain.rate(max(0, epoch - 1))}:
            raise Refusal("ticket.mismatch", reason="bps")

    async def _check_money(self, song: Song, order: Ticket) -> None:
        core = self._core
        money = await core.chain.money(order.station)
        epoch = core.schedule.epoch_of(await core.now_ms() // 1000)
        owed = await core.store.run(
            lambda connection: outstanding(connection, order.station, core.running(connection, epoch))
        )
        if owed.plays >= core.config.credit_plays and not owed.small_change(money.bps, core.config.least_wei):
            raise Refusal("station.credit.exhausted")
        intervals = max(1, song.duration_ms // (song.policy.price.interval_s * 1000))
        missing = short(money, owed, intervals * (order.price + order.reward))
        if missing:
            raise Refusal("station.escrow.short", short_wei=missing)

    def _remember(
        self,
        connection: Connection,
        session: Signed[Session],
        ticket: Signed[Ticket],
        song: Song,
        now_ms: int,
        tracking: bool | None,
    ) -> tuple[int, dict[str, Any]]:
        domain, message, order = self._core.domain, session.message, ticket.message
        session_id, ticket_id = digest(message, domain), digest(order, domain)
        listener_pays = song.policy.price.payer == "listener"
        row = get(connection, sessions, id=session_id)
        if row is None:
            values = {name: getattr(message, name) for name in ("listener", "device", "payee")}
            times = {"not_before_s": message.not_before, "not_after_s": message.not_after, "opened_ms": now_ms}
            connection.execute(
                insert(sessions).values(
                    id=session_id, station_address=message.station, signature=session.signature, **values, **times
                )
            )
        if get(connection, tickets, id=ticket_id) is None:
            if get(connection, tickets, station_address=order.station, number=order.number) is not None:
                raise Refusal("ticket.used", reason="number")
            price = song.policy.price
            epoch = self._core.running(connection, self._core.schedule.epoch_of(now_ms // 1000))
            # A station's ticket for what the listener pays says zero: the price is the signed header's.
            owed = price.owner if listener_pays else order.price
            most = self._core.config.most_terms
            require_terms(connection, epoch, order.station, owed, order.reward, price.interval_s, most)
            connection.execute(
                insert(tickets).values(
                    id=ticket_id,
                    session=session_id,
                    station_address=order.station,
                    listener=message.listener,
                    payee=message.payee,
                    content=order.content,
                    header_owner=song.owner,
                    number=order.number,
                    price=owed,
                    reward=order.reward,
                    payer=message.listener if listener_pays else order.station,
                    bps=order.bps,
                    interval_s=price.interval_s,
                    expiry_s=order.expiry,
                    signature=ticket.signature,
                    opened_ms=now_ms,
                )
            )
            if song.policy.tracks(tracking):
                connection.execute(insert(tracked).values(ticket=ticket_id))
        return row["last_sequence"] if row else 0, Counters(connection, message.listener, order.content).to_json()

    async def lease(self, device: bytes, request: LeaseRequest) -> dict[str, Any]:
        """Keys of the next window, before the actions that will use them."""
        core = self._core
        identity = from_hex(request.ticket, 32)
        row = await core.store.run(lambda connection: _ticket(connection, identity))
        # Another device's ticket is none that there is: nobody learns whether a station's ticket was opened.
        if row is None or row["device"] != device:
            raise Refusal("ticket.missing")
        song = await core.songs.get(row["content"])
        terms = song.policy.lease
        now = await self._now(row, paying=False)
        if terms is None:
            raise Refusal("policy.action.denied", rule="lease")
        if now.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired")
        await self._moves.require_start(identity, row["content"])
        # What the listener pays for has no keys ahead of its payment but those of the preview.
        start = "preview" if song.policy.price.payer == "listener" else "play"
        if start == "preview" and row["start_action"] not in (None, "preview"):
            raise Refusal("policy.action.denied", rule="lease")
        action = start if row["play_state"] == "none" else "renew"
        if row["play_state"] == "ended":
            raise Refusal("ticket.used")
        ahead_ms = max(terms.window_s, core.config.buffer_s) * 1000

        def give(connection: Connection) -> range:
            fresh = {**row, **(get(connection, tickets, id=identity) or {})}
            return self._give(connection, song, fresh, request, now, ahead_ms, device, action)[0]

        indexes = await core.store.run(give)
        expires_s = min(now.time_ms // 1000 + terms.seconds, row["expiry_s"], row["not_after_s"])
        return {**await self._wrapped(song, request, indexes), "expires_s": expires_s, "budget": terms.invocations}

    async def grant(self, device: bytes, request: GrantRequest) -> dict[str, Any]:
        """Count one action and give the keys that the play may have now, whichever action asked.

        Where the music needs a key that comes later only, ``wait`` names ``invocation.pace`` and in how many
        milliseconds.
        """
        core = self._core
        item = self._receive(device, request.invocation)
        row, song, now = await self._facts(item)
        if now.time_ms >= min(row["expiry_s"], row["not_after_s"]) * 1000:
            raise Refusal("ticket.expired", sequence=item.message.sequence)
        if item.action in STARTS:
            await self._moves.require_start(item.message.ticket, row["content"], sequence=item.message.sequence)
        silence_ms, ahead_ms = core.config.silence_s * 1000, core.config.buffer_s * 1000

        def count(connection: Connection) -> tuple[Outcome, tuple[range, int]]:
            outcome = accept(
                connection,
                item,
                song.policy,
                core.running_now(connection, now),
                silence_ms,
                online=True,
                duration_ms=song.duration_ms,
            )
            if outcome.code is not None or outcome.ticket is None:
                return outcome, (range(0), 0)
            # The same bytes again are not decided again, but what they bring is: by the terms and state of now.
            action = "renew" if outcome.replay else None
            return outcome, self._give(connection, song, outcome.ticket, request, now, ahead_ms, device, action)

        outcome, (indexes, wait_ms) = await core.store.run(count)
        if outcome.code is not None:
            raise Refusal(outcome.code, sequence=outcome.sequence)
        expires_s = min(now.time_ms // 1000 + GRANT_S, row["expiry_s"])
        keys = await self._wrapped(song, request, indexes)
        wait = {"wait": {"code": "invocation.pace", "retry_ms": wait_ms}} if wait_ms else {}
        return {
            **keys,
            **wait,
            "expires_s": expires_s,
            "sequence": outcome.sequence,
            **_counted(outcome),
            "left": outcome.left,
        }

    async def report(self, device: bytes, request: Report) -> dict[str, Any]:
        """Count what happened under a lease, in order; each refusal is named."""
        core = self._core
        items = [self._receive(device, message) for message in request.invocations]
        known = {}
        for item in items:
            key = (item.message.ticket, item.message.content)
            if key not in known:
                known[key] = await self._facts(item)
        silence_ms = core.config.silence_s * 1000

        def count(connection: Connection) -> list[Outcome]:
            out = []
            for item in items:
                _, song, now = known[(item.message.ticket, item.message.content)]
                running = core.running_now(connection, now)
                out.append(accept(connection, item, song.policy, running, silence_ms, duration_ms=song.duration_ms))
            return out

        outcomes = await core.store.run(count)
        refused = [
            {"sequence": item.message.sequence, "code": outcome.code}
            for item, outcome in zip(items, outcomes, strict=True)
            if outcome.code is not None
        ]
        last = outcomes[-1] if outcomes else Outcome(None, 0)
        return {"sequence": max((o.sequence for o in outcomes), default=0), "refused": refused, **_counted(last)}

    async def destroyed(self, device: bytes, request: Destroyed) -> dict[str, Any]:
        """Keep a device's signed word that it destroyed its keys of a content. The first one counts."""
        check_times(time_ms=request.time_ms)
        content, listener, signature = (
            from_hex(request.content, 20),
            from_hex(request.listener, 20),
            from_hex(request.signature, 65),
        )
        try:
            signer = recover(destruction_digest(content, listener, request.time_ms, request.code), signature)
        except InputError:
            signer = b""
        if signer != device:
            raise Refusal("invocation.signature", op="destroyed")
        key = {"content": content, "listener": listener, "device": device}
        values = {"signed_ms": request.time_ms, "code": request.code, "signature": signature}

        played = (
            select(tickets.c.id)
            .join(sessions, sessions.c.id == tickets.c.session)
            .where(tickets.c.listener == listener, tickets.c.content == content, sessions.c.device == device)
            .limit(1)
        )

        def keep(connection: Connection) -> None:
            # A device that never had keys of it has none to destroy, and anybody can make a device.
            if connection.execute(played).first() is None:
                raise Refusal("ticket.missing", op="destroyed")
            if get(connection, destructions, **key) is None:
                connection.execute(insert(destructions).values(**key, **values))

        await self._core.store.run(keep)
        return {}

    def _receive(self, device: bytes, message: Any) -> Received:
        signed = Signed.from_json(Invocation, message)
        check_times(position=signed.message.position, sequence=signed.message.sequence, time=signed.message.time)
        if signed.message.action not in Action.__members__.values():
            raise InputError("message.schema", field="action", sequence=signed.message.sequence)
        identity = digest(signed.message, self._core.domain)
        try:
            genuine = recover(identity, signed.signature) == device
        except InputError:
            genuine = False
        if not genuine:
            raise Refusal("invocation.signature", sequence=signed.message.sequence)
        return Received(identity, signed.message, signed.signature, device)

    async def _facts(self, item: Received) -> tuple[dict[str, Any], Song, Now]:
        # Of a ticket that was read once, only what never changes is used here: the rest is read again when it counts.
        row = self._tickets.get(item.message.ticket)
        if row is None:
            row = await self._core.store.run(lambda connection: _ticket(connection, item.message.ticket))
            if row is not None:
                if len(self._tickets) >= _KEEP:
                    self._tickets.clear()
                self._tickets[item.message.ticket] = row
        if row is None or row["device"] != item.device:
            raise Refusal("ticket.missing", sequence=item.message.sequence)
        song = await self._core.songs.get(row["content"])
        return (
            row,
            song,
            await self._now(row, paying=bool(row["price"] + row["reward"]), starting=item.action in STARTS),
        )

    async def _now(self, row: Mapping[str, Any], paying: bool, starting: bool = False) -> Now:
        core, content, station = self._core, row["content"], row["station_address"]
        time_ms = await core.now_ms()
        facts = await core.chain.content(content)
        domain = await core.chain.station_domain(station)
        if domain is None:
            raise Refusal("station.unknown")
        # A listener may have put money in a moment ago: whoever presses play is not told what was true before.
        fresh = starting and row["payer"] != row["station_address"]
        money: Money | None = await core.chain.money(row["payer"], fresh=fresh) if paying else None
        place = core.config.place(domain)
        epoch = core.schedule.epoch_of(time_ms // 1000)
        credit = (core.config.listener_credit, core.config.credit_plays, core.config.least_wei)
        return Now(time_ms, epoch, domain, facts.revoked, facts.destroyed, money, *place, *credit)

    def _give(
        self,
        connection: Connection,
        song: Song,
        ticket: Mapping[str, Any],
        request: LeaseRequest | GrantRequest,
        now: Now,
        ahead_ms: int,
        device: bytes,
        action: str | None,
    ) -> tuple[range, int]:
        """The wanted segments that a ticket may have keys for now, written down before they are given.

        And milliseconds until there are keys again, where the music waits for one that its listener may not have yet;
        else 0.

        Args:
            connection: Where the transaction is open.
            song: The content.
            ticket: Its row as it is now.
            request: Which segments of which rendition.
            now: What chain and clock say.
            ahead_ms: The buffer.
            device: Who asks.
            action: Decided by the terms before anything is given; None: it was decided a moment ago.

        Raises:
            Refusal: The policy's codes.
        """
        if ticket["play_state"] == "ended":
            return range(0), 0
        counters = Counters(connection, ticket["listener"], ticket["content"])
        usage = counters.usage(song.policy, now.time_ms // 1000)
        if action is not None:
            context = present(connection, ticket, song.policy, now, device, now.time_ms // 1000)
            decide(song.policy, usage, context, action).require()
        started = ticket["start_action"] or ("preview" if song.policy.price.payer == "listener" else "play")
        window = Window.of(ticket["anchor_position_ms"], ticket["position_ms"], ahead_ms)
        if ticket["payer"] != ticket["station_address"] and started != "preview":
            # Never keys beyond what may be heard before a voucher has to come.
            window = self._paid(connection, ticket, now, window)
        bounds = extent(song.policy, usage, started)
        window = Window(*bounds.clip(window.start_ms, window.end_ms, ticket["position_ms"]))
        starts_ms = song.rendition(request.rendition).starts_ms
        wanted = window.clip(starts_ms, request.first, request.count)
        # Beside another stream of its listener a play sounds unpaid: its keys follow what sounded.
        heard_ms = counters.heard_ms + ticket["sounded_ms"] - ticket["heard_ms"]
        limit = song.policy.counts.get("seek")
        jumps = counters.seeks if limit is not None and limit.unit not in HEARD_UNITS else 0
        key = {"listener": ticket["listener"], "content": ticket["content"]}
        row = get(connection, given_keys, **key)
        before, wait = (
            (int.from_bytes(row["second_bits"], "little"), Wait(row["waited_ms"], row["wait_since_ms"]))
            if row
            else (0, Wait())
        )
        known, wait_ms = (before, wait), 0
        allowance = Allowance.of(heard_ms, ahead_ms, jumps, ticket["position_ms"], wait.waited_ms)
        indexes, after = allowance.take(starts_ms, wanted, before)
        if not indexes and ticket["play_state"] == "playing" and isinstance(request, GrantRequest):
            # A lease is fetched ahead of the music, which does not wait for it.
            wait, wait_ms = wait.after(allowance.short_ms(starts_ms, wanted, before), now.time_ms)
            allowance = Allowance.of(heard_ms, ahead_ms, jumps, ticket["position_ms"], wait.waited_ms)
            indexes, after = allowance.take(starts_ms, wanted, before)
        elif indexes:
            wait = Wait(wait.waited_ms)
        if (after, wait) != known:
            seconds = after.to_bytes(-(-after.bit_length() // 8), "little")
            put(connection, given_keys, key, second_bits=seconds, waited_ms=wait.waited_ms, wait_since_ms=wait.since_ms)
        return indexes, wait_ms

    def _paid(self, connection: Connection, ticket: Mapping[str, Any], now: Now, window: Window) -> Window:
        """The part of a window that the listener's credit covers."""
        owed = outstanding(connection, ticket["payer"], now.epoch)
        left = max(0, now.listener_credit - owed.intervals)
        if now.money is not None and ticket["price"]:
            left = max(left, owed.until_settled(now.money.bps, now.least_wei, ticket["price"]))
        heard = left * ticket["interval_s"] * 1000
        ahead_ms = max(0, heard - ticket["heard_ms"] % (ticket["interval_s"] * 1000))
        return Window(window.start_ms, min(window.end_ms, ticket["position_ms"] + ahead_ms))

    async def _wrapped(self, song: Song, request: LeaseRequest | GrantRequest, indexes: range) -> dict[str, Any]:
        """The keys of these segments, each wrapped to the asker's key."""
        rendition = song.rendition(request.rendition)
        wrap = WrapKey.to(from_b64(request.key))
        keys = []
        for index in indexes:
            epoch = rendition.key_epoch(index)
            secret = segment_key(await self._core.songs.content_key(song.content, epoch), rendition.id, index)
            aad = segment_aad(song.content, rendition.id, epoch, index)
            keys.append([index, to_b64(wrap.wrap(secret, aad))])
        return {"ephemeral": to_b64(wrap.ephemeral), "keys": keys}


def check_times(**values: int) -> None:
    """Times and counters that fit the database and are times at all. Raises InputError ``message.schema``."""
    for name, value in values.items():
        if value >= 1 << 53:
            raise InputError("message.schema", field=name, reason="too large")


def _ticket(connection: Connection, identity: bytes) -> dict[str, Any] | None:
    joined = select(tickets, sessions.c.device, sessions.c.not_after_s).join(
        sessions, sessions.c.id == tickets.c.session
    )
    row = connection.execute(joined.where(tickets.c.id == identity)).mappings().first()
    return dict(row) if row else None


def _counted(outcome: Outcome) -> dict[str, Any]:
    return {"usage": outcome.usage, "heard_ms": outcome.heard_ms, "intervals": outcome.intervals}
