"""Gas of every kind of transaction; ``python -m tests.contracts.gas_scenes`` updates ``gas.json``."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

from chain.contracts.settlement import MOST_ANSWERS, MOST_ENTRIES, Entry
from pywallet.crypto import address_of, keccak256
from pywallet.settlement import gross
from tests.contracts.anvil_world import BOND, BPS, EPOCH, SCHEDULE, Book, World, world

FILE: Final = Path(__file__).with_name("gas.json")
LEAVES: Final = 2_000
STATIONS: Final = 20
BATCH: Final = 30
SAFE: Final = bytes([0x77]) * 20


def measure(w: World) -> dict[str, int]:
    """Return the gas used by each scene, on the world after its set-up."""
    figures = {"deploy_settlement": _of(w, _creation(w))}
    content = (bytes([1]) * 32, 10**15, 30, address_of(w.server), True, bytes([4]) * 32)
    figures["create_content"] = _gas(w.send(w.owner, "Registry", "create", *content))
    figures["deposit"] = _gas(
        w.send(w.station, "Settlement", "deposit", address_of(w.server), address_of(w.station), 10**18)
    )
    leaves = [
        (address_of(w.owner), 10**15),
        *((keccak256(n.to_bytes(4, "big"))[:20], 10**12 + n) for n in range(LEAVES - 3)),
    ]
    leaves += [(address_of(w.other), 10**13), (address_of(w.fan), 10**14)]
    first = _book(w, EPOCH, leaves, 1)
    w.at(SCHEDULE.ends(EPOCH))
    figures["post_1_station"] = _gas(w.post(first, _entries(w, first)))
    w.mine(w.left(EPOCH)[2])
    figures["claim_signed_to_a_new_holder"] = _claim(w, first, LEAVES - 1, w.fan)
    figures["claim_signed_to_a_holder"] = _claim(w, first, LEAVES - 2, w.other)
    figures["claim_pushed_to_a_new_holder"] = _gas(
        w.claim([w.item(first, 0)], first.tree.proof(0), address_of(w.owner))
    )
    figures["collect"] = _gas(w.send(w.relayer, "Settlement", "collect", address_of(w.server), EPOCH))
    second = _book(w, EPOCH + 1, leaves, STATIONS)
    w.mine(SCHEDULE.ends(EPOCH + 1))
    figures["post_20_stations"] = _gas(w.post(second, _entries(w, second)))
    figures |= _challenged(w, second, leaves) | _leaving(w) | _rights(w) | _batches(w, leaves)
    return figures


def _claim(w: World, book: Book, leaf: int, key: bytes) -> int:
    return _gas(w.claim([w.item(book, leaf, key, SAFE)], book.tree.proof(leaf), SAFE))


def _batches(w: World, leaves: list[tuple[bytes, int]]) -> dict[str, int]:
    """Claim thirty epochs of one fan in one transaction; gas of one leaf.

    In words of the bitmap that were written before, and in fresh ones.
    """
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    epochs = []
    for epoch in range(w.now() // SCHEDULE.length, w.now() // SCHEDULE.length + BATCH):
        book = _book(w, epoch, leaves, 1)
        w.mine(SCHEDULE.ends(epoch)).post(book, _entries(w, book))
        w.mine(w.left(epoch)[2])
        epochs.append(book)

    def batch(leaf: int, key: bytes) -> int:
        nodes = [node for book in epochs for node in book.tree.proof(leaf)]
        return _gas(w.claim([w.item(book, leaf, key, SAFE) for book in epochs], nodes, SAFE)) // BATCH

    gas = {"claim_each_of_30_fresh_words": batch(LEAVES - 1, w.fan), "claim_each_of_30": batch(LEAVES - 2, w.other)}
    gas["claim_pushed_to_a_holder"] = _gas(
        w.claim([w.item(epochs[0], 0)], epochs[0].tree.proof(0), address_of(w.owner))
    )
    return gas | _parts(w, leaves) | _thieves(w, epochs[-1])


def _parts(w: World, leaves: list[tuple[bytes, int]]) -> dict[str, int]:
    """Post an epoch after as many debits as one transaction takes, and undo it."""
    epoch = w.now() // SCHEDULE.length
    book = Book(epoch, leaves, [(address_of(w.station), 10**12)] * MOST_ENTRIES)
    cap = w.account(address_of(w.station))[0] + 10**18
    rows = [astuple(Entry(payer, net, *w.voucher(w.station, cap, epoch))) for payer, net in book.debits]
    w.at(SCHEDULE.ends(epoch))
    gas = {"debit_256": _gas(w.send(w.server, "Settlement", "debit", epoch, bytes(32), rows))}
    gas["undo_256"] = _gas(
        w.send(w.server, "Settlement", "undo", address_of(w.server), epoch, bytes(32), list(book.debits))
    )
    return gas


def _thieves(w: World, book: Book) -> dict[str, int]:
    """Answer as many receipts as fit into one transaction, of as many payees and of one payee.

    Then dismiss one more of that payee.
    """
    for payee, amount in book.leaves[1 : MOST_ANSWERS + 1]:
        w.challenge(w.receipt(book, payee, amount))
    payees = (
        _gas(w.answers(book, [(leaf, book.leaves[leaf][1]) for leaf in range(1, MOST_ANSWERS + 1)])) // MOST_ANSWERS
    )
    fan, top = address_of(w.fan), 10**14
    asked = [top - n for n in range(MOST_ANSWERS + 1)]
    for amount in asked:
        w.challenge(w.receipt(book, fan, amount))
    batch = _gas(w.answers(book, [(LEAVES - 1, amount) for amount in asked[1:]])) // MOST_ANSWERS
    return {
        "answer_each_of_32": payees,
        "answer_each_of_32_of_one_payee": batch,
        "dismiss": _gas(w.dismiss(w.receipt(book, fan, top))),
    }


def _challenged(w: World, book: Book, leaves: list[tuple[bytes, int]]) -> dict[str, int]:
    """A challenge that is answered, and one that is slashed with a void post of twenty stations."""
    server, gas = address_of(w.server), {}
    w.mine(SCHEDULE.ends(book.epoch) + SCHEDULE.grace)
    gas["challenge"] = _gas(w.challenge(w.receipt(book, address_of(w.fan), 10**14)))
    gas["answer"] = _gas(w.answer(book, LEAVES - 1, 10**14))
    lie = w.receipt(book, address_of(w.fan), 10**15)
    w.challenge(lie)
    w.mine(w.now() + SCHEDULE.answer + 1)
    gas["slash"] = _gas(w.slash(lie))
    gas["refund_20_stations"] = _gas(w.refund(book))
    assert w.server_state(server)[0] == 0
    return gas


def _leaving(w: World) -> dict[str, int]:
    """Withdraw escrow."""
    asked = w.send(w.station, "Settlement", "request", address_of(w.server), 10**17)
    w.mine(w.now() + SCHEDULE.delay)
    return {"request": _gas(asked), "withdraw": _gas(w.send(w.station, "Settlement", "withdraw", address_of(w.server)))}


def _rights(w: World) -> dict[str, int]:
    """Buy a right, lend it, list it and buy it again."""
    rights, no_permit = w.deployment.rights, (0, 0, bytes(32), bytes(32))
    made = w.send(
        w.owner, "Registry", "create", bytes([1]) * 32, 10**15, 30, address_of(w.server), False, bytes([5]) * 32
    )
    content = w.events("Registry", "ContentCreated", made)[0]["content"]
    w.send(w.owner, "Rights", "set_terms", content, 1000, 10, 500, to=rights)
    seen = (0, bytes([1]) * 32, 500)
    for key in (w.station, w.platform):
        w.send(key, "GoMAA", "approve", rights, 10**18)

    def of(key: bytes, name: str, *args: Any) -> int:
        return _gas(w.send(key, "Rights", name, *args, to=rights))

    return {
        "right_buy": of(w.station, "buy", content, address_of(w.station), seen, 1000, no_permit),
        "right_rent": of(w.platform, "rent", content, address_of(w.platform), 3, seen, 30, no_permit),
        "right_list": of(w.station, "list", 0, 500),
        "right_purchase": of(w.platform, "purchase", 0, content, 0, seen, 500, no_permit),
        "right_loan": of(w.platform, "loan", 0, address_of(w.fan), w.now() + 1000),
    }


def stations() -> list[bytes]:
    """Private keys of stations."""
    return [keccak256(b"station" + bytes([n])) for n in range(STATIONS)]


def _book(w: World, epoch: int, leaves: list[tuple[bytes, int]], count: int) -> Book:
    total = sum(amount for _, amount in leaves)
    nets = [total // count] * (count - 1)
    nets.append(total - sum(nets))
    for key in stations()[:count]:
        w.send(w.platform, "Settlement", "deposit", address_of(w.server), address_of(key), 10**18)
    return Book(epoch, leaves, [(address_of(key), net) for key, net in zip(stations(), nets, strict=False)])


def _entries(w: World, book: Book) -> list[Entry]:
    keys = {address_of(key): key for key in stations()}
    return [
        Entry(payer, net, *w.voucher(keys[payer], 10**18 + gross(net, BPS), book.epoch)) for payer, net in book.debits
    ]


def _creation(w: World) -> bytes:
    from eth_abi.abi import encode

    from contracts.compile import artifacts

    made, d, s = artifacts()["Settlement"], w.deployment, SCHEDULE
    kinds = [i["type"] for e in made["abi"] if e["type"] == "constructor" for i in e["inputs"]]
    times = (s.length, s.grace, s.window, s.answer, s.late, s.delay)
    return bytes.fromhex(made["bytecode"][2:]) + encode(kinds, (d.token, d.registry, d.treasury, *times, d.stake))


def _of(w: World, code: bytes) -> int:
    return _gas(w.transact(w.platform, None, code))


def _gas(receipt: dict[str, Any]) -> int:
    return int(receipt["gasUsed"], 16)


if __name__ == "__main__":
    with world() as here:
        FILE.write_text(json.dumps(measure(here), indent=2) + "\n")
