"""Settlement off the chain: schedule of epochs, Merkle trees, commitments, published data (docs/settlement.md)."""

from pywallet.protocol.commission import gross
from pywallet.settlement.challenge import Answer, answer_for, fault, header_of, missing_leaf
from pywallet.settlement.commitment import EpochHeader, commitment, entries_digest, rest
from pywallet.settlement.counts import CountsTree, content_leaf, usage_leaf, usage_tag, verify_count
from pywallet.settlement.published_data import EpochData
from pywallet.settlement.published_rows import (
    FEW,
    NO_TERMS,
    SEGMENT_S,
    ContentRow,
    DebitRow,
    OwnerRow,
    PayeeRow,
    PlayRow,
    SegmentRow,
    StationRow,
    TermsRow,
    UsageRow,
)
from pywallet.settlement.schedule import Schedule
from pywallet.settlement.streaming_root import CountsRoot, SumRoot
from pywallet.settlement.tree import MAX_DEPTH, SumTree, verify_leaf

__all__ = [
    "FEW",
    "MAX_DEPTH",
    "NO_TERMS",
    "SEGMENT_S",
    "Answer",
    "ContentRow",
    "CountsRoot",
    "CountsTree",
    "DebitRow",
    "EpochData",
    "EpochHeader",
    "OwnerRow",
    "PayeeRow",
    "PlayRow",
    "Schedule",
    "SegmentRow",
    "StationRow",
    "SumRoot",
    "SumTree",
    "TermsRow",
    "UsageRow",
    "answer_for",
    "commitment",
    "content_leaf",
    "entries_digest",
    "fault",
    "gross",
    "header_of",
    "missing_leaf",
    "rest",
    "usage_leaf",
    "usage_tag",
    "verify_count",
    "verify_leaf",
]
