"""``verify_counts``: a content's counts in an epoch, this listener's and all, proven against the chain."""

from __future__ import annotations

from typing import Any

from messages.browser_host.payout import ContentCounts, VerifyCounts, VerifyCountsResult
from native_host.context import Services
from native_host.payments import epoch_proofs
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, Refusal
from pywallet.settlement import content_leaf, rest, usage_leaf, usage_tag, verify_count


async def run(services: Services, request: VerifyCounts) -> VerifyCountsResult:
    """Fetch both leaves, and verify their proofs.

    Raises:
        GomaaError: ``chain.mismatch``, ``claim.*``, ``server.*``, ``chain.unreachable``.
    """
    server, content = from_hex(request.server, 20), from_hex(request.content, 20)
    play = services.ledger.session_at(server, content)
    if play is None:
        raise Refusal("claim.unknown", content=request.content)
    session, _, _, secret = play
    row = services.ledger.session(session)
    if secret is None or row is None:
        raise Refusal("claim.unknown", content=request.content)
    url, network = await services.directory.find(server)
    # The server answers only the session's own device.
    key = services.keys.of_session(row, server)
    async with services.connections.visit(server, url, network, key) as connection:
        answer = await connection.request(
            "usage", epoch=request.epoch, session=to_hex(session), content=request.content
        )
    return await proofs_of(network, server, content, request.epoch, secret, answer)


async def proofs_of(
    network: Any, server: bytes, content: bytes, epoch: int, secret: bytes, answer: dict[str, Any]
) -> VerifyCountsResult:
    """Verify a server's answer to ``usage`` against the chain."""
    header = epoch_proofs.read(lambda: epoch_proofs.header(answer))
    digest, counts_root, data_hash = epoch_proofs.read(
        lambda: [from_hex(answer[n], 32) for n in ("digest", "counts_root", "data_hash")]
    )
    own, all_counts = epoch_proofs.read(lambda: (_numbers(answer["leaf"]), _numbers(answer["content_leaf"])))
    unvalidated = epoch_proofs.read(lambda: int(answer["content_leaf"]["unvalidated"]))
    paths = epoch_proofs.read(
        lambda: [[from_hex(node, 32) for node in answer[name]] for name in ("proof", "content_proof")]
    )
    places = epoch_proofs.read(lambda: (int(answer["index"]), int(answer["content_index"])))
    leaves = (
        # The tag is computed here: only this host and the server have its secret.
        usage_leaf(usage_tag(secret, epoch), content, *own),
        content_leaf(content, all_counts[0], unvalidated, all_counts[1], all_counts[2]),
    )
    verified = rest(digest, counts_root, data_hash) == header.rest
    verified = verified and all(
        verify_count(counts_root, leaf, place, path) for leaf, place, path in zip(leaves, places, paths, strict=True)
    )
    if not verified:
        raise GomaaError("chain.mismatch", epoch=epoch, reason="the counts are not under the root")
    final = await epoch_proofs.committed(network, server, epoch, header)
    return VerifyCountsResult(*own, ContentCounts(*all_counts, unvalidated), final, verified=True)


def _numbers(leaf: dict[str, Any]) -> tuple[int, int, int]:
    return int(leaf["plays"]), int(leaf["seeks"]), int(leaf["seconds"])
