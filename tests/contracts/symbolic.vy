# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Proofs
@notice What halmos proves of Settlement for every input (tests/contracts/symbolic.py). This contract is token and registry at once, and
    counts what Settlement takes and pays. A failed proof ends in Panic(1); a call that is refused ends its path.
"""

struct Entry:
    payer: address
    net: uint256
    cap: uint256
    until: uint256
    r: uint256
    vs: uint256


struct Node:
    hash: bytes32
    total: uint256


struct Request:
    amount: uint256
    ready: uint256


struct Item:
    server: address
    epoch: uint256
    rest: bytes32
    payee: address
    amount: uint256
    index: uint256
    depth: uint256
    r: uint256
    vs: uint256


struct Debit:
    payer: address
    net: uint256


struct Draft:
    digest: bytes32
    count: uint256


struct Shown:
    payee: address
    challenged: uint256
    amount: uint256
    index: uint256
    depth: uint256


interface ISettlement:
    def account(server: address, payer: address) -> uint256: view
    def requests(server: address, payer: address) -> Request: view
    def server_state(server: address) -> uint256: view
    def bond_owner(server: address) -> address: view
    def epoch_meta(server: address, epoch: uint256) -> uint256: view
    def deposit(server: address, payer: address, amount: uint256): nonpayable
    def request(server: address, amount: uint256): nonpayable
    def withdraw(server: address): nonpayable
    def bond(server: address, amount: uint256): nonpayable
    def unbond(server: address): nonpayable
    def collect(server: address, epoch: uint256): nonpayable
    def draft(server: address, epoch: uint256) -> Draft: view
    def answered(commitment: bytes32, payee: address) -> uint256: view
    def commitment(server: address, epoch: uint256) -> bytes32: view
    def debit(epoch: uint256, before: bytes32, entries: DynArray[Entry, 256]): nonpayable
    def undo(server: address, epoch: uint256, before: bytes32, debits: DynArray[Debit, 256]): nonpayable
    def post(epoch: uint256, root: bytes32, counts: bytes32, data: bytes32, before: bytes32, entries: DynArray[Entry, 256]): nonpayable
    def answerBatch(server: address, epoch: uint256, rest: bytes32, items: DynArray[Shown, 32], nodes: DynArray[Node, 640]): nonpayable
    def dismiss(server: address, epoch: uint256, payee: address, challenged: uint256): nonpayable
    def claimOne(item: Item, proof: DynArray[Node, 32], to: address, tip: uint256): nonpayable
    def slash(server: address, epoch: uint256, payee: address, challenged: uint256): nonpayable
    def claim(items: DynArray[Item, 32], nodes: DynArray[Node, 640], to: address, tip: uint256): nonpayable


VM: constant(address) = 0x7109709ECfa91a80626fF3989D68f67F5b1DD12D
SVM: constant(address) = 0xF3993A62377BCd56AE39D773740A5390411E8BC9
LENGTH: constant(uint256) = 60
GRACE: constant(uint256) = 5
ANSWER: constant(uint256) = 15
LATE: constant(uint256) = 3600
DELAY: constant(uint256) = 70
M32: constant(uint256) = 2**32 - 1
M96: constant(uint256) = 2**96 - 1
M128: constant(uint256) = 2**128 - 1
STAKE: constant(uint256) = 5

settlement: ISettlement
taken: uint256
paid: uint256


@view
@external
def totalSupply() -> uint256:
    return 2**89


@view
@external
def EPOCH_LENGTH() -> uint256:
    return LENGTH


@view
@external
def rate_at(epoch: uint256) -> uint256:
    return 500


@view
@external
def is_owner(account: address) -> bool:
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.taken += amount
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    self.paid += amount
    return True


@internal
def _prove(holds: bool):
    if not holds:
        raw_revert(abi_encode(convert(1, uint256), method_id=method_id("Panic(uint256)")))


@internal
def _any_state(time: uint256):
    """Settlement's storage, and the second, are anything at all from here on."""
    raw_call(VM, abi_encode(time, method_id=method_id("warp(uint256)")))
    raw_call(SVM, abi_encode(self.settlement, method_id=method_id("enableSymbolicStorage(address)")))


@external
def setUp():
    self.settlement = ISettlement(raw_create(x"__CODE__", self, self, self, LENGTH, GRACE, convert(15, uint256), ANSWER, LATE, DELAY, STAKE))


