"""``verify_counts``: a content's counts in an epoch, this listener's and all, proven against the chain."""

from __future__ import annotations

from messages.browser_host.payout import ContentCounts, VerifyCounts, VerifyCountsResult
from messages.host_server.billing import UsageResult
from native_host.context import Services
from native_host.payments import epoch_proofs
from native_host.remote.network import Network
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
    async with services.connections.borrow(server, url, network, key) as connection:
        answer = await connection.request(
            "usage", UsageResult, epoch=request.epoch, session=to_hex(session), content=request.content
        )
    return await proofs_of(network, server, content, request.epoch, secret, answer)


async def proofs_of(
    network: Network, server: bytes, content: bytes, epoch: int, secret: bytes, answer: UsageResult
) -> VerifyCountsResult:
    """Verify a server's result of ``usage`` against the chain.

    Args:
        network: The server's.
        server: Address of the server, 20 bytes.
        content: Address of the content, 20 bytes.
        epoch: Number of the epoch.
        secret: Secret of the listener's usage tags, 32 bytes.
        answer: The server's result.

    Raises:
        GomaaError: ``chain.mismatch``, ``claim.pending``, ``chain.unreachable``.
    """
    header, counts_root = epoch_proofs.header(answer.header), from_hex(answer.counts_root, 32)
    own, total = answer.leaf, answer.content_leaf
    proofs = (
        # The tag is computed here: only this host and the server have its secret.
        (
            usage_leaf(usage_tag(secret, epoch), content, own.plays, own.seeks, own.seconds),
            answer.index,
            answer.proof,
        ),
        (
            content_leaf(content, total.plays, total.unvalidated, total.seeks, total.seconds),
            answer.content_index,
            answer.content_proof,
        ),
    )
    verified = rest(from_hex(answer.digest, 32), counts_root, from_hex(answer.data_hash, 32)) == header.rest
    verified = verified and all(
        verify_count(counts_root, leaf, index, [from_hex(node, 32) for node in path]) for leaf, index, path in proofs
    )
    if not verified:
        raise GomaaError("chain.mismatch", epoch=epoch, reason="the counts are not under the root")
    final = await epoch_proofs.committed(network, server, epoch, header)
    counts = ContentCounts(total.plays, total.seeks, total.seconds, total.unvalidated)
    return VerifyCountsResult(own.plays, own.seeks, own.seconds, counts, final, verified=True)
