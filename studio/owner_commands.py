"""``gomaa revoke``, ``destroy``, ``transfer`` and ``earnings``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from chain.client import TxReceipt
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.encoding.amounts import parse, show
from pywallet.encoding.hex import checksum, from_hex, to_hex
from studio import ownership
from studio.earnings import collect, proven_earnings
from studio.options import DEPLOYMENT, FILE, JSON
from studio.owner import load_owner_key
from studio.server import fetch_info

_KEY = click.option("--key", "key_path", type=FILE, required=True, help="Your key file, 0x-hex.")
_YES = click.option("--yes", is_flag=True, help="Don't ask.")


def _print_receipt(as_json: bool, receipt: TxReceipt, content: bytes, text: str, **more: Any) -> None:
    facts = {"content": checksum(content), "transaction": to_hex(receipt.hash), "gas_used": receipt.gas_used, **more}
    click.echo(json.dumps(facts) if as_json else f"{text} ({facts['transaction']}, {receipt.gas_used:,} gas)")


def _withdraw(song: str, key_path: Path, deployment_path: Path, yes: bool, as_json: bool, *, destroy: bool) -> None:
    content, verb = ownership.content_of(song), "destroy" if destroy else "withdraw"
    if not yes:
        click.confirm(f"This will {verb} {checksum(content)} for everybody, for good. Go on?", abort=True, err=True)
    receipt = asyncio.run(
        ownership.revoke(Deployment.load(deployment_path), content, load_owner_key(key_path), destroy=destroy)
    )
    effect = (
        "players stop, hosts delete what they hold"
        if destroy
        else "players stop within a segment, servers forget its keys"
    )
    _print_receipt(
        as_json, receipt, content, f"{checksum(content)} is {'destroyed' if destroy else 'withdrawn'}: {effect}."
    )


@click.command()
@click.argument("song", metavar="FILE|0xADDRESS")
@_KEY
@DEPLOYMENT
@_YES
@JSON
def revoke(song: str, key_path: Path, deployment_path: Path, yes: bool, as_json: bool) -> None:
    """Withdraw a song for good: nobody may begin to play it, and its keys are shredded."""
    _withdraw(song, key_path, deployment_path, yes, as_json, destroy=False)


@click.command()
@click.argument("song", metavar="FILE|0xADDRESS")
@_KEY
@DEPLOYMENT
@_YES
@JSON
def destroy(song: str, key_path: Path, deployment_path: Path, yes: bool, as_json: bool) -> None:
    """As revoke, and hosts delete what they hold of the song."""
    _withdraw(song, key_path, deployment_path, yes, as_json, destroy=True)


def _print_offer(deployment: Deployment, content: bytes, as_json: bool) -> None:
    """Print the open offer, and the argument of ``--seen``."""
    offer, seen = asyncio.run(ownership.offer_and_state(deployment, content))
    word, to = ownership.seen_text(seen), None if offer is None or offer.to is None else checksum(offer.to)
    if as_json:
        price = None if offer is None else str(offer.price)
        click.echo(
            json.dumps(
                {"content": checksum(content), "offered": offer is not None, "to": to, "price": price, "seen": word}
            )
        )
        return
    whom = "nobody" if offer is None else f"{to or 'anyone'} for {show(offer.price)} GoMAA"
    click.echo(
        f"{checksum(content)} is offered to {whom}; policy {to_hex(seen.policy_hash)}, version "
        f"{seen.version}.\n--seen {word}"
    )


@click.command()
@click.argument("song", metavar="FILE|0xADDRESS")
@click.option("--key", "key_path", type=FILE, help="Your key file, 0x-hex; --look needs none.")
@DEPLOYMENT
@click.option("--to", metavar="0xADDRESS", help="Offer the song to this account; it stays yours until it is accepted.")
@click.option(
    "--price",
    default="0",
    show_default=True,
    help="GoMAA to be paid on acceptance; with --accept the most that you pay.",
)
@click.option("--anyone", is_flag=True, help="Offer it to whoever pays the price.")
@click.option("--accept", is_flag=True, help="Accept an offer, as its receiver, and pay its price.")
@click.option("--retract", is_flag=True, help="Take an offer back.")
@click.option("--look", is_flag=True, help="Say what is offered, with the word for --seen.")
@click.option("--seen", metavar="WORD", help="With --accept: take the song only as --look showed it.")
@JSON
def transfer(
    song: str,
    key_path: Path | None,
    deployment_path: Path,
    to: str | None,
    price: str,
    anyone: bool,
    accept: bool,
    retract: bool,
    look: bool,
    seen: str | None,
    as_json: bool,
) -> None:
    """Hand a song over in two steps: the owner offers it, the receiver accepts. Income follows with the next epoch."""
    if sum((to is not None, anyone, accept, retract, look)) != 1 or (seen is not None and not accept):
        raise click.UsageError("Give one of --to, --anyone, --accept, --retract, --look; --seen goes with --accept.")
    content, deployment, wei = ownership.content_of(song), Deployment.load(deployment_path), parse(price)
    if look:
        _print_offer(deployment, content, as_json)
        return
    if key_path is None:
        raise click.UsageError("Missing option '--key'.")
    key, name = load_owner_key(key_path), checksum(content)
    if accept:
        receipt = asyncio.run(
            ownership.accept(deployment, content, key, wei, ownership.parse_seen(seen) if seen else None)
        )
        _print_receipt(
            as_json,
            receipt,
            content,
            f"{name} is yours, for {show(wei)} GoMAA.",
            owner=checksum(address_of(key)),
            price=str(wei),
        )
    elif retract:
        _print_receipt(
            as_json, asyncio.run(ownership.retract(deployment, content, key)), content, f"{name} is offered to nobody."
        )
    else:
        if anyone and not wei:
            raise click.UsageError("--anyone needs a --price: a gift is made to somebody, with --to.")
        receiver = from_hex(to, 20) if to else None
        receipt = asyncio.run(ownership.offer(deployment, content, key, receiver, wei))
        whom = "anyone" if receiver is None else checksum(receiver)
        _print_receipt(
            as_json,
            receipt,
            content,
            f"{name} is offered to {whom} for {show(wei)} GoMAA; it is theirs once accepted.",
            price=str(wei),
        )


@click.command()
@_KEY
@DEPLOYMENT
@click.option(
    "--server",
    "urls",
    required=True,
    multiple=True,
    metavar="URL",
    help="A server that counts, or has counted, your plays.",
)
@click.option("--collect", "bring", is_flag=True, help="Bring what is final to your account.")
@JSON
def earnings(key_path: Path, deployment_path: Path, urls: tuple[str, ...], bring: bool, as_json: bool) -> None:
    """Say what you have earned, epoch by epoch, proven against the chain; with --collect, collect it."""
    key, deployment = load_owner_key(key_path), Deployment.load(deployment_path)
    owner = address_of(key)
    servers = {info.address: info for info in (fetch_info(url, deployment.domain) for url in urls)}
    found = [earning for info in servers.values() for earning in asyncio.run(proven_earnings(deployment, info, owner))]
    due = [earning for earning in found if earning.final and not earning.collected]
    receipts = asyncio.run(collect(deployment, key, owner, due)) if bring and due else []
    rows = [
        (row, "collected" if row.collected or (receipts and row in due) else "final" if row.final else "pending")
        for row in found
    ]
    sums = {name: sum(row.amount for row, state in rows if state == name) for name in ("pending", "final", "collected")}
    if as_json:
        listed = [{"epoch": row.epoch, "amount": str(row.amount), "state": state} for row, state in rows]
        totals = {name: str(amount) for name, amount in sums.items()}
        click.echo(
            json.dumps(
                {
                    "owner": checksum(owner),
                    **totals,
                    "epochs": listed,
                    "transactions": [to_hex(r.hash) for r in receipts],
                }
            )
        )
        return
    for row, state in rows:
        click.echo(f"epoch {row.epoch:<12} {show(row.amount):>14} GoMAA  {state}")
    for receipt in receipts:
        click.echo(f"collected by {to_hex(receipt.hash)}, {receipt.gas_used:,} gas")
    click.echo(", ".join(f"{show(amount)} {name}" for name, amount in sums.items()) + f" for {checksum(owner)}.")
