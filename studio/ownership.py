"""Actions of an owner on a published content: revoke, destroy, transfer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chain.abi import function
from chain.client import Chain, TxReceipt
from chain.contracts.content import Content, ContentState, SeenContent
from chain.contracts.registry import Registry
from chain.contracts.token import Token
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Refusal
from pywallet.rules.content_check import withdrawal
from studio.reader import SongFile


@dataclass(frozen=True)
class TransferOffer:
    """A transfer offer: to an address (None: anyone) for a price in wei."""

    to: bytes | None
    price: int


def seen_text(seen: SeenContent) -> str:
    """A ``SeenContent`` as one argument of the command line."""
    return ":".join((to_hex(seen.policy_hash), str(seen.version), str(seen.changes), str(seen.rights_changes)))


def parse_seen(text: str) -> SeenContent:
    """Parse the result of ``seen_text``.

    Raises:
        InputError: ``message.schema``.
    """
    policy, *numbers = text.split(":")
    if len(numbers) != 3 or not all(number.isascii() and number.isdigit() and len(number) < 20 for number in numbers):
        raise InputError("message.schema", field="seen", reason="the word that --look printed")
    return SeenContent(from_hex(policy, 32), *map(int, numbers))


def content_of(name: str) -> bytes:
    """A content's address from the command line: the address itself, or the song's file, page or folder.

    Raises:
        InputError: ``message.schema``, ``sps.*``.
    """
    if name.startswith("0x"):
        return from_hex(name, 20)
    path = Path(name)
    if not path.exists():
        raise InputError("message.schema", field="song", reason="a song, or a content's address beginning with 0x")
    with SongFile(path) as song:
        return song.header.content


async def _require_content(chain: Chain, deployment: Deployment, content: bytes) -> ContentState:
    state = await Content(chain, content).state() if await Registry(chain, deployment).is_content(content) else None
    if state is None:
        raise InputError("content.unknown", content=content.hex())
    return state


async def revoke(deployment: Deployment, content: bytes, owner_key: bytes, *, destroy: bool) -> TxReceipt:
    """Revoke a content for good; with ``destroy`` hosts delete what they hold of it.

    Raises:
        InputError: ``content.unknown``; ``chain.reverted``: not the owner's key.
        Refusal: ``content.revoked``, ``content.destroyed``: done already.
    """
    async with deployment.connect() as chain:
        state = await _require_content(chain, deployment, content)
        code = withdrawal(state)
        if code is not None and (state.destroyed or not destroy):
            raise Refusal(code)
        contract = Content(chain, content)
        return await (contract.destroy(owner_key) if destroy else contract.revoke(owner_key))


async def standing_offer(deployment: Deployment, content: bytes) -> TransferOffer | None:
    """The open offer, or None.

    Raises:
        InputError: ``content.unknown``.
    """
    async with deployment.connect() as chain:
        return await _offer(chain, deployment, content)


async def _offer(chain: Chain, deployment: Deployment, content: bytes) -> TransferOffer | None:
    await _require_content(chain, deployment, content)
    to, price, is_open = (await chain.call(content, function("Content", "offer")))[0]
    if not is_open:
        return None
    receiver = from_hex(to, 20) if isinstance(to, str) else bytes(to)
    return TransferOffer(receiver if any(receiver) else None, int(price))


async def offer(deployment: Deployment, content: bytes, owner_key: bytes, to: bytes | None, price: int) -> TxReceipt:
    """First step of a transfer: offer the content to ``to``, or to anyone, for ``price`` wei."""
    async with deployment.connect() as chain:
        await _require_content(chain, deployment, content)
        return await chain.transact(owner_key, content, function("Content", "offer_to"), to or bytes(20), price)


async def retract(deployment: Deployment, content: bytes, owner_key: bytes) -> TxReceipt:
    """Withdraw an offer."""
    async with deployment.connect() as chain:
        await _require_content(chain, deployment, content)
        return await chain.transact(owner_key, content, function("Content", "retract"))


async def offer_and_state(deployment: Deployment, content: bytes) -> tuple[TransferOffer | None, SeenContent]:
    """The open offer, and the content's state that a buyer names when accepting.

    Raises:
        InputError: ``content.unknown``.
    """
    async with deployment.connect() as chain:
        return await _offer(chain, deployment, content), await Content(chain, content).seen()


async def accept(
    deployment: Deployment, content: bytes, buyer_key: bytes, price: int, seen: SeenContent | None = None
) -> TxReceipt:
    """Second step of a transfer: pay and become the owner. Everything is checked before the price is approved.

    Args:
        deployment: The network.
        content: The content's address, 20 bytes.
        buyer_key: The buyer's private key, 32 bytes.
        price: Highest price, wei.
        seen: The state that the buyer saw (``offer_and_state``); None: the present one. The purchase fails if policy,
            licences or rights have changed since.

    Raises:
        InputError: ``content.unknown``; ``content.owner``: the offer is to another account; ``message.schema``: no
            offer at this price or a lower one.
        Refusal: ``content.revoked``, ``content.destroyed``, ``content.changed``, ``wallet.funds``.
    """
    buyer = address_of(buyer_key)
    async with deployment.connect() as chain:
        state, open_offer = await _require_content(chain, deployment, content), await _offer(chain, deployment, content)
        now = await Content(chain, content).seen()
        if open_offer is None or open_offer.price > price:
            raise InputError(
                "message.schema",
                field="price",
                reason="no offer stands at this price",
                offered=open_offer and open_offer.price,
            )
        if open_offer.to not in (None, buyer):
            raise InputError("content.owner", reason="the offer is to another account", to=to_hex(open_offer.to))
        code = withdrawal(state)
        if code is not None:
            raise Refusal(code)
        if seen is not None and seen != now:
            raise Refusal("content.changed", seen=seen_text(seen), now=seen_text(now))
        if open_offer.price:
            if await Token(chain, deployment).balance_of(buyer) < open_offer.price:
                raise Refusal("wallet.funds", price=open_offer.price)
            # Approve exactly the price.
            await Token(chain, deployment).approve(buyer_key, content, open_offer.price)
        return await Content(chain, content).accept(buyer_key, open_offer.price, seen or now)
