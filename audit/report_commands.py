"""``gomaa report``: reports from audited epochs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from audit.options import DATA, DEPLOYMENT, RECEIPTS, RPC, SCRATCH, absolute, made
from common.spread_options import spread_options

if TYPE_CHECKING:
    from audit.reports import Report
    from audit.run import AuditedEpoch, AuditResult
    from chain.client import Chain
    from chain.deployment import Deployment
    from common.spread import Spread

FORMS: Final = ("table", "csv", "json")
FORM: Final = click.option("--form", type=click.Choice(FORMS), default="table", show_default=True)
SOCIETY_FORM: Final = click.option(
    "--form",
    type=click.Choice([*FORMS, "dsr"]),
    default="table",
    show_default=True,
    help="dsr: a DDEX DSR flat file (docs/audit.md)",
)
Make = Callable[["Deployment", "Chain"], Any]
Write = Callable[["Report", str], str]
Take = Callable[["AuditedEpoch"], None]


def _common(command: Callable[..., None]) -> Callable[..., None]:
    return FORM(_sources(command))


def _sources(command: Callable[..., None]) -> Callable[..., None]:
    for option in (spread_options(), SCRATCH, RPC, DATA, DEPLOYMENT):
        command = option(command)
    return command


@dataclass(frozen=True)
class Audited:
    """Options that every report has: the audited epochs and their places."""

    deployment_file: Path
    rpc: str | None
    places: tuple[str, ...]
    scratch: Path | None
    spread: Spread

    async def run(self, chain: Chain, deployment: Deployment, take: Take) -> AuditResult:
        """Audit all epochs; ``take`` gets each."""
        from audit.run import audit

        with self.spread.opened() as pool:
            scratch = made(self.scratch)
            return await audit(chain, deployment, absolute(self.places), on_epoch=take, pool=pool, scratch=scratch)


@click.group()
def report() -> None:
    """Statements from the chain and the published data; exit code 1 if the record does not pass the audit."""


def _run(form: str, make: Make, options: dict[str, Any], write: Write | None = None) -> None:
    from audit.report_text import text

    report, result = asyncio.run(_made(Audited(**options), make))
    click.echo((write or text)(report, form), nl=form not in ("csv", "dsr"))
    for fault in result.faults:
        click.echo(f"LIE  {fault}", err=True)
    if not result.ok:
        sys.exit(1)


async def _made(of: Audited, make: Make) -> tuple[Report, AuditResult]:
    from chain.client import Chain
    from chain.deployment import Deployment

    deployment = Deployment.load(of.deployment_file)
    async with Chain.connect(of.rpc or deployment.rpc, deployment.chain_id) as chain:
        report = await make(deployment, chain)
        return report, await of.run(chain, deployment, report.take)


def _address(text: str) -> bytes:
    from pywallet.encoding.hex import from_hex

    return from_hex(text.lower(), 20)


@report.command()
@_common
@RECEIPTS
@click.option("--payee", "payees", multiple=True, help="a payee of yours; also several times")
@click.option("--payer", "payers", multiple=True, help="a key of yours that pays for music; also several times")
def fan(
    form: str, receipts: tuple[Path, ...], payees: tuple[str, ...], payers: tuple[str, ...], **options: Any
) -> None:
    """What your payees earned and your listening money paid; which they are say --payee, --payer and your receipts."""

    async def make(deployment: Deployment, _: Chain) -> Report:
        from audit.receipts import read_all
        from audit.reports import fan as report_of

        from_receipts = {signed.message.payee for signed in read_all(receipts, deployment.domain)}
        return report_of(from_receipts | {_address(payee) for payee in payees}, [_address(payer) for payer in payers])

    _run(form, make, options)


@report.command()
@click.argument("address")
@_common
def station(address: str, form: str, **options: Any) -> None:
    """What a station was charged, by content, with the commission."""

    async def make(_: Deployment, __: Chain) -> Report:
        from audit.reports import station as report_of

        return report_of(_address(address))

    _run(form, make, options)


@report.command()
@click.argument("owners", nargs=-1, required=True)
@_common
def band(owners: tuple[str, ...], form: str, **options: Any) -> None:
    """What an owner earned, by content and station."""

    async def make(_: Deployment, __: Chain) -> Report:
        from audit.reports import band as report_of

        return report_of(_address(owner) for owner in owners)

    _run(form, make, options)


@report.command()
@SOCIETY_FORM
@_sources
@click.option(
    "--works",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="folders of SPS files, or CSV: content,title,artist,isrc",
)
@click.option("--sender", default="GoMAA", show_default=True, help="who reports, in the dsr form")
@click.option("--sender-id", default="", metavar="PADPIDA...", help="the sender's DDEX party id, in the dsr form")
def society(form: str, works: tuple[Path, ...], sender: str, sender_id: str, **options: Any) -> None:
    """Usage and money of every recording, with the columns of a collecting society's sales report."""
    from audit.dsr import Sender, dsr, unfilled
    from audit.report_text import text
    from audit.report_text import works as read

    recordings = read(works)

    async def make(deployment: Deployment, chain: Chain) -> Report:
        from audit.reports import society as report_of

        return report_of(deployment.schedule.length, recordings, await _stations(deployment, chain))

    def write(report: Report, form: str) -> str:
        if form != "dsr":
            return text(report, form)
        by = Sender(sender, sender_id)
        for cell, reason in unfilled(report, by).items():
            click.echo(f"NOT FILLED  {cell}: {reason}", err=True)
        return dsr(report, recordings, datetime.now(UTC), by)

    _run(form, make, options, write)


@report.command()
@_common
@RECEIPTS
@click.option("--payee", "payees", multiple=True, help="a payee of yours, for your own score; also several times")
def value(form: str, receipts: tuple[Path, ...], payees: tuple[str, ...], **options: Any) -> None:
    """Value scores of bands, and of yourself (docs/valuation.md). Yours is computed here and told to nobody."""
    from audit.report_text import text

    result, scores = asyncio.run(_value(Audited(**options), receipts, payees))
    click.echo(text(scores, form), nl=form != "csv")
    for fault in result.faults:
        click.echo(f"LIE  {fault}", err=True)
    if not result.ok:
        sys.exit(1)


async def _value(of: Audited, receipts: tuple[Path, ...], payees: tuple[str, ...]) -> tuple[AuditResult, Report]:
    from audit.receipts import read_all
    from audit.value import ValueScores
    from chain.client import Chain
    from chain.deployment import Deployment

    deployment = Deployment.load(of.deployment_file)
    own = {signed.message.payee for signed in read_all(receipts, deployment.domain)} | {
        _address(payee) for payee in payees
    }
    async with Chain.connect(of.rpc or deployment.rpc, deployment.chain_id) as chain:
        scores = ValueScores(deployment.schedule.length, (await chain.block()).timestamp, own)
        result = await of.run(chain, deployment, scores.take)
    return result, scores.statement()


async def _stations(deployment: Deployment, chain: Chain) -> dict[bytes, str]:
    """The names of all stations that were ever listed."""
    from chain.abi import event

    logs = await chain.logs(deployment.registry, event("Registry", "StationSet"), deployment.block)
    return {log.fields["station"]: str(log.fields.get("name", "")) for log in logs}
