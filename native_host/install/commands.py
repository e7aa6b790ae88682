"""``gomaa host``: install, doctor, repair, uninstall."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from native_host.install.browsers import BROWSERS
from native_host.install.sandboxed_browsers import FLATPAKS

if TYPE_CHECKING:
    from native_host.paths import Paths

_BROWSER = click.option(
    "--browser", "browsers", multiple=True, type=click.Choice(BROWSERS), help="Only this browser (repeatable)."
)
_PROFILE = click.option(
    "--user-data-dir",
    "profiles",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A Chromium with a profile of its own (repeatable).",
)


@click.group()
def host() -> None:
    """Connect the browser's extension with this computer."""


@host.command()
@_BROWSER
@_PROFILE
@click.option(
    "--network",
    "--deployment",
    "network",
    metavar="FILE|URL",
    help="A network to know: its file, or a station of it by its address.",
)
@click.option(
    "--replace", is_flag=True, help="Take the file's network also where another one with its number is known."
)
@click.option(
    "--flatpak",
    "flatpaks",
    multiple=True,
    type=click.Choice(tuple(FLATPAKS)),
    help="Also a browser from Flatpak (repeatable).",
)
@click.option("--chromium-id", help="The extension's id in Chromium and Chrome.")
@click.option("--firefox-id", help="The extension's id in Firefox.")
def install(
    browsers: tuple[str, ...],
    profiles: tuple[Path, ...],
    network: str | None,
    replace: bool,
    flatpaks: tuple[str, ...],
    chromium_id: str | None,
    firefox_id: str | None,
) -> None:
    """Write the launcher and the browsers' manifests."""
    from native_host.install import manifests as work
    from native_host.paths import locate
    from pywallet.errors import GomaaError

    paths, failed = locate().make(), None
    ids = {name: value for name, value in (("chromium", chromium_id), ("firefox", firefox_id)) if value}
    target = work.Target(browsers or (() if profiles else BROWSERS), profiles, ids, flatpaks=flatpaks)
    # Before the manifests: a browser that is open starts the host as soon as it finds one.
    try:
        if network is not None:
            _add_network(paths, network, replace)
    except GomaaError as e:
        failed = e
    try:
        for path in work.install(target, paths):
            click.echo(path)
    except KeyError as e:
        raise click.ClickException(
            f"the extension's id for {e.args[0]} is not known: build it first, or give --chromium-id"
        ) from None
    if failed is not None:
        raise click.ClickException(f"the browsers find the host now, and the network was not added: {failed}")


def _add_network(paths: Paths, source: str, replace: bool) -> None:
    """Add the network of a file, or of the station at a URL after the user's confirmation."""
    import asyncio

    from native_host.remote import network_files, network_setup
    from pywallet.encoding.hex import to_hex
    from pywallet.errors import InputError
    from pywallet.redaction import place

    if not source.startswith(("http://", "https://")):
        click.echo(f"chain {network_files.add(paths, Path(source), replace).chain_id}")
        return
    found = asyncio.run(network_setup.fetch_network(source))
    click.echo(f"{place(source)} names this network:")
    click.echo(f"chain {found.chain_id}\nsettlement {to_hex(found.settlement)}\nnode {place(found.rpc)}")
    # Without a terminal the command itself is the confirmation.
    if sys.stdin.isatty() and not click.confirm("Know it from now on?"):
        raise InputError("wallet.refused")
    asyncio.run(network_setup.add_network(paths, place(source), found))


@host.command()
@_BROWSER
@_PROFILE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(browsers: tuple[str, ...], profiles: tuple[Path, ...], as_json: bool) -> None:
    """Check the installation; exits 1 when something is wrong."""
    from native_host.install.doctor import examine
    from native_host.install.manifests import Target
    from native_host.paths import locate

    checks = examine(Target(browsers or (() if profiles else BROWSERS), profiles), locate())
    if as_json:
        click.echo(json.dumps({"ok": all(check.ok for check in checks), "checks": msgspec.to_builtins(checks)}))
    else:
        for check in checks:
            click.echo(
                f"{click.style('ok  ', fg='green') if check.ok else click.style('FAIL', fg='red')}  {check.name}: "
                f"{check.message}"
            )
    sys.exit(0 if all(check.ok for check in checks) else 1)


@host.command()
@click.option("--anew", is_flag=True, help="Begin a new ledger where nothing of the damaged one can be read.")
def repair(anew: bool) -> None:
    """Mend the host's own files: folders, device key, networks, ledger. No count gets lower than before."""
    from native_host.install.repair import repair_files
    from native_host.ledger.repair import repair as work
    from native_host.paths import locate
    from pywallet.errors import GomaaError

    ledger = locate().ledger
    try:
        for line in repair_files(locate()):
            click.echo(line)
        done = work(ledger, anew)
    except GomaaError as e:
        raise click.ClickException(str(e)) from None
    if done is None:
        click.echo(f"{ledger} is sound")
        return
    for table, count in done.rows.items():
        click.echo(f"{table}: {count} rows" + (", with gaps" if table in done.gaps else ""))
    if done.used_up:
        click.echo(f"{done.used_up} songs whose counts are lost count as used up")
    if "debits" in done.gaps:
        click.echo("what sites spent is not wholly known: they may spend nothing until you allow it again")
    click.echo(f"the damaged file is kept as {done.kept}")


@host.command()
@_BROWSER
@_PROFILE
@click.option("--data", is_flag=True, help="Remove the device key and the ledger too; unclaimed receipts are lost.")
def uninstall(browsers: tuple[str, ...], profiles: tuple[Path, ...], data: bool) -> None:
    """Remove the browsers' manifests."""
    from native_host.install import manifests as work
    from native_host.paths import locate

    paths = locate()
    for path in work.uninstall(work.Target(browsers or (() if profiles else BROWSERS), profiles), paths):
        click.echo(f"removed {path}")
    if data:
        for path in work.remove_data(paths):
            click.echo(f"removed {path}")


commands = [host]
