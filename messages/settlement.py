"""Results about statements, vouchers, receipts and claims that hosts and stations get alike."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from messages.fields import Address, Code, Hash, Index, Number, Wei
from messages.signed import SignedReceipt, SignedSession, SignedStatement, SignedTicket, SignedVoucher


class StatementLineResult(Struct, frozen=True):
    """One ticket of a statement.

    Attributes:
        number: Ticket number at its station.
        content: The content's address.
        session: Id of the session of the ticket.
        intervals: All intervals heard under the ticket so far, settled or not.
        price: Wei per interval to the content's owner.
        reward: Wei per interval to the session's payee.
        settled: Intervals of it that are settled; null from a server without counts.
    """

    number: Index
    content: Address
    session: Hash
    intervals: Index
    price: Wei
    reward: Wei
    settled: Index | None = None


class StatementResult(Struct, frozen=True):
    """What a payer owes.

    Attributes:
        statement: Signed ``Statement`` over the lines.
        lines: Tickets with unsettled intervals, by ticket number; at most 2,000.
        settled_wei: Cumulative gross that is settled, of all epochs; null from a server without counts.
        net_wei: Net that is settled in the statement's epoch; null from a server without counts.
        waiting: Code of why not everything owed is stated, or null.
    """

    statement: SignedStatement
    lines: list[StatementLineResult]
    settled_wei: Wei | None = None
    net_wei: Wei | None = None
    waiting: Code | None = None


class AcknowledgementResult(Struct, frozen=True):
    """What is settled of some tickets of a payer.

    Attributes:
        statement: Signed ``Statement`` whose ``lines`` field is the hash of settled lines.
        lines: [ticket number, epoch, intervals settled in it], by number and epoch.
    """

    statement: SignedStatement
    lines: list[tuple[Index, Number, Number]]


class VoucherResult(Struct, frozen=True):
    """What became of a voucher. To another sender than the payer: 0, null, null, whatever the voucher settled.

    Attributes:
        receipts: Number of receipts that it issued.
        waiting: Code of why not all agreed lines are settled, or null.
        settled: What is settled of the agreed tickets; null to another sender than the payer.
    """

    receipts: Index
    waiting: Code | None = None
    settled: AcknowledgementResult | None = None


class TicketEntry(Struct, frozen=True):
    """A station's ticket as the server has it.

    Attributes:
        ticket: Signed ``Ticket``.
        interval_s: Length of a paid interval.
        opened_ms: When the ticket was opened, by the server's clock; 0 from an older server.
    """

    ticket: SignedTicket
    interval_s: Index
    opened_ms: Number = 0


class ListenerTicketEntry(Struct, frozen=True):
    """A ticket that its listener pays for.

    Attributes:
        number: Ticket number at its station.
        content: The content's address.
        intervals: Intervals heard under it.
        session: Signed ``Session`` of the ticket.
    """

    number: Index
    content: Address
    intervals: Index
    session: SignedSession


class BooksResult(Struct, frozen=True):
    """What the server's books hold of a payer (section 2, Resynchronisation).

    Attributes:
        settled: What is settled of the tickets that owe something.
        voucher: The payer's signed ``Voucher`` with the highest cap, or null.
        tickets: A station's tickets that owe something.
        lost: A listener's tickets that owe something.
        last_number: Highest ticket number of the station; 0: none.
    """

    settled: AcknowledgementResult
    voucher: SignedVoucher | None = None
    tickets: list[TicketEntry] = []
    lost: list[ListenerTicketEntry] = []
    last_number: Index = 0


class ReceiptDetail(Struct, frozen=True):
    """The values under a receipt's ``detail`` hash.

    Attributes:
        content: The content's address.
        session: Id of the session that was heard.
        plays: Plays that the receipt adds.
        seeks: Counted seeks of the play.
        seconds: Heard time of the play.
        sequence: Sequence number of its last invocation.
        invocation: Id of its last invocation.
    """

    content: Address
    session: Hash
    plays: Number
    seeks: Number
    seconds: Number
    sequence: Number
    invocation: Hash


class ReceiptEntry(Struct, frozen=True):
    """A receipt with its details.

    Attributes:
        receipt: Signed ``Receipt``.
        detail: The values under its ``detail`` hash.
    """

    receipt: SignedReceipt
    detail: ReceiptDetail


class ClaimResult(Struct, frozen=True):
    """What became of claims.

    Attributes:
        transaction: Hash of the transaction that pays them; null while a mixed claim waits.
        due_s: When a waiting mixed claim is sent at the latest, Unix seconds; absent once it is sent.
    """

    transaction: Hash | None
    due_s: Number | UnsetType = UNSET
