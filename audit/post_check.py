"""Posts on the chain, and the faults in their published data, which need no receipt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit.epochs import EpochCheck
from audit.events import ContractsAt, posted_entries
from audit.faults import Fault
from audit.file_check import Post, malformed
from audit.prices import Prices
from audit.tables import EpochFile
from chain.abi import event
from chain.client import Chain
from chain.deployment import Deployment
from pywallet.errors import InputError

_FIELDS = ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")


async def posts(chain: Chain, deployment: Deployment, since: int) -> dict[tuple[bytes, int], Post]:
    """The last post of each (server, epoch) since a block; earlier ones were void."""
    logs = await chain.logs(deployment.settlement, event("Settlement", "Posted"), since)
    facts = [({name: log.fields[name] for name in _FIELDS}, log.transaction) for log in logs]
    return {(post["server"], post["epoch"]): Post(**post, entries=None, transaction=hash_) for post, hash_ in facts}


async def post_faults(chain: Chain, deployment: Deployment, posted: Post, path: Path) -> list[Fault]:
    """Faults in one epoch's data: leaves, sums, debits, counters, rows, owners, stations."""
    entries = await posted_entries(chain, deployment, posted.transaction)
    with_entries = replace(posted, entries=None if entries is None else tuple(entries))
    block = (await chain.block()).number
    check = EpochCheck(with_entries, ContractsAt(chain, deployment, block), Prices(chain, deployment, block))
    try:
        with EpochFile(path) as file:
            await check.check(file)
    except InputError as error:
        check.faults.append(malformed(posted, error))
    return check.faults
