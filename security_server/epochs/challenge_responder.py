"""Answers challenges of this server's epochs with the leaves (docs/settlement.md)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import select

from chain.contracts.reverts import NO_OPEN_CHALLENGE
from chain.contracts.settlement import MOST_ANSWERS
from pywallet.errors import GomaaError, Refusal, Unavailable
from pywallet.settlement import Answer, Schedule
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.queries import change
from security_server.db.tables import challenges
from security_server.db.writer import Store
from security_server.epochs.chain_events import REPLACED, ChainEvents
from security_server.epochs.closing import EpochCloser
from security_server.epochs.publishing import EpochPublisher

log = logging.getLogger("gomaa.server")

MOST_NODES: Final = 640
"""Proof nodes in one transaction, by the contract."""

Challenge = tuple[int, bytes, int]
"""Epoch, payee, amount challenged in wei."""


class ChallengeResponder:
    """Finds open challenges and sends their answers.

    Answers of an epoch are sent in as few transactions as the contract allows, concurrently; one that fails does not
    stop the others.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        publishing: EpochPublisher,
        closing: EpochCloser,
        events: ChainEvents,
        every_s: float,
    ) -> None:
        self._keys = keys
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._publishing = publishing
        self._closing = closing
        self._events = events
        self._every_s = every_s
        self._sent: dict[Challenge, asyncio.Task[int]] = {}
        self._unanswerable: set[Challenge] = set()

    async def run(self) -> None:
        """Start rounds until cancelled; a failure is logged and retried in the next round."""
        try:
            while True:
                try:
                    await self.begin()
                except GomaaError as error:
                    log.warning("answering: %s", error)
                except Exception:
                    log.exception("answering failed")
                await asyncio.sleep(self._every_s)
        finally:
            for task in set(self._sent.values()):
                task.cancel()

    async def round(self) -> int:
        """Answer every open challenge and wait for the blocks; returns the number of answers."""
        return sum(await asyncio.gather(*await self.begin()))

    async def begin(self) -> set[asyncio.Task[int]]:
        """Find open challenges and send their answers, without waiting for a block.

        Returns:
            The batches on their way, those of earlier calls too; the result of each is its number of answers.

        Raises:
            Unavailable: ``chain.unreachable``. Challenges in the database are answered even so.
        """
        failure: GomaaError | None = None
        try:
            await self._events.update()
        except GomaaError as error:
            # Challenges in the database must not wait for the rest of the events.
            failure = error
        batches = set(self._sent.values())
        if await self._store.leads():
            batches |= await self._send(await self._open())
        if failure is not None:
            raise failure
        return batches

    async def _open(self) -> list[Challenge]:
        """Challenges that are open on the chain, oldest first, without those whose answer is under way."""
        schedule = self._schedule
        now_s = await self._chain.now_ms() // 1000
        # Older ones can neither be open nor be made any more.
        oldest = schedule.epoch_of(max(0, now_s - schedule.late - schedule.grace - schedule.answer)) - 1
        head = await self._chain.head()
        candidates = await self._store.run(lambda connection: _candidates(connection, oldest, head - REPLACED))
        candidates = [challenge for challenge in candidates if challenge not in self._sent]
        are_open = await asyncio.gather(*(self._chain.is_open(*challenge) for challenge in candidates))
        closed = {challenge for challenge, open_now in zip(candidates, are_open, strict=True) if not open_now}
        await self._store.lead(lambda connection: _write_closed(connection, candidates, closed, head))
        return [challenge for challenge in candidates if challenge not in closed]

    async def _send(self, found: Sequence[Challenge]) -> set[asyncio.Task[int]]:
        sent: set[asyncio.Task[int]] = set()
        by_epoch: dict[int, list[Challenge]] = defaultdict(list)
        for challenge in found:
            by_epoch[challenge[0]].append(challenge)
        for epoch, some in by_epoch.items():
            try:
                state = await self._chain.epoch(epoch)
                if not state.ready or state.void:
                    # Only a posted epoch that is not void can be answered.
                    self._closing.trigger()
                    continue
                shown = [
                    (challenge, answer) for challenge in some if (answer := await self._answer(challenge)) is not None
                ]
            except GomaaError as error:
                log.error("answering epoch %d: %s", epoch, error)
                continue
            for batch in _batches(shown):
                task = asyncio.create_task(self._isolated(epoch, batch))
                for challenge, _ in batch:
                    self._sent[challenge] = task
                task.add_done_callback(self._done)
                sent.add(task)
        return sent

    def _done(self, task: asyncio.Task[int]) -> None:
        self._sent = {challenge: sent for challenge, sent in self._sent.items() if sent is not task}

    async def _answer(self, challenge: Challenge) -> Answer | None:
        epoch, payee, amount = challenge
        try:
            return await self._publishing.answer(epoch, payee, amount)
        except Refusal as refusal:
            if challenge not in self._unanswerable:
                self._unanswerable.add(challenge)
                log.error(
                    "challenged for epoch %d, payee %s, and no leaf answers: %s", epoch, payee.hex(), refusal.code
                )
            return None

    async def _isolated(self, epoch: int, batch: Sequence[tuple[Challenge, Answer]]) -> int:
        """Send a batch; if the chain refuses it, each of its answers alone. Returns the number of answers."""
        try:
            await self._chain.answer_batch(self._keys.signing, epoch, [(item[2], answer) for item, answer in batch])
        except Unavailable as error:
            log.warning("answering epoch %d: %s", epoch, error)
            return 0
        except GomaaError as error:
            if error.detail.get("reason") == NO_OPEN_CHALLENGE:
                # Another sender's answer came first.
                return 0
            if len(batch) == 1:
                log.error("answering epoch %d, payee %s: %s", epoch, batch[0][0][1].hex(), error)
                return 0
            return sum(await asyncio.gather(*(self._isolated(epoch, [item]) for item in batch)))
        except Exception:
            log.exception("answering epoch %d failed", epoch)
            return 0
        log.info("answered %d challenges of epoch %d", len(batch), epoch)
        return len(batch)


def _batches(shown: Sequence[tuple[Challenge, Answer]]) -> Iterator[list[tuple[Challenge, Answer]]]:
    """Batches of as many answers as one transaction takes."""
    batch: list[tuple[Challenge, Answer]] = []
    nodes = 0
    for item in shown:
        if batch and (len(batch) == MOST_ANSWERS or nodes + len(item[1].proof) > MOST_NODES):
            yield batch
            batch, nodes = [], 0
        batch.append(item)
        nodes += len(item[1].proof)
    if batch:
        yield batch


def _candidates(connection: Connection, oldest: int, recent: int) -> list[Challenge]:
    """Challenges that may be open: not seen closed, or closed in blocks so new that they may be replaced."""
    columns = (challenges.c.epoch, challenges.c.payee, challenges.c.amount)
    fits = (challenges.c.closed_block.is_(None)) | (challenges.c.closed_block > recent)
    query = select(*columns).where(challenges.c.epoch >= oldest, fits).order_by(*columns[:2])
    return [(row.epoch, bytes(row.payee), row.amount) for row in connection.execute(query)]


def _write_closed(connection: Connection, candidates: Sequence[Challenge], closed: set[Challenge], head: int) -> None:
    for epoch, payee, amount in candidates:
        key = {"epoch": epoch, "payee": payee, "amount": amount}
        if (epoch, payee, amount) not in closed:
            change(connection, challenges, key, closed_block=None)
        else:
            connection.execute(
                challenges.update()
                .where(
                    *(challenges.c[name] == value for name, value in key.items()), challenges.c.closed_block.is_(None)
                )
                .values(closed_block=head)
            )
