"""The money's arithmetic off chain: epochs, trees, commitments, published data (docs/settlement.md)."""

from pywallet.settlement.challenge import Answer, answer_for, fault, grievance, header_of
from pywallet.settlement.commitment import Header, commitment, entries_digest, gross, rest
from pywallet.settlement.counts import CountsTree, content_leaf, usage_leaf, usage_tag, verify_count
from pywallet.settlement.data import ContentRow, DebitRow, EpochData, PayeeRow, PlayRow, StationRow, TermsRow
from pywallet.settlement.schedule import Schedule
from pywallet.settlement.tree import MAX_DEPTH, SumTree, verify_leaf

__all__ = [
    "MAX_DEPTH",
    "Answer",
    "ContentRow",
    "CountsTree",
    "DebitRow",
    "EpochData",
    "Header",
    "PayeeRow",
    "PlayRow",
    "Schedule",
    "StationRow",
    "SumTree",
    "TermsRow",
    "answer_for",
    "commitment",
    "content_leaf",
    "entries_digest",
    "fault",
    "grievance",
    "gross",
    "header_of",
    "rest",
    "usage_leaf",
    "usage_tag",
    "verify_count",
    "verify_leaf",
]
