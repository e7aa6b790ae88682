"""Client of the chain: requests, malformed messages, subscriptions, and loss of the connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chain import connection, event_history
from chain import node_answers as answers
from chain.abi import event, function
from chain.anvil import Anvil
from chain.client import Block, Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.deployment import Deployment
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.errors import GomaaError, Unavailable
from tests.unit.chain.scripted_node import HANG_UP, SILENCE, Node, Refused, Relay, head, notification, within

ADDRESS = bytes(19) + b"\x01"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pause before a reconnection."""
    monkeypatch.setattr(connection, "BACKOFF_S", (0.01, 5.0))


async def next_head(chain: Chain) -> Block:
    """The first block of a new subscription."""
    async with contextlib.aclosing(chain.heads()) as heads:  # type: ignore[type-var]
        return await within(anext(heads))  # type: ignore[arg-type]


async def test_parallel_requests_get_their_own_responses(node: Node) -> None:
    """A response would be given to another request."""
    node.answers["eth_getCode"] = lambda params: params[0]
    async with Chain.connect(node.rpc) as chain:
        wanted = [n.to_bytes(20, "big") for n in range(50)]
        assert await asyncio.gather(*map(chain.code, wanted)) == wanted


async def test_an_unreachable_node(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection would raise another error than chain.unreachable."""
    monkeypatch.setattr(connection, "BACKOFF_S", (0.01, 0.2))
    async with Chain.connect(node.rpc) as chain:
        await node.stop()
        with pytest.raises(Unavailable, match=r"chain\.unreachable"):
            await within(chain.chain_id())
    with pytest.raises(Unavailable, match=r"chain\.unreachable"):
        await Chain.connect(node.rpc).__aenter__()
    with pytest.raises(Unavailable, match=r"chain\.unreachable"):
        await Chain.connect("not a url").__aenter__()


async def test_a_request_without_response_times_out(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request would wait for ever, or a late response break the next one."""
    node.answers |= {"eth_chainId": SILENCE, "eth_getCode": "0x01"}
    async with Chain.connect(node.rpc) as chain:
        monkeypatch.setattr(connection, "TIMEOUT_S", 0.05)
        with pytest.raises(Unavailable):
            await within(chain.chain_id())
        await node.send_text('{"jsonrpc": "2.0", "id": 1, "result": "0x7"}')
        monkeypatch.setattr(connection, "TIMEOUT_S", 5)
        assert await chain.code(ADDRESS) == b"\x01"


async def test_another_network_is_refused(node: Node) -> None:
    """The client would work on another network than the deployment's."""
    node.answers["eth_chainId"] = "0x7a69"
    async with Chain.connect(node.rpc, 31337) as chain:
        assert await chain.chain_id() == 31337
    with pytest.raises(GomaaError) as caught:
        await Chain.connect(node.rpc, 1).__aenter__()
    assert (caught.value.code, caught.value.detail["expected"]) == ("chain.mismatch", 1)


@pytest.mark.parametrize("garbage", [None, 7, "7", "0x", "0xzz", {"a": 1}, [], True])
@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.chain_id(),
        lambda c: c.block(),
        lambda c: c.call(ADDRESS, function("GoMAA", "totalSupply")),
    ],
)
async def test_malformed_results_are_chain_mismatch(node: Node, garbage: Any, ask: Callable[[Chain], Any]) -> None:
    """A malformed result would raise another exception."""
    node.answers = dict.fromkeys(("eth_chainId", "eth_getBlockByNumber", "eth_call"), garbage)
    async with Chain.connect(node.rpc) as chain:
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await ask(chain)


@pytest.mark.parametrize("garbage", [None, {}, [7], [{}], [{"topics": []}], [{"topics": ["0x00"]}]])
async def test_malformed_logs_are_chain_mismatch(node: Node, garbage: Any) -> None:
    """A log of another event would be decoded."""
    node.answers["eth_getLogs"] = garbage
    async with Chain.connect(node.rpc) as chain:
        with pytest.raises(GomaaError, match=r"chain\.mismatch"):
            await chain.logs(ADDRESS, event("Content", "Revoked"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "7",
        "[]",
        "null",
        '{"id": 1}',
        '{"id": true, "result": 1}',
        '{"id": [1], "result": 1}',
        '{"method": "eth_subscription"}',
        '{"method": "eth_subscription", "params": [1]}',
        '{"method": "eth_subscription", "params": {"subscription": [1]}}',
        notification("unknown", {}),
        "[" * 5_000 + "]" * 5_000,
    ],
)
async def test_malformed_messages_are_ignored(node: Node, text: str) -> None:
    """A malformed message would end the connection."""
    node.answers["eth_getCode"] = "0x01"
    async with Chain.connect(node.rpc) as chain:
        assert await chain.code(ADDRESS) == b"\x01"
        await node.send_text(text)
        assert await within(chain.code(ADDRESS)) == b"\x01"
    assert len(node.sockets) == 1


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        ({"message": "execution reverted: claimed"}, "chain.reverted", "claimed"),
        ({"message": "execution reverted: revert: claimed"}, "chain.reverted", "claimed"),
        (
            {
                "message": "failed",
                "data": "0x08c379a0" + (32).to_bytes(32, "big").hex() + (4).to_bytes(32, "big").hex() + b"left".hex(),
            },
            "chain.reverted",
            "left",
        ),
        ({"message": "execution reverted", "data": "0x08c379a0zz"}, "chain.reverted", "execution reverted"),
        (
            {"message": "insufficient funds for gas * price + value"},
            "chain.funds",
            "insufficient funds for gas * price + value",
        ),
        ("what", "chain.unreachable", "what"),
        (None, "chain.unreachable", "None"),
    ],
)
async def test_error_responses_are_converted(node: Node, error: Any, code: str, reason: str) -> None:
    """The contract's reason or the node's message would be lost."""

    def refuse(_: list[Any]) -> Any:
        raise Refused(error)

    node.answers["eth_call"] = refuse
    async with Chain.connect(node.rpc) as chain:
        with pytest.raises(GomaaError) as caught:
            await chain.call(ADDRESS, function("GoMAA", "totalSupply"))
    assert (caught.value.code, caught.value.detail["reason"]) == (code, reason)


