"""Clients of challenges, withdrawals, retirement, sales and rights, on a local chain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest

from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.content import Content, Offer
from chain.contracts.registry import Registry
from chain.contracts.rights import (
    DAY_S,
    Right,
    Rights,
    RightTerms,
)
from chain.contracts.settlement import (
    Draft,
    Entry,
    OpenChallenge,
    ServerState,
    Settlement,
)
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import (
    Receipt,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import (
    Answer,
    DebitRow,
    EpochData,
    EpochHeader,
    PayeeRow,
    Schedule,
    SumTree,
    answer_for,
    commitment,
    entries_digest,
    fault,
    header_of,
    missing_leaf,
    rest,
)

SCHEDULE = Schedule(20, 2, 4, 4, 60, 30)


@pytest.fixture
def own() -> Iterator[Anvil]:
    """A chain whose time the test sets."""
    with Anvil() as here:
        yield here


@dataclass
class Parties:
    """Clients and keys of the parties."""

    chain: Chain
    network: Deployment
    keys: list[bytes]
    settlement: Settlement

    async def to(self, second: int) -> None:
        """Mine an empty block at a second."""
        await self.chain.request("evm_setNextBlockTimestamp", second)
        await self.chain.request("evm_mine")


@pytest.fixture
async def money(own: Anvil) -> AsyncIterator[Parties]:
    """A bonded server (key 1), a station with escrow (key 2), a challenger (key 3) with tokens."""
    network = await deploy(own.rpc, own.keys[0], SCHEDULE)
    async with Chain.connect(network.rpc) as chain:
        # Time stands between two steps of a test, whatever this machine's clock does meanwhile.
        await chain.request("anvil_setBlockTimestampInterval", 0)
        settlement, token = Settlement(chain, network), Token(chain, network)
        for key in own.keys[2:4]:
            await token.transfer(own.keys[0], address_of(key), 10**19)
        for key in own.keys[:4]:
            await token.approve(key, network.settlement, 10**24)
        await settlement.bond(own.keys[0], address_of(own.keys[1]), 1000)
        await settlement.deposit(own.keys[2], address_of(own.keys[1]), address_of(own.keys[2]), 1000)
        yield Parties(chain, network, list(own.keys), settlement)


async def test_challenge_answer_slash_and_refund(money: Parties) -> None:
    """A challenge could not be answered, or an unanswered one not slashed and refunded."""
    settlement, keys, fan = money.settlement, money.keys, bytes([5]) * 20
    server, station = address_of(keys[1]), address_of(keys[2])
    epoch = SCHEDULE.epoch_of((await money.chain.block()).timestamp)
    leaves = [(fan, 100), (bytes([6]) * 20, 300)]
    tree = SumTree(leaves)
    rows = {"payees": tuple(PayeeRow(*leaf) for leaf in leaves), "debits": (DebitRow(station, 400),)}
    data = EpochData(server, epoch, tree.root, 400, bytes(32), 500, **rows)
    header = header_of(data)
    voucher = sign(Voucher(server, station, 420, epoch), money.network.domain, keys[2])
    await money.to(SCHEDULE.ends(epoch))
    entries = [Entry(station, 400, 420, epoch, *compact(voucher.signature))]
    await settlement.post(keys[1], epoch, tree.root, bytes(32), data.hash, entries)
    assert fault(data, (await settlement.epoch(server, epoch)).commit) is None
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    honest, lie = (
        sign(Receipt(server, epoch, fan, amount, bytes(32)), money.network.domain, keys[1]) for amount in (90, 101)
    )
    assert (missing_leaf(honest.message, data), missing_leaf(lie.message, data)) == (None, "low")
    made = await settlement.challenge(keys[3], honest)
    at = (await money.chain.block(made.block)).timestamp
    waiting = await settlement.open_challenge(server, epoch, fan, 90)
    assert waiting == OpenChallenge(address_of(keys[3]), at + SCHEDULE.answer, True)
    assert await settlement.open_challenge(server, epoch, fan, 91) is None
    shown = answer_for(leaves, header, fan, 90)
    assert shown is not None
    await settlement.answer(keys[0], server, epoch, 90, shown)
    stake = money.network.stake
    assert await settlement.server_state(server) == ServerState(1000 + stake, epoch, None, 0)
    assert answer_for(leaves, header, fan, 101) is None
    await settlement.challenge(keys[3], lie)
    assert (await settlement.epoch(server, epoch)).open == 1
    with pytest.raises(GomaaError) as caught:
        await settlement.answer(keys[0], server, epoch, 101, Answer(header, fan, 101, 0, tuple(tree.proof(0))))
    assert caught.value.detail["reason"] == "settlement: invalid proof"
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace + 10)
    await settlement.slash(keys[0], server, epoch, fan, 101)
    assert (await settlement.epoch(server, epoch)).void
    await settlement.refund(keys[0], server, epoch, header, bytes(32), data.hash, [(station, 400)])
    assert await settlement.account(server, station) == (0, 1000)
    names = ("Posted", "Challenged", "Answered", "Slashed", "Refunded")
    assert [len(await settlement.history(name, server, epoch)) for name in names] == [1, 2, 1, 1, 1]
    assert [log.fields["amount"] for log in await settlement.history("Challenged", server, epoch, fan)] == [90, 101]
    assert await settlement.history("Challenged", server, epoch + 1) == []


async def test_an_epoch_of_several_transactions(money: Parties) -> None:
    """600 debits could not be posted, continued after an interruption, or undone."""
    settlement, keys, net = money.settlement, money.keys, 1
    server, station = address_of(keys[1]), address_of(keys[2])
    epoch = SCHEDULE.epoch_of((await money.chain.block()).timestamp)
    voucher = sign(Voucher(server, station, 1000, epoch), money.network.domain, keys[2])
    entries = [Entry(station, net, 1000, epoch, *compact(voucher.signature))] * 600
    debits, tree = [(station, net)] * 600, SumTree([(station, 600)])
    await money.to(SCHEDULE.ends(epoch))
    # A call that stops at its second part.
    broken = [*entries[:256], *[replace(entries[0], until=0)] * 300]
    with pytest.raises(GomaaError) as caught:
        await settlement.post(keys[1], epoch, tree.root, bytes(32), bytes(32), broken)
    assert caught.value.detail["reason"] == "settlement: invalid voucher"
    assert await settlement.draft(server, epoch) == Draft(256, 256, 0, entries_digest(debits[:256]))
    with pytest.raises(GomaaError) as caught:
        await settlement.post(keys[1], epoch, tree.root, bytes(32), bytes(32), [replace(entries[0], net=2), *entries])
    assert caught.value.code == "chain.mismatch"
    await settlement.post(keys[1], epoch, tree.root, bytes(32), bytes(32), entries)
    assert [log.fields["total"] for log in await settlement.history("Debited", server, epoch)] == [256, 256]
    header = EpochHeader(tree.root, 600, rest(entries_digest(debits), bytes(32), bytes(32)))
    assert (await settlement.epoch(server, epoch)).commit == commitment(header)
    assert await settlement.draft(server, epoch) == Draft(0, 0, 0, bytes(32))
    assert await settlement.account(server, station) == (600, 400)
    lie = sign(Receipt(server, epoch, station, 601, bytes(32)), money.network.domain, keys[1])
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    await settlement.challenge(keys[3], lie)
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace + 10)
    await settlement.slash(keys[0], server, epoch, station, 601)
    await settlement.refund(keys[0], server, epoch, header, bytes(32), bytes(32), debits)
    assert await settlement.account(server, station) == (0, 1000)
    assert [log.fields["total"] for log in await settlement.history("Undone", server, epoch)] == [256, 256]
    assert await settlement.undo(keys[0], server, epoch, debits) is None


async def test_an_abandoned_draft_is_undone_by_anyone(money: Parties) -> None:
    """Debits of an epoch that is never posted would stay locked."""
    settlement, keys = money.settlement, money.keys
    server, station = address_of(keys[1]), address_of(keys[2])
    epoch = SCHEDULE.epoch_of((await money.chain.block()).timestamp)
    voucher = sign(Voucher(server, station, 1000, epoch), money.network.domain, keys[2])
    entries = [Entry(station, 1, 1000, epoch, *compact(voucher.signature))] * 256 + [Entry(station, 1, 1000, 0, 0, 0)]
    debits = [(station, 1)] * 256
    await money.to(SCHEDULE.ends(epoch))
    for key, second in ((keys[1], 0), (keys[3], SCHEDULE.post_until(epoch) + 1)):
        with pytest.raises(GomaaError):
            await settlement.post(keys[1], epoch, bytes(32), bytes(32), bytes(32), entries)
        assert (await settlement.draft(server, epoch)).count == 256
        with pytest.raises(GomaaError) as caught:
            await settlement.undo(keys[3], server, epoch, debits)
        assert caught.value.detail["reason"] == "settlement: not undoable yet"
        if second:
            await money.to(second)
        assert await settlement.undo(key, server, epoch, debits) is not None
        assert await settlement.account(server, station) == (0, 1000)


async def test_a_batch_answers_many_challenges(money: Parties) -> None:
    """Many challenges would each need a transaction."""
    settlement, keys = money.settlement, money.keys
    server, station = address_of(keys[1]), address_of(keys[2])
    epoch = SCHEDULE.epoch_of((await money.chain.block()).timestamp)
    leaves = [(bytes([n]) * 20, 100 + n) for n in range(1, 6)]
    tree, total = SumTree(leaves), sum(amount for _, amount in leaves)
    voucher = sign(Voucher(server, station, 1000, epoch), money.network.domain, keys[2])
    await money.to(SCHEDULE.ends(epoch))
    await settlement.post(
        keys[1],
        epoch,
        tree.root,
        bytes(32),
        bytes(32),
        [Entry(station, total, 1000, epoch, *compact(voucher.signature))],
    )
    header = EpochHeader(tree.root, total, rest(entries_digest([(station, total)]), bytes(32), bytes(32)))
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace)
    for payee, amount in leaves[:2]:
        for less in (0, 1, 2):
            signed = sign(Receipt(server, epoch, payee, amount - less, bytes(32)), money.network.domain, keys[1])
            await settlement.challenge(keys[3], signed)
    shown = [(amount, answer_for(leaves, header, payee, amount)) for payee, amount in leaves[:2]]
    answers = [(asked, one) for asked, one in shown if one is not None]
    await settlement.answer_batch(keys[0], server, epoch, answers)
    assert [await settlement.answered(commitment(header), payee) for payee, _ in leaves[:3]] == [101, 102, 0]
    for payee, amount in leaves[:2]:
        for less in (1, 2):
            await settlement.dismiss(keys[0], server, epoch, payee, amount - less)
    assert await settlement.server_state(server) == ServerState(1000 + 6 * money.network.stake, epoch, None, 0)
    with pytest.raises(GomaaError) as caught:
        await settlement.answer_batch(keys[0], server, epoch, answers)
    assert caught.value.detail["reason"] == "settlement: no open challenge"
    other = replace(answers[0][1], header=replace(header, total=1))
    for wrong in ([], answers * 17, [answers[0], (101, other)]):
        with pytest.raises(InputError) as refused:
            await settlement.answer_batch(keys[0], server, epoch, wrong)
        assert refused.value.code == "message.schema"


async def test_withdrawal_and_retirement(money: Parties) -> None:
    """Escrow or a bond could not be withdrawn."""
    settlement, keys = money.settlement, money.keys
    server, station = address_of(keys[1]), address_of(keys[2])
    assert await settlement.withdrawable(server, station) == (0, 0)
    made = await settlement.request(keys[2], server, 600)
    ready = (await money.chain.block(made.block)).timestamp + SCHEDULE.delay
    assert (await settlement.requested(server, station), await settlement.withdrawable(server, station)) == (
        600,
        (600, ready),
    )
    await money.to(ready)
    await settlement.withdraw(keys[2], server)
    assert await settlement.account(server, station) == (0, 400)
    assert (await settlement.bond_owner(server), await settlement.bond_owner(station)) == (address_of(keys[0]), None)
    made = await settlement.retire(keys[0], server)
    epoch = SCHEDULE.epoch_of((await money.chain.block(made.block)).timestamp)
    assert await settlement.server_state(server) == ServerState(1000, None, epoch, 0)
    await money.to(SCHEDULE.ends(epoch) + SCHEDULE.grace + SCHEDULE.late + SCHEDULE.answer + 1)
    await settlement.unbond(keys[0], server)
    assert await settlement.server_state(server) == ServerState(0, None, epoch, 0)


async def test_sales_and_rights(money: Parties) -> None:
    """A sale, a policy change, or a rental, loan and resale of a right would fail."""
    chain, network, keys = money.chain, money.network, money.keys
    owner, buyer, station = keys[2], keys[3], address_of(keys[4])
    registry, rights = Registry(chain, network), Rights(chain, network)
    await registry.add_server(keys[0], address_of(keys[1]), "http://127.0.0.1:1", bytes(32))
    salt = keccak256(b"salt")
    await registry.create_content(owner, bytes([7]) * 32, 10, 30, address_of(keys[1]), False, salt)
    content = Content(chain, registry.predict(address_of(owner), salt))
    assert (await content.offer(), await rights.right(0), await rights.listing(0), await rights.loan_of(0)) == (
        None,
    ) * 4
    await content.offer_to(owner, None, 5)
    assert await content.offer() == Offer(None, 5)
    await content.retract(owner)
    await content.offer_to(owner, address_of(buyer), 0)
    assert await content.offer() == Offer(address_of(buyer), 0)
    await content.accept(buyer, 0, await content.seen())
    epoch = SCHEDULE.epoch_of((await chain.block()).timestamp)
    assert [await content.owner_at(0), await content.owner_at(epoch + 1)] == [address_of(owner), address_of(buyer)]
    assert await content.owner() == address_of(buyer)
    await rights.set_terms(buyer, content.address, RightTerms(100, 10, 500))
    assert await rights.terms(content.address) == RightTerms(100, 10, 500)
    await Token(chain, network).approve(owner, network.rights, 1000)
    (rented,) = rights.granted(
        await rights.rent(owner, content.address, address_of(owner), 2, await rights.seen(content.address), 20)
    )
    await content.set_policy(buyer, bytes([8]) * 32, 11, 60)
    assert await content.policies() == [bytes([7]) * 32, bytes([8]) * 32]
    (bought,) = rights.granted(
        await rights.buy(owner, content.address, address_of(owner), await rights.seen(content.address), 100)
    )
    now = (await chain.block()).timestamp
    lasting = await rights.right(rented)
    assert lasting is not None
    assert now + DAY_S < (lasting.expires or 0) <= now + 2 * DAY_S
    assert await rights.right(bought) == Right(content.address, None, bytes([8]) * 32, 1, 500)
    assert await rights.held(address_of(owner)) == [rented, bought]
    await rights.loan(owner, bought, station, now + 1000)
    assert await rights.loan_of(bought) == (station, now + 1000)
    assert await rights.holds(station, content.address, now + 999)
    assert await content.licensed(station)
    await rights.give_back(keys[4], bought)
    assert not await content.licensed(station)
    await rights.list(owner, bought, 40)
    assert await rights.listing(bought) == 40
    await rights.unlist(owner, bought)
    await rights.list(owner, bought, 40)
    await Token(chain, network).approve(buyer, network.rights, 40)
    shown = await rights.right(bought)
    assert shown is not None
    with pytest.raises(GomaaError, match=r"chain\.reverted") as refused:
        await rights.purchase(buyer, bought, replace(shown, royalty=499), 40)
    assert refused.value.detail["reason"] == "rights: royalty changed"
    await rights.purchase(buyer, bought, shown, 40)
    assert await rights.holder(bought) == address_of(buyer)
    assert await rights.royalty(bought, 1000) == (address_of(buyer), 50)
    await rights.transfer(buyer, bought, station)
    assert await content.licensed(station)
    await rights.activate(keys[4], bought)
    (given,) = rights.granted(await rights.give(buyer, content.address, station, 60))
    assert await rights.holder(given) == station
    assert [log.fields["price"] for log in await rights.history("Listed", bought)] == [40, 40]
