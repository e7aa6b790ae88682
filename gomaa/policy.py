"""``gomaa policy``: check a policy that a musician wrote, and say it in plain words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from pywallet.errors import InputError
from pywallet.hexes import to_hex
from pywallet.policy import Context, Names, Policy, Usage, describe, require_narrower, wider

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def load(path: Path) -> Policy:
    """Read a policy: TOML, or the policy of an SPS file. Raises InputError ``policy.malformed``, ``policy.child.wider``, ``sps.*``."""
    if path.suffix == ".toml":
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as e:
            raise InputError("policy.malformed", field="toml", reason=str(e)) from None
        policy = Policy.from_toml(text)
    else:
        from studio.reader import SongFile

        with SongFile(path) as song:
            policy = Policy.from_dict(song.header.policy)
    require_narrower(policy)
    return policy


@click.group()
def policy() -> None:
    """Check terms and say them in plain words."""


@policy.command()
@click.argument("file", type=FILE)
@click.option("--narrows", "parent_path", type=FILE, help="Also: FILE may be passed on under these terms.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def check(file: Path, parent_path: Path | None, as_json: bool) -> None:
    """Whether FILE (TOML or SPS) is a valid policy; the field that is wrong, if not."""
    found = load(file)
    too_wide = wider(found, load(parent_path)) if parent_path else ()
    if too_wide:
        raise InputError("policy.child.wider", field=", ".join(too_wide))
    if as_json:
        click.echo(json.dumps({"ok": True, "policy_hash": to_hex(found.hash), "bytes": len(found.to_cbor())}))
    else:
        click.echo(f"ok  {to_hex(found.hash)}  {len(found.to_cbor())} bytes in the header")


@policy.command()
@click.argument("file", type=FILE)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--station", help="Name the station in the sentences.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def explain(file: Path, language: str, station: str | None, as_json: bool) -> None:
    """What a listener reads before pressing play."""
    context = Context(now_s=int(time.time()), wallet=True)
    told = describe(load(file), Usage(), context, language, Names(station=station))
    if as_json:
        facts = {"may": told.may, "left": told.left, "costs": told.costs, "earn": told.earn, "limits": list(told.limits)}
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for line in (told.may, told.left, told.costs, told.earn, *told.limits):
        click.echo(line)


commands = [policy]
