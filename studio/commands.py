"""``gomaa convert``, ``inspect``, ``verify``, ``publish``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from chain.deployment import Deployment
from pywallet.errors import InputError
from pywallet.hexes import from_b64, from_hex, to_hex
from pywallet.policy import Policy
from studio import inspect as inspecting
from studio.convert import ConvertResult, Options
from studio.convert import convert as run_convert
from studio.owner import ContentKeys, is_private, load_owner_key, new_owner_key
from studio.publish import publish as run_publish
from studio.server import ServerInfo, fetch_info
from studio.verify import verify as run_verify
from studio.verify import verify_chain

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)


def _bar() -> Progress:
    # Progress goes to the error stream, so that --json output stays one object.
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _owner_key(path: Path, new: bool) -> bytes:
    if not path.exists():
        if not new:
            raise click.UsageError(f"{path} does not exist; --new-key makes one.")
        return new_owner_key(path)
    if not is_private(path):
        click.echo(f"warning: {path} can be read by others; chmod 600 it.", err=True)
    return load_owner_key(path)


def _server(url: str, address: str | None, key: str | None, deployment: Deployment) -> ServerInfo:
    if address is None and key is None:
        return fetch_info(url, deployment.domain)
    if address is None or key is None:
        raise click.UsageError("--server-address and --server-key go together.")
    exchange = from_b64(key)
    if len(exchange) != 32:
        raise InputError("message.schema", field="server-key", reason="32 bytes in base64")
    return ServerInfo(url.rstrip("/"), from_hex(address, 20), exchange)


@click.command()
@click.argument("song", type=_FILE)
@click.option("-o", "--output", type=_NEW, required=True, help="The SPS file to write; its content keys go to OUTPUT.key.")
@click.option("--policy", "policy_path", type=_FILE, required=True, help="The terms, TOML; see examples/policies.")
@click.option("--key", "key_path", type=_NEW, required=True, help="The owner's key file, 0x-hex.")
@click.option("--new-key", is_flag=True, help="Make the owner's key file if it is missing.")
@click.option("--deployment", "deployment_path", type=_FILE, required=True, help="The network's deployment file.")
@click.option("--server", "url", required=True, metavar="URL", help="The security server that will give out the keys.")
@click.option("--server-address", metavar="0xHEX", help="The server's account, to work without asking it.")
@click.option("--server-key", metavar="BASE64", help="The server's X25519 key, with --server-address.")
@click.option("--title", help="Default: the recording's tag, else its file name.")
@click.option("--artist", help="Default: the recording's tag.")
@click.option("--delivery", multiple=True, metavar="URL", help="Where the file will be found; may be given again.")
@click.option("--force", is_flag=True, help="Replace OUTPUT and its content keys.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def convert(
    song: Path,
    output: Path,
    policy_path: Path,
    key_path: Path,
    new_key: bool,
    deployment_path: Path,
    url: str,
    server_address: str | None,
    server_key: str | None,
    title: str | None,
    artist: str | None,
    delivery: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Turn a recording into an SPS file, sealed and signed."""
    deployment = Deployment.load(deployment_path)
    policy = Policy.from_toml(policy_path.read_text(encoding="utf-8"))
    server = _server(url, server_address, server_key, deployment)
    owner_key = _owner_key(key_path, new_key)
    try:
        with _bar() as bar:
            task = bar.add_task("Converting", total=None)
            result = run_convert(
                song,
                output,
                policy,
                owner_key,
                deployment,
                server,
                Options(title=title, artist=artist, delivery=delivery, replace=force),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except FileExistsError as e:
        raise click.UsageError(f"{e}; --force replaces it.") from None
    if as_json:
        click.echo(json.dumps(_json(result)))
        return
    speed = result.duration_ms / 1000 / result.elapsed_s
    click.echo(f"{output}: {result.title}, {result.artist}")
    click.echo(f"{result.duration_ms / 1000:.1f} s in {result.segments} segments, made at {speed:.0f} x real time.")
    click.echo(f"Content {to_hex(result.content)}. Keep {result.key_path}: nobody can play the song without it.")


def _json(result: ConvertResult) -> dict[str, object]:
    out = {k: str(v) if isinstance(v, Path) else to_hex(v) if isinstance(v, bytes) else v for k, v in vars(result).items()}
    return {**out, "duration_ms": result.duration_ms}


@click.command()
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(file: Path, as_json: bool) -> None:
    """Say what an SPS file holds. Its signature is checked first."""
    facts = inspecting.inspect(file)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        Console(highlight=False).print(inspecting.table(facts))


@click.command()
@click.argument("file", type=_FILE)
@click.option("--content-keys", "key_path", type=_FILE, help="Default: FILE.key, if it is there.")
@click.option("--deployment", "deployment_path", type=_FILE, help="Also hold it against the content's contract.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(file: Path, key_path: Path | None, deployment_path: Path | None, as_json: bool) -> None:
    """Check signature, sizes and every segment's hash; with the keys also that each opens and decodes."""
    beside = ContentKeys.beside(file)
    key_path = key_path or (beside if beside.exists() else None)
    keys = ContentKeys.load(key_path) if key_path else None
    checks = []
    with _bar() as bar:
        task = bar.add_task("Verifying", total=None)
        for check in run_verify(file, keys, lambda done, total: bar.update(task, completed=done, total=total)):
            checks.append(check)
    if deployment_path:
        checks += asyncio.run(verify_chain(file, Deployment.load(deployment_path)))
    if as_json:
        click.echo(json.dumps({"ok": True, "checks": {check.name: check.seen for check in checks}}))
        return
    for check in checks:
        click.echo(f"ok  {check.name:<10} {check.seen}")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--key", "key_path", type=_FILE, required=True, help="The owner's key file.")
@click.option("--content-keys", "content_keys", type=_FILE, help="Default: FILE.key.")
@click.option("--deployment", "deployment_path", type=_FILE, required=True, help="The network's deployment file.")
@click.option("--server", "url", metavar="URL", help="The security server, if not at the header's URL.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def publish(file: Path, key_path: Path, content_keys: Path | None, deployment_path: Path, url: str | None, as_json: bool) -> None:
    """Create the song's contract and hand its keys to the security server. Again is harmless."""
    owner_key = _owner_key(key_path, new=False)
    result = asyncio.run(run_publish(file, owner_key, Deployment.load(deployment_path), key_path=content_keys, server_url=url))
    if as_json:
        out = {k: to_hex(v) if isinstance(v, bytes) else v for k, v in vars(result).items()}
        click.echo(json.dumps(out))
        return
    made = f"created for {result.gas_used:,} gas" if result.created else "was there already"
    click.echo(f"Content {to_hex(result.content)} {made}; the security server has its keys.")
    for domain in result.unknown:
        click.echo(f"warning: no registered station has the domain {domain}; publish again once it does.", err=True)


commands: Final[list[click.Command]] = [convert, inspect, verify, publish]
