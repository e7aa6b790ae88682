"""Requests of payers: accounts, statements, vouchers."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select

from messages.fields import Message
from messages.host_server.billing import Owed, Pay
from messages.server_http import AccountRequest, AccountResult, StatementRequest, VoucherPost
from messages.settlement import StatementLineResult, StatementResult, VoucherResult
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.protocol import Domain, Signed, Statement, StatementLine, Voucher, sign, statement_lines_hash
from pywallet.settlement import Schedule, gross
from security_server.billing.accounts import outstanding
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.epoch_transactions import EpochTransactions
from security_server.billing.receipts import Receipts
from security_server.billing.request_signer import require_payer
from security_server.billing.resync import acknowledge
from security_server.billing.session_listener import session_listener
from security_server.billing.settling import VoucherOutcome, settle_voucher
from security_server.billing.statements import StatementDraft, draft_statement
from security_server.chain.view import ChainView
from security_server.config import Keys
from security_server.db.connection import Connection
from security_server.db.tables import sessions, tickets
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.epochs.running_epoch import running_epoch
from security_server.signatures import require_refusing

_WITHHELD: Final = VoucherResult(receipts=0)
"""Result for another sender of a voucher than its payer."""


class Billing:
    """Accounts and statements of payers, and settlement of their vouchers."""

    def __init__(
        self,
        *,
        keys: Keys,
        domain: Domain,
        schedule: Schedule,
        store: Store,
        chain: ChainView,
        agreement: ChainAgreement,
        receipts: Receipts,
        transactions: EpochTransactions,
    ) -> None:
        self._keys = keys
        self._domain = domain
        self._schedule = schedule
        self._store = store
        self._chain = chain
        self._agreement = agreement
        self._receipts = receipts
        self._transactions = transactions
        self._address = keys.address

    async def account(self, request: AccountRequest) -> AccountResult:
        """The requesting payer's escrow with this server and what is left of it.

        Only the payer itself gets it: a listener may be a payer, too.

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``voucher.signature``.
        """
        payer = await self._payer(request.payer, request.time_s, request.signature)
        money = await self._chain.money(payer)
        epoch = self._schedule.epoch_of(await self._chain.now_ms() // 1000)
        owed = await self._store.run(
            lambda connection: outstanding(connection, payer, running_epoch(connection, epoch))
        )
        vouchered = owed.unposted + gross(owed.current_net, money.bps)
        total = owed.gross_with(money.bps)
        return AccountResult(
            escrow_wei=str(money.escrow),
            requested_wei=str(money.requested),
            unposted_wei=str(vouchered),
            unvouchered_wei=str(total - vouchered),
            usable_wei=str(max(0, money.free - total)),
        )

    async def statement(self, request: StatementRequest) -> StatementResult:
        """The requesting payer's signed statement.

        Raises:
            InputError: ``invocation.time``.
            Refusal: ``voucher.signature``.
            Unavailable: ``chain.unreachable``, ``server.mismatch.chain``.
        """
        payer = await self._payer(request.payer, request.time_s, request.signature)
        return await self.state(payer, request.disputed)

    async def listener_statement(self, device: bytes, request: Owed) -> StatementResult:
        """The signed statement of a session's listener, for the session's own device.

        Raises:
            Refusal: ``session.device``.
            Unavailable: ``chain.unreachable``, ``server.mismatch.chain``.
        """
        listener = await session_listener(self._store, device, from_hex(request.session, 32))
        return await self.state(listener, request.disputed)

    async def _payer(self, address: str, time_s: int, signature: str) -> bytes:
        return require_payer(self._address, address, time_s, signature, await self._chain.now_ms() // 1000)

    async def state(self, payer: bytes, disputed: Sequence[int] = ()) -> StatementResult:
        """A payer's signed statement.

        Args:
            payer: 20 bytes.
            disputed: Ticket numbers that the payer does not agree to; they are stated last.

        Raises:
            Unavailable: ``chain.unreachable``, ``server.mismatch.chain``.
        """
        numbers = frozenset(disputed)
        self._agreement.require()

        def work(connection: Connection, facts: EpochFacts) -> StatementDraft:
            return draft_statement(
                connection, payer, facts.epoch, facts.money, facts.bond, facts.slots, numbers, facts.reread_for
            )

        draft = await self._transactions.run(payer, work)
        lines = statement_lines_hash(draft.lines)
        message = Statement(server=self._address, payer=payer, epoch=draft.epoch, spent=draft.spent, lines=lines)
        return StatementResult(
            statement=sign(message, self._domain, self._keys.signing).to_json(),
            lines=[_line(line, draft.counts[line.number]) for line in draft.lines],
            settled_wei=str(draft.settled),
            net_wei=str(draft.net),
            waiting=draft.waiting,
        )

    async def voucher(self, request: VoucherPost) -> VoucherResult:
        """Settle what a voucher covers of the lines that the payer agreed to; the receipts are pushed to the hosts.

        Vouchers are published on the chain, and lines name tickets: only the payer, who signs the request, gets the
        outcome. A voucher without that signature counts, and the result is the same whatever it settled.

        Raises:
            Refusal: ``voucher.signature``; to the payer also the refusals of ``settle_voucher``.
            Unavailable: ``chain.unreachable``, ``server.mismatch.chain``.
        """
        signed = self._verified(request.voucher)
        is_payer = False
        with contextlib.suppress(GomaaError):
            is_payer = request.signature is not None and bool(
                await self._payer(to_hex(signed.message.payer), request.time_s, request.signature)
            )
        return await self._settle(signed, request.lines, is_payer)

    async def listener_voucher(self, device: bytes, request: Pay) -> VoucherResult:
        """Settle a listener's voucher; only a device with a session of that listener gets the outcome.

        Raises as ``voucher``.
        """
        signed = self._verified(request.voucher)
        payer, both = signed.message.payer, tickets.join(sessions, sessions.c.id == tickets.c.session)
        own = (tickets.c.payer == payer, tickets.c.listener == payer, sessions.c.device == device)
        query = select(tickets.c.id).select_from(both).where(*own).limit(1)
        has_session = await self._store.run(lambda connection: connection.execute(query).first() is not None)
        return await self._settle(signed, request.lines, has_session)

    def _verified(self, voucher: Message) -> Signed[Voucher]:
        """A voucher for this server that its payer has signed. Raises Refusal ``voucher.signature``."""
        signed = Signed.from_json(Voucher, voucher)
        if signed.message.server != self._address:
            raise Refusal("voucher.signature", reason="another server")
        require_refusing(signed, self._domain, signed.message.payer, "voucher.signature")
        return signed

    async def _settle(
        self, signed: Signed[Voucher], lines: Sequence[tuple[int, int]] | None, is_payer: bool
    ) -> VoucherResult:
        self._agreement.require()
        payer, agreed = signed.message.payer, None if lines is None else dict(lines)
        try:
            receipts, waiting = await self._settle_parts(signed, agreed)
        except Refusal:
            if is_payer:
                raise
            return _WITHHELD
        if not is_payer:
            return _WITHHELD
        acknowledgement = await self._transactions.run(
            payer, lambda connection, facts: acknowledge(connection, payer, agreed or {}, facts)
        )
        return VoucherResult(
            receipts=receipts, waiting=waiting, settled=acknowledgement.signed(payer, self._keys, self._domain)
        )

    async def _settle_parts(self, signed: Signed[Voucher], agreed: Mapping[int, int] | None) -> tuple[int, str | None]:
        """Settle a voucher, part by part, and push each part's receipts; returns their number and ``waiting``.

        Raises:
            Refusal: As ``settle_voucher``, of the first part.
        """

        def work(connection: Connection, facts: EpochFacts) -> VoucherOutcome:
            return settle_voucher(connection, signed, facts, agreed)

        payer, count, is_first = signed.message.payer, 0, True
        while True:
            try:
                outcome = await self._transactions.run(payer, work, fresh=is_first, owners=True)
            except Refusal as error:
                if is_first:
                    raise
                # The lines that are settled stay so: the rest waits, as in a voucher of one part.
                return count, error.code
            is_first = False
            await self._receipts.push(outcome.issued)
            count += len(outcome.issued)
            if outcome.is_last:
                return count, outcome.waiting


def _line(line: StatementLine, settled: int) -> StatementLineResult:
    return StatementLineResult(
        number=line.number,
        content=to_hex(line.content),
        session=to_hex(line.session),
        intervals=line.intervals,
        price=str(line.price),
        reward=str(line.reward),
        settled=settled,
    )
