"""``gomaa host``: install, doctor, repair, uninstall."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from native_host.browsers import BROWSERS
from native_host.confined import FLATPAKS

_BROWSER = click.option("--browser", "browsers", multiple=True, type=click.Choice(BROWSERS), help="Only this browser (repeatable).")
_PROFILE = click.option(
    "--user-data-dir", "profiles", multiple=True, type=click.Path(path_type=Path), help="A Chromium with a profile of its own (repeatable)."
)


@click.group()
def host() -> None:
    """Connect the browser's extension with this computer."""


@host.command()
@_BROWSER
@_PROFILE
@click.option("--deployment", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A network to know, from its file.")
@click.option("--flatpak", "flatpaks", multiple=True, type=click.Choice(tuple(FLATPAKS)), help="Also a browser from Flatpak (repeatable).")
@click.option("--chromium-id", help="The extension's id in Chromium and Chrome.")
@click.option("--firefox-id", help="The extension's id in Firefox.")
def install(
    browsers: tuple[str, ...],
    profiles: tuple[Path, ...],
    deployment: Path | None,
    flatpaks: tuple[str, ...],
    chromium_id: str | None,
    firefox_id: str | None,
) -> None:
    """Write the launcher and the browsers' manifests."""
    from native_host import install as work
    from native_host import networks
    from native_host.paths import locate

    paths = locate().make()
    ids = {name: value for name, value in (("chromium", chromium_id), ("firefox", firefox_id)) if value}
    target = work.Target(browsers or (() if profiles else BROWSERS), profiles, ids, flatpaks=flatpaks)
    # Before the manifests: a browser that is open starts the host as soon as it finds one.
    if deployment is not None:
        click.echo(f"chain {networks.add(paths, deployment).chain_id}")
    try:
        for path in work.install(target, paths):
            click.echo(path)
    except KeyError as e:
        raise click.ClickException(f"the extension's id for {e.args[0]} is not known: build it first, or give --chromium-id") from None


@host.command()
@_BROWSER
@_PROFILE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(browsers: tuple[str, ...], profiles: tuple[Path, ...], as_json: bool) -> None:
    """Check the installation; exits 1 when something is wrong."""
    from native_host.doctor import examine
    from native_host.install import Target
    from native_host.paths import locate

    checks = examine(Target(browsers or (() if profiles else BROWSERS), profiles), locate())
    if as_json:
        click.echo(json.dumps({"ok": all(check.ok for check in checks), "checks": [check.to_json() for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{click.style('ok  ', fg='green') if check.ok else click.style('FAIL', fg='red')}  {check.name}: {check.message}")
    sys.exit(0 if all(check.ok for check in checks) else 1)


@host.command()
def repair() -> None:
    """Put a new ledger in the place of a damaged one, with everything that can be read and no count lower than before."""
    from native_host.ledger.repair import repair as work
    from native_host.paths import locate
    from pywallet.errors import GomaaError

    ledger = locate().ledger
    try:
        done = work(ledger)
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
    from native_host import install as work
    from native_host.paths import locate

    paths = locate()
    for path in work.uninstall(work.Target(browsers or (() if profiles else BROWSERS), profiles), paths):
        click.echo(f"removed {path}")
    if data:
        for path in work.remove_data(paths):
            click.echo(f"removed {path}")


commands = [host]