@external
def check_deposit_moves_what_it_says(server: address, payer: address, amount: uint256, far: address, near: address, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.account(server, payer)
    other: uint256 = staticcall self.settlement.account(far, near)
    extcall self.settlement.deposit(server, payer, amount)
    after: uint256 = staticcall self.settlement.account(server, payer)
    self._prove(after == before + amount and after >> 128 == before >> 128 and self.taken == amount and self.paid == 0)
    self._prove(after & M128 <= M96 and server != empty(address) and payer != empty(address))
    self._prove((far == server and near == payer) or staticcall self.settlement.account(far, near) == other)


@external
def check_withdraw_moves_what_it_says(server: address, far: address, near: address, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.account(server, self)
    other: uint256 = staticcall self.settlement.account(far, near)
    asked: Request = staticcall self.settlement.requests(server, self)
    extcall self.settlement.withdraw(server)
    after: uint256 = staticcall self.settlement.account(server, self)
    self._prove(after >> 128 == before >> 128 and after <= before and before - after == self.paid and self.taken == 0)
    self._prove(asked.amount != 0 and self.paid <= asked.amount and time >= asked.ready)
    self._prove((staticcall self.settlement.requests(server, self)).amount == 0)
    self._prove((far == server and near == self) or staticcall self.settlement.account(far, near) == other)


@external
def check_request_moves_nothing(server: address, amount: uint256, far: address, near: address, time: uint256):
    self._any_state(time)
    other: uint256 = staticcall self.settlement.account(far, near)
    extcall self.settlement.request(server, amount)
    asked: Request = staticcall self.settlement.requests(server, self)
    self._prove(asked.amount == amount and asked.ready == time + DELAY and amount <= (staticcall self.settlement.account(server, self)) & M128)
    self._prove(staticcall self.settlement.account(far, near) == other and self.taken == 0 and self.paid == 0)


@external
def check_bond_moves_what_it_says(server: address, amount: uint256, far: address, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.server_state(server)
    other: uint256 = staticcall self.settlement.server_state(far)
    owner: address = staticcall self.settlement.bond_owner(server)
    extcall self.settlement.bond(server, amount)
    after: uint256 = staticcall self.settlement.server_state(server)
    self._prove(after == before + amount and after >> 96 == before >> 96 and self.taken == amount and self.paid == 0)
    self._prove((owner == empty(address) or owner == self) and staticcall self.settlement.bond_owner(server) == self)
    self._prove((before >> 128) & M32 == 0 and (far == server or staticcall self.settlement.server_state(far) == other))


@external
def check_unbond_moves_what_it_says(server: address, far: address, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.server_state(server)
    other: uint256 = staticcall self.settlement.server_state(far)
    extcall self.settlement.unbond(server)
    after: uint256 = staticcall self.settlement.server_state(server)
    self._prove(after & M96 == 0 and after >> 96 == before >> 96 and before & M96 == self.paid and self.taken == 0)
    # No open challenge; retired, and the last epoch's challenges are over.
    retired: uint256 = (before >> 128) & M32
    self._prove(before >> 160 == 0 and retired != 0 and time > retired * LENGTH + GRACE + LATE + ANSWER)
    self._prove(staticcall self.settlement.bond_owner(server) == self and (far == server or staticcall self.settlement.server_state(far) == other))


@external
def check_collect_moves_what_it_says(server: address, epoch: uint256, far: address, when: uint256, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.epoch_meta(server, epoch)
    other: uint256 = staticcall self.settlement.epoch_meta(far, when)
    extcall self.settlement.collect(server, epoch)
    after: uint256 = staticcall self.settlement.epoch_meta(server, epoch)
    self._prove(after & M96 == before & M96 and (before >> 96) & M96 == self.paid and (after >> 96) & M96 == 0 and after >> 192 == before >> 192)
    # Final: posted, past its window, not void, without a challenge.
    self._prove(before >> 232 == 0 and before >> 192 != 0 and time >= before >> 192 and self.taken == 0)
    self._prove((far == server and when == epoch) or staticcall self.settlement.epoch_meta(far, when) == other)


@external
def check_slash_pays_the_bond_and_one_stake(server: address, epoch: uint256, payee: address, challenged: uint256, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.server_state(server)
    extcall self.settlement.slash(server, epoch, payee, challenged)
    after: uint256 = staticcall self.settlement.server_state(server)
    self._prove(self.paid == (before & M96) + STAKE and self.taken == 0 and after & M96 == 0)


@external
def check_slash_takes_nothing_for_what_was_shown(server: address, epoch: uint256, payee: address, challenged: uint256, time: uint256):
    self._any_state(time)
    void: bool = (staticcall self.settlement.epoch_meta(server, epoch)) >> 255 != 0
    shown: uint256 = staticcall self.settlement.answered(staticcall self.settlement.commitment(server, epoch), payee)
    extcall self.settlement.slash(server, epoch, payee, challenged)
    self._prove(void or challenged > shown)


@external
def check_dismiss_earns_one_stake(server: address, epoch: uint256, payee: address, challenged: uint256, time: uint256):
    self._any_state(time)
    # A challenge of nothing is never open.
    assert challenged != 0
    before: uint256 = staticcall self.settlement.server_state(server)
    void: bool = (staticcall self.settlement.epoch_meta(server, epoch)) >> 255 != 0
    shown: uint256 = staticcall self.settlement.answered(staticcall self.settlement.commitment(server, epoch), payee)
    extcall self.settlement.dismiss(server, epoch, payee, challenged)
    after: uint256 = staticcall self.settlement.server_state(server)
    self._prove(challenged <= shown and not void and after == before - (1 << 160) + STAKE and self.paid == 0 and self.taken == 0)


@external
def check_answer_earns_one_stake_and_covers(server: address, epoch: uint256, rest: bytes32, payee: address, challenged: uint256, amount: uint256, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.server_state(server)
    extcall self.settlement.answerBatch(server, epoch, rest, [Shown(payee=payee, challenged=challenged, amount=amount, index=0, depth=0)], [])
    after: uint256 = staticcall self.settlement.server_state(server)
    shown: uint256 = staticcall self.settlement.answered(staticcall self.settlement.commitment(server, epoch), payee)
    self._prove(amount >= challenged and shown >= amount and after == before - (1 << 160) + STAKE and self.paid == 0 and self.taken == 0)


@external
def check_post_moves_escrow_to_total_and_fee(epoch: uint256, root: bytes32, payer: address, net: uint256, cap: uint256, until: uint256, r: uint256, vs: uint256, time: uint256):
    self._any_state(time)
    # What no sequence of calls leaves behind: sums without a draft, and seconds of more than forty bits.
    assert (staticcall self.settlement.epoch_meta(self, epoch)) & (2**192 - 1) == 0 and time < 2**39
    before: uint256 = staticcall self.settlement.account(self, payer)
    extcall self.settlement.post(epoch, root, root, root, empty(bytes32), [Entry(payer=payer, net=net, cap=cap, until=until, r=r, vs=vs)])
    after: uint256 = staticcall self.settlement.account(self, payer)
    word: uint256 = staticcall self.settlement.epoch_meta(self, epoch)
    debit: uint256 = unsafe_sub(before & M128, after & M128)
    self._prove(debit == (word & M96) + ((word >> 96) & M96) and unsafe_sub(after >> 128, before >> 128) == debit and after >> 128 <= cap)
    self._prove(self.taken == 0 and self.paid == 0)


@external
def check_debit_and_undo_leave_nothing(epoch: uint256, payer: address, net: uint256, cap: uint256, until: uint256, r: uint256, vs: uint256, time: uint256):
    self._any_state(time)
    account: uint256 = staticcall self.settlement.account(self, payer)
    word: uint256 = staticcall self.settlement.epoch_meta(self, epoch)
    assert word & (2**192 - 1) == 0 and time < 2**39 and account & M128 <= M96
    extcall self.settlement.debit(epoch, empty(bytes32), [Entry(payer=payer, net=net, cap=cap, until=until, r=r, vs=vs)])
    held: uint256 = (staticcall self.settlement.epoch_meta(self, epoch)) & (2**192 - 1)
    debited: uint256 = unsafe_sub(account & M128, (staticcall self.settlement.account(self, payer)) & M128)
    self._prove(debited == (held & M96) + (held >> 96))
    extcall self.settlement.undo(self, epoch, empty(bytes32), [Debit(payer=payer, net=net)])
    self._prove(staticcall self.settlement.account(self, payer) == account and staticcall self.settlement.epoch_meta(self, epoch) == word)
    self._prove((staticcall self.settlement.draft(self, epoch)).digest == empty(bytes32) and self.taken == 0 and self.paid == 0)


@external
def check_claim_pays_what_leaves(server: address, epoch: uint256, rest: bytes32, payee: address, amount: uint256, to: address, tip: uint256, r: uint256, vs: uint256, time: uint256):
    self._any_state(time)
    before: uint256 = staticcall self.settlement.epoch_meta(server, epoch)
    extcall self.settlement.claim([Item(server=server, epoch=epoch, rest=rest, payee=payee, amount=amount, index=0, depth=0, r=r, vs=vs)], [], to, tip)
    after: uint256 = staticcall self.settlement.epoch_meta(server, epoch)
    self._prove(unsafe_sub(before & M96, after & M96) == amount and self.paid == amount and self.taken == 0 and after >> 96 == before >> 96)


@internal
def _once(server: address, epoch: uint256, rest: bytes32, payee: address, amount: uint256, index: uint256, depth: uint256, node: Node, to: address, r: uint256, vs: uint256):
    nodes: DynArray[Node, 640] = []
    if depth == 1:
        nodes.append(node)
    first: Item = Item(server=server, epoch=epoch, rest=rest, payee=payee, amount=amount, index=index, depth=depth, r=r, vs=vs)
    items: DynArray[Item, 32] = [first]
    extcall self.settlement.claim(items, nodes, to, 0)
    again: bool = raw_call(
        self.settlement.address,
        abi_encode(items, nodes, to, convert(0, uint256), method_id=method_id("claim((address,uint256,bytes32,address,uint256,uint256,uint256,uint256,uint256)[],(bytes32,uint256)[],address,uint256)")),
        revert_on_failure=False,
    )
    self._prove(not again)


@external
def check_claim_at_most_once_alone(server: address, epoch: uint256, rest: bytes32, payee: address, amount: uint256, index: uint256, to: address, r: uint256, vs: uint256, time: uint256):
    self._any_state(time)
    self._once(server, epoch, rest, payee, amount, index, 0, empty(Node), to, r, vs)


@external
def check_claim_at_most_once_of_two(server: address, epoch: uint256, rest: bytes32, payee: address, amount: uint256, index: uint256, node: Node, to: address, r: uint256, vs: uint256, time: uint256):
    self._any_state(time)
    self._once(server, epoch, rest, payee, amount, index, 1, node, to, r, vs)
