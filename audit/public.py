"""Checks of a post that need no receipt.

The epochs that were posted, and the lies in their published data.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit.epochs import EpochCheck, Posted
from audit.events import ContractsAt, posted_entries
from audit.faults import Fault
from audit.prices import Prices
from audit.tables import EpochFile
from chain.abi import event
from chain.client import Chain
from chain.deployment import Deployment
from pywallet.errors import InputError

_FIELDS = ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")


async def posts(chain: Chain, deployment: Deployment, since: int) -> dict[tuple[bytes, int], Posted]:
    """All posts since a block, by server and epoch; of several the last, since the earlier ones were void."""
    found = await chain.logs(deployment.settlement, event("Settlement", "Posted"), since)
    facts = [({name: log.fields[name] for name in _FIELDS}, log.transaction) for log in found]
    return {(post["server"], post["epoch"]): Posted(**post, entries=None, transaction=hash_) for post, hash_ in facts}


async def lies(chain: Chain, deployment: Deployment, posted: Posted, path: Path) -> list[Fault]:
    """All faults in one epoch's data: leaves, sums, debits, counters, rows, owners, stations."""
    entries = await posted_entries(chain, deployment, posted.transaction)
    known = replace(posted, entries=None if entries is None else tuple(entries))
    block = (await chain.block()).number
    check = EpochCheck(known, ContractsAt(chain, deployment, block), Prices(chain, deployment, block))
    try:
        with EpochFile(path) as file:
            await check.check(file)
    except InputError as error:
        check.fault("data.form", "", error.detail.get("reason", error.code))
    return check.faults
