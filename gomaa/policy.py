"""``gomaa policy``: check a policy that a musician wrote, and say it in plain words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from pywallet.crypto import keccak256
from pywallet.encoding import cbor
from pywallet.encoding.hex import to_hex
from pywallet.errors import InputError
from pywallet.policy import Context, PartyNames, Policy, Usage, describe, require_narrower, wider

FILE = click.Path(exists=True, path_type=Path)


def load(path: Path) -> Policy:
    """Read a policy: TOML, or the policy of a song.

    Raises InputError ``policy.malformed``, ``policy.child.wider``, ``sps.*``.
    """
    return load_encoded(path)[0]


def load_encoded(path: Path) -> tuple[Policy, bytes]:
    """The policy, and its CBOR: of a song the bytes in its header, else those that a header will have.

    Raises as ``load``.
    """
    if path.suffix == ".toml":
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as e:
            raise InputError("policy.malformed", field="toml", reason=str(e)) from None
        policy = Policy.from_toml(text)
        encoded = policy.to_cbor()
    else:
        from studio.reader import SongFile

        with SongFile(path) as song:
            policy = Policy.from_dict(song.header.policy)
            encoded = cbor.dumps(dict(song.header.policy))
    require_narrower(policy)
    return policy, encoded


@click.group()
def policy() -> None:
    """Check terms and say them in plain words."""


@policy.command()
@click.argument("file", type=FILE)
@click.option("--narrows", "parent_path", type=FILE, help="Also: FILE may be passed on under these terms.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def check(file: Path, parent_path: Path | None, as_json: bool) -> None:
    """Check the policy in FILE (TOML, or a song); name the field that is wrong, if one is."""
    found, encoded = load_encoded(file)
    too_wide = wider(found, load(parent_path)) if parent_path else ()
    if too_wide:
        raise InputError("policy.child.wider", field=", ".join(too_wide))
    if as_json:
        click.echo(json.dumps({"ok": True, "policy_hash": to_hex(keccak256(encoded)), "bytes": len(encoded)}))
    else:
        click.echo(f"ok  {to_hex(keccak256(encoded))}  {len(encoded)} bytes in the header")


@policy.command()
@click.argument("file", type=FILE)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--station", help="Name the station in the sentences.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def explain(file: Path, language: str, station: str | None, as_json: bool) -> None:
    """Print the terms that a listener reads before pressing play."""
    context = Context(now_s=int(time.time()), wallet=True)
    told = describe(load(file), Usage(), context, language, PartyNames(station=station))
    if as_json:
        facts = {
            "may": told.may,
            "left": told.left,
            "costs": told.costs,
            "earn": told.earn,
            "limits": list(told.limits),
        }
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for line in (told.may, told.left, told.costs, told.earn, *told.limits):
        click.echo(line)


commands = [policy]