async def test_a_notification_directly_after_its_subscription(node: Node) -> None:
    """A notification would be lost between the response and its handling."""
    node.answers["eth_subscribe"] = "0x1"
    node.greeting = [notification("0x1", head(7))]
    async with Chain.connect(node.rpc) as chain:
        assert (await next_head(chain)).number == 7


async def test_subscriptions_are_cancelled_at_the_node(node: Node) -> None:
    """A node would keep sending to a subscription that is not used."""
    names = iter(f"0x{n}" for n in range(9))
    node.answers |= {"eth_subscribe": lambda _: next(names), "eth_unsubscribe": True}
    async with Chain.connect(node.rpc) as chain:

        async def ready() -> bool:
            return True

        await chain.until(ready)
        await within(node.asked("eth_unsubscribe"))
        await chain.until(ready)
        await within(node.asked("eth_unsubscribe", 2))
    assert [p for m, p in node.calls if m == "eth_unsubscribe"] == [["0x0"], ["0x1"]]


async def test_subscriptions_are_restored_once_after_a_loss(node: Node) -> None:
    """A subscription would be lost or duplicated by a reconnection, or the newest block missed."""
    names = iter(["0xa", "0xb", "0xc"])
    node.answers |= {"eth_subscribe": lambda _: next(names), "eth_getBlockByNumber": head(8)}
    async with Chain.connect(node.rpc) as chain, contextlib.aclosing(chain.heads()) as heads:  # type: ignore[type-var]
        first = asyncio.ensure_future(anext(heads))
        await within(node.asked("eth_subscribe"))
        await node.notify("0xa", head(7))
        assert (await within(first)).number == 7
        await node.cut()
        assert (await within(anext(heads))).number == 8
        await node.notify("0xa", head(99))
        await node.notify("0xb", head(9))
        assert (await within(anext(heads))).number == 9
    assert [m for m, _ in node.calls].count("eth_subscribe") == 2


async def test_a_subscription_without_connection_is_made_once(node: Node) -> None:
    """A subscription during an outage would be made twice."""
    names = iter(["0xa", "0xb"])
    node.answers |= {"eth_subscribe": lambda _: next(names), "eth_chainId": HANG_UP}
    async with Chain.connect(node.rpc) as chain:
        await node.stop()
        waiting = asyncio.ensure_future(next_head(chain))
        await node.start()
        await within(node.asked("eth_subscribe"))
        await node.notify("0xa", head(3))
        assert (await waiting).number == 3
    assert [m for m, _ in node.calls].count("eth_subscribe") == 1


async def test_a_failed_restoration_reconnects(node: Node) -> None:
    """A subscription that the node refuses after a loss would stay silent."""
    answers = iter(["0xa", Refused({"message": "busy"}), "0xc"])

    def answer(_: list[Any]) -> Any:
        found = next(answers)
        if isinstance(found, Refused):
            raise found
        return found

    node.answers |= {"eth_subscribe": answer, "eth_getBlockByNumber": head(5)}
    async with Chain.connect(node.rpc) as chain, contextlib.aclosing(chain.heads()) as heads:  # type: ignore[type-var]
        first = asyncio.ensure_future(anext(heads))
        await within(node.asked("eth_subscribe"))
        await node.notify("0xa", head(1))
        await within(first)
        await node.cut()
        assert (await within(anext(heads))).number == 5
    assert len(node.sockets) == 3


