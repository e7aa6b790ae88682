"""Faults that an audit can find, with stable kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pywallet.encoding.hex import to_hex

KINDS: Final = {
    "data.missing": "the published data of the epoch cannot be had",
    "data.form": "the published bytes are no epoch's data, or rows stand twice or in another order",
    "data.hash": "the published data are not those whose hash is on the chain",
    "data.header": "a field of the data's head is not what the chain says",
    "leaf.root": "the leaves do not hash to the posted root",
    "leaf.total": "the leaves do not add up to the posted total",
    "leaf.order": "leaves are not in ascending order of payees, one for each",
    "leaf.owner": "what a leaf holds for an owner is not what the plays of its contents earn, or is more than the leaf",
    "leaf.rewards": "what the leaves hold beside the owners' parts does not add up to the rewards of the plays",
    "leaf.receipt": "a leaf is missing or below what the server signed a receipt for",
    "payer.debit": "a published debit is not the one that was posted",
    "payer.net": "a payer's debit is not what its plays cost",
    "payer.listeners": "what listeners were debited is not what the plays that they paid cost",
    "payer.fee": "the commission is not the rate on each payer's net",
    "counts.root": "contents and listeners' leaves do not hash to the posted counts root",
    "count.unvalidated": "a content's refused plays are not those in the rows",
    "terms.price": "plays of a content below its price, or by another interval than its policy's",
    "content.unknown": "a content that the registry did not make",
    "content.owner": "not who earns with the content in that epoch",
    "content.server": "a content of another server",
    "station.unknown": "a payer that the registry does not know",
    "play.row": "a play that cannot be: unknown outcome, a time outside the epoch, or a part of an interval",
    "play.index": "a play, a segment or an owner that names a row that isn't there",
    "segment.few": "a stretch that fewer listeners heard than may be published",
    "ticket.twice": "a ticket that was paid twice in one epoch",
    "ticket.differs": "a ticket that stands for two contents, terms or servers",
    "claim.leaf": "a payment that is no leaf",
    "chain.commit": "the chain's commitment is not that of its own events",
    "chain.account": "an account is not the sum of its events",
    "chain.bond": "a bond is not the sum of its events",
    "chain.epoch": "what is left of an epoch is not its total without its payments",
    "chain.balance": "the contract holds less than it owes",
}


@dataclass(frozen=True)
class Fault:
    """One discrepancy.

    Attributes:
        kind: One of ``KINDS``.
        server: Address of the security server, 20 bytes, or None.
        epoch: Number of the epoch, or None.
        subject: The leaf, payer, content, station or field.
        published: The published value.
        expected: The right value.
    """

    kind: str
    server: bytes | None = None
    epoch: int | None = None
    subject: str = ""
    published: str = ""
    expected: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON form, as ``--json`` prints it."""
        where = {
            "server": None if self.server is None else to_hex(self.server),
            "epoch": self.epoch,
            "subject": self.subject,
        }
        return {"kind": self.kind, "sentence": KINDS[self.kind], **where, "said": self.published, "true": self.expected}

    def __str__(self) -> str:
        place = "" if self.epoch is None else f" epoch {self.epoch}"
        who = "" if self.server is None else f" of {to_hex(self.server)}"
        values = f": {self.published} instead of {self.expected}" if self.published or self.expected else ""
        return f"{self.kind}{place}{who}{f', {self.subject}' if self.subject else ''}{values} ({KINDS[self.kind]})"


MOST: Final = 10_000
"""Most faults of one kind that are listed of an epoch; the rest are one more, with their number."""


@dataclass
class FaultList:
    """Faults of one epoch, in bounded memory."""

    server: bytes | None
    epoch: int | None
    faults: list[Fault] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(
        self, kind: str, subject: str = "", published: Any = "", expected: Any = "", *, epoch: int | None = None
    ) -> None:
        """Record a fault: its kind, subject, published and expected value; ``epoch`` where it is another."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] <= MOST:
            number = self.epoch if epoch is None else epoch
            self.faults.append(Fault(kind, self.server, number, subject, text_of(published), text_of(expected)))

    def more(self, kind: str, count: int) -> None:
        """Count faults that are not listed."""
        self._counts[kind] = self._counts.get(kind, 0) + count

    def end(self) -> list[Fault]:
        """All faults; a kind that has more than ``MOST`` ends with their number."""
        more = {kind: count - MOST for kind, count in self._counts.items() if count > MOST}
        return self.faults + [Fault(kind, self.server, self.epoch, f"{count} more") for kind, count in more.items()]


def text_of(value: Any) -> str:
    """A value in a fault: bytes as 0x-hex."""
    return to_hex(value) if isinstance(value, bytes) else str(value)
