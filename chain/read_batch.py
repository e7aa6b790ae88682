"""Reads of several contracts in one ``eth_call``, all at the same block.

The call has no recipient: a node runs its data as the code of a contract that is being created, keeps nothing of it,
and returns what the code returns. So no contract has to be deployed for it. The code makes each call in turn and
returns success, length and data of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from chain import node_answers
from chain.abi import Function
from chain.client import Chain
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError

MOST_READS: Final = 32
CALL_GAS: Final = 2_000_000
"""Gas of one read: a foreign contract cannot use up that of the reads after it."""

_WORD: Final = 32
_ADD, _SUB, _MLOAD, _MSTORE, _CODECOPY = b"\x01", b"\x03", b"\x51", b"\x52", b"\x39"
_RETURNDATASIZE, _RETURNDATACOPY, _STATICCALL, _RETURN = b"\x3d", b"\x3e", b"\xfa", b"\xf3"
_DUP1, _DUP2, _DUP3, _SWAP1 = b"\x80", b"\x81", b"\x82", b"\x90"


@dataclass(frozen=True)
class Read:
    """One read of a contract.

    Attributes:
        to: Address of the contract, 20 bytes.
        function: The function.
        args: Its arguments.
        first_of: Index of an earlier read whose first result replaces the first argument; None: none.
    """

    to: bytes
    function: Function
    args: tuple[Any, ...] = ()
    first_of: int | None = None


async def read_batch(chain: Chain, reads: Sequence[Read]) -> list[tuple[Any, ...] | None]:
    """Read contracts in one request.

    Args:
        chain: The connection.
        reads: At most ``MOST_READS``.

    Returns:
        The decoded results of each; None where the call reverted, or no such contract is at the address.

    Raises:
        GomaaError: ``chain.mismatch`` for a malformed response, ``chain.reverted``.
        Unavailable: ``chain.unreachable``.
    """
    response = await chain.request("eth_call", {"data": to_hex(_code(reads))}, "latest")
    raw = node_answers.data(response)
    results: list[tuple[Any, ...] | None] = []
    for read in reads:
        success, length = (int.from_bytes(raw[at : at + _WORD], "big") for at in (0, _WORD))
        body = raw[2 * _WORD : 2 * _WORD + length]
        if len(raw) < 2 * _WORD or len(body) != length:
            raise GomaaError("chain.mismatch", node=chain.node, reason="a batch of reads was expected")
        raw = raw[2 * _WORD + length :]
        try:
            results.append(read.function.decode(body) if success else None)
        except GomaaError:
            results.append(None)
    return results


def _code(reads: Sequence[Read]) -> bytes:
    """The code. Memory: the first word of each result, then the call data, then the output."""
    assert len(reads) <= MOST_READS
    calls = [read.function.encode(*read.args) for read in reads]
    call_at = _WORD * len(reads)
    out_at = call_at + max(map(len, calls), default=0)
    # The position of the call data in the code depends on the code's length, not on its values.
    length = len(_program(reads, calls, call_at, out_at, 0))
    return _program(reads, calls, call_at, out_at, length) + b"".join(calls)


def _program(reads: Sequence[Read], calls: Sequence[bytes], call_at: int, out_at: int, data_at: int) -> bytes:
    """Stack between two calls: the end of the output."""
    code = _push(out_at)
    for index, (read, call) in enumerate(zip(reads, calls, strict=True)):
        code += _push(len(call)) + _push(data_at) + _push(call_at) + _CODECOPY
        data_at += len(call)
        if read.first_of is not None:
            code += _push(_WORD * read.first_of) + _MLOAD + _push(call_at + 4) + _MSTORE
        code += _push(0) + _push(0) + _push(len(call)) + _push(call_at)
        code += b"\x73" + read.to + _push(CALL_GAS, 4) + _STATICCALL
        code += _DUP2 + _MSTORE
        code += _RETURNDATASIZE + _DUP2 + _push(_WORD) + _ADD + _MSTORE
        code += _RETURNDATASIZE + _push(0) + _DUP3 + _push(2 * _WORD) + _ADD + _RETURNDATACOPY
        code += _DUP1 + _push(2 * _WORD) + _ADD + _MLOAD + _push(_WORD * index) + _MSTORE
        code += _RETURNDATASIZE + _push(2 * _WORD) + _ADD + _ADD
    return code + _push(out_at) + _SWAP1 + _SUB + _push(out_at) + _RETURN


def _push(value: int, size: int = 2) -> bytes:
    """Push a number of ``size`` bytes."""
    return bytes([0x5F + size]) + value.to_bytes(size, "big")