async def test_a_pending_request_fails_when_the_node_disconnects(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pending request would wait for its timeout."""
    monkeypatch.setattr("chain.connection.TIMEOUT_S", 2 * TIMEOUT_S)
    node.answers |= {"eth_chainId": HANG_UP, "eth_getCode": "0x02"}
    async with Chain.connect(node.rpc) as chain:
        with pytest.raises(Unavailable, match=r"chain\.unreachable"):
            await within(chain.chain_id())
        assert await within(chain.code(ADDRESS)) == b"\x02"


async def test_closing_ends_streams_and_waits(node: Node) -> None:
    """A stream or a wait would outlive the connection."""
    node.answers["eth_subscribe"] = "0x1"

    async def never() -> bool:
        return False

    async with Chain.connect(node.rpc) as chain:
        listening = asyncio.ensure_future(_count(chain.heads()))
        waiting = asyncio.ensure_future(chain.until(never))
        await within(node.asked("eth_subscribe", 2))
        await chain.request("eth_getCode")
    assert await within(listening) == 0
    with pytest.raises(Unavailable):
        await within(waiting)


async def _count(stream: AsyncIterator[Any]) -> int:
    return len([item async for item in stream])


async def test_no_event_is_lost_with_the_connection(anvil: Anvil, network: Deployment) -> None:
    """A revocation during an outage would be missed or reported twice."""
    owner, platform = anvil.keys[1], anvil.keys[0]
    async with (
        Relay(anvil.port) as relay,
        Chain.connect(anvil.rpc) as direct,
        Chain.connect(f"ws://127.0.0.1:{relay.port}") as chain,
    ):
        registry = Registry(direct, network)
        await registry.add_server(platform, ADDRESS, "http://127.0.0.1:1", bytes(32))
        contents = []
        for number in range(3):
            await registry.create_content(owner, bytes(32), 1, 30, ADDRESS, True, bytes([number]) * 32)
            contents.append(Content(direct, registry.predict(address_of(owner), bytes([number]) * 32)))
        async with contextlib.aclosing(chain.watch([c.address for c in contents], "Revoked")) as events:  # type: ignore[type-var]
            first = asyncio.ensure_future(anext(events))
            await chain.block()
            await contents[0].revoke(owner)
            assert (await within(first)).address == contents[0].address
            await relay.close()
            await contents[1].revoke(owner)
            await relay.open()
            assert (await within(anext(events))).address == contents[1].address
            await contents[2].revoke(owner)
            assert (await within(anext(events))).address == contents[2].address


def test_the_scripted_node_has_the_form_of_real_nodes() -> None:
    """The tests above would use messages that no node sends (recorded from anvil)."""
    assert json.loads(notification("0x1", 2)) == {
        "jsonrpc": "2.0",
        "method": "eth_subscription",
        "params": {"subscription": "0x1", "result": 2},
    }


HEIGHT = 1_000


def limited(node: Node, most: int | None) -> list[tuple[int, int]]:
    """Give a node ``HEIGHT`` blocks with an event each, at most ``most`` blocks per query (None: refuses all)."""
    answered: list[tuple[int, int]] = []

    def logs(params: list[Any]) -> Any:
        first, last = int(params[0]["fromBlock"], 16), params[0]["toBlock"]
        last = HEIGHT if last == "latest" else int(last, 16)
        if most is None or last - first >= most:
            raise Refused({"code": -32005, "message": "query exceeds max block range"})
        answered.append((first, last))
        return [{"blockNumber": hex(block)} for block in range(first, last + 1)]

    node.answers["eth_getLogs"] = logs
    node.answers["eth_getBlockByNumber"] = {
        "number": hex(HEIGHT),
        "timestamp": "0x1",
        "hash": "0x" + "1" * 64,
        "baseFeePerGas": "0x1",
    }
    return answered


@pytest.mark.parametrize("most", [2_000, 700, 100, 32])
async def test_a_list_is_queried_in_the_nodes_block_range(node: Node, most: int) -> None:
    """Events would be missed or repeated, or the learnt range not used."""
    answered = limited(node, most)
    async with Chain(node.rpc) as chain:
        for _ in range(2):
            answered.clear()
            node.calls.clear()
            found = await chain.raw_logs({"address": "0x"}, 3)
            assert [int(one["blockNumber"], 16) for one in found] == list(range(3, HEIGHT + 1))
            assert [block for first, last in answered for block in range(first, last + 1)] == list(range(3, HEIGHT + 1))
        assert sum(method == "eth_getLogs" for method, _ in node.calls) == len(answered)


@pytest.mark.parametrize("most", [None, 10])
async def test_a_list_that_needs_too_many_queries_is_declined(
    node: Node, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long list would be queried without end."""
    monkeypatch.setattr(event_history, "MAX_QUERIES", 8)
    limited(node, most)
    async with Chain(node.rpc) as chain:
        for questions in (8, 1):
            node.calls.clear()
            with pytest.raises(answers.Declined) as caught:
                await chain.raw_logs({"address": "0x"}, 3)
            assert caught.value.code == "chain.unreachable"
            assert sum(method == "eth_getLogs" for method, _ in node.calls) <= questions
